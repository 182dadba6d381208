use std::time::{Duration, SystemTime, UNIX_EPOCH};

use scape_p2p::book::UnixTime;
use scape_pool::Instant;

use crate::journal::Moment;

/// Monotonic time since the node was started, and the time of day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    origin: std::time::Instant,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the node reads the clock for all it contains")]
    pub(super) fn start() -> Self {
        Self { origin: std::time::Instant::now() }
    }

    pub(super) fn now(self) -> Instant {
        Instant::from_micros(u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    pub(super) fn unix(self) -> UnixTime {
        UnixTime(self.time_of_day().as_secs())
    }

    /// Now, on both clocks.
    pub(super) fn moment(self) -> Moment {
        let unix_micros = u64::try_from(self.time_of_day().as_micros()).unwrap_or(u64::MAX);
        Moment { now: self.now(), unix_micros }
    }

    #[expect(clippy::disallowed_methods, reason = "the node reads the clock for all it contains")]
    fn time_of_day(self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO)
    }

    pub(super) async fn sleep_until(self, at: Instant) {
        tokio::time::sleep(at.saturating_since(self.now())).await;
    }
}
