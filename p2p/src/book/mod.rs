//! The addresses of one network that we know and the hosts that we ban: pure, bounded, and text that
//! survives a restart.
//!
//! Time is wall-clock time ([`UnixTime`]), because it is compared across restarts; a clock that was
//! set back only makes attempts come sooner.
//!
//! # Security
//!
//! Addresses come from strangers. One source group fills at most its share, one address group has
//! at most a few entries, and an entry that may still be good is never pushed out by a new one. What
//! is picked is drawn by group first, so that a thousand addresses of one owner weigh as much as one
//! address of another.

mod addr;
mod bans;
mod draw;
mod entry;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;

use rand::Rng;
use rand::seq::SliceRandom;

use crate::addr::{Host, NetGroup, PeerAddr};
use crate::peer::Capabilities;
use crate::wire::MAX_PEER_ADDRS;

pub use addr::{AddError, Group, Source, host_of};
use bans::Bans;
use draw::draw;
pub use entry::{BookConfig, Entry, State, UnixTime};

/// Addresses and bans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    config: BookConfig,
    entries: BTreeMap<PeerAddr, Entry>,
    per_source: BTreeMap<Source, usize>,
    per_group: BTreeMap<NetGroup, usize>,
    bans: Bans,
}

impl Book {
    /// Failures in a row after which an entry is defunct.
    pub const DEFUNCT_AFTER: u32 = 3;
    /// Seconds before a second attempt.
    pub const BACKOFF_MIN: u64 = 30;
    /// Seconds between attempts at the most.
    pub const BACKOFF_MAX: u64 = 8 * 3600;

    /// An empty book.
    pub fn new(config: BookConfig) -> Self {
        Self {
            config,
            entries: BTreeMap::new(),
            per_source: BTreeMap::new(),
            per_group: BTreeMap::new(),
            bans: Bans::default(),
        }
    }

    /// How many addresses are known.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no address is known.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of an address.
    pub fn get(&self, addr: impl Into<PeerAddr>) -> Option<&Entry> {
        self.entries.get(&addr.into())
    }

    /// All entries, in the order of their addresses.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// Whether an address may be dialled at all, whether or not it is here: by itself, and because no
    /// ban holds.
    ///
    /// # Errors
    ///
    /// [`AddError::Banned`], and those that an address has for itself.
    pub fn check(&self, addr: PeerAddr, now: UnixTime) -> Result<(), AddError> {
        if self.is_banned(addr, now) {
            return Err(AddError::Banned);
        }
        addr::check(&addr, self.config.network, self.config.allow_private)
    }

    /// Adds an address that was heard of. True if it is new.
    ///
    /// Where there is no room, the defunct entry that was tried longest ago makes room.
    ///
    /// # Errors
    ///
    /// One [`AddError`] per rule. Trusted sources have no share but keep to all other rules.
    pub fn add(
        &mut self,
        addr: impl Into<PeerAddr>,
        source: Source,
        now: UnixTime,
    ) -> Result<bool, AddError> {
        let addr = addr.into();
        self.check(addr, now)?;
        self.insert(Entry {
            addr,
            state: State::Unknown,
            last_seen: UnixTime(0),
            last_attempt: UnixTime(0),
            failures: 0,
            capabilities: Capabilities::NONE,
            source,
        })
    }

    fn insert(&mut self, entry: Entry) -> Result<bool, AddError> {
        addr::check(&entry.addr, self.config.network, self.config.allow_private)?;
        if self.entries.contains_key(&entry.addr) {
            return Ok(false);
        }
        let (source, group) = (entry.source, entry.addr.group());
        let config = self.config;
        if source != Source::Trusted && count(&self.per_source, source) >= config.max_per_source {
            self.make_room(|old| old.source == source).ok_or(AddError::SourceFull)?;
        }
        if count(&self.per_group, group) >= config.max_per_group {
            self.make_room(|old| old.addr.group() == group).ok_or(AddError::GroupFull)?;
        }
        if self.entries.len() >= config.max_entries {
            self.make_room(|_| true).ok_or(AddError::BookFull)?;
        }
        *self.per_source.entry(source).or_default() += 1;
        *self.per_group.entry(group).or_default() += 1;
        self.entries.insert(entry.addr, entry);
        Ok(true)
    }

    fn make_room(&mut self, among: impl Fn(&Entry) -> bool) -> Option<()> {
        let defunct = |entry: &&Entry| entry.state == State::Defunct && among(entry);
        let oldest =
            self.entries.values().filter(defunct).min_by_key(|entry| entry.last_attempt)?;
        let addr = oldest.addr;
        self.remove(addr);
        Some(())
    }

