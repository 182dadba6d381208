use scape_p2p::wire::Message;

use crate::net::{Behaviour, NodeId, Pass, Scope};

/// Sends stem transactions back to where they came from.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct LoopMaker;

impl Behaviour for LoopMaker {
    fn incoming(&mut self, from: NodeId, message: &Message, scope: &mut Scope<'_>) -> Pass {
        let Message::StemTransaction(_) = message else { return Pass::On };
        scope.send(from, message.clone());
        Pass::Swallow
    }
}
