//! The owner's transactions: none is lost as long as it can still be mined.

use std::collections::{BTreeMap, BTreeSet};

use scape_aggregate::{Commitment, Hash, Transaction, TxKernel, ValidTx, deaggregate};

use crate::journal::Journal;
use crate::many::Many;
use crate::orphans::{Arrival, Left, Past};
use crate::rules::Check;
use crate::store::{creates, kernel_hashes, spends, wire_size};
use crate::{BlockSummary, Context, EntryId, Notice, Pool, Refusal, Source};

/// What the owner pushed, as it was pushed, until it is deep in the chain.
///
/// A transaction of the owner may be seen in somebody else's aggregate, which then loses to
/// another one; or its parent may be. The pools give up the one with the other, and only the
/// original can be sent again.
#[derive(Debug, Default)]
pub(crate) struct Owned {
    entries: BTreeMap<EntryId, Own>,
    by_kernel: Many<Hash, EntryId>,
    by_input: Many<Commitment, EntryId>,
    /// Those that something happened to.
    doubtful: BTreeSet<EntryId>,
    /// Those that do not fit now, and since which height. Each block may change that.
    stranded: BTreeMap<EntryId, u64>,
    /// The kernels of each that a block holds and nobody has said so yet.
    unreported: BTreeMap<EntryId, BTreeSet<Hash>>,
    /// What the host keeps of them.
    pub(crate) journal: Journal,
    bytes: usize,
}

#[derive(Debug)]
struct Own {
    tx: ValidTx,
    /// Inputs that were in the chain once. If one is missing now, somebody has spent it; any other
    /// may still come.
    confirmed: BTreeSet<Commitment>,
    /// The block that holds it, and its height.
    mined: Option<(Hash, u64)>,
    /// Whether a peer has shown to have it since it became public last.
    heard: bool,
}

/// Where one of the owner's transactions is, as far as the chain and peers tell.
pub(crate) enum Stage {
    /// In a block.
    Settled,
    /// In none.
    Pending {
        /// Whether a peer has shown to have it.
        heard: bool,
    },
}

impl Owned {
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// One that is still guarded, and where it is.
    pub(crate) fn stage(&self, id: EntryId) -> Option<(ValidTx, Vec<Commitment>, Stage)> {
        let own = self.entries.get(&id)?;
        let stage = match own.mined {
            Some(_) => Stage::Settled,
            None => Stage::Pending { heard: own.heard },
        };
        Some((own.tx.clone(), own.confirmed.iter().copied().collect(), stage))
    }

    /// Whether a block holds the owner's transaction.
    pub(crate) fn is_mined(&self, tx: &ValidTx) -> bool {
        let ids = tx.kernels().iter().flat_map(|kernel| self.by_kernel.get(kernel.hash()));
        ids.filter_map(|id| self.entries.get(id)).any(|own| own.mined.is_some())
    }

