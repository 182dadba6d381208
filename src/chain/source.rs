use scape_aggregate::Commitment;
use scape_pool::{ChainView, Tip, Utxo};

use super::{ChainAway, ChainStatus, DevLedger};

/// What a node has as its chain.
#[derive(Debug)]
pub enum Chain {
    /// A development ledger of its own, which makes and takes blocks.
    Embedded(Box<DevLedger>),
}

impl Chain {
    /// The embedded ledger, if it is one.
    pub fn ledger(&self) -> Option<&DevLedger> {
        match self {
            Self::Embedded(ledger) => Some(ledger),
        }
    }

    /// The same, to change it.
    pub fn ledger_mut(&mut self) -> Option<&mut DevLedger> {
        match self {
            Self::Embedded(ledger) => Some(ledger),
        }
    }

    /// Where it comes from and how that is.
    pub fn status(&self) -> ChainStatus {
        match self {
            Self::Embedded(_) => ChainStatus::Embedded,
        }
    }

    /// Whether its end is known well enough to judge transactions by it.
    ///
    /// # Errors
    /// Why it is not.
    pub fn check(&self) -> Result<(), ChainAway> {
        match self {
            Self::Embedded(_) => Ok(()),
        }
    }

    fn view(&self) -> &dyn ChainView {
        match self {
            Self::Embedded(ledger) => &**ledger,
        }
    }
}

impl From<DevLedger> for Chain {
    fn from(ledger: DevLedger) -> Self {
        Self::Embedded(Box::new(ledger))
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
