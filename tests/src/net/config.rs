use std::time::Duration;

use scape_aggregate::{Commitment, Consensus, OutputFeatures};
use scape_p2p::addr::Network as AddrNetwork;
use scape_p2p::noise::ValidNoise;
use scape_p2p::peer::Capabilities;
use scape_p2p::zone::ZoneConfig;

use super::{Behaviour, Clock, NodeId, Wire};

/// The parameters of a network.
#[derive(Clone, Debug)]
pub struct NetworkConfig {
    /// The rules of the chain.
    pub consensus: Consensus,
    /// Decides everything that is random.
    pub seed: u64,
    /// The unspent outputs that every ledger begins with.
    pub genesis: Vec<(Commitment, OutputFeatures)>,
    /// What links are like, where nothing else is said.
    pub link: LinkConfig,
    /// How messages travel.
    pub wire: Wire,
    /// How long a verification takes.
    pub verify_delay: Duration,
    /// How often a node tells all its peers the height of its chain.
    pub ping_interval: Duration,
    /// When blocks are made by themselves; `None`: only by [`super::Network::mine`].
    pub mining: Option<Mining>,
    /// The longest way of a block to a node; each node has its own, constant.
    pub block_delay: Duration,
    /// Whether [`super::Network::log`] is kept.
    pub log: bool,
}

impl NetworkConfig {
    /// Links of 50 to 150 ms without loss, values on the wire, pings every 10 s, no blocks.
    pub fn new(consensus: Consensus, seed: u64) -> Self {
        Self {
            consensus,
            seed,
            genesis: Vec::new(),
            link: LinkConfig::default(),
            wire: Wire::Values,
            verify_delay: Duration::ZERO,
            ping_interval: Duration::from_secs(10),
            mining: None,
            block_delay: Duration::from_secs(1),
            log: true,
        }
    }

    /// Every ledger begins with these outputs.
    pub fn genesis(self, genesis: Vec<(Commitment, OutputFeatures)>) -> Self {
        Self { genesis, ..self }
    }

    /// A block is made every `interval` by a node chosen at random.
    pub fn mining(self, interval: Duration) -> Self {
        Self { mining: Some(Mining { interval }), ..self }
    }

    /// All links are like this.
    pub fn link(self, link: LinkConfig) -> Self {
        Self { link, ..self }
    }

    /// Messages travel as bytes, through the codec.
    pub fn through_codec(self) -> Self {
        Self { wire: Wire::Bytes, ..self }
    }
}

/// When blocks are made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mining {
    /// The time between two blocks.
    pub interval: Duration,
}

/// What a link does to messages. Their order stays, as on a TCP connection, unless `reorder` says
/// otherwise.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LinkConfig {
    /// How long a message takes at least.
    pub delay: Duration,
    /// Up to how much longer, at random.
    pub jitter: Duration,
    /// The probability that a message is lost.
    pub loss: f64,
    /// The probability that a message arrives twice.
    pub duplicate: f64,
    /// The probability that a message may be overtaken by later ones.
    pub reorder: f64,
    /// How many bytes a second go through it, in each direction; `None`: any number.
    pub rate: Option<u64>,
}

impl Default for LinkConfig {
    fn default() -> Self {
        let (delay, jitter) = (Duration::from_millis(50), Duration::from_millis(100));
        Self { delay, jitter, loss: 0.0, duplicate: 0.0, reorder: 0.0, rate: None }
    }
}

