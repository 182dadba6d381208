use std::time::{Duration, SystemTime, UNIX_EPOCH};

use scape_p2p::book::UnixTime;
use scape_pool::Instant;

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

    #[expect(clippy::disallowed_methods, reason = "the node reads the clock for all it contains")]
    pub(super) fn unix(self) -> UnixTime {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        UnixTime(since.unwrap_or(Duration::ZERO).as_secs())
    }

    pub(super) async fn sleep_until(self, at: Instant) {
        tokio::time::sleep(at.saturating_since(self.now())).await;
    }
}
