use std::time::Duration;

use scape_aggregate::{ValidTx, aggregate};
use scape_p2p::wire::Message;

use super::{Purse, rest};
use crate::net::{Behaviour, NodeId, Pass, Scope};

/// Makes aggregates that overlap, neither containing the other: (t1, t2) for some peers and
/// (t1, t3) for others, where t1 is its own or what somebody handed to it on the stem.
#[derive(Debug)]
pub struct OverlapMaker {
    purse: Purse,
}

const PACE: Duration = Duration::from_secs(180);

impl OverlapMaker {
    /// Pays from this purse.
    pub fn new(purse: Purse) -> Self {
        Self { purse }
    }

    fn split(&mut self, first: &ValidTx, but: Option<NodeId>, scope: &mut Scope<'_>) -> Option<()> {
        let second = self.purse.tx(scope.rng)?;
        let third = self.purse.tx(scope.rng)?;
        let sums = [second, third].map(|other| aggregate(&[first.clone(), other]));
        let peers: Vec<NodeId> = scope.peers.iter().copied().filter(|p| Some(*p) != but).collect();
        for (index, peer) in peers.into_iter().enumerate() {
            let sum = sums[index % 2].as_ref().ok()?;
            scope.send(peer, Message::StemTransaction(sum.as_transaction().clone()));
        }
        Some(())
    }
}

impl Behaviour for OverlapMaker {
    fn begin(&mut self, scope: &mut Scope<'_>) {
        rest(scope, PACE);
    }

    fn wake(&mut self, scope: &mut Scope<'_>) {
        rest(scope, PACE);
        if let Some(first) = self.purse.tx(scope.rng) {
            self.split(&first, None, scope);
        }
    }

    fn incoming(&mut self, from: NodeId, message: &Message, scope: &mut Scope<'_>) -> Pass {
        let Message::StemTransaction(tx) = message else { return Pass::On };
        match self.split(&ValidTx::assumed(tx.clone()), Some(from), scope) {
            Some(()) => Pass::Swallow,
            None => Pass::On,
        }
    }
}
