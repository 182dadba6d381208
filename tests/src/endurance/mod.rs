//! A real node under everything that hostile peers can send, for as long as one likes.
//!
//! ```text
//! this process: honest peer, flooders, clock        child process: one node
//!      ──── TCP over loopback ────────────────────────────▶
//!      ◀─── what its owner is told, a line each ───────────
//! ```
//!
//! The node runs in a process of its own, so that its resident memory is its alone. Every flooder
//! comes from an address of its own in 127.0.0.0/8, and comes back when it was thrown out: on loopback
//! a ban ends the connection and no more. What is measured: resident memory over time, how long a
//! transaction of the honest peer takes from its socket to the stempool, how often flooders were
//! thrown out. What is judged: that
//! memory stays under the configured bound, and that the honest peer always got through.
//!
//! Linux only: elsewhere other addresses than 127.0.0.1 have to be set up first.

mod bound;
mod client;
mod flood;
mod honest;
mod report;
mod served;

use std::io;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use scape_aggregate::{ChainType, Consensus};
use thiserror::Error;

pub use bound::memory_bound;
pub use flood::Attack;
pub use report::{Report, Sample};
pub use served::serve;

use client::ClientError;
use flood::{Arsenal, Flooder};
use honest::Honest;
use served::Told;

/// The rules of the chain: blocks in which many transactions fit, as on the main network.
const CONSENSUS: Consensus = Consensus::of(ChainType::Testnet);

/// What to do to the node.
#[derive(Clone, Debug)]
pub struct Endurance {
    /// For how long.
    pub duration: Duration,
    /// With what, each at the same time as the others.
    pub attacks: Vec<Attack>,
    /// How many flooders of each kind at a time.
    pub flooders: usize,
    /// The time between two transactions of the honest peer.
    pub pace: Duration,
    /// Decides on all transactions.
    pub seed: u64,
}

/// Why there is no verdict.
#[derive(Debug, Error)]
pub enum EnduranceError {
    /// The node's process could not be started, or its output not be read.
    #[error("the node's process: {0}")]
    Process(#[from] io::Error),
    /// The node ended before its time: it crashed.
    #[error("the node ended before its time")]
    Crashed,
    /// The honest peer lost its connection.
    #[error("the honest peer was cut off: {0}")]
    CutOff(#[from] ClientError),
    /// A transaction could not be made.
    #[error(transparent)]
    Build(#[from] scape_aggregate::builder::BuildError),
}

impl Endurance {
    /// Runs it. `progress` is called once a second with what was measured last.
    ///
    /// `node` starts this process once more, so that it calls [`serve`].
    ///
    /// # Errors
    /// If there can be no verdict.
    pub fn run(
        &self,
        mut node: Command,
        mut progress: impl FnMut(&Sample),
    ) -> Result<Report, EnduranceError> {
        let arsenal = Arc::new(Arsenal::new(self.seed)?);
        let mut child = Guarded(node.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?);
        let output = child.0.stdout.take().ok_or(EnduranceError::Crashed)?;
        let mut told = Told::listen::<ChildStdout>(output)?;
        let addr = told.addr().ok_or(EnduranceError::Crashed)?;
        let mut honest = Honest::connect(addr, self.seed)?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut flooders = Vec::new();
        for attack in self.attacks.iter().copied() {
            for index in 0..self.flooders {
                let flooder = Flooder { attack, index, addr, arsenal: arsenal.clone() };
                let stop = stop.clone();
                flooders.push((attack, std::thread::spawn(move || flooder.run(&stop))));
            }
        }
        let mut report = Report::new(memory_bound(&served::config(0)));
        let outcome = self.watch(&mut child.0, &mut told, &mut honest, &mut report, &mut progress);
        stop.store(true, Ordering::Relaxed);
        for (attack, flooder) in flooders {
            report.add_tally(attack, flooder.join().unwrap_or_default());
        }
        outcome.map(|()| report)
    }

    fn watch(
        &self,
        child: &mut Child,
        told: &mut Told,
        honest: &mut Honest,
        report: &mut Report,
        progress: &mut impl FnMut(&Sample),
    ) -> Result<(), EnduranceError> {
        let begin = now();
        let (mut next_push, mut next_sample) = (begin, begin);
        while begin.elapsed() < self.duration
            || honest.is_waiting() && begin.elapsed() < self.duration + GRACE
        {
            if child.try_wait()?.is_some() {
                return Err(EnduranceError::Crashed);
            }
            if now() >= next_push && begin.elapsed() < self.duration {
                honest.push()?;
                next_push += self.pace;
            }
            honest.answer()?;
            for (kernel, at) in told.stemmed() {
                report.latencies.extend(honest.arrived(&kernel, at));
            }
            if now() >= next_sample {
                let sample = report.sample(begin.elapsed(), child.id(), told.counts());
                progress(&sample);
                next_sample += Duration::from_secs(1);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        report.lost = honest.waiting();
        Ok(())
    }
}

/// How long the last transactions of the honest peer may still take.
const GRACE: Duration = Duration::from_secs(30);

/// Ends the process with the run, however that ends.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "a real node is measured in real time")]
fn now() -> Instant {
    Instant::now()
}
