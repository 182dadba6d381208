//! What a pooled transaction takes in memory.

use std::process::Command;

use bytes::Bytes;
use scape_aggregate::ValidTx;

use crate::corpus::decode;
use crate::grin;
use crate::latency::assumed_wire;
use crate::measure::{Bench, Figures, Ratio};
use crate::ours::{Chain, Node};

/// Resident memory per pooled transaction, in multiples of its size on the wire, at 10,000
/// entries. Each side has a process of its own, so that nothing freed before is used again.
pub(crate) fn memory(bench: &Bench) -> Figures {
    let of = |side: &str| -> f64 {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(side).args(bench.quick.then_some("--quick"));
        String::from_utf8(command.output().unwrap().stdout).unwrap().trim().parse().unwrap()
    };
    let (grin, ours) = (of("--memory-of-grin"), of("--memory-of-ours"));
    Figures { grin, ours, ratio: Ratio::Itself, unit: "x wire" }
}

/// The growth of this process while one pool fills.
pub(crate) fn resident_per_transaction(of_grin: bool, quick: bool) -> f64 {
    let count = if quick { 1_000 } else { 10_000 };
    let wire = assumed_wire(count);
    let size: usize = wire.iter().map(Bytes::len).sum();
    let chain = Chain::before(wire.iter().map(decode));
    let before = resident();
    let after = if of_grin {
        let txs: Vec<_> = wire.iter().map(|bytes| grin::read(bytes)).collect();
        let pool = grin::Pool::with_stem(&txs);
        drop(txs);
        let after = resident();
        drop(pool);
        after
    } else {
        let mut node = Node::new(&chain);
        wire.iter().for_each(|bytes| node.admit(ValidTx::assumed(decode(bytes))));
        let after = resident();
        assert_eq!(node.pool.counts().stem, count);
        after
    };
    (after as f64 - before as f64) / size as f64
}

/// Resident memory of this process in bytes: the second field of `/proc/self/statm`, in pages.
fn resident() -> u64 {
    const PAGE: u64 = 4_096;
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * PAGE
}
