use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::{EntryId, Instant};

/// When entries have to be looked at.
///
/// A timer is not taken back when its entry leaves or is to be looked at later: whoever takes what
/// is due asks the entry. So putting a timer off costs nothing. What has become pointless is
/// forgotten together, before there is more of it than of anything else.
#[derive(Debug, Default)]
pub(crate) struct Timers(BinaryHeap<Reverse<(Instant, EntryId)>>);

impl Timers {
    /// The first time at which something may be due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }

    pub(crate) fn insert(&mut self, at: Instant, id: EntryId) {
        self.0.push(Reverse((at, id)));
    }

    /// What is due, once each, in the order of arrival.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<EntryId> {
        let mut due = Vec::new();
        while self.next().is_some_and(|at| at <= now) {
            due.extend(self.0.pop().map(|Reverse((_, id))| id));
        }
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
        let heap = self.0.as_slice();
        let key =
            |index: usize| heap.get(index).map(|Reverse((at, id))| Reverse((*at, *id, index)));
        // In a heap nothing comes before its parent: those that may come next are few.
        let mut open: BinaryHeap<_> = key(0).into_iter().collect();
        let (mut upcoming, mut seen) = (Vec::new(), 0);
        while upcoming.len() < most
            && seen < looks
            && let Some(Reverse((at, id, index))) = open.pop()
        {
            seen += 1;
            open.extend(key(2 * index + 1).into_iter().chain(key(2 * index + 2)));
            upcoming.extend(counts(at, id).then_some(at));
        }
        upcoming
    }

    /// Starts anew with these timers, one at most for each entry, if there are more than twice as
    /// many as entries: then most are pointless.
    pub(crate) fn tidy(
        &mut self,
        entries: usize,
        timers: impl Iterator<Item = (Instant, EntryId)>,
    ) {
        if self.0.len() > 2 * entries {
            self.0 = timers.map(Reverse).collect();
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether an entry is looked at by this time.
    #[cfg(test)]
    pub(crate) fn has(&self, id: EntryId, by: Instant) -> bool {
        self.0.iter().any(|Reverse((at, timer))| *at <= by && *timer == id)
    }
}
