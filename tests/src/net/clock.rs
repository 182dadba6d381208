use std::time::Duration;

use scape_pool::Instant;

/// The clock of a node: it goes wrong at a constant rate and never goes back.
///
/// A node's zone sees `time * (1 + ppm / 1,000,000) + ahead`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Clock {
    /// How much faster than time it goes, in millionths.
    pub ppm: i32,
    /// What it shows when virtual time begins.
    pub ahead: Duration,
}

const MILLION: i128 = 1_000_000;

impl Clock {
    /// What it shows at a moment.
    pub fn shows(self, at: Instant) -> Instant {
        if self == Self::default() {
            return at;
        }
        let at = i128::from(at.as_micros());
        let shown = at + at * i128::from(self.ppm) / MILLION;
        Instant::from_micros(u64::try_from(shown).unwrap_or(0)) + self.ahead
    }

    /// The first moment at which it shows this.
    pub fn moment(self, shown: Instant) -> Instant {
        if self == Self::default() {
            return shown;
        }
        let since = shown.saturating_since(Instant::ZERO + self.ahead).as_micros();
        let since = i128::try_from(since).unwrap_or(i128::MAX / MILLION);
        let mut at = since * MILLION / (MILLION + i128::from(self.ppm).max(1 - MILLION));
        let reached =
            |at: i128| self.shows(Instant::from_micros(u64::try_from(at).unwrap_or(0))) >= shown;
        while !reached(at) {
            at += 1;
        }
        while at > 0 && reached(at - 1) {
            at -= 1;
        }
        Instant::from_micros(u64::try_from(at).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_the_first_at_which_the_clock_shows_a_time() {
        for ppm in [-50_000, -3, 0, 7, 50_000] {
            let clock = Clock { ppm, ahead: Duration::from_secs(3) };
            for shown in (3_000_000..4_000_000).step_by(9_973).chain([123_456_789_012]) {
                let shown = Instant::from_micros(shown);
                let at = clock.moment(shown);
                assert!(clock.shows(at) >= shown, "{ppm} {shown:?}");
                let before = Instant::from_micros(at.as_micros().saturating_sub(1));
                assert!(at == Instant::ZERO || clock.shows(before) < shown, "{ppm} {shown:?}");
            }
        }
    }

    #[test]
    fn a_clock_never_goes_back() {
        let clock = Clock { ppm: -999_999, ahead: Duration::ZERO };
        let shown = |at| clock.shows(Instant::from_micros(at));
        assert!((0..10_000).all(|at| shown(at) <= shown(at + 1)));
    }
}
