//! From an anonymity zone to the public one: what peers have sent here is held for a random time, and
//! then goes on there as a stem transaction.
//!
//! # Security
//! This is the only thing that crosses from one zone to another. It is what a node does that has
//! both zones and is not the origin, so the origin never does it with its own.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use lru::LruCache;
use rand::Rng;
use rand_distr::{Distribution, Exp};
use scape_aggregate::{Hash, ValidTx};
use scape_pool::{Accepted, Capacity, Instant, Refusal, Source};

use super::transactions::Way;
use super::{Effect, Zone, ZoneContext};

/// Longer than so many means nothing is held: one in 20,000 would be.
const LONGEST: f64 = 10.0;

/// How many kernels that were sealed to us are remembered: more than meet in a window.
const SEALED: NonZeroUsize = NonZeroUsize::new(1 << 14).expect("not zero");

/// What is on its way to another zone.
#[derive(Debug)]
pub(super) struct HandOver {
    /// The mean time that it is held; `None` if there is nowhere to go.
    mean: Option<Duration>,
    held: BTreeMap<(Instant, u64), ValidTx>,
    elements: usize,
    entered: u64,
    /// Kernels that were sealed to us and are not public yet.
    sealed: LruCache<Hash, ()>,
}

impl HandOver {
    pub(super) fn new(mean: Option<Duration>) -> Self {
        let (held, sealed) = (BTreeMap::new(), LruCache::new(SEALED));
        Self { mean, held, elements: 0, entered: 0, sealed }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.held.first_key_value().map(|((at, _), _)| *at)
    }

    /// Holds a transaction for a memoryless time, so that when it goes says nothing of when it came
    /// but that it came before. What does not fit any more is let go: it is still in this zone's
    /// own pool.
    fn hold(&mut self, tx: ValidTx, room: &Capacity, now: Instant, rng: &mut impl Rng) {
        let Some(mean) = self.mean else { return };
        let size = size(&tx);
        if self.held.len() >= room.stem_entries || self.elements + size > room.stem_bytes {
            return;
        }
        let drawn: f64 = Exp::new(1.0).map_or(0.0, |exp| exp.sample(rng));
        self.entered += 1;
        self.elements += size;
        self.held.insert((now + mean.mul_f64(drawn.min(LONGEST)), self.entered), tx);
    }

    fn take_due(&mut self, now: Instant) -> Option<ValidTx> {
        let first = self.held.first_entry().filter(|first| first.key().0 <= now)?;
        let tx = first.remove();
        self.elements -= size(&tx);
        Some(tx)
    }
}

/// Bytes that a transaction takes, about: those of its proofs.
fn size(tx: &ValidTx) -> usize {
    64 + 717 * tx.outputs().len() + 34 * tx.inputs().len() + 114 * tx.kernels().len()
}

impl Zone {
    /// A valid transaction of a peer was taken: it goes on in the other zone, too, after a while.
    pub(super) fn pass_on(
        &mut self,
        tx: ValidTx,
        way: Way,
        verdict: Accepted,
        ctx: &ZoneContext<'_>,
    ) {
        if self.handover.mean.is_none() || verdict == Accepted::Loop {
            return;
        }
        match way {
            Way::Stem | Way::Fluff => {
                self.handover.hold(tx, &self.config.capacity, ctx.now, &mut self.rng);
            }
            // It meets others here first, and goes on with them.
            Way::Sealed => tx.kernels().iter().for_each(|kernel| {
                self.handover.sealed.put(*kernel.hash(), ());
            }),
        }
    }

    /// Something is public here. What was sealed to us, and is in it, nobody else may have who has
    /// another zone; what is the owner's must be somebody else's to hand over.
    pub(super) fn pass_on_gathered(&mut self, tx: &ValidTx, ctx: &ZoneContext<'_>) {
        let kernels = tx.kernels().iter().map(|kernel| kernel.hash());
        let was_sealed =
            kernels.fold(false, |any, kernel| self.handover.sealed.pop(kernel).is_some() | any);
        if was_sealed {
            self.pass_on_public(tx, ctx);
        }
    }

    /// Something public goes on in the other zone, too, unless there is something of the owner in it.
    pub(super) fn pass_on_public(&mut self, tx: &ValidTx, ctx: &ZoneContext<'_>) {
        if !self.pool.is_owned(tx) {
            self.handover.hold(tx.clone(), &self.config.capacity, ctx.now, &mut self.rng);
        }
    }

    pub(super) fn handover_timeout(&mut self, ctx: &ZoneContext<'_>) {
        while let Some(tx) = self.handover.take_due(ctx.now) {
            self.effects.push_back(Effect::HandOver { tx });
        }
    }

    /// Takes a transaction that another zone of this node hands over, as a stem transaction of
    /// nobody here.
    ///
    /// # Errors
    /// Why it is not taken. Nobody needs to know.
    pub fn take_over(&mut self, tx: ValidTx, ctx: &ZoneContext<'_>) -> Result<Accepted, Refusal> {
        self.admit(tx, Source::Zone, Way::Stem, ctx)
    }

    /// How many transactions are on their way to another zone. For the owner only.
    pub fn held(&self) -> usize {
        self.handover.held.len()
    }
}
