use scape_p2p::wire::Message;

use crate::net::{Behaviour, NodeId, Pass, Scope};

/// Takes part in everything but swallows stem transactions.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct BlackHole;

impl Behaviour for BlackHole {
    fn incoming(&mut self, _from: NodeId, message: &Message, _scope: &mut Scope<'_>) -> Pass {
        match message {
            Message::StemTransaction(_) | Message::SealedStem { .. } => Pass::Swallow,
            _ => Pass::On,
        }
    }
}
