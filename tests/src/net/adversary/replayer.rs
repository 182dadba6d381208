use std::collections::VecDeque;
use std::time::Duration;

use rand::RngExt;
use rand::seq::IteratorRandom;
use scape_aggregate::Transaction;
use scape_p2p::wire::Message;

use super::{anyone, rest};
use crate::net::{Behaviour, NodeId, Pass, Scope};

/// Says what it heard again and again: stem transactions on the stem, and to everyone.
#[derive(Default, Debug)]
pub struct Replayer {
    heard: VecDeque<Transaction>,
}

const PACE: Duration = Duration::from_secs(10);
const MEMORY: usize = 64;

impl Behaviour for Replayer {
    fn begin(&mut self, scope: &mut Scope<'_>) {
        rest(scope, PACE);
    }

    fn incoming(&mut self, _from: NodeId, message: &Message, _scope: &mut Scope<'_>) -> Pass {
        if let Message::StemTransaction(tx) | Message::Transaction(tx) = message {
            self.heard.push_back(tx.clone());
            if self.heard.len() > MEMORY {
                self.heard.pop_front();
            }
        }
        Pass::On
    }

    fn wake(&mut self, scope: &mut Scope<'_>) {
        rest(scope, PACE);
        let Some(tx) = self.heard.iter().choose(scope.rng).cloned() else { return };
        let Some(peer) = anyone(scope) else { return };
        let message = match scope.rng.random_ratio(3, 4) {
            true => Message::StemTransaction(tx),
            false => Message::Transaction(tx),
        };
        scope.send(peer, message);
    }
}
