use std::collections::BTreeSet;
use std::time::Duration;

use scape_aggregate::Consensus;
use scape_pool::{Capacity, Embargo, PoolConfig};

use crate::addr::{Host, Network, PeerAddr};
use crate::dandelion::{Params, Preset};
use crate::noise::ValidNoise;

/// The parameters of a zone.
#[derive(Clone, PartialEq, Debug)]
pub struct ZoneConfig {
    /// The network that its peers are on.
    pub network: Network,
    /// How long, on average, a transaction of a peer is held here before it goes on in the public
    /// zone. `None`: it does not, since there is none or this is it.
    pub hand_over: Option<Duration>,
    /// The rules of the chain.
    pub consensus: Consensus,
    /// How transactions are routed.
    pub params: Params,
    /// White noise, if there is any. Then only peers whose link is encrypted are relays.
    pub noise: Option<ValidNoise>,
    /// How much the pools hold.
    pub capacity: Capacity,
    /// Whom to connect to.
    pub peers: PeersConfig,
    /// How many transactions of one peer may be waiting for their verification.
    pub verifications_per_peer: usize,
    /// How many in all. A host that queues them may refuse sooner, and choose more fairly whom.
    pub verifications: usize,
}

/// Whom a zone connects to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeersConfig {
    /// How many connections of our own to keep up.
    pub outbound: usize,
    /// Addresses to stay connected to, beside those of the book.
    pub fixed: BTreeSet<PeerAddr>,
    /// Hosts that may be relays even if they connected to us, and that are never banned.
    pub whitelist: BTreeSet<Host>,
    /// The name under which this node is reached, to be told to peers that ask for names. Of
    /// clearnet none: peers see where a connection comes from.
    pub own_name: Option<PeerAddr>,
    /// How long a ban lasts.
    pub ban: Duration,
    /// How long to wait between two attempts to connect.
    pub dial_interval: Duration,
}

impl ZoneConfig {
    /// The mean time in which Monero forwards what came through an anonymity network
    /// (`CRYPTONOTE_FORWARD_DELAY_AVERAGE`: its base of 15 s and half as much).
    pub const HAND_OVER: Duration = Duration::from_secs(22);

    /// Defaults for a chain: clearnet, the default preset, eight outbound peers as Grin.
    pub fn new(consensus: Consensus) -> Self {
        Self {
            network: Network::Clearnet,
            hand_over: None,
            consensus,
            params: Preset::Scape.params(),
            noise: None,
            capacity: Capacity::default(),
            peers: PeersConfig::default(),
            verifications_per_peer: 256,
            verifications: 4_096,
        }
    }

    /// The embargo that is in force.
    pub(super) fn embargo(&self) -> Embargo {
        self.noise.map_or(self.params.embargo, |noise| self.params.embargo_with(noise.config()))
    }

    pub(super) fn pool_config(&self) -> PoolConfig {
        PoolConfig {
            consensus: self.consensus,
            patience: self.params.patience,
            embargo: self.embargo(),
            rendezvous: Some(self.params.service().pool),
            capacity: self.capacity,
        }
    }
}

impl Default for PeersConfig {
    fn default() -> Self {
        Self {
            outbound: 8,
            fixed: BTreeSet::new(),
            whitelist: BTreeSet::new(),
            own_name: None,
            // As long as Grin's (`grin_p2p::P2PConfig`, `ban_window`).
            ban: Duration::from_secs(10_800),
            dial_interval: Duration::from_secs(1),
        }
    }
}
