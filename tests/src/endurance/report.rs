//! What was measured, and the verdict.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::flood::{Attack, Tally};
use super::served::Counts;

/// One look at the node.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Since the beginning.
    pub at: Duration,
    /// Resident memory, in bytes.
    pub resident: usize,
    /// Transactions in stempool, txpool and among orphans, and connections.
    pub counts: Counts,
    /// Transactions of the honest peer that have arrived.
    pub arrived: usize,
}

/// The result of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// What the node may take at most, in bytes.
    pub bound: usize,
    /// One look each second.
    pub samples: Vec<Sample>,
    /// How long each transaction of the honest peer took from its socket to the stempool.
    pub latencies: Vec<Duration>,
    /// Transactions of the honest peer that never arrived.
    pub lost: usize,
    /// What the flooders did, and what it earned them.
    pub tallies: BTreeMap<Attack, Tally>,
}

impl Report {
    pub(super) fn new(bound: usize) -> Self {
        let (samples, latencies) = (Vec::new(), Vec::new());
        Self { bound, samples, latencies, lost: 0, tallies: BTreeMap::new() }
    }

    pub(super) fn sample(&mut self, at: Duration, process: u32, counts: Counts) -> Sample {
        let resident = resident(process).unwrap_or_default();
        let sample = Sample { at, resident, counts, arrived: self.latencies.len() };
        self.samples.push(sample);
        sample
    }

    pub(super) fn add_tally(&mut self, attack: Attack, tally: Tally) {
        *self.tallies.entry(attack).or_default() += tally;
    }

    /// The greatest resident memory, in bytes.
    pub fn peak(&self) -> usize {
        self.samples.iter().map(|sample| sample.resident).max().unwrap_or_default()
    }

    /// The latency that `share` of all transactions were not above; `None` if there was none.
    pub fn latency(&self, share: f64) -> Option<Duration> {
        let mut sorted = self.latencies.clone();
        sorted.sort();
        let index = (sorted.len() as f64 * share).ceil() as usize;
        sorted.get(index.saturating_sub(1)).copied()
    }

    /// Whether memory was seen, stayed under its bound, and the honest peer got everything through.
    pub fn is_good(&self) -> bool {
        let seen = self.peak() > 0 && !self.latencies.is_empty();
        seen && self.peak() <= self.bound && self.lost == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |share| self.latency(share).unwrap_or_default().as_secs_f64() * 1e3;
        writeln!(f, "attack          connections  thrown out   messages        MB")?;
        for (attack, tally) in &self.tallies {
            let Tally { connections, thrown_out, messages, bytes } = tally;
            let megabytes = *bytes as f64 / 1e6;
            let name = attack.name();
            writeln!(
                f,
                "{name:<14} {connections:>12} {thrown_out:>11} {messages:>10} {megabytes:>9.1}"
            )?;
        }
        let (arrived, lost) = (self.latencies.len(), self.lost);
        writeln!(f, "honest transactions: {arrived} arrived, {lost} lost")?;
        let (p50, p90, p99, max) = (millis(0.5), millis(0.9), millis(0.99), millis(1.0));
        writeln!(f, "latency in ms: p50 {p50:.1}, p90 {p90:.1}, p99 {p99:.1}, max {max:.1}")?;
        let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
        let (peak, bound) = (mib(self.peak()), mib(self.bound));
        writeln!(f, "resident memory in MiB: peak {peak:.1}, bound {bound:.0}")?;
        write!(f, "verdict: {}", if self.is_good() { "good" } else { "BAD" })
    }
}

/// Resident memory of a process in bytes: the second field of its `statm`, in pages.
fn resident(process: u32) -> Option<usize> {
    const PAGE: usize = 4_096;
    let statm = std::fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
    Some(statm.split_whitespace().nth(1)?.parse::<usize>().ok()? * PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(resident: usize, latencies: usize, lost: usize) -> Report {
        let (at, counts) = (Duration::ZERO, Counts::default());
        let sample = Sample { at, resident, counts, arrived: latencies };
        let latencies = (1..=latencies).map(|ms| Duration::from_millis(ms as u64)).collect();
        Report { samples: vec![sample], latencies, lost, ..Report::new(1_000) }
    }

    #[test]
    fn too_much_memory_a_loss_or_nothing_seen_is_no_good() {
        assert!(report(1_000, 5, 0).is_good());
        assert!(!report(1_001, 5, 0).is_good());
        assert!(!report(1_000, 5, 1).is_good());
        assert!(!report(1_000, 0, 0).is_good());
        assert!(!report(0, 5, 0).is_good());
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_latencies() {
        let report = report(1, 200, 0);
        let millis = |share| report.latency(share).map(|latency| latency.as_millis());
        assert_eq!([0.5, 0.99, 1.0].map(millis), [Some(100), Some(198), Some(200)]);
    }
}
