use std::time::Duration;

use rand::RngExt;
use scape_aggregate::builder::AssumedTx;
use scape_aggregate::{ValidTx, aggregate};
use scape_p2p::wire::Message;

use super::{Purse, anyone, rest};
use crate::net::{Behaviour, Scope};

/// Sends more than anybody wants: valid transactions and chains of them, orphans, dust, what nobody
/// signed, and what is too heavy.
#[derive(Debug)]
pub struct Flooder {
    purse: Purse,
    last: Option<ValidTx>,
}

const PACE: Duration = Duration::from_secs(4);
/// Two of this weigh more than a transaction may.
const HALF_TOO_HEAVY: usize = 1_000;

impl Flooder {
    /// Pays from this purse.
    pub fn new(purse: Purse) -> Self {
        Self { purse, last: None }
    }

    fn make(&mut self, scope: &mut Scope<'_>) -> Option<ValidTx> {
        let rng = &mut *scope.rng;
        match rng.random_range(0..1_000) {
            0..100 => self.purse.tx(rng),
            100..500 => {
                let parent = self.last.take()?;
                self.purse.child(&parent, rng)
            }
            // It spends what is not there, and will not be.
            500..700 => self.purse.make(AssumedTx::new(), rng),
            700..990 => self.purse.make(AssumedTx::new().fee(1), rng),
            990..998 => self.purse.forge(AssumedTx::new(), rng),
            _ => {
                let heavy = || AssumedTx::new().outputs(HALF_TOO_HEAVY);
                let halves = [self.purse.forge(heavy(), rng)?, self.purse.forge(heavy(), rng)?];
                aggregate(&halves).ok()
            }
        }
    }
}

impl Behaviour for Flooder {
    fn begin(&mut self, scope: &mut Scope<'_>) {
        rest(scope, PACE);
    }

    fn wake(&mut self, scope: &mut Scope<'_>) {
        rest(scope, PACE);
        let (Some(tx), Some(peer)) = (self.make(scope), anyone(scope)) else { return };
        let message = match scope.rng.random_ratio(4, 5) {
            true => Message::StemTransaction(tx.as_transaction().clone()),
            false => Message::Transaction(tx.as_transaction().clone()),
        };
        self.last = Some(tx);
        scope.send(peer, message);
    }
}
