//! What a Mimblewimble transaction is, when it is valid, and how several become one.
//!
//! The crate follows Grin's bytes and rules exactly and has no clock, no randomness of its own and
//! no I/O. A transaction walks through it by type:
//!
//! ```text
//! bytes or JSON --decode, cheap rules--> Transaction --Verifier--> ValidTx --aggregate--> ValidTx
//! ```
//!
//! * [`Transaction`]: decoded, and every rule that needs no cryptography holds.
//! * [`ValidTx`]: range proofs, kernel signatures and the kernel sum were verified as well. Only a
//!   [`Verifier`] makes one from a `Transaction`; [`aggregate`] and [`deaggregate`] make new ones
//!   from old ones without any cryptography, because the sums are additive.
//!
//! What this crate does not know: whether inputs exist, are mature or were spent. That is the
//! business of a chain view and of the pool.

#[cfg(feature = "builder")]
pub mod builder;
mod chain;
mod codec;
mod commitment;
mod crypto;
mod fee;
mod hash;
mod input;
mod inspect;
mod json;
mod kernel;
mod merge;
mod output;
mod plan;
mod rules;
mod scalar;
mod sorting;
mod transaction;
mod verify;
mod weight;

pub use chain::{ChainType, Consensus};
pub use codec::{DecodeError, EncodeError, ProtocolVersion, Reader};
pub use commitment::Commitment;
pub use fee::{FeeFields, FeeFieldsError};
pub use hash::Hash;
pub use input::{Input, Inputs};
pub use inspect::{Fault, Inspection};
pub use json::JsonError;
pub use kernel::{KernelFeatures, NrdRelativeHeight, Signature, TxKernel};
pub use merge::{AggregateError, DeaggregateError, aggregate, deaggregate};
pub use output::{Output, OutputFeatures, PROOF_SIZE, RangeProof};
pub use plan::{Aggregate, PlanLimits, plan};
pub use rules::RuleError;
pub use scalar::BlindingFactor;
pub use transaction::Transaction;
pub use verify::{ValidTx, Verifier, VerifyError};
pub use weight::Weight;
