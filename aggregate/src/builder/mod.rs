//! Makes transactions: real ones, broken ones, and ones that only look real.
//!
//! For tests, benches and simulations; not compiled into the product. Everything comes from the
//! generator that is passed: same seed, same bytes, however many threads work on it.
//!
//! * [`TxBuilder`]: real transactions, balanced, proved and signed; Grin accepts them.
//! * [`Damage`]: breaks one rule of a real transaction and nothing else, and writes it down.
//! * [`AssumedTx`]: transactions of the right structure whose cryptography is random bytes, made in
//!   microseconds, for networks of thousands of nodes.
//! * [`corpus`]: many real transactions, made on all cores.
//!
//! ```
//! use scape_aggregate::builder::{Faucet, TxBuilder, seeded};
//! use scape_aggregate::{ChainType, Consensus};
//!
//! let consensus = Consensus::of(ChainType::AutomatedTesting);
//! let mut rng = seeded(7, 0);
//! let coin = Faucet::new(7).coin(60_000_000_000);
//! let built = TxBuilder::new().input(coin).split(2).build(&mut rng, &consensus)?;
//! assert!(built.tx.pays_relay_fee());
//! # Ok::<(), scape_aggregate::builder::BuildError>(())
//! ```

#[cfg(feature = "assumed")]
mod assumed;
mod broken;
mod coin;
mod corpus;
mod extra;
mod kernel;
mod keys;
mod raw;
mod tx;

use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use thiserror::Error;

#[cfg(feature = "assumed")]
pub use assumed::{AssumedTx, assumed_chain};
pub use broken::{Damage, Stage};
pub use coin::{Coin, Faucet};
pub use corpus::{Recipe, corpus, parallel};
pub use kernel::Kernel;
pub use keys::Secret;
pub use raw::{RawInput, RawKernel, RawOutput, RawTx};
pub use tx::{Built, TxBuilder};

use crate::{FeeFieldsError, ProtocolVersion, RuleError};

/// Why a transaction cannot be built as asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum BuildError {
    /// The inputs are worth less than outputs and fee.
    #[error("the inputs are short of {0} nanogrin")]
    Short(u64),
    /// This much is neither in outputs nor in fees: every fee is given, and no change is wanted.
    #[error("{0} nanogrin are left over")]
    LeftOver(u64),
    /// The fee does not fit into its bits.
    #[error(transparent)]
    Fee(#[from] FeeFieldsError),
    /// Every kernel has a given key and the offset is given too: nothing is left to balance with.
    #[error("all kernel keys and the offset are given")]
    Overdetermined,
    /// Keys sum to zero, or the library refuses a value.
    #[error("keys or values out of range")]
    Crypto,
    /// The transaction breaks a rule, too much weight for example.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The damage does not exist at this protocol version or on this chain.
    #[error("no such damage at protocol version {}", .0.0)]
    NotHere(ProtocolVersion),
}

/// The generator of stream `stream` of a seed: each index of a corpus draws from its own.
pub fn seeded(seed: u64, stream: u64) -> ChaCha12Rng {
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}
