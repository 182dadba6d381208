use std::time::Duration;

use rand::{Rng, RngExt};

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// How long to wait after failures: twice as long after each, less a random half, so that nodes
/// that failed together do not come back together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Backoff {
    pub(super) fn next(&mut self, rng: &mut impl Rng) -> Duration {
        let wait = self.0.mul_f64(1.0 - rng.random::<f64>() / 2.0);
        self.0 = (self.0 * 2).min(LONGEST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use scape_aggregate::builder::seeded;

    use super::*;

    #[test]
    fn it_doubles_up_to_half_a_minute_less_a_random_half() {
        let (mut backoff, mut rng) = (Backoff::default(), seeded(1, 0));
        let mut longest = FIRST;
        for _ in 0..20 {
            let wait = backoff.next(&mut rng);
            assert!((longest / 2..=longest).contains(&wait), "{wait:?} of {longest:?}");
            longest = (longest * 2).min(LONGEST);
        }
        assert_eq!(longest, LONGEST);
        let mut other = seeded(2, 0);
        assert_ne!(Backoff::default().next(&mut other), Backoff::default().next(&mut rng));
    }
}
