//! Stand-in until `scape_pool::time` is there.
use std::ops::Add;
use std::time::Duration;

/// A point of monotonic time, in microseconds since an origin that the caller chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// From microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// As microseconds.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The time since `other`, or zero if that is later.
    pub fn saturating_since(self, other: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(other.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, other: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(other.as_micros()).unwrap_or(u64::MAX)))
    }
}
