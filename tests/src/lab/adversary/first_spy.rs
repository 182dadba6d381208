//! The first-spy estimator: the origin is taken to be whoever handed a payment to the first spy
//! that saw it, on the stem or in public (Fanti et al. 2018).

use crate::lab::paper::Guess;
use crate::lab::{Observer, Run, Sight};

/// A guess for each payment of an honest node.
pub fn guesses(run: &Run) -> Vec<Guess> {
    let suspects = first_sights(run).into_iter().map(|sight| sight.and_then(|sight| sight.from));
    let origins = run.outcomes.iter().map(|outcome| outcome.payment.origin);
    origins.zip(suspects).collect()
}

/// Of each payment, what the spies saw first.
pub(super) fn first_sights(run: &Run) -> Vec<Option<&Sight>> {
    let mut first: Vec<Option<&Sight>> = vec![None; run.outcomes.len()];
    for sight in run.sights.iter().filter(|sight| sight.observer != Observer::Listener) {
        for &payment in &sight.payments {
            let place = &mut first[payment as usize];
            if place.is_none_or(|earlier| sight.at < earlier.at) {
                *place = Some(sight);
            }
        }
    }
    first
}
