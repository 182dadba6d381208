use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use rand_chacha::ChaCha12Rng;
use scape::chain::DevLedger;
use scape_aggregate::Hash;
use scape_p2p::addr::{I2pAddr, Network, OnionAddr, PeerAddr};
use scape_p2p::book::{Book, BookConfig, Source};
use scape_p2p::handshake::PeerInfo;
use scape_p2p::peer::Capabilities;
use scape_p2p::secure::{KeyCheck, Protection, PublicKey, StaticKey};
use scape_p2p::wire::Message;
use scape_p2p::zone::{Zone, ZoneConfig};
use scape_pool::{ChainView, Instant, PeerId, Record};

use super::drive::unix;
use super::event::Life;
use super::{Behaviour, Clock, NodeSpec};

/// A node of a network: they are numbered in the order in which they are added.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeId(pub usize);

impl NodeId {
    /// The port that every node listens on.
    const PORT: u16 = 3_414;

    /// Where the node listens: 10.x.y.1, the first 256 nodes each in an address group of its own.
    pub fn addr(self) -> SocketAddr {
        let [low, high] = [self.0 & 0xff, self.0 >> 8 & 0xff];
        // Both are less than 256.
        let ip = Ipv4Addr::new(10, low as u8, high as u8, 1);
        SocketAddr::new(IpAddr::V4(ip), Self::PORT)
    }

