//! Runs of one experiment: played on all cores, kept by seed, and put together from shards.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::setup::{Setup, SetupError};
use super::tally::Tally;

/// What was counted in the runs of an experiment, by seed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// What was tried out.
    pub setup: Setup,
    /// What came of each seed.
    pub seeds: BTreeMap<u64, Tally>,
}

/// Why shards are not of one experiment.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum MergeError {
    /// Nothing to put together.
    #[error("there is nothing to merge")]
    Nothing,
    /// Another experiment.
    #[error("shard {0} is of another experiment than the first one")]
    OtherSetup(usize),
    /// The same seed gave something else, so that one of the shards is by another version.
    #[error("seed {seed} came out differently in shard {shard}: it was made by another version")]
    OtherOutcome {
        /// Which shard, counted from 1.
        shard: usize,
        /// Which seed.
        seed: u64,
    },
}

/// How far the playing is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Progress {
    /// How many seeds are done.
    pub done: u64,
    /// How much of all work is done, from 0 to 1.
    pub share: f64,
}

impl Results {
    /// Plays all seeds of a setup, on so many threads, and tells how far it is. The outcome does
    /// not depend on the number of threads.
    ///
    /// # Errors
    /// The setup cannot be.
    pub fn play(
        setup: &Setup,
        threads: usize,
        mut report: impl FnMut(Progress),
    ) -> Result<Self, SetupError> {
        let experiment = setup.experiment()?;
        let range = setup.seeds.0.clone();
        let count = (range.end - range.start) as f64;
        let next = AtomicU64::new(range.start);
        let mut seeds = BTreeMap::new();
        let mut shares: BTreeMap<u64, f64> = BTreeMap::new();
        thread::scope(|scope| {
            let (tell, hear) = mpsc::channel();
            for _ in 0..threads.max(1) {
                let (tell, next, experiment, end) = (tell.clone(), &next, &experiment, range.end);
                scope.spawn(move || {
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= end {
                            return;
                        }
                        // Nobody stops listening before all is told.
                        let progress = |share| drop(tell.send((seed, share, None)));
                        let run = experiment.run_with(seed, &progress);
                        let tally = Tally::of(experiment, &run, seed);
                        let _ = tell.send((seed, 1.0, Some(tally)));
                    }
                });
            }
            drop(tell);
            for (seed, share, tally) in hear {
                shares.insert(seed, share);
                seeds.extend(tally.map(|tally| (seed, tally)));
                let share = shares.values().sum::<f64>() / count;
                report(Progress { done: seeds.len() as u64, share });
            }
        });
        Ok(Self { setup: setup.without_seeds(), seeds })
    }

    /// Puts shards together. Whatever the shards are, the outcome is that of one run with all seeds.
    ///
    /// # Errors
    /// They are not of one experiment and one version.
    pub fn merge(shards: impl IntoIterator<Item = Self>) -> Result<Self, MergeError> {
        let mut shards = shards.into_iter();
        let mut merged = shards.next().ok_or(MergeError::Nothing)?;
        for (shard, other) in (2..).zip(shards) {
            if other.setup != merged.setup {
                return Err(MergeError::OtherSetup(shard));
            }
            for (seed, tally) in other.seeds {
                if merged.seeds.get(&seed).is_some_and(|known| *known != tally) {
                    return Err(MergeError::OtherOutcome { shard, seed });
                }
                merged.seeds.insert(seed, tally);
            }
        }
        Ok(merged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{Flags, Seeds, report};

    fn setup(seeds: std::ops::Range<u64>) -> Setup {
        let mut setup = Setup::default();
        let flags = Flags {
            seeds: Some(Seeds(seeds)),
            nodes: Some(150),
            hours: Some(0.5),
            listened: Some(30),
            spies: Some(0.1),
            black_holes: Some(0.05),
            ..Flags::default()
        };
        flags.apply(&mut setup).expect("nothing is wrong");
        setup
    }

    fn play(seeds: std::ops::Range<u64>, threads: usize) -> Results {
        Results::play(&setup(seeds), threads, |_| {}).expect("nothing is wrong")
    }

    #[test]
    fn shards_make_the_report_of_one_run_byte_for_byte() {
        let whole = report::files(&play(3..7, 2)).expect("all numbers can be written");
        let shard = |seeds| {
            let files = report::files(&play(seeds, 1)).expect("all numbers can be written");
            serde_json::from_str::<Results>(&files["results.json"]).expect("written by us")
        };
        // In another order, and with one seed twice.
        let shards = [shard(5..7), shard(3..4), shard(3..6)];
        let merged = Results::merge(shards).expect("of one experiment");
        assert_eq!(report::files(&merged).expect("all numbers can be written"), whole);
        assert!(whole["report.html"].contains("seeds 3..7"));
    }

    #[test]
    fn what_is_not_of_one_experiment_is_not_merged() {
        let one = play(0..1, 1);
        let mut other = one.clone();
        other.setup.network.nodes += 1;
        assert_eq!(Results::merge([one.clone(), other]), Err(MergeError::OtherSetup(2)));
        let mut other = one.clone();
        other.seeds.values_mut().for_each(|tally| tally.merged += 1);
        let refused = Err(MergeError::OtherOutcome { shard: 2, seed: 0 });
        assert_eq!(Results::merge([one, other]), refused);
        assert_eq!(Results::merge([]), Err(MergeError::Nothing));
    }

    #[test]
    fn progress_ends_with_all_done() {
        let mut last = Progress { done: 0, share: 0.0 };
        let results = Results::play(&setup(0..2), 2, |progress| {
            assert!(progress.share >= last.share, "{progress:?} after {last:?}");
            last = progress;
        });
        assert_eq!(last, Progress { done: 2, share: 1.0 });
        assert_eq!(results.expect("nothing is wrong").seeds.len(), 2);
    }
}
