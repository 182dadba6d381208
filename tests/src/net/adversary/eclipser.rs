use std::time::Duration;

use scape_p2p::wire::Message;

use super::{addresses, rest};
use crate::net::{Behaviour, NodeId, Pass, Scope};

/// Surrounds a victim: many links to it, no addresses for it but those of the conspiracy, and no
/// stem transactions from it to anybody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Eclipser {
    victim: NodeId,
    conspiracy: Vec<NodeId>,
}

const PACE: Duration = Duration::from_secs(60);
const LINKS: usize = 4;

impl Eclipser {
    /// Goes for `victim`.
    pub fn new(victim: NodeId, conspiracy: Vec<NodeId>) -> Self {
        Self { victim, conspiracy }
    }
}

impl Behaviour for Eclipser {
    fn begin(&mut self, scope: &mut Scope<'_>) {
        rest(scope, PACE);
        (0..LINKS).for_each(|_| scope.dial(self.victim));
    }

    fn wake(&mut self, scope: &mut Scope<'_>) {
        rest(scope, PACE);
        if !scope.peers.contains(&self.victim) {
            scope.dial(self.victim);
        }
    }

    fn incoming(&mut self, from: NodeId, message: &Message, _scope: &mut Scope<'_>) -> Pass {
        match message {
            Message::StemTransaction(_) if from == self.victim => Pass::Swallow,
            _ => Pass::On,
        }
    }

    fn outgoing(&mut self, to: NodeId, message: &Message, scope: &mut Scope<'_>) -> Pass {
        match message {
            Message::PeerAddrs(_) | Message::PeerNames(_) => {
                let addrs = addresses(scope.network, self.conspiracy.iter().copied());
                scope.send(to, addrs);
                Pass::Swallow
            }
            Message::Transaction(_) | Message::TransactionKernel(_) if to == self.victim => {
                Pass::Swallow
            }
            _ => Pass::On,
        }
    }
}
