//! Grin's pool and ours take the same transactions on the same chain and say the same.
//!
//! First Grin's own tests of its pool (`grin_pool` 5.5.2), a module for each of its files, played on
//! both; then random sequences of everything that can happen to a pool ([`sequences`]).
//!
//! Amounts: Grin's tests lower the least fee, which is a constant here. So all amounts are scaled
//! by what makes the same fees pay for the same weights at the least fee of the main network.
//!
//! Where the two differ on purpose, the test says why.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

mod block_building;
mod block_max_weight;
mod block_reconciliation;
mod chain;
mod coinbase_maturity;
mod node;
mod nrd_kernel_relative_height;
mod nrd_kernels_disabled;
mod nrd_kernels_enabled;
mod pair;
mod sequences;
mod stem;
mod transaction_pool;
mod wallet;
