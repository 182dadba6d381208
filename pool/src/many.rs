use std::collections::HashMap;
use std::hash::Hash;

/// Several values under one key, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Many<K, V>(HashMap<K, Vec<V>>);

impl<K, V> Default for Many<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, V: Copy + Eq> Many<K, V> {
    pub(crate) fn get(&self, key: &K) -> &[V] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn has(&self, key: &K) -> bool {
        self.0.contains_key(key)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.keys()
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        let values = self.0.entry(key).or_default();
        if !values.contains(&value) {
            values.push(value);
        }
    }

    pub(crate) fn remove(&mut self, key: &K, value: V) {
        let Some(values) = self.0.get_mut(key) else { return };
        values.retain(|kept| *kept != value);
        if values.is_empty() {
            self.0.remove(key);
        }
    }
}
