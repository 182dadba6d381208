//! What the node does when its chain moves or goes away.

use scape_p2p::net::NetEvent;
use scape_p2p::wire::Message;
use scape_pool::{ChainUpdate, ChainView};

use super::Core;
use crate::chain::{GrinChange, GrinEvent};

impl Core {
    /// The chain of another node has moved, or that node has gone or come back.
    pub(super) fn handle_chain_event(&mut self, event: GrinEvent) {
        match self.world.chain.handle(event, self.world.clock.now()) {
            None => {}
            Some(GrinChange::Moved(update)) => self.follow(&update),
            Some(GrinChange::Found(recent)) => {
                let Self { sites, world, .. } = self;
                for site in sites {
                    site.show_tip(world.chain.tip());
                    site.restore(&recent, world);
                    // To choose relays that are not behind.
                    site.with_zone(world, |zone, ctx| {
                        zone.handle_chain(&ChainUpdate::default(), ctx);
                    });
                }
            }
        }
    }

    /// The chain has moved, and shows its new end. Each zone hears of it in its own time.
    pub(super) fn follow(&mut self, update: &ChainUpdate) {
        let Self { sites, world, .. } = self;
        if *update != ChainUpdate::default() {
            let tip = world.chain.tip();
            sites.iter_mut().for_each(|site| site.handle_chain(update, tip, world));
        }
    }

    /// Looks at an event before the zone does. Returns whether the zone may see it: while the chain
    /// is not known, transactions of peers are let go, as a Grin node does that is not in sync. It
    /// costs their senders nothing, and the embargo of a stem transaction runs elsewhere, too.
    pub(super) fn may_pass(&self, index: usize, event: &NetEvent) -> bool {
        let NetEvent::Message { message, .. } = event else { return true };
        // Only peers of the main zone are listened to: else who tells one zone of a block could see
        // whether another one has it sooner for that.
        if index == 0 && message.tells_of_block(self.world.chain.tip().total_difficulty) {
            self.world.chain.hint();
        }
        let needs_chain = matches!(
            message,
            Message::StemTransaction(_) | Message::Transaction(_) | Message::TransactionKernel(_)
        );
        !needs_chain || self.world.chain.check(self.world.clock.now()).is_ok()
    }
}
