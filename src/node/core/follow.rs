//! What the node does when its chain moves or goes away.

use scape_p2p::net::NetEvent;
use scape_p2p::wire::Message;
use scape_pool::{ChainUpdate, ChainView, Record};

use super::Core;
use crate::chain::{BlockSummary, GrinChange, GrinEvent};

impl Core {
    /// Goes on with the owner's transactions that were kept, as soon as the chain is known by which
    /// they are judged; `recent` are its last blocks.
    pub(super) fn restore(&mut self, records: Vec<Record>, recent: &[BlockSummary]) {
        self.with_zone(|zone, ctx| zone.restore(records, recent, ctx));
    }

    /// The chain of another node has moved, or that node has gone or come back.
    pub(super) fn handle_chain_event(&mut self, event: GrinEvent) {
        match self.chain.handle(event, self.clock.now()) {
            None => {}
            Some(GrinChange::Moved(update)) => self.follow(&update),
            Some(GrinChange::Found(recent)) => {
                self.show_tip();
                let records = std::mem::take(&mut self.kept);
                self.restore(records, &recent);
                // To choose relays that are not behind.
                self.with_zone(|zone, ctx| zone.handle_chain(&ChainUpdate::default(), ctx));
            }
        }
    }

    /// The chain has moved, and shows its new end.
    pub(super) fn follow(&mut self, update: &ChainUpdate) {
        if *update != ChainUpdate::default() {
            self.show_tip();
            self.with_zone(|zone, ctx| zone.handle_chain(update, ctx));
        }
    }

    /// Tells peers the tip that we have.
    pub(super) fn show_tip(&self) {
        let tip = self.chain.tip();
        self.net.set_tip(tip.total_difficulty, tip.height);
    }

    /// Looks at an event before the zone does. Returns whether the zone may see it: while the chain
    /// is not known, transactions of peers are let go, as a Grin node does that is not in sync. It
    /// costs their senders nothing, and the embargo of a stem transaction runs elsewhere, too.
    pub(super) fn may_pass(&self, event: &NetEvent) -> bool {
        let NetEvent::Message { message, .. } = event else { return true };
        if message.tells_of_block(self.chain.tip().total_difficulty) {
            self.chain.hint();
        }
        let needs_chain = matches!(
            message,
            Message::StemTransaction(_) | Message::Transaction(_) | Message::TransactionKernel(_)
        );
        !needs_chain || self.chain.check(self.clock.now()).is_ok()
    }
}
