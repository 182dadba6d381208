use std::time::Duration;

use scape_aggregate::{ChainType, Consensus};
use scape_pool::{
    Capacity, Embargo, EmbargoDelay, Patience, PatienceMode, PoolConfig, Rendezvous, SinkId,
};

/// The rules of the chain that trials are held on.
pub const CONSENSUS: Consensus = Consensus::of(ChainType::AutomatedTesting).with_nrd();

/// The sinks there are, at most.
pub(super) const SINKS: [SinkId; 3] = [SinkId([1; 32]), SinkId([2; 32]), SinkId([3; 32])];

/// What a trial begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Setup {
    /// There is room for few transactions.
    pub small: bool,
    /// Patience is for those that fluff, else for all.
    pub fluff_only: bool,
    /// There is no patience.
    pub hasty: bool,
    /// Coins are those of an epoch.
    pub sticky: bool,
    /// Blocks are soon forgotten.
    pub forgetful: bool,
    /// Transactions meet at sinks.
    pub sinks: bool,
}

impl Setup {
    /// The setup that the bits of a byte say.
    pub fn from_byte(byte: u8) -> Self {
        let bit = |bit: u8| byte >> bit & 1 == 1;
        Self {
            small: bit(0),
            fluff_only: bit(1),
            hasty: bit(2),
            sticky: bit(3),
            forgetful: bit(4),
            sinks: bit(5),
        }
    }

    /// What the pool is told.
    pub fn config(self) -> PoolConfig {
        let mut capacity = Capacity::default();
        if self.small {
            capacity.stem_entries = 8;
            capacity.stem_ancestors = 2;
            capacity.tx_entries = 5;
            capacity.orphan_entries = 4;
            capacity.shares = 2;
        }
        if self.forgetful {
            capacity.reorg_depth = 3;
        }
        let interval = Duration::from_secs(if self.hasty { 0 } else { 10 });
        let mode = if self.fluff_only { PatienceMode::FluffOnly } else { PatienceMode::EveryHop };
        let base = Duration::from_secs(35);
        PoolConfig {
            consensus: CONSENSUS,
            patience: Patience { interval, phase: Some(Duration::from_secs(5)), mode },
            embargo: Embargo {
                delay: EmbargoDelay::Uniform { base, spread: Duration::ZERO },
                sweep: Duration::from_secs(10),
            },
            rendezvous: self.sinks.then_some(Rendezvous {
                window: Duration::from_secs(30),
                spread: Duration::ZERO,
                attempts: 3,
            }),
            capacity,
        }
    }
}
