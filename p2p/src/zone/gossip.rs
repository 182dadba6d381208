//! Public transactions: who is told of them when, and who is asked for them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::num::NonZeroUsize;
use std::time::Duration;

use lru::LruCache;
use rand::seq::SliceRandom;
use rand_distr::{Distribution, Exp};
use scape_aggregate::{Hash, ProtocolVersion, ValidTx};
use scape_pool::{Instant, PeerId};

use super::peer::Peer;
use super::{Zone, ZoneContext};
use crate::peer::Capabilities;
use crate::wire::Message;

/// How long an announced transaction may take to come before another peer is asked.
const WANTED_TIMEOUT: Duration = Duration::from_secs(10);
/// How many announced transactions are waited for at a time.
const MAX_WANTED: usize = 8_192;
/// How many other peers are remembered who have announced the same.
const MAX_OTHERS: usize = 8;
/// How long an announcement waits at least that did not fit into a peer's outbox, or that takes the
/// place of another one: the peer may not have the block yet by which it does.
const UNTOLD_DELAY: Duration = Duration::from_secs(5);
/// Of how many kernels it is remembered in which company they were announced.
const COMPANIES: NonZeroUsize = NonZeroUsize::new(1 << 14).expect("not zero");
/// How many announcements may be waiting for their time; beyond it they go at once.
const MAX_LATER: usize = 131_072;
/// How many public transactions a new peer is told of.
const MAX_GREETING: usize = 256;

/// Announcements to come and transactions to wait for.
#[derive(Debug)]
pub(super) struct Gossip {
    /// Whom to tell of which public transaction, by when and in order of entry.
    later: BTreeMap<(Instant, u64), (PeerId, Hash)>,
    entered: u64,
    /// In what company each kernel was announced last: a hash of all kernels of the transaction.
    told: LruCache<Hash, Hash>,
    wanted: BTreeMap<Hash, Wanted>,
    /// When the request for which transaction is over.
    deadlines: BTreeSet<(Instant, Hash)>,
}

#[derive(Debug)]
struct Wanted {
    asked: PeerId,
    deadline: Instant,
    others: VecDeque<PeerId>,
}

impl Default for Gossip {
    fn default() -> Self {
        Self {
            later: BTreeMap::new(),
            entered: 0,
            told: LruCache::new(COMPANIES),
            wanted: BTreeMap::new(),
            deadlines: BTreeSet::new(),
        }
    }
}

impl Gossip {
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let later = self.later.first_key_value().map(|((at, _), _)| *at);
        let deadline = self.deadlines.first().map(|(at, _)| *at);
        [later, deadline].into_iter().flatten().min()
    }

    /// Remembers in what company the kernels of a transaction are announced. Returns whether one of
    /// them was in another one before.
    fn was_told_otherwise(&mut self, tx: &ValidTx) -> bool {
        let kernels = tx.kernels().iter().map(|kernel| *kernel.hash());
        let company = Hash::of(&[&kernels.clone().flat_map(|kernel| kernel.0).collect::<Vec<_>>()]);
        let before = kernels.map(|kernel| self.told.put(kernel, company));
        before.fold(false, |any, before| any | before.is_some_and(|before| before != company))
    }

    /// It is here, or of no use.
    pub(super) fn forget_wanted(&mut self, kernel: &Hash) {
        self.take_wanted(kernel);
    }

    fn take_wanted(&mut self, kernel: &Hash) -> Option<Wanted> {
        let wanted = self.wanted.remove(kernel)?;
        self.deadlines.remove(&(wanted.deadline, *kernel));
        Some(wanted)
    }

    fn want(&mut self, kernel: Hash, asked: PeerId, others: VecDeque<PeerId>, now: Instant) {
        let deadline = now + WANTED_TIMEOUT;
        self.deadlines.insert((deadline, kernel));
        self.wanted.insert(kernel, Wanted { asked, deadline, others });
    }

    fn tell_later(&mut self, peer: PeerId, kernel: Hash, at: Instant) {
        self.entered += 1;
        self.later.insert((at, self.entered), (peer, kernel));
    }
}

