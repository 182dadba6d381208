//! One network zone of a node: its peers, addresses, pool and routes, as one state machine.
//!
//! A zone is a value. It shares nothing with other zones, and is driven like the pool that it
//! contains: feed it what happens, drain [`Zone::poll_effect`], come back at
//! [`Zone::poll_timeout`]. It never touches a socket, a clock or a thread; whatever it wants done
//! comes out as an [`Effect`].
//!
//! ```text
//! socket -> Message -> cheap rules -> Effect::Verify -> (host) -> handle_verified -> pool
//!                                                                                     |
//! socket <- Effect::Send <- routes, announcements <- aggregates <- patience, coins, embargo
//! ```
//!
//! In an anonymity zone peers are names, only those that we chose are told of anything, and the
//! owner's transactions wait until one of these is there: see [`ZoneConfig::network`]. What peers
//! send there goes on in the public zone after a while ([`Effect::HandOver`]).
//!
//! # Security
//! Replies, requests, announcements and offences never depend on the stempool: transactions are
//! asked for and served by what is public alone, and what becomes of a stem transaction costs its
//! sender nothing once its proofs are right.

mod addrs;
mod config;
mod dial;
mod gossip;
mod handover;
mod message;
mod noise;
mod owner;
mod peer;
mod remind;
mod sinks;
#[cfg(test)]
mod tests;
mod transactions;
mod verifications;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;
use lru::LruCache;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use scape_aggregate::{Hash, Transaction, ValidTx};
use scape_pool::{
    Accepted, BlockSummary, ChainUpdate, ChainView, Context, EntryId, Instant, Notice, PeerId,
    Pool, Record, Refusal, WayOut,
};
use thiserror::Error;

use crate::addr::{Host, PeerAddr};
use crate::book::{Book, UnixTime};
use crate::dandelion::{DandelionRouter, Params};
use crate::link::Score;
use crate::noise::{CHANNELS, QueueError};
use crate::wire::{BanReason, Message, weight_within};

pub use config::{PeersConfig, ZoneConfig};
pub use dial::DialFailure;
use dial::Dialer;
use gossip::Gossip;
use handover::HandOver;
use noise::Noise;
use peer::Peer;
pub use peer::PeerStatus;
use sinks::Sinks;
use verifications::Verifications;

/// What every call is told.
#[derive(Clone, Copy)]
pub struct ZoneContext<'a> {
    /// The time now, on a clock that never goes back.
    pub now: Instant,
    /// The time now, as people and address books have it.
    pub unix: UnixTime,
    /// The chain at this moment.
    pub chain: &'a dyn ChainView,
}

/// Names a transaction that is being verified.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);

