//! With the real programs, on networks of their own that they mine themselves. Needs them, and
//! `scape` as it is built beside this test, or as `SCAPE_BIN` names it:
//!
//! ```console
//! $ cargo install grin --version 5.5.2 --locked
//! $ cargo install grin_wallet --version 5.5.1 --locked
//! $ cargo build --bin scape
//! $ SCAPE_GRIN=~/.cargo/bin/grin SCAPE_GRIN_WALLET=~/.cargo/bin/grin-wallet \
//!     cargo test -p scape-tests --test grin_programs -- --ignored --test-threads 1
//! ```

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

mod ask;
#[path = "../../kit/config.rs"]
mod config;
mod follow;
mod grin;
mod installed;
mod keys;
mod merge;
mod pay;
mod program;
mod relay;
mod wallet;

use scape_aggregate::{ChainType, Consensus};

/// The program `grin` allows NRD kernels there.
const CONSENSUS: Consensus = Consensus::of(ChainType::UserTesting).with_nrd();
