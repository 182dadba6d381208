//! Figures. Run with `cargo test --release --test api -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use scape::aggregate::builder::{Faucet, TxBuilder, parallel};
use scape::aggregate::{Transaction, Verifier};
use scape::journal::{Journal, Moment};
use scape::pool::{Record, RecordStage};
use serde_json::{Value, json};

use crate::site::{CONSENSUS, Site, VALUE, WAITING, spend};

#[expect(clippy::disallowed_methods, reason = "it is time that is measured")]
fn now() -> Instant {
    Instant::now()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn payments(count: usize) -> Vec<Transaction> {
    let coins = Faucet::new(1).coins(count, VALUE);
    parallel(4, count, |index, rng| {
        let built = TxBuilder::new().input(coins[index]).split(1).build(rng, &CONSENSUS);
        built.expect("a transaction").tx
    })
}

/// What an acknowledged push has to take: verifying, and one write that is safe.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn a_push_takes_little_more_than_verifying_and_one_write() {
    const PUSHES: usize = 100;
    let site = Site::start_on(WAITING, PUSHES).await;
    let (foreign, dir) = (site.foreign(), tempfile::tempdir().expect("a folder"));
    let txs: Vec<_> =
        (0..PUSHES).map(|index| spend(crate::site::coin(index), index as u64).tx).collect();
    let verifier = Verifier::new(1_000.try_into().expect("not zero"));
    let mut journal = Journal::open(&dir.path().join("journal.redb")).expect("a journal");
    let moment = Moment { now: scape::pool::Instant::ZERO, unix_micros: 0 };
    let (mut least, mut pushed, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for tx in &txs {
        let begun = now();
        let valid = verifier.verify(tx.clone()).expect("valid");
        let stage = RecordStage::Waiting { embargo: None };
        journal.keep(&Record { tx: valid, confirmed: Vec::new(), stage }, moment);
        journal.write().expect("written");
        least.push(begun.elapsed());
        let params = json!([tx.to_json(), false]);
        let begun = now();
        let _: Value = foreign.call("push_transaction", params).await.expect("taken");
        pushed.push(begun.elapsed());
        ratios.push(pushed[pushed.len() - 1].as_secs_f64() / least[least.len() - 1].as_secs_f64());
    }
    ratios.sort_by(f64::total_cmp);
    let (least, pushed) = (median(least), median(pushed));
    println!(
        "verifying and one write {least:?}, a push over HTTP {pushed:?}, ratio of medians {:.2}, \
         median of ratios {:.2}",
        pushed.as_secs_f64() / least.as_secs_f64(),
        ratios[ratios.len() / 2],
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn a_status_takes_no_time_with_ten_thousand_transactions() {
    const HELD: usize = 10_000;
    let site = Site::start_on(WAITING, HELD).await;
    let begun = now();
    let txs = payments(HELD);
    println!("{HELD} transactions made in {:?}", begun.elapsed());
    let begun = now();
    for chunk in txs.chunks(32) {
        let pushes = chunk.iter().map(|tx| {
            let node = site.node.handle().clone();
            let tx = tx.clone();
            tokio::spawn(async move { node.push(tx, false).await })
        });
        for push in pushes.collect::<Vec<_>>() {
            push.await.expect("no panic").expect("taken");
        }
    }
    println!("pushed in {:?}", begun.elapsed());
    assert_eq!(site.node.status().await.expect("the node runs").pools.stem, HELD);
    let owner = site.owner();
    for method in ["get_status", "get_connected_peers", "get_peers", "get_transactions"] {
        let mut times = Vec::new();
        for _ in 0..200 {
            let begun = now();
            let _: Value = owner.call(method, json!([])).await.expect("an answer");
            times.push(begun.elapsed());
        }
        let longest = times.iter().max().copied().unwrap_or_default();
        println!(
            "{method} with {HELD} in the stempool: median {:?}, longest {longest:?}",
            median(times)
        );
    }
}
