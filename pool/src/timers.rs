use std::collections::BTreeMap;

use crate::{EntryId, Instant};

/// When entries have to be looked at.
///
/// Most times lie on a grid, so that many entries share one, and all of them come due with it.
///
/// A timer is not taken back when its entry leaves or is to be looked at later: whoever takes what
/// is due asks the entry. So putting a timer off costs nothing. What has become pointless is
/// forgotten together, before there is more of it than of anything else.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    times: BTreeMap<Instant, Vec<EntryId>>,
    len: usize,
}

impl Timers {
    /// The first time at which something may be due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.times.first_key_value().map(|(at, _)| *at)
    }

    pub(crate) fn insert(&mut self, at: Instant, id: EntryId) {
        self.times.entry(at).or_default().push(id);
        self.len += 1;
    }

    /// What is due, once each, in the order of arrival.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<EntryId> {
        let mut due = Vec::new();
        while let Some(first) = self.times.first_entry().filter(|first| *first.key() <= now) {
            due.append(&mut first.remove());
        }
        self.len -= due.len();
        due.sort_unstable();
        due.dedup();
        due
    }

    /// The first times at which something that counts is due, at most `most` of them, soonest first.
    /// Looks at no more than `looks` timers, whatever there is.
    pub(crate) fn upcoming(
        &self,
        most: usize,
        looks: usize,
        counts: impl Fn(Instant, EntryId) -> bool,
    ) -> Vec<Instant> {
        let timers = self.times.iter().flat_map(|(at, ids)| ids.iter().map(|id| (*at, *id)));
        let counting = timers.take(looks).filter(|(at, id)| counts(*at, *id));
        counting.map(|(at, _)| at).take(most).collect()
    }

    /// Starts anew with these timers, one at most for each entry, if there are more than twice as
    /// many as entries: then most are pointless.
    pub(crate) fn tidy(
        &mut self,
        entries: usize,
        timers: impl Iterator<Item = (Instant, EntryId)>,
    ) {
        if self.len > 2 * entries {
            *self = Self::default();
            timers.for_each(|(at, id)| self.insert(at, id));
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether an entry is looked at by this time.
    #[cfg(test)]
    pub(crate) fn has(&self, id: EntryId, by: Instant) -> bool {
        self.times.range(..=by).any(|(_, ids)| ids.contains(&id))
    }
}
