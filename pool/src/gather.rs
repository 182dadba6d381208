//! What is sealed to sinks: how a sink gathers it, and what happens if nobody sees it again.

use rand::RngExt;
use scape_aggregate::ValidTx;

use crate::orphans::Arrival;
use crate::pool::{StemState, Why};
use crate::{Accepted, Coin, Context, EntryId, Pool, Refusal, Source};

impl Pool {
    /// Takes a stem transaction that was sealed to this node, from the peer who delivered it. It is
    /// held until the window closes, and fluffed with all that was sealed to this node meanwhile.
    ///
    /// Whether others chose this node for a sink makes no difference, nor does what it holds: one
    /// who seals a transaction to it on a guess sees it fluffed in any case.
    ///
    /// # Errors
    /// As [`Pool::handle_stem`].
    pub fn handle_sealed(
        &mut self,
        tx: ValidTx,
        source: Source,
        ctx: &mut Context<'_>,
    ) -> Result<Accepted, Refusal> {
        let arrival = Arrival { sealed: true, ..Arrival::new(tx, source) };
        let verdict = self.admit_stem(arrival, ctx);
        self.settle(ctx);
        verdict
    }

    /// The state of an entry that was sealed to this node.
    pub(crate) fn gathered_state(&mut self, source: Source, ctx: &mut Context<'_>) -> StemState {
        let Some(rendezvous) = self.config.rendezvous else {
            return self.fresh_state(source, false, ctx);
        };
        let due = self.window.filter(|end| *end > ctx.now).unwrap_or_else(|| {
            let spread = rendezvous.spread.mul_f64(self.rng.random::<f64>());
            ctx.now + rendezvous.window + spread
        });
        self.window = Some(due);
        StemState::Fresh { due, coin: Some(Coin::Fluff), why: Why::Gathered, avoid: None }
    }

    /// The embargo of these ended, and each was sealed to a sink: they go there again over another
    /// relay, then to another sink, and along the ordinary stem if there were enough. They get a new
    /// embargo, the same one: they may leave merged, and what was merged must not end one by one.
    ///
    /// There are more relays on the way to a sink than sinks, and any of them may have swallowed it;
    /// and where the others meet there is company.
    pub(crate) fn send_again_sealed(&mut self, ids: Vec<EntryId>, ctx: &Context<'_>) {
        if ids.is_empty() {
            return;
        }
        let most = self.config.rendezvous.map_or(0, |rendezvous| rendezvous.attempts);
        for id in &ids {
            let Some(meta) = self.stem.meta_mut(*id) else { continue };
            let StemState::Sent { to, .. } = meta.state else { continue };
            meta.attempts = meta.attempts.saturating_add(1);
            let avoid = to.filter(|_| meta.attempts % 2 == 0);
            let coin = if meta.attempts < most { Coin::Seal } else { Coin::Stem };
            let (due, coin, why) = (ctx.now, Some(coin), Why::Passing);
            self.set_stem_state(*id, StemState::Fresh { due, coin, why, avoid });
        }
        self.delay(ids, ctx);
    }

    /// Whether the last that was done with an entry was to seal it to a sink.
    pub(crate) fn is_sealed(&self, id: EntryId) -> bool {
        self.stem.get(id).is_some_and(|entry| entry.meta.state.is_sealed())
    }
}
