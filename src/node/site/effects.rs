//! What the zone wants is done.

use bytes::Bytes;
use scape_aggregate::ValidTx;
use scape_p2p::wire::Message;
use scape_p2p::zone::Effect;
use scape_pool::{Instant, PeerId, RecordStage};

use super::{Site, World};
use crate::node::{PushFailed, trail};

impl Site {
    /// Does what the zone wants, until it wants nothing more. What is to be kept is safe before what
    /// comes after it is done. Returns what is to be handed over to the public zone.
    ///
    /// If it cannot be written, messages go out all the same: held back, a transaction would be
    /// fluffed by its owner in the end. After a crash it may then go out on the stem once more.
    ///
    /// Peers and wallets can measure how long the node waits for its disk. So it waits before every
    /// transaction on the stem, be it the owner's or not, and before every acknowledgement, be it
    /// new or not; and what is erased, often because of what a peer says, is written at another time.
    pub(in crate::node) async fn carry_out(&mut self, world: &World) -> Vec<ValidTx> {
        let (mut due, mut waited) = (false, false);
        let mut handed_over = Vec::new();
        while let Some(effect) = self.zone.poll_effect() {
            match effect {
                Effect::Keep(record) => {
                    self.may_have_unsent |= matches!(record.stage, RecordStage::Waiting { .. });
                    self.keeper.keep(&record, world.clock.moment());
                    due = true;
                }
                Effect::Erase { key } => self.keeper.erase(key),
                Effect::HandOver { tx } => handed_over.push(tx),
                effect => {
                    if due || (!waited && waits_for_disk(&effect)) {
                        self.keeper.write(world.clock.now()).await;
                        (due, waited) = (false, true);
                    }
                    self.carry_out_one(effect, world);
                }
            }
        }
        if due {
            self.keeper.write(world.clock.now()).await;
        }
        self.keeper.retry(world.clock.now()).await;
        // Only now: what was acknowledged just now is known to be the owner's.
        for notice in self.noted.drain(..) {
            self.own.handle_notice(&notice, world.clock.now());
            self.tally.handle_notice(&notice);
        }
        self.own.forget(world.clock.now());
        handed_over
    }

    fn carry_out_one(&mut self, effect: Effect, world: &World) {
        match effect {
            Effect::Send { peer, message } => {
                trail::sent(&self.zone, peer, &message);
                if let Err(unsent) = self.net.send(peer, message) {
                    self.with_zone(world, |zone, ctx| {
                        zone.handle_unsent(peer, unsent.message, ctx)
                    });
                }
            }
            Effect::Frame { peer, at, frame } => self.send_frame(peer, at, frame, world),
            Effect::Connect { addr } => self.net.connect(addr),
            Effect::Disconnect { peer, reason } => self.net.disconnect(peer, reason),
            Effect::Block { ip, duration } => self.net.block(ip, duration),
            Effect::Unblock { ip } => self.net.unblock(ip),
            Effect::Verify { ticket, tx, sender } => self.engine.submit(ticket, sender, tx),
            Effect::Cancel { ticket } => self.engine.cancel(ticket),
            Effect::Pushed { ticket, verdict } => {
                if let Some((tx, reply)) = self.pushes.remove(&ticket) {
                    if verdict.is_ok() {
                        self.own.pushed(&tx, world.clock.now());
                    }
                    let verdict = match self.keeper.failure() {
                        Some(error) if verdict.is_ok() => Err(PushFailed::NotKept(error)),
                        _ => verdict.map_err(PushFailed::from),
                    };
                    let _ = reply.send(verdict);
                }
            }
            // See above.
            Effect::Keep(_) | Effect::Erase { .. } | Effect::HandOver { .. } => {}
            Effect::Notice(notice) => {
                trail::noticed(&notice);
                if let Some(notices) = &world.notices {
                    let _ = notices.send(notice.clone());
                }
                self.noted.push(notice);
            }
        }
    }

    /// Schedules a frame of white noise. One that comes too late for that is not sent, and its link
    /// is as good as lost.
    fn send_frame(&mut self, peer: PeerId, at: Instant, frame: Bytes, world: &World) {
        let now = world.clock.now();
        if at < now || self.net.send_noise(peer, frame, at.saturating_since(now)).is_err() {
            self.net.disconnect(peer, None);
        }
    }
}

fn waits_for_disk(effect: &Effect) -> bool {
    match effect {
        Effect::Send { message, .. } => {
            matches!(message, Message::StemTransaction(_) | Message::SealedStem { .. })
        }
        Effect::Pushed { verdict, .. } => verdict.is_ok(),
        _ => false,
    }
}
