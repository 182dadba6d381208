//! An adversary who floods sinks, in [`World`].
//!
//! He seals transactions of his own to them: a payment that is fluffed with those alone is one that
//! he, or whoever buys from him, traces. He knows them, so they are no payments of the experiment
//! and count as subtracted wherever they are seen. Each is mined in the end and costs a fee.

use std::time::Duration;

use rand_distr::{Distribution, Exp1};
use scape_aggregate::builder::AssumedTx;
use scape_pool::{Instant, PeerId, Source};

use super::world::{Event, World};

impl World<'_> {
    pub(super) fn schedule_flood(&mut self, now: Instant) {
        let per_second = self.experiment.flood / 60.0;
        if per_second > 0.0 {
            let unit: f64 = Exp1.sample(&mut self.rng);
            let at = now + Duration::from_secs_f64(unit / per_second);
            if at < self.run.begin + self.experiment.length {
                self.schedule(at, Event::Flood);
            }
        }
    }

    /// He delivers one himself: he knows the sinks as everybody does.
    pub(super) fn on_flood(&mut self, now: Instant) {
        self.schedule_flood(now);
        let Some(sink) = self.honest_sink() else { return };
        let Ok(tx) = AssumedTx::new().build(&mut self.rng, &self.consensus) else { return };
        tx.inputs().iter().for_each(|input| self.chain.add_coin(input.commitment()));
        self.hold(sink, &[], now);
        self.with_node(sink, now, |pool, ctx| {
            // Somebody who is no node; a full pool refuses it.
            let _ = pool.handle_sealed(tx, Source::Peer(PeerId(u64::MAX)), ctx);
        });
    }
}
