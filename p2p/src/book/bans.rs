//! Who is not talked to, and until when.

use crate::addr::Host;
use std::collections::BTreeMap;

use super::UnixTime;

/// Bans by host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Bans(BTreeMap<Host, UnixTime>);

impl Bans {
    /// Bans that are remembered; beyond it the one that would end first goes.
    pub(super) const CAPACITY: usize = 4096;

    /// Bans until `until`; a longer ban stays.
    pub(super) fn insert(&mut self, host: Host, until: UnixTime) {
        let end = self.0.entry(host.whole()).or_default();
        *end = until.max(*end);
        if self.0.len() > Self::CAPACITY {
            let first = self.0.iter().min_by_key(|(_, until)| **until).map(|(host, _)| *host);
            first.and_then(|host| self.0.remove(&host));
        }
    }

    pub(super) fn remove(&mut self, host: Host) -> bool {
        self.0.remove(&host.whole()).is_some()
    }

    pub(super) fn contains(&self, host: Host, now: UnixTime) -> bool {
        self.0.get(&host.whole()).is_some_and(|until| now < *until)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Host, UnixTime)> {
        self.0.iter().map(|(host, until)| (*host, *until))
    }

    pub(super) fn forget_ended(&mut self, now: UnixTime) {
        self.0.retain(|_, until| now < *until);
    }
}
