use scape_p2p::wire::Message;

use super::NodeId;

/// What becomes of a message at a node.
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
    /// A message came and has not reached the zone yet.
    fn incoming(&mut self, from: NodeId, message: &Message) -> Pass {
        let _ = (from, message);
        Pass::On
    }

    /// The zone sends a message.
    fn outgoing(&mut self, to: NodeId, message: &Message) -> Pass {
        let _ = (to, message);
        Pass::On
    }
}

/// Keeps to the protocol.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Honest;

impl Behaviour for Honest {}

/// Takes part in everything but swallows stem transactions.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct BlackHole;

impl Behaviour for BlackHole {
    fn incoming(&mut self, _from: NodeId, message: &Message) -> Pass {
        match message {
            Message::StemTransaction(_) => Pass::Swallow,
            _ => Pass::On,
        }
    }
}

/// Tells its tip, and else says only what a test makes it say: for probes. Its zone hears tips only.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Mute;

impl Behaviour for Mute {
    fn incoming(&mut self, _from: NodeId, message: &Message) -> Pass {
        match message {
            Message::Ping(_) | Message::Pong(_) => Pass::On,
            _ => Pass::Swallow,
        }
    }

    fn outgoing(&mut self, _to: NodeId, _message: &Message) -> Pass {
        Pass::Swallow
    }
}
