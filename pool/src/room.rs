//! Who finds room, and who has to go.

use std::collections::BTreeSet;

use scape_aggregate::ValidTx;

use crate::pool::fee_rate;
use crate::store::{kernel_hashes, wire_size};
use crate::upheaval::Upheaval;
use crate::{Context, EntryId, Notice, Pool, Refusal, Source};

impl Pool {
    /// A peer may fill its share, so that whether it is refused depends on itself alone. The
    /// owner's transactions always find room: peers cannot shut the owner out.
    pub(crate) fn check_stem_room(&self, tx: &ValidTx, source: Source) -> Result<(), Refusal> {
        if source == Source::Own {
            return Ok(());
        }
        let capacity = &self.config.capacity;
        let size = wire_size(tx);
        let fits = |entries: usize, bytes: usize, share: usize| {
            entries < (capacity.stem_entries / share).max(1)
                && bytes + size <= (capacity.stem_bytes / share).max(size)
        };
        let used = self.stem_usage.get(&source).copied().unwrap_or_default();
        let share_left = fits(used.entries, used.bytes, capacity.shares.max(1));
        let fits = share_left && fits(self.stem.len(), self.stem.bytes(), 1);
        if fits { Ok(()) } else { Err(Refusal::Full) }
    }

    /// Makes room in the txpool: of those that are nobody's parents who pay least go, if they pay
    /// less. If that is not enough, nobody goes.
    pub(crate) fn make_room(
        &mut self,
        tx: &ValidTx,
        always: bool,
        ctx: &mut Context<'_>,
    ) -> Result<(), Refusal> {
        let parents = self.txpool.parents(tx);
        let pays_less = |(rate, _): &&(u64, EntryId)| always || *rate < fee_rate(tx);
        let candidates = self.leaves.iter().take_while(pays_less).map(|(_, id)| *id);
        let candidates = candidates.filter(|id| !parents.contains(id));
        let (mut entries, mut bytes) = (self.txpool.len() + 1, self.txpool.bytes() + wire_size(tx));
        let mut victims = Vec::new();
        for id in candidates {
            if self.has_room(entries, bytes) {
                break;
            }
            let freed = self.txpool.get(id).map_or(0, |entry| wire_size(&entry.tx));
            (entries, bytes) = (entries - 1, bytes - freed);
            victims.push(id);
        }
        if !always && !self.has_room(entries, bytes) {
            return Err(Refusal::Full);
        }
        victims.into_iter().for_each(|id| self.evict(id, ctx));
        Ok(())
    }

    /// After a change that asked for no room: who pays least goes, except what just came in.
    pub(crate) fn trim(&mut self, newest: EntryId, ctx: &mut Context<'_>) {
        while !self.has_room(self.txpool.len(), self.txpool.bytes()) {
            let victim = self.leaves.iter().find(|(_, id)| *id < newest).copied();
            let Some((_, id)) = victim else { return };
            self.evict(id, ctx);
        }
    }

    fn has_room(&self, entries: usize, bytes: usize) -> bool {
        let capacity = &self.config.capacity;
        entries <= capacity.tx_entries && bytes <= capacity.tx_bytes
    }

    fn evict(&mut self, id: EntryId, ctx: &mut Context<'_>) {
        let Some((tx, _)) = self.remove_public(id) else { return };
        self.notice(Notice::Evicted { kernels: kernel_hashes(&tx) });
        // Its children on the stem have lost their ground. The owner's wait for it to come back.
        let (own, others): (BTreeSet<_>, BTreeSet<_>) = self
            .stem
            .children(&tx)
            .into_iter()
            .partition(|id| self.stem.get(*id).is_some_and(|e| e.meta.source == Source::Own));
        self.resettle(Upheaval { doubtful: own, may_return: true, ..Upheaval::default() }, ctx);
        self.resettle(Upheaval { doubtful: others, ..Upheaval::default() }, ctx);
    }
}
