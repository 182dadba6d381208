//! The clock: the one place of this crate that reads it.

use std::time::Duration;

use scape_pool::Instant;

/// Monotonic time since the glue was started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    origin: tokio::time::Instant,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the glue reads the clock")]
    pub(super) fn start() -> Self {
        Self { origin: tokio::time::Instant::now() }
    }

    pub(super) fn now(self) -> Instant {
        Instant::from_micros(u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// Sleeps until `at`; returns at once if that is past.
    pub(super) async fn sleep_until(self, at: Instant) {
        let wait: Duration = at.saturating_since(self.now());
        tokio::time::sleep(wait).await;
    }
}