/// What the host has to do.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// Send a message. If it cannot be sent any more, say so with [`Zone::handle_unsent`].
    Send {
        /// To whom.
        peer: PeerId,
        /// What.
        message: Message,
    },
    /// Send a frame of white noise: at its time, or not at all. A link that could not take it in time
    /// is as good as lost and is to be ended.
    Frame {
        /// To whom; the link is encrypted.
        peer: PeerId,
        /// When.
        at: Instant,
        /// What. Frames with and without payload are alike.
        frame: Bytes,
    },
    /// Connect to an address; the result comes back as [`Zone::handle_connected`] or
    /// [`Zone::handle_connect_failed`].
    Connect {
        /// The address.
        addr: PeerAddr,
    },
    /// End a connection.
    Disconnect {
        /// Which.
        peer: PeerId,
        /// What to say in parting.
        reason: Option<BanReason>,
    },
    /// Take no connections from this host for a while.
    Block {
        /// The host.
        ip: IpAddr,
        /// How long.
        duration: Duration,
    },
    /// Take connections from this host again.
    Unblock {
        /// The host.
        ip: IpAddr,
    },
    /// Verify a transaction and call [`Zone::handle_verified`] with the verdict.
    Verify {
        /// Comes back with the verdict.
        ticket: Ticket,
        /// The transaction.
        tx: Transaction,
        /// Whom to be fair to: the peer who sent it, or `None` for the owner.
        sender: Option<PeerId>,
    },
    /// A verdict has become pointless: its sender is gone, or a block or another transaction
    /// settled it. If the verification has not begun, it need not; then say so with
    /// [`Zone::handle_unverified`] and [`Unverified::Cancelled`]. A verdict does no harm, so a host
    /// that has no queue may ignore this.
    Cancel {
        /// The ticket of the [`Effect::Verify`].
        ticket: Ticket,
    },
    /// Give a transaction that came in this zone to [`Zone::take_over`] of the public one, if there
    /// is one: at this moment, which was drawn at random.
    HandOver {
        /// The transaction.
        tx: ValidTx,
    },
    /// What became of a transaction that the owner pushed.
    Pushed {
        /// What [`Zone::push`] returned.
        ticket: Ticket,
        /// How it was taken, or why not.
        verdict: Result<Accepted, PushError>,
    },
    /// Keep one of the owner's transactions over a crash, in place of what was kept under its
    /// [`Record::key`]. It must be safe before the effects that follow are carried out.
    Keep(Record),
    /// Erase what is kept.
    Erase {
        /// The [`Record::key`].
        key: Hash,
    },
    /// Something that the owner may want to know. Private: never to be shown to peers.
    Notice(Notice),
}

/// Why a transaction of the owner was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum PushError {
    /// Its proofs, signatures or sums are wrong.
    #[error(transparent)]
    Invalid(#[from] scape_aggregate::VerifyError),
    /// It does not fit the chain or what is pending.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It could not be verified.
    #[error(transparent)]
    Unverified(#[from] Unverified),
    /// It does not fit the frames of white noise.
    #[error("it cannot be hidden: {0}")]
    Unsendable(#[from] QueueError),
}

/// Why the host did not verify a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Unverified {
    /// Its sender has more waiting than its share.
    #[error("its sender has too many transactions waiting for their verification")]
    Flood,
    /// Too many are waiting; its sender had most of them.
    #[error("too many transactions are waiting for their verification")]
    Busy,
    /// [`Effect::Cancel`] came in time, or the host is stopping.
    #[error("its verification was cancelled")]
    Cancelled,
    /// The verifier itself failed, whatever the transaction is worth.
    #[error("the verifier failed")]
    Failed,
}

/// How many accounts of offenders are kept, the latest ones.
const ACCOUNTS: NonZeroUsize = NonZeroUsize::new(4_096).expect("not zero");

/// Whose offences are counted together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Account {
    /// All links of a host.
    Host(Host),
    /// One link: of a peer that shows no address, and of this machine, which all of a development
    /// network is on and everyone who comes to an onion service.
    Link(PeerId),
}

/// One network zone. See the [module documentation](self).
pub struct Zone {
    config: ZoneConfig,
    pool: Pool,
    router: DandelionRouter,
    book: Book,
    peers: BTreeMap<PeerId, Peer>,
    scores: LruCache<Account, Score>,
    verifications: Verifications,
    gossip: Gossip,
    /// When peers are told again of what has been public for long.
    next_round: Instant,
    dialer: Dialer,
    handover: HandOver,
    noise: Option<Noise>,
    sinks: Sinks,
    rng: ChaCha12Rng,
    effects: VecDeque<Effect>,
}

impl Zone {
    /// A zone without peers. All its randomness comes from `seed`.
    pub fn new(config: ZoneConfig, book: Book, seed: [u8; 32], now: Instant) -> Self {
        let mut rng = ChaCha12Rng::from_seed(seed);
        let mut pool = Pool::new(config.pool_config(), rng.random());
        let mut router = DandelionRouter::new(config.params, rng.random(), now);
        let noise = config.noise.as_ref().map(|noise| {
            router.cover(CHANNELS);
            pool.limit_aggregates(weight_within(noise.config().frame.max_message()));
            Noise::new(noise, rng.random(), now)
        });
        let mut zone = Self {
            dialer: Dialer::new(&config.peers, now),
            handover: HandOver::new(config.hand_over),
            pool,
            router,
            book,
            peers: BTreeMap::new(),
            scores: LruCache::new(ACCOUNTS),
            verifications: Verifications::default(),
            gossip: Gossip::default(),
            next_round: now,
            noise,
            sinks: Sinks::new(now),
            rng,
            effects: VecDeque::new(),
            config,
        };
        zone.next_round = zone.draw_round(now);
        zone.router.set_way_out(zone.way_out_now());
        zone
    }

