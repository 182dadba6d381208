use std::fmt;
use std::str::FromStr;

use crate::{Hash, Weight};

/// Which Grin chain a transaction belongs to.
///
/// Figures from `grin_core::{global, consensus, genesis}` 5.5.2.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ChainType {
    /// Grin's main network.
    Mainnet,
    /// Grin's public test network.
    Testnet,
    /// A network of one's own ("usernet"): small blocks, easy proof of work.
    UserTesting,
    /// What Grin's own automated tests run on.
    AutomatedTesting,
}

impl ChainType {
    /// All chains, in the order of their declaration.
    pub const ALL: [Self; 4] =
        [Self::Mainnet, Self::Testnet, Self::UserTesting, Self::AutomatedTesting];

    /// The name in configuration files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mainnet => "mainnet",
            Self::Testnet => "testnet",
            Self::UserTesting => "usernet",
            Self::AutomatedTesting => "autotest",
        }
    }

    /// The two bytes that every message on the wire begins with.
    pub const fn magic(self) -> [u8; 2] {
        match self {
            Self::Mainnet => [97, 61],
            Self::Testnet => [83, 59],
            Self::UserTesting | Self::AutomatedTesting => [73, 43],
        }
    }

    /// The hash of the genesis block, which peers compare when they shake hands.
    pub fn genesis(self) -> Hash {
        Hash(match self {
            Self::Mainnet => GENESIS_MAINNET,
            Self::Testnet => GENESIS_TESTNET,
            Self::UserTesting => GENESIS_USERNET,
            Self::AutomatedTesting => GENESIS_AUTOTEST,
        })
    }

    /// The weight that a block may have at most.
    pub const fn max_block_weight(self) -> Weight {
        match self {
            Self::Mainnet | Self::Testnet => Weight(40_000),
            Self::UserTesting | Self::AutomatedTesting => Weight(250),
        }
    }

    /// The weight that a transaction may have at most: a block less its coinbase.
    pub const fn max_tx_weight(self) -> Weight {
        Weight(self.max_block_weight().0 - Weight::COINBASE.0)
    }

    /// After how many blocks a coinbase output can be spent.
    pub const fn coinbase_maturity(self) -> u64 {
        match self {
            Self::Mainnet | Self::Testnet => 1_440,
            Self::UserTesting | Self::AutomatedTesting => 3,
        }
    }

    /// The port that nodes of this chain listen on by default.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Mainnet => 3_414,
            Self::Testnet => 13_414,
            Self::UserTesting | Self::AutomatedTesting => 23_414,
        }
    }
}

impl fmt::Display for ChainType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ChainType {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|chain| chain.name() == name).ok_or(())
    }
}

/// What decides the validity of a transaction beside the transaction: the chain and its switches.
///
/// A value that is passed, never a global.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Consensus {
    /// The chain.
    pub chain: ChainType,
    /// Whether kernels with a relative lock height ("no recent duplicate") are allowed. Off on all
    /// of Grin's networks today (`grin_core::global::is_nrd_enabled`).
    pub nrd: bool,
}

impl Consensus {
    /// The rules of `chain` as they are today: NRD kernels are off.
    pub const fn of(chain: ChainType) -> Self {
        Self { chain, nrd: false }
    }

    /// The same chain with NRD kernels allowed.
    pub const fn with_nrd(self) -> Self {
        Self { nrd: true, ..self }
    }
}

/// The fee in nanogrin per unit of weight below which Grin nodes do not relay
/// (`grin_core::global::DEFAULT_ACCEPT_FEE_BASE`).
pub(crate) const ACCEPT_FEE_BASE: u64 = 500_000;

const GENESIS_MAINNET: [u8; 32] = [
    0x40, 0xad, 0xad, 0x0a, 0xec, 0x27, 0x79, 0x7b, 0x48, 0x84, 0x0a, 0xa9, 0xe0, 0x04, 0x72, 0x01,
    0x5c, 0x21, 0xba, 0xea, 0x11, 0x8c, 0xe7, 0xa2, 0xff, 0x1a, 0x82, 0xc0, 0xf8, 0xf5, 0xbf, 0x82,
];

const GENESIS_TESTNET: [u8; 32] = [
    0xed, 0xc7, 0x58, 0xc1, 0x37, 0x0d, 0x43, 0xe1, 0xd7, 0x33, 0xf7, 0x0f, 0x58, 0xcf, 0x18, 0x7c,
    0x3b, 0xe8, 0x24, 0x28, 0x30, 0x42, 0x9b, 0x16, 0x76, 0xb8, 0x9f, 0xd9, 0x1c, 0xcf, 0x2d, 0xab,
];

/// As `grin --usernet` makes it at its start, with a proof of work
/// (`grin_core::pow::mine_genesis_block`).
const GENESIS_USERNET: [u8; 32] = [
    0x99, 0xa1, 0x09, 0x7c, 0xcc, 0x1b, 0x75, 0xd3, 0xd8, 0xbb, 0x31, 0x1a, 0x89, 0xcc, 0x52, 0x7a,
    0x77, 0xad, 0xdf, 0xd1, 0xed, 0xd7, 0xc5, 0x9f, 0x50, 0x26, 0x85, 0xe9, 0x9a, 0xe2, 0xa7, 0x84,
];

const GENESIS_AUTOTEST: [u8; 32] = [
    0x8a, 0x83, 0x3f, 0x31, 0x82, 0x09, 0xf4, 0x8a, 0x63, 0x5f, 0x8f, 0xdd, 0x18, 0x65, 0x3d, 0x1e,
    0x76, 0x1e, 0xa4, 0x88, 0xeb, 0xb8, 0x3e, 0x16, 0x17, 0xc6, 0xec, 0x4d, 0x93, 0x44, 0xb1, 0xa9,
];
