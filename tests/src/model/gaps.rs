//! What stories leave out, because the pool and the model are known to differ there. Each has an
//! ignored test in `tests/pool_gaps.rs` that says what is expected. The fourth test there is about
//! the order of announcements when aggregates fall apart, which [`super::Trial`] does not look at.

use scape_aggregate::ValidTx;

use super::Model;
use super::entries::{kernels, nrd, overlaps, spends};

impl Model {
    /// Whether another NRD kernel of the same excess is pending. If a block takes this one, the
    /// other is not possible for a while. A block does not say its excesses, and the pool learns
    /// of it only when it looks at the other for another reason.
    pub(super) fn has_nrd_rival(&self, tx: &ValidTx) -> bool {
        let all = kernels(tx);
        let mut others = self.pending(true).filter(|other| !overlaps(other, &all));
        others.any(|other| nrd(other).any(|(excess, _)| nrd(tx).any(|(e, _)| e == excess)))
    }

    /// Whether the owner has pushed something else that spends the same. Of the two the pool
    /// notes for the last one alone that an input of it was in the chain.
    pub(super) fn is_spent_by_owner(&self, tx: &ValidTx) -> bool {
        let all = kernels(tx);
        let mut others = self.pushed.iter().filter(|own| !overlaps(&own.tx, &all));
        others.any(|own| spends(&own.tx).any(|spent| spends(tx).any(|input| input == spent)))
    }

    /// Whether something that waits and is kept shares kernels with it. The pool finds one orphan
    /// by a kernel, and loses sight of the other when that one goes.
    pub(super) fn is_kept_in_part(&self, tx: &ValidTx) -> bool {
        let all = kernels(tx);
        self.kept().any(|other| overlaps(other, &all))
    }

    /// The same of two that wait already, as after a reorg; or of two that blocks hold, if somebody
    /// created an input of the one again.
    pub(super) fn keeps_in_part(&self) -> bool {
        let mined: Vec<_> = self.mined.iter().map(|mined| &mined.entry.tx).collect();
        any_overlap(&self.kept().collect::<Vec<_>>()) || any_overlap(&mined)
    }

    fn kept(&self) -> impl Iterator<Item = &ValidTx> {
        let kept = self.orphans.iter().filter(|orphan| orphan.arrival.is_kept());
        kept.map(|orphan| &orphan.arrival.tx)
    }

    /// Whether it can matter who is looked at first: an aggregate fell apart in this call, or NRD
    /// kernels are pending.
    pub(super) fn is_order_decisive(&self) -> bool {
        self.fell_apart || self.everything().any(|tx| nrd(tx).next().is_some())
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = &ValidTx> {
        self.orphans.iter().map(|orphan| &orphan.arrival.tx)
    }

    /// All that is held but for blocks.
    pub(super) fn everything(&self) -> impl Iterator<Item = &ValidTx> {
        self.pending(true).chain(self.waiting())
    }
}

fn any_overlap(txs: &[&ValidTx]) -> bool {
    let mut later = txs;
    while let Some((tx, rest)) = later.split_first() {
        let all = kernels(tx);
        if rest.iter().any(|other| overlaps(other, &all)) {
            return true;
        }
        later = rest;
    }
    false
}