    /// Forgets an address.
    pub fn remove(&mut self, addr: impl Into<PeerAddr>) -> Option<Entry> {
        let entry = self.entries.remove(&addr.into())?;
        uncount(&mut self.per_source, entry.source);
        uncount(&mut self.per_group, entry.addr.group());
        Some(entry)
    }

    /// We are about to connect to the address.
    pub fn handle_attempt(&mut self, addr: impl Into<PeerAddr>, now: UnixTime) {
        self.update(addr, |entry| entry.last_attempt = now);
    }

    /// We connected to the address and shook hands.
    pub fn handle_connected(
        &mut self,
        addr: impl Into<PeerAddr>,
        capabilities: Capabilities,
        now: UnixTime,
    ) {
        self.update(addr, |entry| {
            entry.state = State::Healthy;
            entry.failures = 0;
            entry.last_seen = now;
            entry.capabilities = capabilities;
        });
    }

    /// The connection is still there, or was until now.
    pub fn handle_seen(&mut self, addr: impl Into<PeerAddr>, now: UnixTime) {
        self.update(addr, |entry| entry.last_seen = now);
    }

    /// Connecting or shaking hands failed.
    pub fn handle_failed(&mut self, addr: impl Into<PeerAddr>, now: UnixTime) {
        self.update(addr, |entry| {
            entry.last_attempt = now;
            entry.failures = entry.failures.saturating_add(1);
            if entry.failures >= Self::DEFUNCT_AFTER {
                entry.state = State::Defunct;
            }
        });
    }

    fn update(&mut self, addr: impl Into<PeerAddr>, change: impl FnOnce(&mut Entry)) {
        self.entries.get_mut(&addr.into()).map(change);
    }

    /// An address to connect to: not banned, not excluded, and its backoff is over.
    ///
    /// Groups outside `exclude_groups` come first, and if there are none the others do, so that a
    /// small network still connects. Then healthy and unknown entries come before defunct ones
    /// (three in four times a healthy one, so that unknown ones get their chance), then a group
    /// is drawn evenly, then an address in it.
    pub fn pick<R: Rng>(
        &self,
        now: UnixTime,
        rng: &mut R,
        exclude_groups: &[NetGroup],
        exclude_addrs: &[PeerAddr],
    ) -> Option<PeerAddr> {
        let usable = |entry: &&Entry| {
            entry.is_due(now)
                && !self.is_banned(entry.addr, now)
                && !exclude_addrs.contains(&entry.addr)
        };
        let (near, far): (Vec<&Entry>, Vec<&Entry>) = self
            .entries
            .values()
            .filter(usable)
            .partition(|entry| exclude_groups.contains(&entry.addr.group()));
        let entries = if far.is_empty() { near } else { far };
        draw(&entries, rng)
    }

    /// Addresses for a peer that asks: healthy ones that can do `needed`, shuffled, at most
    /// [`MAX_PEER_ADDRS`] of them.
    pub fn sample<R: Rng>(
        &self,
        now: UnixTime,
        rng: &mut R,
        needed: Capabilities,
    ) -> Vec<PeerAddr> {
        let good = |entry: &&Entry| {
            entry.state == State::Healthy
                && entry.capabilities.contains(needed)
                && !self.is_banned(entry.addr, now)
        };
        let mut addrs: Vec<_> =
            self.entries.values().filter(good).map(|entry| entry.addr).collect();
        addrs.shuffle(rng);
        addrs.truncate(MAX_PEER_ADDRS as usize);
        addrs
    }

    /// Bans a host until a point of time; a longer ban stays. Of IPv6 the /64 is banned.
    pub fn ban(&mut self, host: impl Into<Host>, until: UnixTime) {
        self.bans.insert(host.into(), until);
    }

    /// Lifts a ban. True if there was one.
    pub fn unban(&mut self, host: impl Into<Host>) -> bool {
        self.bans.remove(host.into())
    }

    /// Whether the host is banned.
    pub fn is_banned(&self, host: impl Into<Host>, now: UnixTime) -> bool {
        self.bans.contains(host.into(), now)
    }

    /// All bans and when they end, the ended ones included until [`Self::forget_ended_bans`].
    pub fn bans(&self) -> impl Iterator<Item = (Host, UnixTime)> {
        self.bans.iter()
    }

    /// Drops bans that are over.
    pub fn forget_ended_bans(&mut self, now: UnixTime) {
        self.bans.forget_ended(now);
    }
}

fn count<K: Ord>(counts: &BTreeMap<K, usize>, key: K) -> usize {
    counts.get(&key).copied().unwrap_or(0)
}

fn uncount<K: Ord>(counts: &mut BTreeMap<K, usize>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}
