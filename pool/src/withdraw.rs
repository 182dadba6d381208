//! Transactions of the owner that are taken back before anybody was given them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use scape_aggregate::{Commitment, Hash, ValidTx};

use crate::store::{creates, kernel_hashes, spends};
use crate::{Context, EntryId, Pool, Record, RecordStage, Source};

impl Pool {
    /// The owner's transactions that have not left, and that can leave in another zone: none of them
    /// depends on something that stays here, nor anything that stays here on them. For the host that
    /// has several zones. Costs as much as the owner has here.
    pub fn unsent(&self) -> Vec<Record> {
        let all = self.owned.pending().filter_map(|id| Some((id, self.record(id)?)));
        let mut unsent: BTreeMap<EntryId, Record> =
            all.filter(|(_, record)| self.is_untouched(record)).collect();
        loop {
            let going: HashSet<Hash> =
                unsent.values().flat_map(|record| kernel_hashes(&record.tx)).collect();
            let staying = self.owned.pending().filter(|id| !unsent.contains_key(id));
            let staying = staying.filter_map(|id| self.owned.stage(id));
            let promised: HashSet<Commitment> =
                staying.flat_map(|(tx, ..)| creates(&tx).collect::<Vec<_>>()).collect();
            let before = unsent.len();
            unsent.retain(|_, Record { tx, .. }| {
                !spends(tx).any(|input| promised.contains(&input)) && self.goes_along(tx, &going)
            });
            if unsent.len() == before {
                return unsent.into_values().collect();
            }
        }
    }

    /// Forgets transactions that [`Pool::unsent`] has just given, as if they had never come. The host
    /// gives them to the pool of another zone.
    pub fn withdraw(&mut self, records: &[Record], ctx: &mut Context<'_>) {
        for Record { tx, .. } in records {
            let kernels = kernel_hashes(tx);
            for id in self.stem.overlapping(&kernels) {
                self.remove_stem(id);
            }
            self.stem_orphans.take_known(&kernels.iter().copied().collect());
            self.owned.take_back(&kernels);
        }
        self.settle(ctx);
    }

    /// Whether it waits as it was pushed: none of it was sent, nor came from somebody else.
    fn is_untouched(&self, Record { tx, stage, .. }: &Record) -> bool {
        let is_own = |kernel: &Hash| match self.stem.with_kernel(kernel) {
            Some(id) => self
                .stem
                .get(id)
                .is_some_and(|entry| entry.meta.source == Source::Own && !entry.meta.sent),
            None => self.stem_orphans.is_own(kernel),
        };
        matches!(stage, RecordStage::Waiting { .. }) && kernel_hashes(tx).iter().all(is_own)
    }

    /// Whether all that it depends on, that depends on it or that travels with it goes as well.
    fn goes_along(&self, tx: &ValidTx, going: &HashSet<Hash>) -> bool {
        let entries = self.stem.overlapping(&kernel_hashes(tx));
        let family: BTreeSet<EntryId> = [self.stem.parents(tx), self.stem.children(tx)]
            .into_iter()
            .flatten()
            .chain(self.bundle_mates(&entries))
            .collect();
        let mut family = family.into_iter().filter_map(|id| self.stem.get(id));
        family.all(|entry| entry.tx.kernels().iter().all(|kernel| going.contains(kernel.hash())))
    }
}
