//! Many transactions become one.

use std::num::NonZeroUsize;

use bytes::Bytes;
use grin_core::core::{Transaction, Weighting, transaction};
use scape_aggregate::{Verifier, aggregate};

use crate::corpus::{VERSION, decode};
use crate::grin;
use crate::measure::{Bench, Figures, Ratio, timed};
use crate::ours::{Chain, Node};

/// `aggregate` of 1,000 independent transactions.
pub(crate) fn aggregate_1000(bench: &Bench) -> Figures {
    let (theirs, ours) = (bench.corpus.of_grin(), bench.corpus.valid());
    let same = transaction::aggregate(&theirs).unwrap();
    assert_eq!(grin::write(&same), aggregate(&ours).unwrap().encode(VERSION).unwrap());
    let times = bench.in_turns(
        30,
        || timed(|| transaction::aggregate(&theirs).unwrap()),
        || timed(|| aggregate(&ours).unwrap()),
    );
    times.micros_each(1, Ratio::Speedup)
}

/// Patience ends for 400 fresh entries: coin, plan, merge, encode. Grin aggregates and validates.
pub(crate) fn patience_400(bench: &Bench) -> Figures {
    let count = bench.scaled(400);
    let theirs = &bench.corpus.of_grin()[..count];
    let ours = &bench.corpus.valid()[..count];
    let chain = Chain::before(ours.iter().map(|tx| tx.as_transaction()));
    let times = bench.in_turns(
        5,
        || timed(|| validate(&transaction::aggregate(theirs).unwrap())),
        || {
            let mut node = Node::new(&chain);
            ours.iter().for_each(|tx| node.admit(tx.clone()));
            timed(|| {
                let sent = node.fire();
                assert_eq!(sent.len(), 1);
                sent[0].encode(VERSION).unwrap()
            })
        },
    );
    times.micros_each(1, Ratio::Speedup)
}

/// An aggregate of 400 transactions, each verified before, comes in.
pub(crate) fn cached_400(bench: &Bench) -> Figures {
    let count = bench.scaled(400);
    let known = &bench.corpus.decoded()[..count];
    let verifier = Verifier::new(NonZeroUsize::new(100_000).unwrap());
    let valid = verifier.verify_batch(known.to_vec());
    let valid: Vec<_> = valid.into_iter().map(Result::unwrap).collect();
    let wire = Bytes::from(aggregate(&valid).unwrap().encode(VERSION).unwrap());
    let times = bench.in_turns(
        5,
        || timed(|| validate(&grin::read(&wire))),
        || timed(|| verifier.verify(decode(&wire)).unwrap()),
    );
    times.micros_each(1, Ratio::Speedup)
}

fn validate(tx: &Transaction) {
    tx.validate(Weighting::AsTransaction).unwrap();
}
