use std::collections::BTreeSet;

use bytes::Bytes;
use rand_chacha::ChaCha12Rng;
use scape::chain::DevLedger;
use scape_aggregate::ValidTx;
use scape_p2p::addr::Network as AddrNetwork;
use scape_p2p::wire::Message;
use scape_p2p::zone::Zone;
use scape_pool::Instant;

use super::NodeId;

/// What becomes of something at a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pass {
    /// It goes its way.
    On,
    /// It vanishes; nobody is told.
    Swallow,
}

/// How a node deviates from the protocol. Its zone does the rest.
///
/// Without methods of its own it is honest.
pub trait Behaviour {
    /// The node begins a life.
    fn begin(&mut self, scope: &mut Scope<'_>) {
        let _ = scope;
    }

    /// The time has come that [`Scope::wake_at`] named.
    fn wake(&mut self, scope: &mut Scope<'_>) {
        let _ = scope;
    }

    /// A message came and has not reached the zone yet.
    fn incoming(&mut self, from: NodeId, message: &Message, scope: &mut Scope<'_>) -> Pass {
        let _ = (from, message, scope);
        Pass::On
    }

    /// The zone sends a message.
    fn outgoing(&mut self, to: NodeId, message: &Message, scope: &mut Scope<'_>) -> Pass {
        let _ = (to, message, scope);
        Pass::On
    }

    /// A link ended before these messages had left. If they are swallowed, the zone takes them for
    /// sent.
    fn unsent(&mut self, to: NodeId, messages: &[Message], scope: &mut Scope<'_>) -> Pass {
        let _ = (to, messages, scope);
        Pass::On
    }

    /// The zone hands a transaction over to the other one of its node.
    fn handing_over(&mut self, tx: &ValidTx, scope: &mut Scope<'_>) -> Pass {
        let _ = (tx, scope);
        Pass::On
    }

    /// A timer of the zone is due. If it is swallowed, the zone sleeps on for a minute.
    fn timeout(&mut self, scope: &mut Scope<'_>) -> Pass {
        let _ = scope;
        Pass::On
    }
}

/// What a [`Behaviour`] sees of its node and the world, and what it can do.
pub struct Scope<'a> {
    /// The time.
    pub now: Instant,
    /// The node.
    pub me: NodeId,
    /// The network that it is on.
    pub network: AddrNetwork,
    /// How many nodes there are.
    pub nodes: usize,
    /// Whom it has links to.
    pub peers: BTreeSet<NodeId>,
    /// Its zone.
    pub zone: Option<&'a Zone>,
    /// Its chain.
    pub ledger: &'a DevLedger,
    /// Its own source of randomness.
    pub rng: &'a mut ChaCha12Rng,
    pub(super) acts: Vec<Act>,
}

impl Scope<'_> {
    /// Sends a message that the zone does not know of. Without a link nothing happens. A node with
    /// noise sends stem transactions in frames, as all others there do, but does not wait for its
    /// time.
    pub fn send(&mut self, to: NodeId, message: Message) {
        self.acts.push(Act::Send(to, message));
    }

    /// Sends bytes as a frame of white noise, now. Without an encrypted link nothing happens.
    pub fn frame(&mut self, to: NodeId, frame: Bytes) {
        self.acts.push(Act::Frame(to, frame));
    }

    /// Hands a message to the zone of the node, as if it came now.
    pub fn hear(&mut self, from: NodeId, message: Message) {
        self.acts.push(Act::Hear(from, message));
    }

    /// Opens one more link to a node.
    pub fn dial(&mut self, to: NodeId) {
        self.acts.push(Act::Dial(to));
    }

    /// Asks for [`Behaviour::wake`].
    pub fn wake_at(&mut self, at: Instant) {
        self.acts.push(Act::WakeAt(at));
    }
}

/// What a behaviour wants done.
pub(super) enum Act {
    Send(NodeId, Message),
    Frame(NodeId, Bytes),
    Hear(NodeId, Message),
    Dial(NodeId),
    WakeAt(Instant),
}

/// Keeps to the protocol.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Honest;

impl Behaviour for Honest {}

/// Tells its tip, and else says only what a test makes it say: for probes. Its zone hears tips only.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Mute;

impl Behaviour for Mute {
    fn incoming(&mut self, _from: NodeId, message: &Message, _scope: &mut Scope<'_>) -> Pass {
        match message {
            Message::Ping(_) | Message::Pong(_) => Pass::On,
            _ => Pass::Swallow,
        }
    }

    fn outgoing(&mut self, _to: NodeId, _message: &Message, _scope: &mut Scope<'_>) -> Pass {
        Pass::Swallow
    }
}