    /// The next thing for the host to do.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`Zone::handle_timeout`] has to be called next.
    pub fn poll_timeout(&self) -> Instant {
        let timers =
            [self.pool.poll_timeout(), self.gossip.poll_timeout(), self.dialer.poll_timeout()];
        let noise = self.noise.as_ref().map(Noise::poll_timeout);
        let timers =
            timers.into_iter().chain([noise, self.sinks_timeout(), self.handover.poll_timeout()]);
        timers.flatten().fold(self.router.poll_timeout().min(self.next_round), Ord::min)
    }

    /// Does what is due. A call too early does nothing.
    pub fn handle_timeout(&mut self, ctx: &ZoneContext<'_>) {
        self.router.handle_timeout(ctx.now);
        self.assign_channels(ctx);
        // Before anything else is done now: what the host does for that may take time.
        self.noise_timeout(ctx);
        self.with_pool(ctx, |pool, ctx| pool.handle_timeout(ctx));
        self.gossip_timeout(ctx);
        self.remind_timeout(ctx);
        self.handover_timeout(ctx);
        self.dial_timeout(ctx);
        self.on_sinks_timeout(ctx);
    }

    /// Goes on after a crash with the owner's transactions that were kept, see [`Pool::restore`].
    pub fn restore(
        &mut self,
        records: impl IntoIterator<Item = Record>,
        recent: &[BlockSummary],
        ctx: &ZoneContext<'_>,
    ) {
        recent.iter().for_each(|block| self.sinks.almanac.add(block));
        self.elect_sinks(ctx);
        self.with_pool(ctx, |pool, ctx| pool.restore(records, recent, ctx));
    }

    /// Follows the chain; `ctx.chain` shows the new tip already.
    pub fn handle_chain(&mut self, update: &ChainUpdate, ctx: &ZoneContext<'_>) {
        // First the relays: what goes now must not go to one that is behind.
        self.refresh_relays(ctx);
        self.sinks.almanac.handle_chain(update);
        self.elect_sinks(ctx);
        self.with_pool(ctx, |pool, ctx| pool.handle_chain(update, ctx));
        self.recheck_after(update, ctx);
    }

    /// What is held. For the owner, and for miners through [`Pool::public`].
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Addresses and bans, to be saved by the host.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// The relays of this epoch. For the owner only.
    pub fn relays(&self) -> &[PeerId] {
        self.router.relays()
    }

    /// All connections.
    pub fn peers(&self) -> impl Iterator<Item = PeerStatus> {
        self.peers.iter().map(|(id, peer)| peer.status(*id))
    }

    /// The parameters in force.
    pub fn params(&self) -> &Params {
        &self.config.params
    }

