//! Who is not talked to, and until when.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::UnixTime;
use super::addr::host_of;

/// Bans by host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Bans(BTreeMap<IpAddr, UnixTime>);

impl Bans {
    /// Bans that are remembered; beyond it the one that would end first goes.
    pub(super) const CAPACITY: usize = 4096;

    /// Bans until `until`; a longer ban stays.
    pub(super) fn insert(&mut self, ip: IpAddr, until: UnixTime) {
        let end = self.0.entry(host_of(ip)).or_default();
        *end = until.max(*end);
        if self.0.len() > Self::CAPACITY {
            let first = self.0.iter().min_by_key(|(_, until)| **until).map(|(ip, _)| *ip);
            first.and_then(|ip| self.0.remove(&ip));
        }
    }

    pub(super) fn remove(&mut self, ip: IpAddr) -> bool {
        self.0.remove(&host_of(ip)).is_some()
    }

    pub(super) fn contains(&self, ip: IpAddr, now: UnixTime) -> bool {
        self.0.get(&host_of(ip)).is_some_and(|until| now < *until)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (IpAddr, UnixTime)> {
        self.0.iter().map(|(ip, until)| (*ip, *until))
    }

    pub(super) fn forget_ended(&mut self, now: UnixTime) {
        self.0.retain(|_, until| now < *until);
    }
}
