//! When frames go out.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use scape_pool::Instant;

/// The times of the frames of one channel: an interval and a random share of a spread apart.
///
/// All times follow from the seed and the first moment. They are a grid: a call that comes late
/// gets one frame, and the next one is due when it would have been due anyway. Whole intervals
/// that were slept through are left out, not made up for.
///
/// # Correctness
///
/// It knows nothing about payload, and must not be told.
#[derive(Debug, Clone)]
pub struct Schedule {
    interval: Duration,
    spread: Duration,
    next: Instant,
    rng: ChaCha12Rng,
}

impl Schedule {
    /// How late a call may be until the grid is given up and begins anew. A clock that jumps by
    /// years must not be walked through in steps of seconds.
    pub const GIVE_UP: Duration = Duration::from_secs(3_600);

    /// A schedule whose first frame is due one interval after `now`, as all others.
    pub fn new(interval: Duration, spread: Duration, seed: [u8; 32], now: Instant) -> Self {
        let rng = ChaCha12Rng::from_seed(seed);
        let mut schedule = Self { interval, spread, next: now, rng };
        schedule.next = now + schedule.draw();
        schedule
    }

    /// When the next frame is due.
    pub fn next_frame_at(&self) -> Instant {
        self.next
    }

    /// Whether a frame is due; if so, moves on to the next time after `now`.
    pub fn handle_timeout(&mut self, now: Instant) -> bool {
        if now < self.next {
            return false;
        }
        if now.saturating_since(self.next) > Self::GIVE_UP {
            self.next = now;
        }
        while self.next <= now {
            self.next = self.next + self.draw();
        }
        true
    }

    fn draw(&mut self) -> Duration {
        let spread = u64::try_from(self.spread.as_micros()).unwrap_or(u64::MAX);
        let drawn = Duration::from_micros(self.rng.random_range(0..=spread));
        // Time has to pass, or a late call would never end.
        (self.interval + drawn).max(Duration::from_micros(1))
    }
}