    /// Something happened to these kernels that what is kept may have to follow.
    pub(crate) fn touch<'a>(&mut self, kernels: impl Iterator<Item = &'a Hash>) {
        for id in kernels.flat_map(|kernel| self.by_kernel.get(kernel)) {
            self.journal.touch(*id);
        }
    }

    /// A peer has this kernel.
    pub(crate) fn heard(&mut self, kernel: &Hash) {
        for id in self.by_kernel.get(kernel) {
            if let Some(own) = self.entries.get_mut(id) {
                own.heard = true;
                self.journal.touch(*id);
            }
        }
    }

    /// Those that no block holds.
    pub(crate) fn pending(&self) -> impl Iterator<Item = EntryId> {
        self.entries.iter().filter(|(_, own)| own.mined.is_none()).map(|(id, _)| *id)
    }

    /// Forgets those with these kernels.
    pub(crate) fn take_back(&mut self, kernels: &[Hash]) {
        let ids = kernels.iter().flat_map(|kernel| self.by_kernel.get(kernel)).copied();
        let ids: BTreeSet<EntryId> = ids.collect();
        ids.into_iter().for_each(|id| self.remove(id));
    }

    fn remove(&mut self, id: EntryId) {
        let Some(own) = self.entries.remove(&id) else { return };
        self.bytes -= wire_size(&own.tx);
        for kernel in own.tx.kernels() {
            self.by_kernel.remove(kernel.hash(), id);
        }
        for input in spends(&own.tx) {
            self.by_input.remove(&input, id);
        }
        self.doubtful.remove(&id);
        self.stranded.remove(&id);
        self.unreported.remove(&id);
        self.journal.touch(id);
    }

    /// Something happened to these kernels.
    pub(crate) fn doubt(&mut self, kernels: &[Hash]) {
        self.touch(kernels.iter());
        self.doubtful.extend(kernels.iter().flat_map(|kernel| self.by_kernel.get(kernel)));
    }

    /// These kernels were reported to be mined.
    pub(crate) fn reported(&mut self, kernels: &[Hash]) {
        for kernel in kernels {
            for id in self.by_kernel.get(kernel) {
                if let Some(unreported) = self.unreported.get_mut(id) {
                    unreported.remove(kernel);
                }
            }
        }
    }

    pub(crate) fn connect(&mut self, block: &BlockSummary) {
        for output in &block.outputs {
            for id in self.by_input.get(output) {
                if let Some(own) = self.entries.get_mut(id) {
                    own.confirmed.insert(*output);
                    self.journal.touch(*id);
                }
            }
        }
        for kernel in &block.kernels {
            for id in self.by_kernel.get(kernel) {
                if let Some(own) = self.entries.get_mut(id) {
                    own.mined = Some((block.hash, block.height));
                    self.journal.touch(*id);
                    self.unreported.entry(*id).or_default().insert(*kernel);
                }
            }
        }
    }

    pub(crate) fn disconnect(&mut self, block: &Hash) {
        for (id, own) in &mut self.entries {
            if own.mined.is_some_and(|(hash, _)| hash == *block) {
                own.mined = None;
                self.journal.touch(*id);
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
    /// Whether one more transaction of the owner can be guarded, or this one is already. Who pushes
    /// what nobody mines fills his own room and no other.
    ///
    /// # Errors
    /// [`Refusal::Full`].
    pub fn check_own_room(&self, tx: &ValidTx) -> Result<(), Refusal> {
        let is_owned = |kernel: &TxKernel| self.owned.by_kernel.has(kernel.hash());
        let fits = self.owned.bytes + wire_size(tx) <= self.config.capacity.own_bytes;
        if fits || tx.kernels().iter().all(is_owned) { Ok(()) } else { Err(Refusal::Full) }
    }

    /// Whether something of the owner is in a transaction, as far as it is guarded. For the owner
    /// only.
    pub fn is_owned(&self, tx: &ValidTx) -> bool {
        tx.kernels().iter().any(|kernel| self.owned.by_kernel.has(kernel.hash()))
    }

    /// Whether something of the owner that is in no block is in a transaction, or is spent by it:
    /// then it belongs where that is. For the owner only. Costs as much as the owner has here.
    pub fn is_kin(&self, tx: &Transaction) -> bool {
        let inputs: BTreeSet<_> = tx.inputs().iter().map(|input| input.commitment()).collect();
        let pending = self.owned.entries.values().filter(|own| own.mined.is_none());
        let mut created = pending.clone().flat_map(|own| creates(&own.tx));
        let mut held = pending.flat_map(|own| kernel_hashes(&own.tx));
        created.any(|output| inputs.contains(&output))
            || held.any(|kernel| tx.kernels().iter().any(|own| *own.hash() == kernel))
    }

    /// Remembers what the owner pushed, with those of its inputs that were in the chain before.
    pub(crate) fn own(&mut self, tx: ValidTx, before: Vec<Commitment>, ctx: &Context<'_>) {
        let Some(tx) = self.not_owned(tx) else { return };
        let id = self.new_id();
        let confirmed = spends(&tx).filter(|input| ctx.chain.utxo(input).is_some());
        let confirmed = confirmed.chain(before).collect();
        for kernel in kernel_hashes(&tx) {
            self.owned.by_kernel.insert(kernel, id);
        }
        spends(&tx).for_each(|input| self.owned.by_input.insert(input, id));
        self.owned.journal.touch(id);
        // Of what came merged, a part that was public may have made room for the rest just now.
        self.owned.doubtful.insert(id);
        self.owned.bytes += wire_size(&tx);
        self.owned.entries.insert(id, Own { tx, confirmed, mined: None, heard: false });
    }

    /// What of a transaction was neither public nor guarded before.
    fn not_owned(&self, tx: ValidTx) -> Option<ValidTx> {
        // If all of it is public now, it came in to be so.
        let tx = self.subtract_public(tx.clone(), true).unwrap_or(tx);
        let known = tx.kernels().iter().flat_map(|k| self.owned.by_kernel.get(k.hash()));
        let known: BTreeSet<_> = known.collect();
        if known.is_empty() {
            return Some(tx);
        }
        let parts = known.iter().filter_map(|id| self.owned.entries.get(id));
        let parts: Vec<_> = parts.map(|own| own.tx.clone()).collect();
        if tx.kernels().iter().all(|kernel| self.owned.by_kernel.has(kernel.hash())) {
            return None;
        }
        Some(deaggregate(&tx, &parts).unwrap_or(tx))
    }

    /// The chain has moved: what did not fit may fit now, and what is mined is reported if the
    /// pools did not hold it as such.
    pub(crate) fn reconsider_own(&mut self) {
        let stranded = self.owned.stranded.keys().copied();
        self.owned.doubtful.extend(stranded);
        while let Some((id, unreported)) = self.owned.unreported.pop_first() {
            let Some(own) = self.owned.entries.get(&id) else { continue };
            if let (Some((_, height)), false) = (own.mined, unreported.is_empty()) {
                let kernels = unreported.into_iter().collect();
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

    /// Outputs of a transaction that is given up which come back with those of the owner that were
    /// in it: who spends them waits.
    pub(crate) fn promised(&self, tx: &ValidTx, ctx: &Context<'_>) -> BTreeSet<Commitment> {
        let ids = tx.kernels().iter().flat_map(|kernel| self.owned.by_kernel.get(kernel.hash()));
        let pending =
            ids.filter(|id| self.owned.entries.get(id).is_some_and(|own| own.mined.is_none()));
        let back = pending.filter(|id| self.can_come_back(**id, ctx));
        back.filter_map(|id| self.owned.entries.get(id)).flat_map(|own| creates(&own.tx)).collect()
    }

    /// Whether nothing that was in the chain is missing.
    fn can_come_back(&self, id: EntryId, ctx: &Context<'_>) -> bool {
        let Some(own) = self.owned.entries.get(&id) else { return false };
        match self.check_again(&own.tx, true, ctx) {
            Check::Refused(_) => false,
            Check::Fits | Check::Waits(_) => {
                own.confirmed.iter().all(|input| ctx.chain.utxo(input).is_some())
            }
        }
    }

    /// The same for one that the owner pushed in another life of the node.
    pub(crate) fn own_can_come_back(&self, tx: &ValidTx, ctx: &Context<'_>) -> bool {
        let first = tx.kernels().first();
        let mut ids = first.into_iter().flat_map(|kernel| self.owned.by_kernel.get(kernel.hash()));
        ids.any(|id| self.can_come_back(*id, ctx))
    }

    fn send_again(&mut self, tx: ValidTx, ctx: &mut Context<'_>) -> bool {
        for id in tx.kernels().iter().flat_map(|kernel| self.owned.by_kernel.get(kernel.hash())) {
            if let Some(own) = self.owned.entries.get_mut(id) {
                own.heard = false;
            }
        }
        let embargo = self.fresh_embargo(ctx);
        let past = Past::Stem { embargo, left: Left::Not };
        self.admit_stem(Arrival::again(tx, Source::Own, past), ctx).is_ok()
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
