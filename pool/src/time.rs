use std::ops::Add;
use std::time::Duration;

/// A moment on the host's monotonic clock, in microseconds from an origin of the host's choice.
///
/// Unlike the standard library's it can be made from a number, so that virtual time is a number
/// that starts at zero and a trace can be replayed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Instant(u64);

impl Instant {
    /// The origin.
    pub const ZERO: Self = Self(0);

    /// A moment that many microseconds after the origin.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// A moment that many seconds after the origin.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Microseconds since the origin.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to here; zero if it is later.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// The first multiple of `step` (counted from `phase`) that is after this moment.
    pub(crate) fn next_tick(self, phase: Self, step: Duration) -> Self {
        let step = micros(step).max(1);
        match self.0.checked_sub(phase.0) {
            None => phase,
            Some(since) => Self(phase.0.saturating_add((since / step + 1).saturating_mul(step))),
        }
    }

    /// The first multiple of `step` that is at or after this moment.
    pub(crate) fn round_up(self, step: Duration) -> Self {
        let step = micros(step).max(1);
        Self(self.0.div_ceil(step).saturating_mul(step))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_after_and_on_the_grid() {
        let (phase, step) = (Instant::from_secs(3), Duration::from_secs(10));
        let tick = |secs| Instant::from_secs(secs).next_tick(phase, step);
        assert_eq!(tick(0), Instant::from_secs(3));
        assert_eq!(tick(3), Instant::from_secs(13));
        assert_eq!(tick(12), Instant::from_secs(13));
        assert_eq!(tick(13), Instant::from_secs(23));
    }

    #[test]
    fn no_time_passes_before_the_beginning() {
        let (early, late) = (Instant::from_secs(3), Instant::from_micros(5_000_001));
        assert_eq!(late.saturating_since(early), Duration::from_micros(2_000_001));
        assert_eq!(early.saturating_since(late), Duration::ZERO);
        assert_eq!(early + late.saturating_since(early), late);
    }

    #[test]
    fn rounding_up_keeps_multiples() {
        let step = Duration::from_secs(10);
        assert_eq!(Instant::from_secs(20).round_up(step), Instant::from_secs(20));
        assert_eq!(Instant::from_micros(20_000_001).round_up(step), Instant::from_secs(30));
    }
}
