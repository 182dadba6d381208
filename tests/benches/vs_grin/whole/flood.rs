//! One peer floods invalid proofs while another sends valid transactions.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use scape_aggregate::builder::{Damage, seeded};
use scape_aggregate::{ProtocolVersion, Transaction};

use super::Latency;
use super::peer::{Frame, Peer};
use super::relay::Relay;
use super::throughput::PER_PEER;
use crate::corpus::RULES;
use crate::measure::{Bench, Figures, Ratio};

const HONEST: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));
/// Valid transactions after which the honest peer is no newcomer any more.
const WARM_UP: usize = 10;
/// How often quiet and flood take turns, so that both have the machine as it is.
const TURNS: usize = 8;
/// At most this many transactions are sent: with their pace, what Grin's limit of 500 messages a
/// minute lets through.
const SENT: usize = 800;

/// The p99 latency of a valid transaction, from its write to the socket to the stempool, with the
/// flood (ours) and without it (in Grin's column). When a flooder is banned, it comes again from
/// another address at once.
pub(crate) fn flood_p99(bench: &Bench) -> Figures {
    let txs = bench.corpus.decoded();
    let relay = Relay::start(&txs);
    let (honest, spare) = txs.split_at((txs.len() * 9 / 10).min(WARM_UP + SENT));
    let valid: Vec<_> = honest.iter().cloned().map(Frame::stem).collect();
    let mut flooder = Flooder::new(relay.addr(), spare);
    let mut peer = Peer::connect(relay.addr(), HONEST).unwrap();
    let (warm_up, measured) = valid.split_at(WARM_UP);
    let mut rng = seeded(6, 0);
    send_paced(&relay, &mut peer, warm_up, &mut rng);
    let (mut quiet, mut flooded) = (Vec::new(), Vec::new());
    for turn in measured.chunks(measured.len().div_ceil(2 * TURNS)).collect::<Vec<_>>().chunks(2) {
        quiet.extend(send_paced(&relay, &mut peer, turn[0], &mut rng));
        if let Some(frames) = turn.get(1) {
            flooded.extend(flooder.during(|| send_paced(&relay, &mut peer, frames, &mut rng)));
        }
    }
    relay.stop();
    let (quiet, flooded) = (Latency::of(quiet), Latency::of(flooded));
    println!(
        "# flood_p99: {} us at p50 without, {} with a flood of {} invalid over {} links, all banned",
        quiet.p50.as_micros(),
        flooded.p50.as_micros(),
        flooder.sent,
        flooder.links
    );
    let micros = |latency: Latency| latency.p99.as_secs_f64() * 1e6;
    Figures { grin: micros(quiet), ours: micros(flooded), ratio: Ratio::Share, unit: "us" }
}

/// Sends at random intervals, whatever became of the ones before. How long each took.
fn send_paced(
    relay: &Relay,
    peer: &mut Peer,
    frames: &[Frame],
    rng: &mut ChaCha12Rng,
) -> Vec<Duration> {
    let mut sent = HashMap::new();
    for frame in frames {
        sent.insert(frame.kernel, Instant::now());
        peer.send(frame).unwrap();
        thread::sleep(Duration::from_millis(rng.random_range(25..=75)));
    }
    let arrivals = frames.iter().map(|_| relay.next_stemmed());
    arrivals.map(|(kernel, at)| at - sent[&kernel]).collect()
}

/// Sends transactions with wrong range proofs as fast as they are taken.
struct Flooder {
    relay: SocketAddr,
    invalid: Vec<Frame>,
    links: u32,
    sent: usize,
}

impl Flooder {
    /// What the transactions spend must stay unspent, or they are refused unverified.
    fn new(relay: SocketAddr, txs: &[Transaction]) -> Self {
        let (version, mut rng) = (ProtocolVersion::LOCAL, seeded(7, 0));
        let invalid = txs.iter().map(|tx| {
            let bytes = Damage::WrongProof.apply(tx, version, &RULES, &mut rng).unwrap();
            Frame::stem(Transaction::decode(&bytes, version, &RULES).unwrap())
        });
        Self { relay, invalid: invalid.collect(), links: 0, sent: 0 }
    }

    /// Floods as long as the work takes.
    fn during<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    self.flood();
                }
            });
            let result = work();
            stop.store(true, Ordering::Relaxed);
            result
        })
    }

    /// Connects as yet another host and floods until it is banned: for its proofs, since it keeps
    /// to the limit of messages.
    fn flood(&mut self) {
        self.links += 1;
        let [_, high, middle, low] = self.links.to_be_bytes();
        let mut peer = Peer::connect(self.relay, [127, 1 + high, middle, low].into()).unwrap();
        let frames = self.invalid.iter().cycle().take(PER_PEER);
        self.sent += frames.take_while(|frame| peer.send(frame).is_ok()).count();
        assert!(peer.was_banned(), "flooder {} was not banned", self.links);
    }
}