/// What a node is like.
pub struct NodeSpec {
    /// The parameters of its zone. `fixed` peers are added from `dials`.
    pub zone: ZoneConfig,
    /// The public zone of the same node, where what comes here goes on after a while.
    pub beside: Option<NodeId>,
    /// Whom it stays connected to.
    pub dials: Vec<NodeId>,
    /// Whose addresses are in its book.
    pub knows: Vec<NodeId>,
    /// What it says that it can do.
    pub capabilities: Capabilities,
    /// How it deviates from the protocol.
    pub behaviour: Option<Box<dyn Behaviour>>,
    /// Whether it is expected to keep the protocol, so that its faults are the product's.
    pub honest: bool,
    /// What its clock is like.
    pub clock: Clock,
    /// How many bytes a second it takes from each link; `None`: any number.
    pub reads: Option<u64>,
    /// How many bytes a second it writes to each link; `None`: any number.
    pub writes: Option<u64>,
    /// Whether it keeps what it receives, see [`super::Node::inbox`].
    pub records: bool,
    /// Whether it is ever chosen to make a block.
    pub mines: bool,
    /// Coins that its chain has, and that of nobody else.
    pub forged: Vec<Commitment>,
}

impl NodeSpec {
    /// An honest node that dials nobody.
    pub fn new(consensus: Consensus) -> Self {
        let mut zone = ZoneConfig::new(consensus);
        zone.peers.outbound = 0;
        Self {
            zone,
            beside: None,
            dials: Vec::new(),
            knows: Vec::new(),
            capabilities: Capabilities::RELAY,
            behaviour: None,
            honest: true,
            clock: Clock::default(),
            reads: None,
            writes: None,
            records: false,
            mines: true,
            forged: Vec::new(),
        }
    }

    /// Stays connected to these.
    pub fn dials(self, dials: impl IntoIterator<Item = NodeId>) -> Self {
        Self { dials: dials.into_iter().collect(), ..self }
    }

    /// Is on this network: it reaches only nodes that are there too, and is reached by them.
    pub fn on(mut self, network: AddrNetwork) -> Self {
        self.zone.network = network;
        self
    }

    /// Is not a node, but another zone of that one: what comes here is handed over to it. Each has a
    /// life, a chain and a disk of its own.
    pub fn beside(mut self, public: NodeId) -> Self {
        self.zone.hand_over = Some(ZoneConfig::HAND_OVER);
        Self { beside: Some(public), ..self }
    }

    /// Keeps up `outbound` connections to nodes chosen from these, and from what peers say.
    pub fn knows(mut self, knows: impl IntoIterator<Item = NodeId>, outbound: usize) -> Self {
        self.knows = knows.into_iter().collect();
        self.zone.peers.outbound = outbound;
        self
    }

    /// Routes by these parameters.
    pub fn params(mut self, params: scape_p2p::dandelion::Params) -> Self {
        self.zone.params = params;
        self
    }

    /// Encrypts with those who can, and hides what it stems in white noise.
    pub fn noisy(mut self, noise: ValidNoise) -> Self {
        self.zone.noise = Some(noise);
        self.encrypts()
    }

    /// Encrypts with those who can.
    pub fn encrypts(self) -> Self {
        Self { capabilities: self.capabilities | Capabilities::ENCRYPTED, ..self }
    }

    /// Deviates from the protocol, and makes no blocks.
    pub fn behaves(self, behaviour: impl Behaviour + 'static) -> Self {
        Self { behaviour: Some(Box::new(behaviour)), honest: false, mines: false, ..self }
    }

    /// Deviates from the protocol and is still expected to keep it: for tests of the invariants.
    pub fn mutated(self, behaviour: impl Behaviour + 'static) -> Self {
        Self { behaviour: Some(Box::new(behaviour)), ..self }
    }

    /// Takes only so many bytes a second from each link, without an excuse.
    pub fn reads(self, reads: u64) -> Self {
        Self { reads: Some(reads), honest: false, mines: false, ..self }
    }

    /// Writes only so many bytes a second to each link, without an excuse.
    pub fn writes(self, writes: u64) -> Self {
        Self { writes: Some(writes), honest: false, mines: false, ..self }
    }

    /// Lives by this clock.
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Takes a coin for real that is none: for tests of the invariants.
    pub fn forges(mut self, coin: Commitment) -> Self {
        self.forged.push(coin);
        self
    }

    /// Keeps what it receives.
    pub fn records(self) -> Self {
        Self { records: true, ..self }
    }
}
