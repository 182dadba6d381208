//! What was merged stays merged.

use std::collections::BTreeSet;
use std::slice;

use crate::store::creates;
use crate::{EntryId, Instant, Pool};

/// Names stem entries that were sent, or came, in one aggregate.
///
/// What was merged stays merged. If its parts were sent again in other company, the network would
/// hold aggregates that overlap, neither containing the other, and each would make the other
/// impossible. And if their embargoes ended one by one, everyone who saw the aggregate would learn
/// its parts; so those of one sending end together, with the last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Bundle(pub(crate) EntryId);

impl Bundle {
    /// The bundle of an entry that travels alone. Its members are not listed anywhere.
    pub(crate) fn of_one(id: EntryId) -> Self {
        Self(id)
    }
}

impl Pool {
    /// Lists an entry that comes in among those it travels with.
    pub(crate) fn rejoin(&mut self, id: EntryId, bundle: Bundle) {
        if bundle == Bundle::of_one(id) {
            return;
        }
        let members = self.bundles.entry(bundle).or_default();
        if let Err(index) = members.binary_search(&id) {
            members.insert(index, id);
        }
    }

    pub(crate) fn unbundle(&mut self, id: EntryId, bundle: Bundle) {
        if bundle == Bundle::of_one(id) {
            return;
        }
        let Some(members) = self.bundles.get_mut(&bundle) else { return };
        if let Ok(index) = members.binary_search(&id) {
            members.remove(index);
        }
        if members.is_empty() {
            self.bundles.remove(&bundle);
        }
    }

    /// These entries and all that travel with them.
    pub(crate) fn bundle_mates(&self, ids: &BTreeSet<EntryId>) -> BTreeSet<EntryId> {
        let bundles = ids.iter().filter_map(|id| Some(self.stem.get(*id)?.meta.bundle));
        let bundles: BTreeSet<_> = bundles.collect();
        bundles.iter().flat_map(|bundle| self.members(bundle)).copied().collect()
    }

    /// All that travel in one bundle.
    pub(crate) fn members<'a>(&'a self, bundle: &'a Bundle) -> &'a [EntryId] {
        self.bundles.get(bundle).map_or(slice::from_ref(&bundle.0), Vec::as_slice)
    }

    /// Makes one bundle of these entries.
    pub(crate) fn bundle(&mut self, mut ids: Vec<EntryId>) {
        ids.sort_unstable();
        let bundle = match *ids {
            [id] => Bundle::of_one(id),
            _ => Bundle(self.new_id()),
        };
        for id in &ids {
            let Some(meta) = self.stem.meta_mut(*id) else { continue };
            let before = std::mem::replace(&mut meta.bundle, bundle);
            self.unbundle(*id, before);
        }
        if ids.len() > 1 {
            self.bundles.insert(bundle, ids);
        }
    }

    /// The embargoes of what is sent for the first time end with the last of all that goes along.
    /// What was sent before keeps its end: else whoever sends it back in ever new company could
    /// put it off for ever.
    pub(crate) fn join_embargoes(&mut self, ids: &[EntryId]) {
        let entries = ids.iter().filter_map(|id| self.stem.get(*id));
        let Some(last) = entries.map(|entry| entry.meta.embargo).max() else { return };
        let mut delayed = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(meta) = self.stem.meta_mut(*id) else { continue };
            if !std::mem::replace(&mut meta.sent, true) {
                delayed.push(*id);
                self.touch_own_entry(*id);
            }
        }
        self.delay_embargoes(delayed, last);
    }

    /// Lets embargoes end no earlier than `at`, nor those of what depends on the entries.
    pub(crate) fn delay_embargoes(&mut self, mut open: Vec<EntryId>, at: Instant) {
        while let Some(id) = open.pop() {
            let Some(entry) = self.stem.get_mut(id).filter(|entry| entry.meta.embargo < at) else {
                continue;
            };
            entry.meta.embargo = at;
            let related = entry.has_relatives.then(|| entry.tx.clone());
            self.touch_own_entry(id);
            let created = related.iter().flat_map(creates);
            open.extend(created.filter_map(|commitment| self.stem.spender(&commitment)));
        }
    }
}