impl Zone {
    /// Tells all peers of a public transaction: some, chosen at random, at once, and the others
    /// each after a time of its own, so that who is told when says little about who knew first.
    ///
    /// What is left of an aggregate goes to all later, and to the other zone: whoever knows its kernels
    /// knows them as part of that.
    pub(super) fn announce(&mut self, tx: &ValidTx, except: Option<PeerId>, ctx: &ZoneContext<'_>) {
        if self.gossip.was_told_otherwise(tx) {
            return self.spread_again(tx, ctx);
        }
        let Some(first) = tx.kernels().first().map(|kernel| *kernel.hash()) else { return };
        let unaware = self.peers.iter().filter(|(id, peer)| {
            Some(**id) != except && self.tells_peer(peer) && !peer.knows(&first)
        });
        let mut unaware: Vec<_> = unaware.map(|(id, _)| *id).collect();
        unaware.shuffle(&mut self.rng);
        for (index, peer) in unaware.into_iter().enumerate() {
            if index < self.config.params.fluff_fanout || self.gossip.later.len() >= MAX_LATER {
                self.tell(peer, &first);
            } else {
                let at = ctx.now + self.draw_delay();
                self.gossip.tell_later(peer, first, at);
            }
        }
    }

    /// Tells a new peer of what is public and not mined yet, the latest of it: when that was fluffed
    /// there may have been nobody to tell, or those who were told are gone.
    pub(super) fn greet(&mut self, peer: PeerId, ctx: &ZoneContext<'_>) {
        if self.peers.get(&peer).is_none_or(|record| !self.tells_peer(record)) {
            return;
        }
        let first = |tx: &ValidTx| tx.kernels().first().map(|kernel| *kernel.hash());
        let room = MAX_LATER.saturating_sub(self.gossip.later.len());
        let latest = self.pool.latest_public().take(MAX_GREETING.min(room));
        for kernel in latest.filter_map(first).collect::<Vec<_>>() {
            let at = ctx.now + self.draw_delay();
            self.gossip.tell_later(peer, kernel, at);
        }
    }

    /// Tells all peers of a public transaction whatever they know, each at a time of its own, as long
    /// as there is room.
    pub(super) fn announce_again(&mut self, tx: &ValidTx, ctx: &ZoneContext<'_>) {
        let Some(first) = tx.kernels().first().map(|kernel| *kernel.hash()) else { return };
        let told = self.peers.iter().filter(|(_, peer)| self.tells_peer(peer));
        let room = MAX_LATER.saturating_sub(self.gossip.later.len());
        for peer in told.map(|(id, _)| *id).take(room).collect::<Vec<_>>() {
            let at = ctx.now + UNTOLD_DELAY + self.draw_delay();
            if let Some(record) = self.peers.get_mut(&peer) {
                record.forget(&first);
            }
            self.gossip.tell_later(peer, first, at);
        }
    }

    /// Whether a peer is told of what is public. In an anonymity zone only those that we chose: to
    /// come to our onion service again and again costs nothing, and who does so learns nothing.
    fn tells_peer(&self, peer: &Peer) -> bool {
        !self.config.network.is_anonymous() || peer.is_outbound()
    }

    /// Memoryless, so that the time of an announcement bounds the time of knowing only from above.
    fn draw_delay(&mut self) -> Duration {
        let mean = self.config.params.fluff_delay.as_secs_f64();
        match Exp::new(1.0 / mean) {
            Ok(exp) if mean > 0.0 => {
                Duration::from_secs_f64(exp.sample(&mut self.rng).min(10.0 * mean))
            }
            _ => Duration::ZERO,
        }
    }

