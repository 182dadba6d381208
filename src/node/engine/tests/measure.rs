//! Figures, not tests: `cargo test --release -p scape engine::tests::measure -- --ignored
//! --nocapture`.

use std::sync::{Arc, Mutex};

use scape_aggregate::builder::{Recipe, corpus};
use scape_aggregate::{ChainType, Consensus, Transaction};

use super::super::super::clock::Clock;
use super::Bench;
use super::corpus::{samples, verifier};

fn usual(count: usize) -> Vec<Transaction> {
    let consensus = Consensus::of(ChainType::Testnet);
    let built = corpus(77, count, &[Recipe::default()], &consensus).unwrap();
    built.into_iter().map(|built| built.tx).collect()
}

fn measured(workers: usize) -> (Bench, Arc<Mutex<Vec<usize>>>) {
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let (seen, verifier) = (sizes.clone(), verifier());
    let bench = Bench::new(workers, move |txs| {
        seen.lock().unwrap().push(txs.len());
        verifier.verify_batch(txs)
    });
    (bench, sizes)
}

#[test]
#[ignore = "prints figures"]
fn lone_latency() {
    let clock = Clock::start();
    let (mut bench, _) = measured(0);
    let mut micros: Vec<_> = usual(50)
        .iter()
        .map(|tx| {
            let start = clock.now();
            bench.submit(Some(1), tx);
            while bench.try_report().is_none() {
                std::thread::yield_now();
            }
            clock.now().saturating_since(start).as_micros()
        })
        .collect();
    micros.sort_unstable();
    println!("lone: median {} us, worst {} us", micros[25], micros[49]);
}

#[test]
#[ignore = "prints figures"]
fn throughput() {
    let (clock, txs) = (Clock::start(), usual(600));
    for peers in [1, 8] {
        let (mut bench, sizes) = measured(0);
        let start = clock.now();
        for (index, tx) in txs.iter().enumerate() {
            bench.submit(Some(index as u64 % peers), tx);
        }
        for _ in &txs {
            bench.report();
        }
        let seconds = clock.now().saturating_since(start).as_secs_f64();
        println!("{peers} peers: {:.0} tx/s, batches {:?}", 600.0 / seconds, sizes.lock().unwrap());
    }
}

#[test]
#[ignore = "prints figures"]
fn latency_beside_a_flood_of_bad_ones() {
    let (clock, txs) = (Clock::start(), usual(60));
    let bad: Vec<_> = samples().iter().filter(|sample| sample.alone.is_err()).collect();
    for flooders in [0, 1, 16] {
        let (mut bench, _) = measured(0);
        for tx in &txs[..10] {
            bench.submit(Some(1), tx);
            bench.report();
        }
        for index in 0..flooders * 200 {
            bench.submit(Some(10 + index as u64 % flooders as u64), &bad[index % bad.len()].tx);
        }
        let mut micros: Vec<_> = txs[10..]
            .iter()
            .map(|tx| {
                let start = clock.now();
                let ticket = bench.submit(Some(1), tx);
                while bench.try_report().is_none_or(|(other, _)| other != ticket) {
                    std::thread::yield_now();
                }
                clock.now().saturating_since(start).as_micros()
            })
            .collect();
        micros.sort_unstable();
        println!("{flooders} flooders: median {} us, worst {} us", micros[25], micros[49]);
    }
}
