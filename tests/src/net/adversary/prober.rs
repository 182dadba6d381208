use std::time::Duration;

use rand::RngExt;
use scape_aggregate::Transaction;
use scape_p2p::wire::Message;

use super::{Purse, anyone, rest};
use crate::flow::kernel;
use crate::net::{Behaviour, NodeId, Pass, Scope};

/// Looks for stem transactions in others' pools: asks for kernels that it saw on the stem, announces
/// them, sends them again, and hands out transactions that exclude each other.
#[derive(Debug)]
pub struct Prober {
    purse: Purse,
    seen: Vec<Transaction>,
}

const PACE: Duration = Duration::from_secs(15);

impl Prober {
    /// Pays from this purse.
    pub fn new(purse: Purse) -> Self {
        Self { purse, seen: Vec::new() }
    }

    fn probe(&mut self, scope: &mut Scope<'_>) -> Option<()> {
        let peer = anyone(scope)?;
        if scope.rng.random_ratio(1, 10) {
            let rivals = self.purse.rivals(scope.rng)?;
            for rival in rivals {
                let rival = rival.as_transaction().clone();
                scope.send(peer, Message::StemTransaction(rival.clone()));
                self.seen.push(rival);
            }
        }
        let tx = self.seen.get(scope.rng.random_range(0..self.seen.len().max(1)))?.clone();
        let message = match scope.rng.random_range(0..3) {
            0 => Message::GetTransaction(kernel(&tx)),
            1 => Message::TransactionKernel(kernel(&tx)),
            _ => Message::StemTransaction(tx),
        };
        scope.send(peer, message);
        Some(())
    }
}

impl Behaviour for Prober {
    fn begin(&mut self, scope: &mut Scope<'_>) {
        rest(scope, PACE);
    }

    fn wake(&mut self, scope: &mut Scope<'_>) {
        rest(scope, PACE);
        self.probe(scope);
    }

    fn incoming(&mut self, _from: NodeId, message: &Message, _scope: &mut Scope<'_>) -> Pass {
        if let Message::StemTransaction(tx) = message {
            self.seen.push(tx.clone());
        }
        Pass::On
    }
}
