//! Black holes swallow what they are handed and watch who fluffs it when its embargo ends.

use serde::{Deserialize, Serialize};

use crate::lab::{Observer, Run};

/// What became of what was swallowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Swallowed {
    /// Payments that a black hole swallowed.
    pub payments: u64,
    /// Those that their origin was the first to fluff.
    pub by_origin: u64,
    /// Those whose origin was the first whom the adversary heard fluff them.
    pub found: u64,
    /// Those that became public at all.
    pub fluffed: u64,
}

impl Swallowed {
    /// Counts what was swallowed elsewhere.
    pub(in crate::lab) fn add(&mut self, other: &Self) {
        self.payments += other.payments;
        self.by_origin += other.by_origin;
        self.found += other.found;
        self.fluffed += other.fluffed;
    }
}

/// Counts them. The adversary takes for the origin who first tells one of its nodes in public.
pub fn swallowed(run: &Run) -> Swallowed {
    let mut heard = vec![None; run.outcomes.len()];
    let public = run.sights.iter().filter(|sight| !matches!(sight.observer, Observer::Relay(_)));
    for sight in public {
        for &payment in &sight.payments {
            let first = &mut heard[payment as usize];
            if first.is_none_or(|(at, _)| sight.at < at) {
                *first = Some((sight.at, sight.from));
            }
        }
    }
    let mut counts = Swallowed::default();
    for (outcome, heard) in run.outcomes.iter().zip(heard).filter(|(o, _)| o.swallowed) {
        let origin = outcome.payment.origin;
        let first = outcome.fluffs.first().map(|fluff| run.fluffs[*fluff as usize].node);
        counts.payments += 1;
        counts.fluffed += u64::from(first.is_some());
        counts.by_origin += u64::from(first == Some(origin));
        counts.found += u64::from(heard.is_some_and(|(_, from)| from == Some(origin)));
    }
    counts
}