    /// Calls the pool and carries out what it wants.
    fn with_pool<R>(
        &mut self,
        ctx: &ZoneContext<'_>,
        call: impl FnOnce(&mut Pool, &mut Context<'_>) -> R,
    ) -> R {
        let mut pool_ctx = Context { now: ctx.now, chain: ctx.chain, router: &mut self.router };
        let result = call(&mut self.pool, &mut pool_ctx);
        self.carry_out(ctx);
        result
    }

    /// Turns the pool's effects into messages, until there are none left.
    fn carry_out(&mut self, ctx: &ZoneContext<'_>) {
        while let Some(effect) = self.pool.poll_effect() {
            match effect {
                scape_pool::Effect::Notice(notice) => {
                    self.effects.push_back(Effect::Notice(notice))
                }
                scape_pool::Effect::Keep(record) => self.effects.push_back(Effect::Keep(record)),
                scape_pool::Effect::Erase { key } => self.effects.push_back(Effect::Erase { key }),
                scape_pool::Effect::Fluff { tx, except } => {
                    self.announce(&tx, except, ctx);
                    self.pass_on_gathered(&tx, ctx);
                    self.recheck(self.verifications.touched_by(&tx), ctx);
                }
                scape_pool::Effect::Stem { relay, tx, parts } => self.stem(relay, tx, parts, ctx),
                scape_pool::Effect::Seal { sink, tx, parts, attempt } => {
                    self.seal_and_send(sink, tx, (parts, attempt), ctx);
                }
            }
        }
    }

    fn undelivered(&mut self, parts: &[EntryId], ctx: &ZoneContext<'_>) {
        let mut ctx = Context { now: ctx.now, chain: ctx.chain, router: &mut self.router };
        self.pool.handle_undelivered(parts, &mut ctx);
    }

    /// Hands an aggregate to a relay, or else sends its parts another way.
    fn stem(&mut self, relay: PeerId, tx: ValidTx, parts: Vec<EntryId>, ctx: &ZoneContext<'_>) {
        if self.is_noisy() {
            return self.hide(relay, tx, parts, ctx);
        }
        let Some(peer) = self.peers.get_mut(&relay) else { return self.undelivered(&parts, ctx) };
        peer.remember_stem(&tx, parts);
        self.send(relay, Message::StemTransaction(tx.as_transaction().clone()));
    }

    fn send(&mut self, peer: PeerId, message: Message) {
        self.effects.push_back(Effect::Send { peer, message });
    }

    /// Tells the router who may be a relay now.
    fn refresh_relays(&mut self, ctx: &ZoneContext<'_>) {
        let (tip, lag) = (ctx.chain.tip(), self.config.params.relay_max_lag);
        let whitelist: &BTreeSet<Host> = &self.config.peers.whitelist;
        let noisy = self.is_noisy();
        let eligible = self.peers.iter().filter(|(_, peer)| {
            let hidden = !noisy || peer.info.protection.is_encrypted();
            hidden && peer.can_relay(&tip, lag, whitelist)
        });
        let candidates = eligible.filter_map(|(id, peer)| peer.as_candidate(*id));
        self.router.set_candidates(candidates);
        let before = self.way_out();
        self.router.set_way_out(self.way_out_now());
        self.assign_channels(ctx);
        if before != WayOut::Open && self.way_out() == WayOut::Open {
            self.with_pool(ctx, |pool, ctx| pool.handle_way_out(ctx));
        }
    }

    /// Whether what is stemmed, sealed or not, leaves in white noise alone.
    pub fn is_noisy(&self) -> bool {
        self.config.noise.is_some()
    }

    /// Whether the owner's transactions can leave through this zone, or wait. For the owner only.
    pub fn way_out(&self) -> WayOut {
        scape_pool::Router::way_out(&self.router)
    }

    /// In an anonymity zone, or hidden in white noise, the owner's transactions leave by a relay and
    /// not otherwise: it was meant that nobody sees them leave. In the clear
    /// they wait for the first peer that this node has dialled if it means to have any: whoever came
    /// to us may have come to see what we say first.
    fn way_out_now(&self) -> WayOut {
        if self.config.network.is_anonymous() || self.is_noisy() {
            return if self.relays().is_empty() { WayOut::Shut } else { WayOut::Open };
        }
        let PeersConfig { outbound, fixed, .. } = &self.config.peers;
        let is_there = |peer: &Peer| peer.is_outbound() && !peer.closing && peer.visit.is_none();
        match *outbound == 0 && fixed.is_empty() || self.peers.values().any(is_there) {
            true => WayOut::Open,
            false => WayOut::Awaited,
        }
    }
}
