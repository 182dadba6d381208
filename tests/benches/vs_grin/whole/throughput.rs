//! Peers that send as much as the node takes.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use scape_aggregate::Hash;

use super::Latency;
use super::peer::{Frame, Peer};
use super::relay::Relay;
use crate::measure::Bench;

/// What one peer may send at once before it is a flooder: Grin allows 500 messages a minute.
pub(super) const PER_PEER: usize = 480;
/// Transactions that are on their way at a time, of all peers: enough for full batches on a few
/// cores, and fewer than the node lets one peer have waiting (256).
const ON_THE_WAY: usize = 192;

/// Throughput, and what it is like for one transaction meanwhile.
pub(crate) struct Throughput {
    /// Transactions per second, from the first that is handed to a socket to the last that is in the
    /// stempool.
    pub(crate) rate: f64,
    /// From the socket to the stempool.
    pub(crate) latency: Latency,
}

/// One peer sends. What a link may send in the long run is bound by Grin's limit of messages, far
/// below; this is the burst that the limit lets through.
pub(crate) fn loopback_1(bench: &Bench) -> Throughput {
    best_of_some(bench, 1)
}

/// Eight peers send.
pub(crate) fn loopback_8(bench: &Bench) -> Throughput {
    best_of_some(bench, 8)
}

/// The best of a few rounds, each with a fresh node: what disturbs one only ever slows it down.
fn best_of_some(bench: &Bench, peers: usize) -> Throughput {
    let rounds = if bench.quick { 1 } else { 5 };
    let paths = (0..rounds).map(|_| round(bench, peers));
    paths.max_by(|one, other| one.rate.total_cmp(&other.rate)).unwrap()
}

fn round(bench: &Bench, peers: usize) -> Throughput {
    let txs = bench.corpus.decoded();
    let relay = Relay::start(&txs);
    let count = txs.len().min(PER_PEER * peers);
    let frames: Vec<_> = txs.into_iter().take(count).map(Frame::stem).collect();
    let mut permits = HashMap::new();
    let senders = frames.chunks(count.div_ceil(peers)).zip(2..).map(|(share, host)| {
        let from = IpAddr::V4(Ipv4Addr::new(127, 0, 0, host));
        let peer = Peer::connect(relay.addr(), from).unwrap();
        let (permit, permitted) = channel();
        (0..ON_THE_WAY / peers).for_each(|_| permit.send(()).unwrap());
        permits.extend(share.iter().map(|frame| (frame.kernel, permit.clone())));
        (peer, share, permitted)
    });
    let mut senders: Vec<_> = senders.collect();
    let (arrivals, sent) = thread::scope(|scope| {
        let senders = senders
            .iter_mut()
            .map(|(peer, share, permitted)| scope.spawn(move || send(peer, share, permitted)));
        let senders: Vec<_> = senders.collect();
        let arrivals = frames.iter().map(|_| {
            let (kernel, at) = relay.next_stemmed();
            // The sender may have sent all it has.
            let _ = permits[&kernel].send(());
            (kernel, at)
        });
        let arrivals: Vec<_> = arrivals.collect();
        let sent = senders.into_iter().flat_map(|sender| sender.join().unwrap());
        (arrivals, sent.collect::<HashMap<_, _>>())
    });
    relay.stop();
    let (first, last) = (sent.values().min().unwrap(), arrivals[count - 1].1);
    let latencies = arrivals.iter().map(|(kernel, at)| *at - sent[kernel]);
    let latency = Latency::of(latencies.collect());
    Throughput { rate: count as f64 / (last - *first).as_secs_f64(), latency }
}

/// Sends a peer's share, each as soon as it is permitted. When each was sent.
fn send(peer: &mut Peer, share: &[Frame], permitted: &Receiver<()>) -> Vec<(Hash, Instant)> {
    let times = share.iter().map(|frame| {
        permitted.recv().unwrap();
        let now = Instant::now();
        peer.send(frame).unwrap();
        (frame.kernel, now)
    });
    times.collect()
}
