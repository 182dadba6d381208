//! The owner's transactions: none is lost as long as it can still be mined.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use scape_aggregate::{Commitment, Hash, ValidTx};

use crate::orphans::{Arrival, Past};
use crate::rules::Check;
use crate::store::{kernel_hashes, spends};
use crate::{BlockSummary, Context, EntryId, Notice, Pool, Source};

/// What the owner pushed, as it was pushed, until it is deep in the chain.
///
/// A transaction of the owner may be seen in somebody else's aggregate, which then loses to
/// another one; or its parent may be. The pools give up the one with the other, and only the
/// original can be sent again.
#[derive(Debug, Default)]
pub(crate) struct Owned {
    entries: BTreeMap<EntryId, Own>,
    by_kernel: HashMap<Hash, EntryId>,
    by_input: HashMap<Commitment, EntryId>,
    /// Those that something happened to.
    doubtful: BTreeSet<EntryId>,
    /// Those that do not fit now, and since which height. Each block may change that.
    stranded: BTreeMap<EntryId, u64>,
    /// Those that a block holds and nobody has said so yet.
    unreported: BTreeSet<EntryId>,
}

#[derive(Debug)]
struct Own {
    tx: ValidTx,
    /// Inputs that were in the chain once. If one is missing now, somebody has spent it; any other
    /// may still come.
    confirmed: BTreeSet<Commitment>,
    /// The block that holds it, and its height.
    mined: Option<(Hash, u64)>,
}

impl Owned {
    fn remove(&mut self, id: EntryId) {
        let Some(own) = self.entries.remove(&id) else { return };
        for kernel in own.tx.kernels() {
            self.by_kernel.remove(kernel.hash());
        }
        for input in spends(&own.tx) {
            self.by_input.remove(&input);
        }
        self.doubtful.remove(&id);
        self.stranded.remove(&id);
        self.unreported.remove(&id);
    }

    /// Something happened to these kernels.
    pub(crate) fn doubt(&mut self, kernels: &[Hash]) {
        self.doubtful.extend(kernels.iter().filter_map(|kernel| self.by_kernel.get(kernel)));
    }

    /// These kernels were reported to be mined.
    pub(crate) fn reported(&mut self, kernels: &[Hash]) {
        for id in kernels.iter().filter_map(|kernel| self.by_kernel.get(kernel)) {
            self.unreported.remove(id);
        }
    }

    pub(crate) fn connect(&mut self, block: &BlockSummary) {
        for output in &block.outputs {
            let id = self.by_input.get(output);
            if let Some(own) = id.and_then(|id| self.entries.get_mut(id)) {
                own.confirmed.insert(*output);
            }
        }
        for id in block.kernels.iter().filter_map(|kernel| self.by_kernel.get(kernel)) {
            if let Some(own) = self.entries.get_mut(id) {
                own.mined = Some((block.hash, block.height));
                self.unreported.insert(*id);
            }
        }
    }

    pub(crate) fn disconnect(&mut self, block: &Hash) {
        for (id, own) in &mut self.entries {
            if own.mined.is_some_and(|(hash, _)| hash == *block) {
                own.mined = None;
                self.doubtful.insert(*id);
            }
        }
    }

    /// Forgets what is deep in the chain, and what has been impossible for as long.
    pub(crate) fn forget(&mut self, oldest: u64) {
        let deep = |own: &Own| own.mined.is_some_and(|(_, height)| height < oldest);
        let mined = self.entries.iter().filter(|(_, own)| deep(own)).map(|(id, _)| *id);
        let stranded = self.stranded.iter().filter(|(_, since)| **since < oldest);
        let forgotten: Vec<_> = mined.chain(stranded.map(|(id, _)| *id)).collect();
        forgotten.into_iter().for_each(|id| self.remove(id));
    }
}

impl Pool {
    /// Remembers what the owner pushed.
    pub(crate) fn own(&mut self, tx: ValidTx, ctx: &Context<'_>) {
        if tx.kernels().iter().any(|kernel| self.owned.by_kernel.contains_key(kernel.hash())) {
            return;
        }
        let id = self.new_id();
        let confirmed = spends(&tx).filter(|input| ctx.chain.utxo(input).is_some()).collect();
        self.owned.by_kernel.extend(kernel_hashes(&tx).into_iter().map(|kernel| (kernel, id)));
        self.owned.by_input.extend(spends(&tx).map(|input| (input, id)));
        self.owned.entries.insert(id, Own { tx, confirmed, mined: None });
    }

    /// The chain has moved: what did not fit may fit now, and what is mined is reported if the
    /// pools did not hold it as such.
    pub(crate) fn reconsider_own(&mut self) {
        let stranded = self.owned.stranded.keys().copied();
        self.owned.doubtful.extend(stranded);
        for id in std::mem::take(&mut self.owned.unreported) {
            let Some(own) = self.owned.entries.get(&id) else { continue };
            if let Some((_, height)) = own.mined {
                let kernels = kernel_hashes(&own.tx);
                self.notice(Notice::Mined { kernels, height });
            }
        }
    }

    /// Sends again what nobody holds any more. Returns whether there was any.
    pub(crate) fn rescue_own(&mut self, ctx: &mut Context<'_>) -> bool {
        let mut rescued = false;
        while let Some(id) = self.owned.doubtful.pop_first() {
            let Some(own) = self.owned.entries.get(&id) else { continue };
            if own.mined.is_some() || self.holds(&kernel_hashes(&own.tx)) {
                self.owned.stranded.remove(&id);
                continue;
            }
            let tx = own.tx.clone();
            let fits = self.can_come_back(id, ctx) && self.send_again(tx, ctx);
            if fits {
                self.owned.stranded.remove(&id);
            } else {
                self.owned.stranded.entry(id).or_insert(ctx.chain.tip().height);
            }
            rescued |= fits;
        }
        rescued
    }

    /// Whether nothing that was in the chain is missing.
    fn can_come_back(&self, id: EntryId, ctx: &Context<'_>) -> bool {
        let Some(own) = self.owned.entries.get(&id) else { return false };
        match self.check(&own.tx, true, ctx) {
            Check::Refused(refusal) => crate::rules::height_awaited(refusal).is_some(),
            Check::Fits | Check::Waits(_) => {
                own.confirmed.iter().all(|input| ctx.chain.utxo(input).is_some())
            }
        }
    }

    fn send_again(&mut self, tx: ValidTx, ctx: &mut Context<'_>) -> bool {
        let embargo = ctx.now + self.config.embargo.delay.draw(&mut self.rng);
        let past = Past::Stem { embargo };
        self.admit_stem(Arrival { tx, source: Source::Own, past, expiry: None }, ctx).is_ok()
    }

    fn holds(&self, kernels: &[Hash]) -> bool {
        kernels.iter().any(|kernel| {
            self.stem.with_kernel(kernel).is_some()
                || self.txpool.with_kernel(kernel).is_some()
                || self.stem_orphans.has(kernel)
                || self.public_orphans.has(kernel)
        })
    }
}
