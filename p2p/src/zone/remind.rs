//! What has been public for long and is in no block: peers are told of it once more, and the other
//! zone gets it once more.
//!
//! Whoever was told of it may have had no use for it then, since a block was missing or undone, or may
//! have lost it since; where there are few peers it would be nowhere else.
//!
//! # Security
//! All nodes tell of all that is public, whoever made it, so that it says nothing of where it came
//! from. As ever, a node hands over nothing of its owner's: others have that, and do.

use std::time::Duration;

use rand::RngExt;
use rand::seq::IteratorRandom;
use scape_aggregate::ValidTx;
use scape_pool::Instant;

use super::{Zone, ZoneContext};

/// The mean time between two rounds, and how old is what a round is about: many blocks.
const INTERVAL: Duration = Duration::from_secs(30 * 60);
/// How many transactions a round is about at most, chosen at random.
const MOST: usize = 100;

impl Zone {
    /// When the next round is, between half an interval and one and a half from now.
    pub(super) fn draw_round(&mut self, now: Instant) -> Instant {
        now + INTERVAL.mul_f64(0.5 + self.rng.random::<f64>())
    }

    pub(super) fn remind_timeout(&mut self, ctx: &ZoneContext<'_>) {
        if ctx.now < self.next_round {
            return;
        }
        self.next_round = self.draw_round(ctx.now);
        let public = self.pool.latest_public_since();
        let old = public.filter(|(_, since)| ctx.now.saturating_since(*since) >= INTERVAL);
        let chosen: Vec<ValidTx> = old.map(|(tx, _)| tx.clone()).sample(&mut self.rng, MOST);
        chosen.iter().for_each(|tx| self.spread_again(tx, ctx));
    }

    /// Peers are told of a public transaction, whatever they know, and the other zone gets it.
    pub(super) fn spread_again(&mut self, tx: &ValidTx, ctx: &ZoneContext<'_>) {
        self.announce_again(tx, ctx);
        self.pass_on_public(tx, ctx);
    }
}