    /// Tells one peer of a transaction, if that is still news: by its first kernel, or whole to
    /// peers that do not ask.
    fn tell(&mut self, peer: PeerId, kernel: &Hash) {
        let Some(tx) = self.pool.public_by_kernel(kernel) else { return };
        let Some(record) = self.peers.get_mut(&peer) else { return };
        let asks = record.info.capabilities.contains(Capabilities::TX_KERNEL_HASH);
        let readable = record.info.version >= ProtocolVersion::V3;
        if !(asks || readable) || !record.learn(*kernel) {
            return;
        }
        let message = match asks {
            true => Message::TransactionKernel(*kernel),
            false => Message::Transaction(tx.as_transaction().clone()),
        };
        self.send(peer, message);
    }

    /// An announcement could not be sent: it is tried again later.
    pub(super) fn handle_untold(&mut self, peer: PeerId, kernel: Hash, ctx: &ZoneContext<'_>) {
        let Some(record) = self.peers.get_mut(&peer) else { return };
        record.forget(&kernel);
        if self.gossip.later.len() < MAX_LATER {
            let at = ctx.now + UNTOLD_DELAY + self.draw_delay();
            self.gossip.tell_later(peer, kernel, at);
        }
    }

    /// A peer has a public transaction. Whether we ask for it depends on what is public alone: a
    /// peer must not learn from our silence that we hold it on the stem.
    pub(super) fn handle_announcement(
        &mut self,
        peer: PeerId,
        kernel: Hash,
        ctx: &ZoneContext<'_>,
    ) {
        if let Some(record) = self.peers.get_mut(&peer) {
            record.learn(kernel);
        }
        if self.pool.knows_public(&kernel) {
            return self.known_elsewhere(&kernel, ctx);
        }
        if let Some(wanted) = self.gossip.wanted.get_mut(&kernel) {
            let known = wanted.asked == peer || wanted.others.contains(&peer);
            if !known && wanted.others.len() < MAX_OTHERS {
                wanted.others.push_back(peer);
            }
            return;
        }
        if self.gossip.wanted.len() >= MAX_WANTED {
            // Whose fault that is cannot be told; somebody else will announce it again.
            return;
        }
        self.gossip.want(kernel, peer, VecDeque::new(), ctx.now);
        self.send(peer, Message::GetTransaction(kernel));
    }

    /// Answers from the txpool, what the peer was told of or has told us of itself: else whoever
    /// knows a kernel could ask every node again and again, and see where it became public first.
    /// Silence means no, as in Grin.
    pub(super) fn handle_get_transaction(
        &mut self,
        peer: PeerId,
        kernel: &Hash,
        ctx: &ZoneContext<'_>,
    ) {
        if self.peers.get(&peer).is_none_or(|record| !record.knows(kernel)) {
            return;
        }
        let Some(tx) = self.pool.public_by_kernel(kernel) else { return };
        let message = Message::Transaction(tx.as_transaction().clone());
        self.send(peer, message);
        self.known_elsewhere(kernel, ctx);
    }

    /// A peer has what it announces, and will have what it asked for.
    fn known_elsewhere(&mut self, kernel: &Hash, ctx: &ZoneContext<'_>) {
        self.with_pool(ctx, |pool, _| pool.handle_known_elsewhere(kernel));
    }

    pub(super) fn gossip_timeout(&mut self, ctx: &ZoneContext<'_>) {
        while let Some(((at, _), _)) = self.gossip.later.first_key_value() {
            if *at > ctx.now {
                break;
            }
            if let Some((_, (peer, kernel))) = self.gossip.later.pop_first() {
                self.tell(peer, &kernel);
            }
        }
        while let Some((at, kernel)) = self.gossip.deadlines.first() {
            let kernel = *kernel;
            if *at > ctx.now {
                break;
            }
            self.ask_another(kernel, ctx);
        }
    }

    fn ask_another(&mut self, kernel: Hash, ctx: &ZoneContext<'_>) {
        let Some(Wanted { mut others, .. }) = self.gossip.take_wanted(&kernel) else { return };
        if self.pool.knows_public(&kernel) {
            return;
        }
        while let Some(peer) = others.pop_front() {
            if self.peers.contains_key(&peer) {
                self.gossip.want(kernel, peer, others, ctx.now);
                return self.send(peer, Message::GetTransaction(kernel));
            }
        }
    }
}
