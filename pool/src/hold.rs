//! Transactions of the owner while there is nobody to hide behind.

use std::time::Duration;

use crate::pool::{StemMeta, StemState, Why};
use crate::store::kernel_hashes;
use crate::{Context, EntryId, Instant, Notice, Pool, Source, WayOut};

impl Pool {
    /// The router lets transactions of the owner out that it did not before, see
    /// [`Router::way_out`](crate::Router::way_out): those that waited for it go now, and have a whole
    /// embargo before them.
    pub fn handle_way_out(&mut self, ctx: &mut Context<'_>) {
        let held = self.stem.iter().filter(|(_, entry)| entry.meta.state.is_held());
        let held: Vec<EntryId> = held.map(|(id, _)| id).collect();
        for id in &held {
            let (due, why) = (ctx.now, Why::Passing);
            self.set_stem_state(*id, StemState::Fresh { due, coin: None, why, avoid: None });
        }
        self.delay(held, ctx);
        self.settle(ctx);
    }

    /// These stay until there is a way out.
    pub(crate) fn hold(&mut self, ids: &[EntryId], now: Instant) {
        for id in ids {
            let Some(entry) = self.stem.get(*id) else { continue };
            let news = (!entry.meta.state.is_held()).then(|| kernel_hashes(&entry.tx));
            // By then the embargo has been seen to.
            let due = self.sweep_after(entry.meta.embargo).max(now) + Duration::from_secs(1);
            let state = StemState::Fresh { due, coin: None, why: Why::Held, avoid: None };
            self.set_stem_state(*id, state);
            if let Some(kernels) = news {
                self.notice(Notice::Held { kernels });
            }
        }
    }

    /// Whether the end of an entry's embargo means nothing, since it is the owner's, nobody has taken
    /// it, and it cannot leave.
    pub(crate) fn is_shut_in(&self, id: EntryId, ctx: &Context<'_>) -> bool {
        let waits = |meta: &StemMeta| meta.source == Source::Own && meta.state.due().is_some();
        self.stem.get(id).is_some_and(|entry| waits(&entry.meta))
            && ctx.router.way_out() == WayOut::Shut
    }

    /// The embargo of these ended while they could not leave.
    pub(crate) fn wait_on(&mut self, ids: Vec<EntryId>, ctx: &Context<'_>) {
        self.delay(ids.clone(), ctx);
        self.hold(&ids, ctx.now);
    }

    /// These get a new embargo, the same one: they may leave merged, and what was merged must not end
    /// one by one.
    pub(crate) fn delay(&mut self, ids: Vec<EntryId>, ctx: &Context<'_>) {
        if ids.is_empty() {
            return;
        }
        let embargo = self.fresh_embargo(ctx);
        let at = self.sweep_after(embargo);
        ids.iter().for_each(|id| self.embargoes.insert(at, *id));
        self.delay_embargoes(ids, embargo);
    }
}
