//! What can be chosen about the white noise of a zone.

use std::time::Duration;

use super::frame::{FrameSize, MAX_FRAGMENTS};
use super::pair::CHANNELS;

/// The white noise of one zone. All of its nodes should have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoiseConfig {
    /// The size of every frame.
    pub frame: FrameSize,
    /// The shortest time between two frames of a channel.
    pub interval: Duration,
    /// A share of it, drawn evenly, is added to each interval.
    pub spread: Duration,
    /// How long before its time a frame is made, and so fixed. Whatever delays the node meanwhile,
    /// a slow disk for example, does not show; a message takes so much longer.
    pub lead: Duration,
    /// How much may wait on each channel, in bytes of whole frames.
    pub queue_bytes: usize,
}

impl Default for NoiseConfig {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A [`NoiseConfig`] that keeps the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValidNoise(NoiseConfig);

impl ValidNoise {
    /// What was chosen.
    pub fn config(&self) -> &NoiseConfig {
        &self.0
    }
}

/// Why a configuration is refused. One variant per rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoiseConfigError {
    /// A channel sends at most ten frames a second.
    #[error("frames every {0:?}, which is less than 100 ms")]
    TooOften(Duration),
    /// Frames come at least once an hour.
    #[error("up to {0:?} between frames, which is more than an hour")]
    TooSeldom(Duration),
    /// A frame is made after the one before it is sent.
    #[error("frames made {lead:?} ahead, which is not less than the {interval:?} between them")]
    TooEarly {
        /// What was configured.
        lead: Duration,
        /// The shortest time between two frames.
        interval: Duration,
    },
    /// The queue holds at least one message of the longest kind.
    #[error("a queue of {found} bytes, where the longest message takes {needed}")]
    QueueTooSmall {
        /// What was configured.
        found: usize,
        /// What is needed.
        needed: usize,
    },
}

impl NoiseConfig {
    /// Monero's frames and times. Forty frames may wait, two of the longest messages: they take
    /// 500 s to go out, and what waits longer is better sent in another way.
    pub const DEFAULT: Self = Self {
        frame: FrameSize::DEFAULT,
        interval: Duration::from_secs(10),
        spread: Duration::from_secs(5),
        lead: Duration::from_secs(2),
        queue_bytes: 40 * FrameSize::DEFAULT.bytes(),
    };

    /// Checks the rules; without that there are no channels.
    ///
    /// # Errors
    ///
    /// The first [`NoiseConfigError`] that applies.
    pub fn check(self) -> Result<ValidNoise, NoiseConfigError> {
        if self.interval < Duration::from_millis(100) {
            return Err(NoiseConfigError::TooOften(self.interval));
        }
        let longest = self.interval.saturating_add(self.spread);
        if longest > Duration::from_secs(3_600) {
            return Err(NoiseConfigError::TooSeldom(longest));
        }
        if self.lead >= self.interval {
            return Err(NoiseConfigError::TooEarly { lead: self.lead, interval: self.interval });
        }
        let needed = usize::from(MAX_FRAGMENTS) * self.frame.bytes();
        if self.queue_bytes < needed {
            return Err(NoiseConfigError::QueueTooSmall { found: self.queue_bytes, needed });
        }
        Ok(ValidNoise(self))
    }

    /// How long a message of one frame waits until that is gone, on average: until the frame after
    /// the next one is made, 8.3 s at the defaults. The rest of an interval `X` that is met at a
    /// random moment is `E[X^2] / 2 E[X]` long.
    pub fn wait(&self) -> Duration {
        let (interval, spread) = (self.interval.as_secs_f64(), self.spread.as_secs_f64());
        let mean = interval + spread / 2.0;
        let variance = spread * spread / 12.0;
        self.lead + Duration::from_secs_f64((mean * mean + variance) / (2.0 * mean))
    }

    /// How long something sealed is held at most before it leaves for its sink outside of the
    /// frames: two longest intervals, 30 s at the defaults. It is held for an even share of that.
    ///
    /// Whoever watches sees it leave, and asks with which frame it came. In two longest intervals
    /// every channel into the node had two frames or more, and each frame of them is as likely.
    pub fn hold(&self) -> Duration {
        2 * self.interval.saturating_add(self.spread)
    }

    /// What the frames of all channels of a zone cost on average, in bytes per second: 491.5 at
    /// the defaults. What encrypts them comes on top.
    pub fn bytes_per_second(&self) -> f64 {
        let mean = self.interval.as_secs_f64() + self.spread.as_secs_f64() / 2.0;
        (CHANNELS * self.frame.bytes()) as f64 / mean
    }
}
