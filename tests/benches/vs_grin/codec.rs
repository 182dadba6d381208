//! Reading and writing.

use std::hint::black_box;

use scape_aggregate::aggregate;

use crate::corpus::{VERSION, decode as read};
use crate::grin;
use crate::measure::{Bench, Figures, Ratio, timed};

/// Decoding a 1-in 2-out transaction, cheap rules included.
pub(crate) fn decode(bench: &Bench) -> Figures {
    let wire = bench.corpus.wire();
    let times = bench.in_turns(
        30,
        || timed(|| wire.iter().for_each(|bytes| drop(black_box(grin::read(bytes))))),
        || timed(|| wire.iter().for_each(|bytes| drop(black_box(read(bytes))))),
    );
    times.micros_each(wire.len(), Ratio::Speedup)
}

/// Encoding an aggregate of 400.
pub(crate) fn encode_400(bench: &Bench) -> Figures {
    let count = bench.scaled(400);
    let theirs = grin_core::core::transaction::aggregate(&bench.corpus.of_grin()[..count]).unwrap();
    let ours = aggregate(&bench.corpus.valid()[..count]).unwrap();
    assert_eq!(grin::write(&theirs), ours.encode(VERSION).unwrap());
    let times = bench.in_turns(
        100,
        || timed(|| grin::write(&theirs)),
        || timed(|| ours.encode(VERSION).unwrap()),
    );
    times.micros_each(1, Ratio::Speedup)
}
