use std::time::Duration;

use rand::RngExt;
use scape_p2p::addr::MAX_NAMES;
use scape_p2p::wire::Message;

use super::{addresses, anyone, rest};
use crate::net::{Behaviour, NodeId, Pass, Scope};

/// Fills address books with addresses at which there is nobody, asked or not.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Poisoner;

/// So seldom that it is forgiven.
const PACE: Duration = Duration::from_secs(900);

impl Behaviour for Poisoner {
    fn begin(&mut self, scope: &mut Scope<'_>) {
        rest(scope, PACE);
    }

    fn wake(&mut self, scope: &mut Scope<'_>) {
        rest(scope, PACE);
        if let Some(peer) = anyone(scope) {
            let poison = poison(scope);
            scope.send(peer, poison);
        }
    }

    fn outgoing(&mut self, to: NodeId, message: &Message, scope: &mut Scope<'_>) -> Pass {
        let (Message::PeerAddrs(_) | Message::PeerNames(_)) = message else { return Pass::On };
        let poison = poison(scope);
        scope.send(to, poison);
        Pass::Swallow
    }
}

fn poison(scope: &mut Scope<'_>) -> Message {
    let nodes = scope.nodes;
    let mut nobody = || NodeId(scope.rng.random_range(nodes..0x1_0000));
    let nobody: Vec<_> = (0..MAX_NAMES).map(|_| nobody()).collect();
    addresses(scope.network, nobody)
}
