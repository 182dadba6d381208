use std::time::Duration;

/// How long things took, as percentiles.
pub(crate) struct Latency {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

impl Latency {
    /// The nearest-rank percentiles of at least one time.
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let percentile = |percent: usize| times[(times.len() * percent).div_ceil(100) - 1];
        Self { p50: percentile(50), p99: percentile(99) }
    }
}
