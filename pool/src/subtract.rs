//! What is known already is subtracted from what comes in.

use std::collections::BTreeSet;

use scape_aggregate::{Hash, ValidTx, deaggregate};

use crate::pool::StemState;
use crate::store::{Store, kernel_set};
use crate::{Context, EntryId, Pool, Refusal, Source};

impl Pool {
    /// Whether a kernel of this hash is public as far as anyone may be told: in the txpool, or in
    /// a recent block and in the txpool before.
    pub fn knows_public(&self, kernel: &Hash) -> bool {
        self.is_public_kernel(kernel, false)
    }

    /// Whether a kernel is in the txpool or in a recent block. What this node had in its stempool
    /// alone when it was mined counts for stem transactions only: else a fluffed transaction could
    /// ask, after the fact, who was on the stem.
    pub(crate) fn is_public_kernel(&self, kernel: &Hash, stem: bool) -> bool {
        let mined = self.mined.with_kernel(kernel).and_then(|id| self.mined.get(id));
        self.txpool.with_kernel(kernel).is_some()
            || mined.is_some_and(|entry| stem || !entry.meta.private)
    }

    /// What is left of a transaction without the parts that are public.
    pub(crate) fn subtract_public(&self, tx: ValidTx, stem: bool) -> Result<ValidTx, Refusal> {
        let kernels = kernel_set(&tx);
        let known = kernels.iter().filter(|kernel| self.is_public_kernel(kernel, stem)).count();
        if known == 0 {
            return Ok(tx);
        }
        if known == kernels.len() {
            return Err(Refusal::Known);
        }
        self.without_public(&tx, stem).ok_or(Refusal::Overlap)
    }

    /// A transaction without its public parts, where these are known alone.
    pub(crate) fn without_public(&self, tx: &ValidTx, stem: bool) -> Option<ValidTx> {
        let pending = contained(&self.txpool, tx, |_| true)?;
        let mined = contained(&self.mined, tx, |meta| stem || !meta.private)?;
        let parts: Vec<_> = pending.into_iter().chain(mined).map(|(_, part)| part).collect();
        deaggregate(tx, &parts).ok()
    }

    /// What is left of a stem transaction without the parts that are in the stempool already, if
    /// that is anything, and these parts.
    pub(crate) fn subtract_held(
        &self,
        tx: ValidTx,
    ) -> Result<(Option<ValidTx>, BTreeSet<EntryId>), Refusal> {
        let kernels = kernel_set(&tx);
        let overlapping = self.stem.overlapping(kernels.iter().copied());
        if overlapping.is_empty() {
            return Ok((Some(tx), overlapping));
        }
        let all = kernels.iter().all(|kernel| self.stem.with_kernel(kernel).is_some());
        let Some(held) = contained(&self.stem, &tx, |_| true) else {
            // A part of one of our entries came back alone: that is all of it.
            let inside_one = overlapping.len() == 1 && all;
            return if inside_one { Ok((None, overlapping)) } else { Err(Refusal::Overlap) };
        };
        if all {
            return Ok((None, overlapping));
        }
        let parts: Vec<_> = held.into_iter().map(|(_, part)| part).collect();
        let rest = deaggregate(&tx, &parts).map_err(|_| Refusal::Overlap)?;
        Ok((Some(rest), overlapping))
    }

    /// Entries came back from a peer: they, and what they were sent with, are looked at once more,
    /// so that a loop of relays is no black hole. Returns the state that what came with them takes.
    /// The owner's own is no loop, and its coin is the epoch's. What is sealed to a sink is on no
    /// relay's way, and stays there unless it was sealed to this node now.
    pub(crate) fn revisit(
        &mut self,
        held: &BTreeSet<EntryId>,
        source: Source,
        sealed: bool,
        ctx: &mut Context<'_>,
    ) -> StemState {
        if sealed {
            let state = self.gathered_state(source, ctx);
            self.revisit_as(held, source, state);
            return state;
        }
        let (settled, held): (BTreeSet<_>, _) = held.iter().partition(|id| self.is_sealed(**id));
        let own = held.iter().filter_map(|id| self.stem.get(*id));
        let own = own.into_iter().any(|entry| entry.meta.source == Source::Own);
        let looped = ctx.router.coin_is_sticky() && !own && settled.is_empty();
        let state = self.fresh_state(source, looped, ctx);
        self.revisit_as(&held, source, state);
        state
    }

    fn revisit_as(&mut self, held: &BTreeSet<EntryId>, source: Source, state: StemState) {
        for id in self.bundle_mates(held) {
            let Some(meta) = self.stem.meta_mut(id) else { continue };
            if let StemState::Sent { .. } = meta.state {
                meta.routed_for = source;
                self.set_stem_state(id, state);
            }
        }
    }
}

/// The entries of a store that are parts of `tx`; `None` if one of them is only partly in it.
fn contained<M>(
    store: &Store<M>,
    tx: &ValidTx,
    counts: impl Fn(&M) -> bool,
) -> Option<Vec<(EntryId, ValidTx)>> {
    let kernels = kernel_set(tx);
    let overlapping = store.overlapping(kernels.iter().copied());
    let entries = overlapping.into_iter().filter_map(|id| Some((id, store.get(id)?)));
    entries
        .filter(|(_, entry)| counts(&entry.meta))
        .map(|(id, entry)| {
            let inside = entry.tx.kernels().iter().all(|kernel| kernels.contains(kernel.hash()));
            inside.then(|| (id, entry.tx.clone()))
        })
        .collect()
}
