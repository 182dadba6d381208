//! From the bytes of a peer to the stempool.

use std::time::Duration;

use bytes::Bytes;

use crate::corpus::decode;
use crate::grin;
use crate::measure::{Bench, Figures, Ratio, Times, timed};
use crate::ours::{Chain, Node};
use crate::verifying::{fresh_verifier, verify};

/// One peer floods an empty pool. Grin's pool is emptied again after each, and decoding is a gift.
pub(crate) fn admission_empty(bench: &Bench) -> Figures {
    compare(bench, 0, 20)
}

/// The same with 400 in the pool already.
pub(crate) fn admission_400(bench: &Bench) -> Figures {
    compare(bench, bench.scaled(800) / 2, 3)
}

fn compare(bench: &Bench, held: usize, rounds: usize) -> Figures {
    let arriving = if held == 0 { bench.corpus.len() } else { held };
    let txs = bench.corpus.of_grin();
    let mut theirs = grin::Pool::with_stem(&txs[..held]);
    let valid = bench.corpus.valid();
    let chain = Chain::before(valid.iter().map(|tx| tx.as_transaction()));
    let wire = &bench.corpus.wire()[held..held + arriving];
    let mut next = txs[held..].iter().cycle();
    let times = bench.in_turns(
        rounds,
        || {
            let tx = next.next().unwrap().clone();
            let time = timed(|| theirs.add_stem(tx));
            theirs.undo();
            time
        },
        || {
            let mut node = Node::new(&chain);
            valid[..held].iter().for_each(|tx| node.admit(tx.clone()));
            let time = admit(&mut node, wire);
            assert_eq!(node.pool.counts().stem, held + arriving);
            time
        },
    );
    let ours = times.ours.checked_div(arriving as u32).unwrap_or_default();
    Times { grin: times.grin, ours }.micros_each(1, Ratio::Speedup)
}

/// Decodes, checks, verifies on all cores, and adds to the stempool.
fn admit(node: &mut Node<'_>, wire: &[Bytes]) -> Duration {
    let verifier = fresh_verifier();
    timed(|| {
        let txs: Vec<_> = wire.iter().map(decode).collect();
        txs.iter().for_each(|tx| node.precheck(tx));
        verify(&verifier, txs).into_iter().for_each(|tx| node.admit(tx));
    })
}
