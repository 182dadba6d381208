//! Many seeds on many threads.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use super::{Outcome, Size, generate};
use crate::invariant::{Breach, Law};

/// Which scenarios to play.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hunt {
    /// The seeds.
    pub seeds: Range<u64>,
    /// How large the scenarios are.
    pub size: Size,
    /// On how many threads.
    pub threads: usize,
    /// Every so manieth seed is played twice, to see that it gives the same trace; zero: none.
    pub twice: u64,
}

/// A scenario was played.
#[derive(Clone, PartialEq, Debug)]
pub struct Progress {
    /// Its seed.
    pub seed: u64,
    /// How it went.
    pub outcome: Outcome,
}

/// Plays all scenarios, and tells `report` of each when it is done, in any order. Stops early when
/// that says false.
pub fn hunt(hunt: &Hunt, mut report: impl FnMut(Progress) -> bool) {
    let next = AtomicU64::new(hunt.seeds.start);
    thread::scope(|scope| {
        let (tell, hear) = mpsc::channel();
        for _ in 0..hunt.threads.max(1) {
            let (tell, next) = (tell.clone(), &next);
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= hunt.seeds.end || tell.send(play(hunt, seed)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(tell);
        for progress in hear {
            if !report(progress) {
                next.store(hunt.seeds.end, Ordering::Relaxed);
                return;
            }
        }
    });
}

fn play(hunt: &Hunt, seed: u64) -> Progress {
    let scenario = generate(seed, hunt.size);
    let mut outcome = scenario.run();
    if outcome.breach.is_none() && hunt.twice > 0 && seed.is_multiple_of(hunt.twice) {
        outcome.breach = differs(&outcome, &scenario.run());
    }
    Progress { seed, outcome }
}

/// What is wrong if two runs of one scenario are not the same.
pub(super) fn differs(first: &Outcome, second: &Outcome) -> Option<Breach> {
    (first.digest != second.digest).then(|| Breach {
        law: Law::Repeatable,
        at: scape_pool::Instant::ZERO,
        what: format!("{} events once and {} again", first.events, second.events),
        kernels: Vec::new(),
    })
}