    /// Where the node is reached on a network. Only the network on which it is leads to it.
    pub fn on(self, network: Network) -> PeerAddr {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&(self.0 as u64).to_be_bytes());
        match network {
            Network::Clearnet => self.addr().into(),
            Network::Tor => PeerAddr::Onion(OnionAddr::from_key(key), Self::PORT),
            Network::I2p => PeerAddr::I2p(I2pAddr::from_hash(key), Self::PORT),
        }
    }

    /// The node that is reached there, whichever network it is.
    pub fn reached_at(addr: PeerAddr) -> Option<Self> {
        let key = match addr {
            PeerAddr::Ip(addr) => return Self::at(addr.ip()),
            PeerAddr::Onion(onion, _) => *onion.key(),
            PeerAddr::I2p(destination, _) => *destination.hash(),
        };
        let number = key[..8].try_into().map_or(u64::MAX, u64::from_be_bytes);
        let node = Self(usize::try_from(number).ok()?);
        (node.on(addr.network()) == addr).then_some(node)
    }

    /// The node that has this address.
    pub fn at(ip: IpAddr) -> Option<Self> {
        match ip {
            IpAddr::V4(ip) => match ip.octets() {
                [10, low, high, 1] => Some(Self(usize::from(low) | usize::from(high) << 8)),
                _ => None,
            },
            IpAddr::V6(_) => None,
        }
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

/// A message as a node received it.
#[derive(Clone, PartialEq, Debug)]
pub struct Received {
    /// When.
    pub at: Instant,
    /// From whom.
    pub from: NodeId,
    /// What.
    pub message: Message,
}

/// A node, as a test sees it.
pub struct Node {
    pub(super) zone: Option<Zone>,
    pub(super) ledger: DevLedger,
    pub(super) beside: Option<NodeId>,
    pub(super) config: ZoneConfig,
    /// What it would find on its disk after a crash.
    pub(super) journal: BTreeMap<Hash, Record>,
    pub(super) known: Vec<PeerAddr>,
    pub(super) behaviour: Option<Box<dyn Behaviour>>,
    /// What its behaviour draws from.
    pub(super) rng: ChaCha12Rng,
    /// What it is known by, also after a crash.
    key: StaticKey,
    pub(super) clock: Clock,
    pub(super) reads: Option<u64>,
    pub(super) writes: Option<u64>,
    honest: bool,
    pub(super) capabilities: Capabilities,
    pub(super) mines: bool,
    pub(super) records: bool,
    pub(super) inbox: Vec<Received>,
    pub(super) life: Life,
    /// The wake-up that counts; others are void.
    pub(super) wake: Option<Instant>,
    /// Its ends of open links, and who is at the other.
    pub(super) links: BTreeMap<PeerId, super::NodeId>,
    /// Hosts that it takes no links from, and until when.
    pub(super) blocked: BTreeMap<IpAddr, Instant>,
    /// How far blocks have to go to it.
    pub(super) block_delay: Duration,
    /// Which side of a partition it is on.
    pub(super) side: u32,
}

impl Node {
    pub(super) fn new(
        spec: NodeSpec,
        ledger: DevLedger,
        block_delay: Duration,
        rng: ChaCha12Rng,
    ) -> Self {
        let mut config = spec.zone;
        let network = config.network;
        config.peers.fixed.extend(spec.dials.iter().map(|node| node.on(network)));
        // A copy: what its behaviour draws does not depend on it.
        let key = StaticKey::generate(&mut rng.clone());
        Self {
            zone: None,
            ledger,
            beside: spec.beside,
            config,
            journal: BTreeMap::new(),
            known: spec.knows.iter().map(|node| node.on(network)).collect(),
            behaviour: spec.behaviour,
            rng,
            key,
            clock: spec.clock,
            reads: spec.reads,
            writes: spec.writes,
            honest: spec.honest,
            capabilities: spec.capabilities,
            mines: spec.mines,
            records: spec.records,
            inbox: Vec::new(),
            life: 0,
            wake: None,
            links: BTreeMap::new(),
            blocked: BTreeMap::new(),
            block_delay,
            side: 0,
        }
    }

    /// Its zone; `None` while it is down.
    pub fn zone(&self) -> Option<&Zone> {
        self.zone.as_ref()
    }

    /// Its chain.
    pub fn ledger(&self) -> &DevLedger {
        &self.ledger
    }

    /// Its clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// What is sealed to it if it is a sink.
    pub fn sink_key(&self) -> PublicKey {
        self.key.public()
    }

    /// The parameters of its zone.
    pub fn config(&self) -> &ZoneConfig {
        &self.config
    }

    /// Whether it is expected to keep the protocol.
    pub fn is_honest(&self) -> bool {
        self.honest
    }

    /// The node at the other end of one of its links.
    pub fn peer(&self, link: PeerId) -> Option<NodeId> {
        self.links.get(&link).copied()
    }

    /// What is on its disk of the transactions of its owner.
    pub fn journal(&self) -> impl Iterator<Item = &Record> {
        self.journal.values()
    }

    /// What it received, if it records that.
    pub fn inbox(&self) -> &[Received] {
        &self.inbox
    }

    /// The nodes that it has a link to.
    pub fn neighbours(&self) -> BTreeSet<NodeId> {
        self.links.values().copied().collect()
    }

    pub(super) fn begin(&mut self, seed: [u8; 32], now: Instant) {
        let now = self.clock.shows(now);
        let unix = unix(now);
        let network = self.config.network;
        let config = BookConfig { allow_private: true, network, ..BookConfig::default() };
        let mut book = Book::new(config);
        for addr in &self.known {
            // Each address stands for itself: the book says which it keeps.
            let _ = book.add(*addr, Source::Trusted, unix);
        }
        let mut zone = Zone::new(self.config.clone(), book, seed, now);
        zone.set_sink_key(self.key.clone());
        self.zone = Some(zone);
        self.wake = None;
        self.blocked.clear();
    }

    /// What another node knows of it after a handshake.
    pub(super) fn info(&self, listen: Option<PeerAddr>, to: &Self) -> PeerInfo {
        let both = |node: &Self| node.capabilities.contains(Capabilities::ENCRYPTED);
        let protection = match both(self) && both(to) {
            true => Protection::Encrypted { key: self.key.public(), check: KeyCheck::First },
            false => Protection::default(),
        };
        PeerInfo {
            version: scape_aggregate::ProtocolVersion::LOCAL,
            capabilities: self.capabilities,
            user_agent: "scape-tests".to_owned(),
            total_difficulty: self.ledger.tip().total_difficulty,
            listen,
            protection,
        }
    }

    pub(super) fn tip(&self) -> scape_p2p::wire::Tip {
        let scape_pool::Tip { height, total_difficulty, .. } = self.ledger.tip();
        scape_p2p::wire::Tip { total_difficulty, height }
    }
}
