//! The first-spy estimator: the origin is taken to be whoever handed a payment to the first spy
//! that saw it, on the stem or in public (Fanti et al. 2018). Spies follow what is sealed, too, as
//! far as they can; where they cannot tell payments of one sink apart they guess which is which.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha12Rng;
use scape_p2p::dandelion::Params;

use super::trail::{Meeting, Trails};
use crate::lab::Run;
use crate::lab::paper::Guess;

/// A guess for each payment of an honest node.
pub fn guesses(run: &Run, params: &Params, seed: u64) -> Vec<Guess> {
    let Trails { certain, meetings } = Trails::of(run, params);
    let mut suspects: Vec<_> = certain.into_iter().map(|exit| exit.map(|e| e.from)).collect();
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    for Meeting { mut unread, mut passed } in meetings {
        unread.shuffle(&mut rng);
        passed.shuffle(&mut rng);
        for (payment, exit) in unread.into_iter().zip(passed) {
            suspects[payment as usize] = Some(exit.from);
        }
    }
    let origins = run.outcomes.iter().map(|outcome| outcome.payment.origin);
    origins.zip(suspects).collect()
}
