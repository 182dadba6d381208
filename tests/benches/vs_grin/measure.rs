use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::corpus::Corpus;
use crate::options::{Mode, Options};

/// What every measure is given.
pub(crate) struct Bench {
    pub(crate) corpus: Corpus,
    pub(crate) quick: bool,
    grin_only: bool,
}

/// The two figures of a measure, and how they compare.
pub(crate) struct Figures {
    pub(crate) grin: f64,
    pub(crate) ours: f64,
    pub(crate) ratio: Ratio,
    pub(crate) unit: &'static str,
}

/// How two figures compare.
#[derive(Clone, Copy)]
pub(crate) enum Ratio {
    /// How many times faster ours is.
    Speedup,
    /// Ours as a part, or a multiple, of the other.
    Share,
    /// Ours is a ratio already, of something that the measure tells.
    Itself,
}

impl Ratio {
    pub(crate) fn of(self, grin: f64, ours: f64) -> f64 {
        match self {
            Self::Speedup => grin / ours,
            Self::Share => ours / grin,
            Self::Itself => ours,
        }
    }
}

/// The times that both sides took.
pub(crate) struct Times {
    pub(crate) grin: Duration,
    pub(crate) ours: Duration,
}

impl Bench {
    pub(crate) fn new(options: &Options) -> Self {
        let count = if options.quick { 64 } else { 1_000 };
        let corpus = Corpus::load_or_make(&options.target.join("vs_grin.corpus"), count);
        Self { corpus, quick: options.quick, grin_only: options.mode == Mode::GrinOnly }
    }

    /// How many transactions a measure named after `count` works on.
    pub(crate) fn scaled(&self, count: usize) -> usize {
        count.min(self.corpus.len())
    }

    /// Runs both sides in turns and takes the least time of each: what disturbs a run on a shared
    /// machine only ever adds to it.
    pub(crate) fn in_turns(
        &self,
        rounds: usize,
        mut grin: impl FnMut() -> Duration,
        mut ours: impl FnMut() -> Duration,
    ) -> Times {
        let rounds = if self.quick { 1 } else { rounds };
        let none = if self.grin_only { Duration::ZERO } else { Duration::MAX };
        let mut times = Times { grin: Duration::MAX, ours: none };
        for _ in 0..rounds {
            times.grin = times.grin.min(grin());
            if !self.grin_only {
                times.ours = times.ours.min(ours());
            }
        }
        times
    }
}

impl Times {
    /// As microseconds for each of `count`.
    pub(crate) fn micros_each(&self, count: usize, ratio: Ratio) -> Figures {
        let micros = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
        Figures { grin: micros(self.grin), ours: micros(self.ours), ratio, unit: "us" }
    }
}

/// Times one call; its result is dropped after the clock was read.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    let result = black_box(work());
    let time = start.elapsed();
    drop(result);
    time
}

/// The number of cores.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get())
}
