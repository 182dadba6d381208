//! What the network glue is told at its start.

use std::net::SocketAddr;
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use scape_aggregate::{Consensus, Hash};

use crate::addr::Network;
use crate::link::MeterLimits;
use crate::peer::Capabilities;
use crate::secure::{KnownKeys, Policy, StaticKey};

use super::transport::DialTimeouts;
use super::way::Way;

/// Settings of a [`Net`](super::Net).
#[derive(Debug, Clone)]
pub struct NetConfig {
    /// The network of the peers; addresses of others are never dialled. In an anonymity network
    /// those who come show no address and are told none, so listening is for loopback only, behind
    /// an onion service.
    pub network: Network,
    /// How peers are reached.
    pub way: Way,
    /// Where to listen; port 0 takes a free one. `None`: no inbound peers.
    pub listen: Option<SocketAddr>,
    /// What to tell peers about where we listen, if it is not what we bind to. Peers believe the
    /// port only.
    pub advertise: Option<SocketAddr>,
    /// The chain and its rules.
    pub consensus: Consensus,
    /// Hash of the first block; peers of another are refused.
    pub genesis: Hash,
    /// Name and version of our software, at most [`MAX_USER_AGENT`](crate::wire::MAX_USER_AGENT)
    /// bytes.
    pub user_agent: String,
    /// What we say we can do.
    pub capabilities: Capabilities,
    /// Whether links are encrypted; its bit is added to the capabilities.
    pub encryption: Policy,
    /// What those who dial us know us by: a key of this zone alone, since the same in two zones
    /// would join them. Who we dial sees a fresh one each time.
    pub key: StaticKey,
    /// The keys of those whom we dialled in another life, as [`Net::known_keys`](super::Net::known_keys)
    /// told them.
    pub known_keys: KnownKeys,
    /// Inbound connections at a time, those that still shake hands included.
    pub max_inbound: usize,
    /// Inbound connections at a time of one host (an IPv4 address, an IPv6 /64).
    pub max_inbound_per_host: usize,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// What each peer may send.
    pub meter: MeterLimits,
    /// What waits for each peer.
    pub outbox: OutboxLimits,
    /// Seeds the generator of handshake nonces and of the secrets of encrypted links. Must be
    /// unpredictable outside of tests.
    pub seed: [u8; 32],
}

impl NetConfig {
    /// Grin's figures for a chain, listening nowhere; links are encrypted where the peer can. The
    /// key is drawn from the seed.
    pub fn new(consensus: Consensus, seed: [u8; 32]) -> Self {
        let mut rng = ChaCha20Rng::from_seed(seed);
        // Not what nonces are drawn from, which go out in the clear.
        rng.set_stream(1);
        Self {
            network: Network::Clearnet,
            way: Way::Direct,
            listen: None,
            advertise: None,
            consensus,
            genesis: consensus.chain.genesis(),
            user_agent: concat!("MW/Scape ", env!("CARGO_PKG_VERSION")).to_owned(),
            capabilities: Capabilities::RELAY,
            encryption: Policy::default(),
            key: StaticKey::generate(&mut rng),
            known_keys: KnownKeys::default(),
            max_inbound: 128,
            max_inbound_per_host: 8,
            timeouts: Timeouts::default(),
            meter: MeterLimits::default(),
            outbox: OutboxLimits::default(),
            seed,
        }
    }
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// The steps of reaching a peer.
    pub dial: DialTimeouts,
    /// From the start until the peer's half of the handshake is there, however it trickles in; once
    /// more as long for an encrypted handshake.
    pub handshake_read: Duration,
    /// Writing our half of the handshake, or a farewell.
    pub handshake_write: Duration,
    /// From the first byte of a frame to its last.
    pub frame: Duration,
    /// Writing one frame.
    pub write: Duration,
    /// How late a frame of white noise may be on the socket. Waking up takes a moment; a socket
    /// that is full takes longer.
    pub late: Duration,
    /// Without a single byte from the peer. Pings make an honest peer talk.
    pub idle: Duration,
    /// Between our pings.
    pub ping: Duration,
}

impl Default for Timeouts {
    /// Grin's: handshake 10 s and 2 s (`grin_p2p::handshake`), bodies 60 s (`grin_p2p::codec`), a
    /// ping every 10 s.
    fn default() -> Self {
        Self {
            dial: DialTimeouts::default(),
            handshake_read: Duration::from_secs(10),
            handshake_write: Duration::from_secs(2),
            frame: Duration::from_secs(60),
            write: Duration::from_secs(60),
            late: Duration::from_millis(250),
            idle: Duration::from_secs(120),
            ping: Duration::from_secs(10),
        }
    }
}

/// What may wait to be written to one peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxLimits {
    /// Messages.
    pub messages: usize,
    /// Bytes of their frames; one message of any size always fits an empty outbox.
    pub bytes: usize,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self { messages: 256, bytes: 8 << 20 }
    }
}
