use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt;
use scape_p2p::wire::Message;
use scape_pool::Instant;

use crate::net::{Behaviour, NodeId, Pass, Scope};

/// Hears stem transactions up to `most` later than they came.
#[derive(Debug)]
pub struct Delayer {
    most: Duration,
    held: BTreeMap<(Instant, u64), (NodeId, Message)>,
    count: u64,
}

impl Delayer {
    /// Delays by up to `most`.
    pub fn new(most: Duration) -> Self {
        Self { most, held: BTreeMap::new(), count: 0 }
    }
}

impl Behaviour for Delayer {
    fn incoming(&mut self, from: NodeId, message: &Message, scope: &mut Scope<'_>) -> Pass {
        let Message::StemTransaction(_) = message else { return Pass::On };
        let at = scope.now + self.most.mul_f64(scope.rng.random::<f64>());
        self.count += 1;
        self.held.insert((at, self.count), (from, message.clone()));
        scope.wake_at(at);
        Pass::Swallow
    }

    fn wake(&mut self, scope: &mut Scope<'_>) {
        while let Some(((at, _), _)) = self.held.first_key_value() {
            if *at > scope.now {
                return;
            }
            if let Some((_, (from, message))) = self.held.pop_first() {
                scope.hear(from, message);
            }
        }
    }
}
