use std::future::pending;

use scape_aggregate::{Commitment, Hash};
use scape_pool::{ChainView, Instant, Tip, Utxo};

use super::{ChainAway, ChainStatus, DevLedger, GrinChain, GrinChange, GrinEvent};

/// What a node has as its chain.
#[derive(Debug)]
pub enum Chain {
    /// A development ledger of its own, which makes and takes blocks.
    Embedded(Box<DevLedger>),
    /// The chain of a Grin node.
    Grin(Box<GrinChain>),
}

impl Chain {
    /// The embedded ledger, if it is one.
    pub fn ledger(&self) -> Option<&DevLedger> {
        match self {
            Self::Embedded(ledger) => Some(ledger),
            Self::Grin(_) => None,
        }
    }

    /// The same, to change it.
    pub fn ledger_mut(&mut self) -> Option<&mut DevLedger> {
        match self {
            Self::Embedded(ledger) => Some(ledger),
            Self::Grin(_) => None,
        }
    }

    /// The hash of the block before the last one, if it is known.
    pub fn previous(&self) -> Option<Hash> {
        match self {
            Self::Embedded(ledger) => Some(ledger.previous()),
            Self::Grin(chain) => chain.previous(),
        }
    }

    /// Where it comes from and how that is.
    pub fn status(&self, now: Instant) -> ChainStatus {
        match self {
            Self::Embedded(_) => ChainStatus::Embedded,
            Self::Grin(chain) => chain.status(now),
        }
    }

    /// Whether its end is known well enough to judge transactions by it.
    ///
    /// # Errors
    /// Why it is not.
    pub fn check(&self, now: Instant) -> Result<(), ChainAway> {
        match self {
            Self::Embedded(_) => Ok(()),
            Self::Grin(chain) => chain.check(now),
        }
    }

    /// Waits for what happens by itself, to be given to [`Chain::handle`].
    pub(crate) async fn event(&mut self) -> GrinEvent {
        match self {
            Self::Embedded(_) => pending().await,
            Self::Grin(chain) => chain.event().await,
        }
    }

    pub(crate) fn handle(&mut self, event: GrinEvent, now: Instant) -> Option<GrinChange> {
        match self {
            Self::Embedded(_) => None,
            Self::Grin(chain) => chain.handle(event, now),
        }
    }

    /// A peer tells of a block that is not in the chain.
    pub(crate) fn hint(&self) {
        if let Self::Grin(chain) = self {
            chain.hint();
        }
    }

    fn view(&self) -> &dyn ChainView {
        match self {
            Self::Embedded(ledger) => &**ledger,
            Self::Grin(chain) => &**chain,
        }
    }
}

impl From<DevLedger> for Chain {
    fn from(ledger: DevLedger) -> Self {
        Self::Embedded(Box::new(ledger))
    }
}

impl From<GrinChain> for Chain {
    fn from(chain: GrinChain) -> Self {
        Self::Grin(Box::new(chain))
    }
}

impl ChainView for Chain {
    fn tip(&self) -> Tip {
        self.view().tip()
    }

    fn utxo(&self, commitment: &Commitment) -> Option<Utxo> {
        self.view().utxo(commitment)
    }

    fn last_nrd(&self, excess: &Commitment) -> Option<u64> {
        self.view().last_nrd(excess)
    }
}
