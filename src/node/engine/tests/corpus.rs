//! Transactions that all tests of the engine share: they take a while to make.

use std::num::NonZeroUsize;
use std::sync::OnceLock;

use scape_aggregate::builder::{Damage, Recipe, Stage, corpus, parallel};
use scape_aggregate::{
    ChainType, Consensus, ProtocolVersion, Transaction, Verifier, VerifyError, aggregate,
};

const CONSENSUS: Consensus = Consensus::of(ChainType::Testnet).with_nrd();
const SEED: u64 = 0xe491e;
const GOOD: usize = 24;
const BAD: usize = 32;

/// A transaction, and the verdict on it alone.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) tx: Transaction,
    pub(super) alone: Result<(), VerifyError>,
}

/// Good transactions, some of their aggregates, and broken ones.
pub(super) fn samples() -> &'static [Sample] {
    static SAMPLES: OnceLock<Vec<Sample>> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        let all = good().iter().cloned().chain(merged()).chain(bad());
        let sample = |tx: Transaction| {
            let alone = verifier().verify(tx.clone()).map(drop);
            Sample { tx, alone }
        };
        all.map(sample).collect()
    })
}

/// Good transactions that have nothing to do with each other.
pub(super) fn good() -> &'static [Transaction] {
    static TXS: OnceLock<Vec<Transaction>> = OnceLock::new();
    TXS.get_or_init(|| {
        let built = corpus(SEED, GOOD, &Recipe::variety(&CONSENSUS), &CONSENSUS).unwrap();
        built.into_iter().map(|built| built.tx).collect()
    })
}

pub(super) fn verifier() -> Verifier {
    Verifier::new(NonZeroUsize::new(1_000).unwrap())
}

fn merged() -> impl Iterator<Item = Transaction> {
    let merge = |txs: &[Transaction]| {
        let txs: Vec<_> = txs.iter().map(|tx| verifier().verify(tx.clone()).unwrap()).collect();
        aggregate(&txs).unwrap().as_transaction().clone()
    };
    good().chunks(5).map(merge)
}

/// Broken in every way that only the verifier sees.
fn bad() -> Vec<Transaction> {
    let damages: Vec<_> =
        Damage::ALL.into_iter().filter(|damage| damage.stage() == Stage::Verify).collect();
    parallel(SEED + 1, BAD, |index, rng| {
        let damage = damages[index % damages.len()];
        let base = &good()[index % GOOD];
        let bytes = damage.apply(base, ProtocolVersion::LOCAL, &CONSENSUS, rng).unwrap();
        Transaction::decode(&bytes, ProtocolVersion::LOCAL, &CONSENSUS).unwrap()
    })
}
