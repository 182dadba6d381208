//! The times of frames on the wire while the node is fully busy: all cores verify and everything that
//! the outbox takes waits in it. With the production schedule, encryption and writer, over real
//! sockets. Frames come more often than in life.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]
#![expect(clippy::disallowed_methods, reason = "a recorder has the time of the wire")]

mod link;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant as Clock};

use scape_aggregate::builder::{Recipe, corpus};
use scape_aggregate::{ChainType, Consensus, Hash, Transaction, Verifier};
use scape_p2p::net::{Net, NetEvent};
use scape_p2p::noise::{Channel, NoiseConfig, Schedule};
use scape_p2p::peer::PeerId;
use scape_p2p::wire::Message;
use scape_pool::Instant;
use scape_tests::stats::two_sample_ks;
use tokio::task::spawn_blocking;
use tokio::time::sleep_until;

use link::{next, node, settle};

const CONSENSUS: Consensus = Consensus::of(ChainType::AutomatedTesting);
const FRAMES: usize = 30;
const NOISE: NoiseConfig = NoiseConfig {
    interval: Duration::from_millis(200),
    spread: Duration::from_millis(100),
    lead: Duration::from_millis(150),
    ..NoiseConfig::DEFAULT
};
/// How long the work in hand takes that a frame would have to wait for in line.
const IN_HAND: Duration = Duration::from_millis(300);

/// What a node does between its frames.
#[derive(Debug, Clone, Copy)]
enum Work {
    Nothing,
    /// As much as it can, as it is done in production.
    Aside,
    /// The same in line with the frames, which are sent when they are made.
    InLine,
}

/// Transactions that can be verified time and again.
struct Load {
    txs: Vec<Transaction>,
    verifier: Verifier,
}

impl Load {
    fn new() -> Self {
        let built = corpus(1, 8, &Recipe::variety(&CONSENSUS), &CONSENSUS).unwrap();
        let txs = built.into_iter().map(|built| built.tx).collect();
        Self { txs, verifier: Verifier::new(100.try_into().unwrap()) }
    }

    fn verify(&self) {
        let verdicts = self.verifier.verify_batch_anew(self.txs.clone());
        assert!(verdicts.iter().all(Result::is_ok));
    }

    /// Verifies for so long, and to the end of what is in hand.
    fn verify_for(&self, long: Duration) {
        let begin = Clock::now();
        while begin.elapsed() < long {
            self.verify();
        }
    }
}

/// Keeps all cores busy until it is dropped.
struct Busy(Arc<AtomicBool>);

impl Busy {
    fn new(load: &Arc<Load>) -> Self {
        let busy = Self(Arc::new(AtomicBool::new(true)));
        for _ in 0..thread::available_parallelism().unwrap().get() {
            let (load, goes_on) = (Arc::clone(load), Arc::clone(&busy.0));
            thread::spawn(move || {
                while goes_on.load(Ordering::Relaxed) {
                    load.verify();
                }
            });
        }
        busy
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Puts so much into the outbox that it takes no more.
fn fill(net: &Net, peer: PeerId) {
    while net.send(peer, Message::TransactionKernel(Hash([7; 32]))).is_ok() {}
}

/// As production does: frames are made ahead of their time and sent at it.
async fn send_in_time(net: &Net, peer: PeerId, talks: bool) {
    let begin = Clock::now();
    let mut channel = Channel::new(&NOISE.check().unwrap(), [7; 32], Instant::ZERO);
    channel.attach(peer);
    loop {
        let made = begin + Duration::from_micros(channel.poll_timeout().as_micros());
        sleep_until(made.into()).await;
        if talks {
            fill(net, peer);
        }
        let now = Instant::from_micros(begin.elapsed().as_micros() as u64);
        // Nothing is made if this task woke up too late for it.
        if let Some(due) = channel.handle_timeout(now) {
            // Not taken if the last one still waits, which shows in the intervals.
            let _ = net.send_noise(peer, due.frame.into(), due.at.saturating_since(now));
        }
    }
}

/// As it must not be: what is due is sent once the work in hand is done.
async fn send_in_line(net: &Net, peer: PeerId, load: &Arc<Load>) {
    let begin = Clock::now();
    let mut schedule = Schedule::new(NOISE.interval, NOISE.spread, [7; 32], Instant::ZERO);
    loop {
        let load = Arc::clone(load);
        spawn_blocking(move || load.verify_for(IN_HAND)).await.unwrap();
        let now = Instant::from_micros(begin.elapsed().as_micros() as u64);
        if schedule.handle_timeout(now) {
            let frame = vec![0; NOISE.frame.bytes()].into();
            let _ = net.send_noise(peer, frame, Duration::ZERO);
        }
    }
}

/// Microseconds between the frames of a node that works so; all have one schedule.
async fn intervals(work: Work, load: &Arc<Load>) -> Vec<u64> {
    let ((bob, mut to_bob), (alice, mut to_alice)) = (node(true, 1).await, node(false, 2).await);
    alice.connect(bob.local_addr().unwrap());
    let (peer, _) = tokio::join!(settle(&mut to_alice), settle(&mut to_bob));
    let heard = tokio::spawn(async move {
        let mut heard = Vec::new();
        while heard.len() <= FRAMES {
            if let NetEvent::Frame { .. } = next(&mut to_bob).await {
                heard.push(Clock::now());
            }
        }
        heard
    });
    let sending = async {
        match work {
            Work::Nothing => send_in_time(&alice, peer, false).await,
            Work::Aside => {
                let _busy = Busy::new(load);
                send_in_time(&alice, peer, true).await;
            }
            Work::InLine => send_in_line(&alice, peer, load).await,
        }
    };
    let heard = tokio::select! {
        heard = heard => heard.unwrap(),
        () = sending => unreachable!("it never ends"),
    };
    heard.windows(2).map(|pair| (pair[1] - pair[0]).as_micros() as u64).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures times, for which nothing else may run beside it"]
async fn frames_keep_their_times_while_all_cores_verify_and_the_outbox_is_full() {
    let load = Arc::new(Load::new());
    let mut idle = intervals(Work::Nothing, &load).await;
    let mut busy = intervals(Work::Aside, &load).await;
    let shift = idle.iter().zip(&busy).map(|(idle, busy)| idle.abs_diff(*busy)).max();
    let ks = two_sample_ks(&mut idle, &mut busy);
    println!("idle and busy: {ks:?}, no interval differs by more than {shift:?} us");
    assert!(ks.p > 0.01, "{ks:?}, {idle:?}, {busy:?}");
    // It would be noticed if they waited for the work.
    let mut in_line = intervals(Work::InLine, &load).await;
    let ks = two_sample_ks(&mut idle, &mut in_line);
    println!("idle and in line: {ks:?}");
    assert!(ks.p < 0.01, "{ks:?}, {idle:?}, {in_line:?}");
}
