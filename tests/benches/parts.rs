//! The parts of `scape-aggregate` alone, with criterion's baselines. Before a change, and after it:
//!
//! ```text
//! cargo bench -p scape-tests --bench parts -- --save-baseline before
//! cargo bench -p scape-tests --bench parts -- --baseline before
//! ```
//!
//! A name after `--` chooses parts; `--test` runs each once and measures nothing.

#![expect(clippy::unwrap_used, reason = "a bench may panic as tests may")]

use std::hint::black_box;
use std::num::NonZeroUsize;

use bytes::Bytes;
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use scape_aggregate::builder::{AssumedTx, Recipe, assumed_chain, corpus, parallel, seeded};
use scape_aggregate::{
    ChainType, Consensus, Hash, PlanLimits, ProtocolVersion, Transaction, ValidTx, Verifier,
    aggregate, deaggregate, plan,
};

const RULES: Consensus = Consensus::of(ChainType::Mainnet);
const VERSION: ProtocolVersion = ProtocolVersion::V3;

/// Transactions of which nobody looks at the cryptography.
fn assumed(count: usize) -> Vec<ValidTx> {
    parallel(1, count, |_, rng| AssumedTx::new().build(rng, &RULES).unwrap())
}

fn hash(c: &mut Criterion) {
    let mut group = c.benchmark_group("hash");
    for size in [34, 114, 708] {
        let bytes = vec![7; size];
        group.bench_with_input(BenchmarkId::from_parameter(size), &bytes, |b, bytes| {
            b.iter(|| Hash::of(&[black_box(bytes)]));
        });
    }
    group.finish();
}

fn codec(c: &mut Criterion) {
    let mut group = c.benchmark_group("codec");
    let txs = assumed(400);
    for (name, tx) in [("1", txs[0].clone()), ("400", aggregate(&txs).unwrap())] {
        let wire = Bytes::from(tx.encode(VERSION).unwrap());
        group.bench_function(BenchmarkId::new("decode", name), |b| {
            b.iter(|| Transaction::decode(black_box(&wire), VERSION, &RULES).unwrap());
        });
        group.bench_function(BenchmarkId::new("encode", name), |b| {
            b.iter(|| black_box(&tx).encode(VERSION).unwrap());
        });
    }
    group.finish();
}

fn merge(c: &mut Criterion) {
    let mut group = c.benchmark_group("merge");
    let txs = assumed(1_000);
    for count in [2, 100, 1_000] {
        let txs = &txs[..count];
        group.bench_function(BenchmarkId::new("aggregate", count), |b| {
            b.iter(|| aggregate(black_box(txs)).unwrap());
        });
    }
    let chain = assumed_chain(400, &mut seeded(2, 0), &RULES).unwrap();
    group.bench_function("aggregate/chain of 400", |b| {
        b.iter(|| aggregate(black_box(&chain)).unwrap());
    });
    let whole = aggregate(&txs[..400]).unwrap();
    group.bench_function("deaggregate/200 of 400", |b| {
        b.iter(|| deaggregate(black_box(&whole), &txs[..200]).unwrap());
    });
    group.finish();
}

fn planner(c: &mut Criterion) {
    let mut group = c.benchmark_group("plan");
    let chain = assumed_chain(400, &mut seeded(3, 0), &RULES).unwrap();
    for (name, txs) in [("400 strangers", assumed(400)), ("chain of 400", chain)] {
        let candidates: Vec<_> =
            txs.into_iter().enumerate().map(|(index, tx)| (index, (), tx)).collect();
        let limits = PlanLimits::of(RULES.chain);
        group.bench_function(name, |b| b.iter(|| plan(black_box(&candidates), &limits)));
    }
    group.finish();
}

fn verifier(c: &mut Criterion) {
    let mut group = c.benchmark_group("verify");
    group.sample_size(10);
    let built = corpus(5, 64, &[Recipe::default()], &RULES).unwrap();
    let txs: Vec<Transaction> = built.into_iter().map(|built| built.tx).collect();
    let fresh = || Verifier::new(NonZeroUsize::MIN.saturating_add(10_000));
    for count in [1, 8, 64] {
        group.bench_function(BenchmarkId::new("fresh", count), |b| {
            let setup = || (fresh(), txs[..count].to_vec());
            let run = |(verifier, txs): (Verifier, _)| verifier.verify_batch(txs);
            b.iter_batched(setup, run, BatchSize::PerIteration);
        });
    }
    let known = fresh();
    let valid: Vec<_> = known.verify_batch(txs).into_iter().map(Result::unwrap).collect();
    let whole = aggregate(&valid).unwrap().as_transaction().clone();
    group.bench_function("aggregate of 64 known", |b| {
        b.iter(|| known.verify(black_box(&whole).clone()).unwrap());
    });
    group.finish();
}

criterion_group!(parts, hash, codec, merge, planner, verifier);
criterion_main!(parts);
