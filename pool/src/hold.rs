//! Transactions of the owner while there is nobody to hide behind.

use std::time::Duration;

use crate::pool::{StemState, Why};
use crate::store::kernel_hashes;
use crate::{Context, EntryId, Instant, Notice, Pool};

impl Pool {
    /// The router lets transactions of the owner out that it did not before, see
    /// [`Router::lets_own_out`](crate::Router::lets_own_out): those that waited for it go now.
    pub fn handle_way_out(&mut self, ctx: &mut Context<'_>) {
        let is_held = |state| matches!(state, StemState::Fresh { why: Why::Held, .. });
        let held = self.stem.iter().filter(|(_, entry)| is_held(entry.meta.state));
        let held: Vec<EntryId> = held.map(|(id, _)| id).collect();
        for id in held {
            let (due, why) = (ctx.now, Why::Passing);
            self.set_stem_state(id, StemState::Fresh { due, coin: None, why, avoid: None });
        }
        self.settle(ctx);
    }

    /// These stay until there is a way out, but no longer than their embargo.
    pub(crate) fn hold(&mut self, ids: &[EntryId], now: Instant) {
        for id in ids {
            let Some(entry) = self.stem.get(*id) else { continue };
            // By then the embargo has been seen to.
            let due = self.sweep_after(entry.meta.embargo).max(now) + Duration::from_secs(1);
            let kernels = kernel_hashes(&entry.tx);
            let state = StemState::Fresh { due, coin: None, why: Why::Held, avoid: None };
            self.set_stem_state(*id, state);
            self.notice(Notice::Held { kernels });
        }
    }
}
