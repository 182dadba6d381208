//! What was merged stays merged.

use std::collections::BTreeSet;

use crate::{EntryId, Instant, Pool};

/// Names stem entries that were sent, or came, in one aggregate.
///
/// What was merged stays merged. If its parts were sent again in other company, the network would
/// hold aggregates that overlap, neither containing the other, and each would make the other
/// impossible. And if their embargoes ended one by one, everyone who saw the aggregate would learn
/// its parts; so those of one sending end together, with the last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Bundle(pub(crate) EntryId);

impl Pool {
    pub(crate) fn unbundle(&mut self, id: EntryId, bundle: Bundle) {
        if let Some(members) = self.bundles.get_mut(&bundle) {
            members.remove(&id);
            if members.is_empty() {
                self.bundles.remove(&bundle);
            }
        }
    }

    /// These entries and all that travel with them.
    pub(crate) fn bundle_mates(&self, ids: &BTreeSet<EntryId>) -> BTreeSet<EntryId> {
        let bundles = ids.iter().filter_map(|id| Some(self.stem.get(*id)?.meta.bundle));
        bundles.filter_map(|bundle| self.bundles.get(&bundle)).flatten().copied().collect()
    }

    /// Makes one bundle of these entries.
    pub(crate) fn bundle(&mut self, ids: &BTreeSet<EntryId>) {
        let bundle = Bundle(self.new_id());
        for id in ids {
            let Some(meta) = self.stem.meta_mut(*id) else { continue };
            let before = std::mem::replace(&mut meta.bundle, bundle);
            self.unbundle(*id, before);
        }
        self.bundles.insert(bundle, ids.clone());
    }

    /// The embargoes of what is sent for the first time end with the last of all that goes along.
    /// What was sent before keeps its end: else whoever sends it back in ever new company could
    /// put it off for ever.
    pub(crate) fn join_embargoes(&mut self, ids: &BTreeSet<EntryId>) {
        let entries = ids.iter().filter_map(|id| self.stem.get(*id));
        let Some(last) = entries.map(|entry| entry.meta.embargo).max() else { return };
        for id in ids {
            let Some(meta) = self.stem.meta_mut(*id) else { continue };
            if !std::mem::replace(&mut meta.sent, true) {
                self.delay_embargo(*id, last);
            }
        }
    }

    /// Lets an embargo end no earlier than `at`, nor those of what depends on the entry.
    fn delay_embargo(&mut self, id: EntryId, at: Instant) {
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            let Some(meta) = self.stem.meta_mut(id) else { continue };
            if meta.embargo >= at {
                continue;
            }
            let before = std::mem::replace(&mut meta.embargo, at);
            self.embargoes.remove(&(before, id));
            self.embargoes.insert((at, id));
            let children = self.stem.get(id).map(|entry| self.stem.children(&entry.tx));
            open.extend(children.unwrap_or_default());
        }
    }
}
