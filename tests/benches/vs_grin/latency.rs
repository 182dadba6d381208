//! What one transaction takes.

use bytes::Bytes;
use scape_aggregate::ValidTx;
use scape_aggregate::builder::{AssumedTx, parallel};

use crate::corpus::{RULES, VERSION, decode};
use crate::grin;
use crate::measure::{Bench, Figures, Ratio, timed};
use crate::ours::{Chain, Node};
use crate::verifying::fresh_verifier;

/// A lone arrival at an idle node, from bytes to stempool, beside Grin's add at an empty pool.
pub(crate) fn lone_latency(bench: &Bench) -> Figures {
    let txs = bench.corpus.of_grin();
    let chain = Chain::before(bench.corpus.decoded());
    let mut theirs = grin::Pool::with_stem(&[]);
    let mut node = Node::new(&chain);
    let verifier = fresh_verifier();
    let (mut next, mut wire) = (txs.iter(), bench.corpus.wire().iter());
    let times = bench.in_turns(
        30,
        || {
            let tx = next.next().unwrap().clone();
            let time = timed(|| theirs.add_stem(tx));
            theirs.undo();
            time
        },
        || {
            let bytes = wire.next().unwrap();
            timed(|| {
                let tx = decode(bytes);
                node.precheck(&tx);
                node.admit(verifier.verify(tx).unwrap());
            })
        },
    );
    times.micros_each(1, Ratio::Share)
}

/// Admission without verification at 10,000 entries (ours) and at 10 (in Grin's column).
///
/// The same hundred transactions come to both, ten to each of ten small pools, and their bytes were
/// received just now: neither side is the shorter one to measure, nor reads what the other has left
/// in the caches.
pub(crate) fn pool_growth(bench: &Bench) -> Figures {
    const FEW: usize = 10;
    const POOLS: usize = 10;
    let many = if bench.quick { 1_000 } else { 10_000 };
    let wire = assumed_wire(many + FEW * POOLS);
    let txs: Vec<_> = wire.iter().map(decode).collect();
    let chain = Chain::before(&txs);
    let full = |count: usize| {
        let mut node = Node::new(&chain);
        txs[..count].iter().for_each(|tx| node.admit(ValidTx::assumed(tx.clone())));
        node
    };
    let arrive = |mut nodes: Vec<Node<'_>>| {
        let arriving = &wire[many..];
        let received: Vec<_> = arriving.iter().map(|bytes| Bytes::copy_from_slice(bytes)).collect();
        let shares = received.chunks(arriving.len() / nodes.len());
        timed(|| nodes.iter_mut().zip(shares).for_each(|(node, share)| admit_all(node, share)))
    };
    let times = bench.in_turns(
        30,
        || arrive((0..POOLS).map(|_| full(FEW)).collect()),
        || arrive(vec![full(many)]),
    );
    times.micros_each(FEW * POOLS, Ratio::Share)
}

fn admit_all(node: &mut Node<'_>, wire: &[Bytes]) {
    for bytes in wire {
        let tx = decode(bytes);
        node.precheck(&tx);
        node.admit(ValidTx::assumed(tx));
    }
}

/// The bytes of transactions that only look real.
pub(crate) fn assumed_wire(count: usize) -> Vec<Bytes> {
    parallel(1, count, |_, rng| {
        AssumedTx::new().build(rng, &RULES).unwrap().encode(VERSION).unwrap().into()
    })
}
