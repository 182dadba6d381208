//! A zone of which only the peers matter: no coin exists that a transaction could spend.

use std::collections::BTreeSet;

use scape_p2p::addr::PeerAddr;
use scape_p2p::book::{Book, UnixTime};
use scape_p2p::handshake::PeerInfo;
use scape_p2p::peer::{Direction, PeerId};
use scape_p2p::wire::Message;
use scape_p2p::zone::{DialFailure, Effect, Zone, ZoneConfig, ZoneContext};
use scape_pool::Instant;

use crate::kit::Coins;

/// A zone and the seconds since it began.
pub(crate) struct World {
    pub(crate) zone: Zone,
    pub(crate) secs: u64,
}

impl World {
    pub(crate) fn with(config: ZoneConfig, book: Book) -> Self {
        Self { zone: Zone::new(config, book, [7; 32], Instant::ZERO), secs: 0 }
    }

    pub(crate) fn call(&mut self, act: impl FnOnce(&mut Zone, &ZoneContext<'_>)) -> Vec<Effect> {
        let (now, unix) = (Instant::from_secs(self.secs), UnixTime(1_000_000 + self.secs));
        act(&mut self.zone, &ZoneContext { now, unix, chain: &Coins::default() });
        std::iter::from_fn(|| self.zone.poll_effect()).collect()
    }

    pub(crate) fn connect(&mut self, id: u64, direction: Direction, info: PeerInfo) -> Vec<Effect> {
        let (peer, addr) = (PeerId(id), info.listen);
        self.call(|zone, ctx| zone.handle_connected(peer, addr, direction, info, ctx))
    }

    pub(crate) fn say(&mut self, id: u64, message: Message) -> Vec<Effect> {
        self.call(|zone, ctx| zone.handle_message(PeerId(id), message, ctx))
    }

    /// Whom the zone wants to connect to in the next seconds. Nobody is there.
    pub(crate) fn dialled(&mut self, secs: u64) -> BTreeSet<PeerAddr> {
        self.dialled_in_vain(secs, DialFailure::Peer)
    }

    /// Whom the zone wants to connect to in the next seconds. Nobody can be reached.
    pub(crate) fn dialled_in_vain(&mut self, secs: u64, why: DialFailure) -> BTreeSet<PeerAddr> {
        let mut dialled = BTreeSet::new();
        for _ in 0..secs {
            self.secs += 1;
            for effect in self.call(|zone, ctx| zone.handle_timeout(ctx)) {
                if let Effect::Connect { addr } = effect {
                    dialled.insert(addr);
                    self.call(|zone, ctx| zone.handle_connect_failed(addr, why, ctx));
                }
            }
        }
        dialled
    }
}
