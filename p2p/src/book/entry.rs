//! One address and what is known of it.

use crate::addr::{Network, PeerAddr};
use crate::peer::Capabilities;

use super::{Book, Source};

/// Wall-clock time in seconds since 1970. Zero also stands for "never".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixTime(pub u64);

/// How much the book holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookConfig {
    /// The network of all its addresses.
    pub network: Network,
    /// Entries in all.
    pub max_entries: usize,
    /// Entries that peers of one group told us about.
    pub max_per_source: usize,
    /// Entries of one address group.
    pub max_per_group: usize,
    /// Whether loopback, private and link-local addresses are kept: for networks of one's own.
    pub allow_private: bool,
}

impl Default for BookConfig {
    fn default() -> Self {
        Self {
            network: Network::Clearnet,
            max_entries: 4096,
            max_per_source: 512,
            max_per_group: 64,
            allow_private: false,
        }
    }
}

/// What we know of an address by trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Shook hands with us when it was last tried, or failed only a few times since.
    Healthy,
    /// Never shook hands with us.
    Unknown,
    /// Failed [`Book::DEFUNCT_AFTER`] times in a row.
    Defunct,
}

/// One address and its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where to connect.
    pub addr: PeerAddr,
    /// What trying has shown.
    pub state: State,
    /// When it was last connected.
    pub last_seen: UnixTime,
    /// When it was last tried.
    pub last_attempt: UnixTime,
    /// Failures since the last success.
    pub failures: u32,
    /// What it said it can do, when last connected.
    pub capabilities: Capabilities,
    /// Who told us.
    pub source: Source,
}

impl Entry {
    /// From when on it may be tried again: 30 s after an attempt, doubled with each failure, at
    /// most 8 hours.
    pub fn next_attempt(&self) -> UnixTime {
        let wait = Book::BACKOFF_MIN << self.failures.saturating_sub(1).min(20);
        UnixTime(self.last_attempt.0.saturating_add(wait.min(Book::BACKOFF_MAX)))
    }

    pub(super) fn is_due(&self, now: UnixTime) -> bool {
        let never_or_in_the_future = self.last_attempt.0 == 0 || self.last_attempt > now;
        never_or_in_the_future || self.next_attempt() <= now
    }
}
