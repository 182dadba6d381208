use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How often which whole number came. Adding two is exact, in whatever order.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Histogram(BTreeMap<u64, u64>);

impl Histogram {
    /// Counts one.
    pub fn add(&mut self, value: u64) {
        *self.0.entry(value).or_default() += 1;
    }

    /// Counts all that another one has counted.
    pub fn merge(&mut self, other: &Self) {
        for (value, count) in &other.0 {
            *self.0.entry(*value).or_default() += count;
        }
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// What was counted and how often, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().map(|(value, count)| (*value, *count))
    }

    /// How many were counted of numbers up to this one.
    pub fn up_to(&self, value: u64) -> u64 {
        self.0.range(..=value).map(|(_, count)| count).sum()
    }

    /// The mean; zero of nothing.
    pub fn mean(&self) -> f64 {
        let sum: u64 = self.iter().map(|(value, count)| value * count).sum();
        sum as f64 / self.count().max(1) as f64
    }

    /// The smallest number that at least this share is not above; zero of nothing.
    pub fn quantile(&self, share: f64) -> u64 {
        let rank = (self.count() as f64 * share).ceil() as u64;
        let mut seen = 0;
        let found = self.iter().find(|(_, count)| {
            seen += count;
            seen >= rank
        });
        found.map_or(0, |(value, _)| value)
    }
}

impl FromIterator<u64> for Histogram {
    fn from_iter<I: IntoIterator<Item = u64>>(values: I) -> Self {
        let mut histogram = Self::default();
        values.into_iter().for_each(|value| histogram.add(value));
        histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_sorted_list() {
        let histogram: Histogram = [5, 1, 3, 3, 9].into_iter().collect();
        assert_eq!(histogram.quantile(0.0), 1);
        assert_eq!(histogram.quantile(0.2), 1);
        assert_eq!(histogram.quantile(0.5), 3);
        assert_eq!(histogram.quantile(0.61), 5);
        assert_eq!(histogram.quantile(1.0), 9);
        assert_eq!(histogram.mean(), 4.2);
        assert_eq!(histogram.up_to(3), 3);
        assert_eq!(Histogram::default().quantile(0.5), 0);
    }

    #[test]
    fn two_merged_are_as_one() {
        let mut one: Histogram = [1, 2].into_iter().collect();
        one.merge(&[2, 7].into_iter().collect());
        assert_eq!(one, [7, 2, 2, 1].into_iter().collect());
    }
}
