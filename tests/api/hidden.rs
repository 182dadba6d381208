//! What a wallet sees does not depend on what is on the stem.

use std::fs;

use scape::aggregate::{Transaction, Verifier, aggregate};
use serde_json::{Value, json};

use crate::http::{basic, request};
use crate::site::{CONSENSUS, Site, WAITING, coin, payment, spend};

fn call(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
}

fn push(tx: &Transaction, fluff: bool) -> Value {
    call("push_transaction", json!([tx.to_json(), fluff]))
}

/// Everything that a spy who is a party to the secret transaction might ask, the least harmful first.
fn questions() -> Vec<Value> {
    let secret = spend(coin(0), 0);
    let child = spend(secret.coins[0], 50).tx;
    let rival = spend(coin(0), 99).tx;
    let others_child = spend(secret.coins[1], 51).tx;
    let valid = |tx: &Transaction| {
        Verifier::new(10.try_into().expect("not zero")).verify(tx.clone()).expect("valid")
    };
    let merged = aggregate(&[valid(&secret.tx), valid(&payment(3))]).expect("merged");
    let mut forged = secret.tx.to_json();
    forged["body"]["kernels"][0]["excess_sig"] =
        payment(1).to_json()["body"]["kernels"][0]["excess_sig"].clone();
    vec![
        call("get_pool_size", json!([])),
        call("get_stempool_size", json!([])),
        call("get_unconfirmed_transactions", json!([])),
        call("get_tip", json!([])),
        call("get_version", json!([])),
        call("get_kernel", json!(["00"])),
        call("push_transaction", json!([forged, false])),
        push(&child, false),
        push(&rival, false),
        push(&spend(coin(0), 98).tx, false),
        push(&merged, false),
        push(&secret.tx, false),
        push(&secret.tx, false),
        push(&others_child, false),
        call("get_stempool_size", json!([])),
        call("get_unconfirmed_transactions", json!([])),
        push(&payment(2), true),
        call("get_pool_size", json!([])),
        push(&spend(coin(2), 97).tx, false),
    ]
}

async fn answers(site: &Site) -> Vec<String> {
    let headers = basic("grin", &site.foreign_password());
    let mut answers = Vec::new();
    for question in questions() {
        let addr = site.foreign_addr();
        let answer = request(addr, "POST /v2/foreign", &headers, question.to_string()).await;
        answers.push(answer.body);
    }
    answers
}

#[tokio::test]
async fn answers_are_the_same_with_a_secret_on_the_stem_and_without() {
    let (with, without) = (Site::start(WAITING).await, Site::start(WAITING).await);
    with.push(&payment(0), false).await.expect("taken");
    let (with, without) = (answers(&with).await, answers(&without).await);
    assert_eq!(with, without);
    assert!(with.iter().any(|answer| answer.contains("Err")), "some are refused");
    assert!(with.iter().filter(|answer| answer.contains("null")).count() >= 7, "{with:?}");
}

#[tokio::test]
async fn metrics_are_the_same_with_a_secret_on_the_stem_and_without() {
    let (with, without) = (Site::start(WAITING).await, Site::start(WAITING).await);
    with.push(&payment(0), false).await.expect("taken");
    with.push(&spend(spend(coin(1), 1).coins[0], 7).tx, false).await.expect("it waits");
    let status = with.node.status().await.expect("the node runs");
    assert_eq!((status.pools.stem, status.pools.orphans), (1, 1));
    let mut all = Vec::new();
    for site in [&with, &without] {
        let headers = basic("grin", &site.owner_password());
        // Past the first snapshot.
        tokio::time::sleep(std::time::Duration::from_secs(16)).await;
        let metrics = request(site.owner_addr(), "GET /metrics", &headers, "").await.body;
        let lines = metrics.lines().filter(|line| !line.starts_with("scape_uptime_seconds "));
        all.push(lines.map(str::to_owned).collect::<Vec<_>>());
        let health = request(site.owner_addr(), "GET /health", "", "").await;
        assert_eq!(health.body, "ok\n");
    }
    assert_eq!(all[0], all[1]);
    assert!(all[0].len() > 20, "{:?}", all[0]);
}

#[tokio::test]
async fn each_acknowledgement_waits_for_the_disk() {
    let site = Site::start(WAITING).await;
    site.push(&payment(0), false).await.expect("taken");
    for _ in 0..3 {
        let before = fs::read(site.journal_file()).expect("a journal");
        site.push(&payment(0), false).await.expect("taken again");
        let after = fs::read(site.journal_file()).expect("a journal");
        assert!(before != after, "nothing was written");
    }
    let bad = push(&payment(0), false).to_string().replace("Plain", "Plane");
    let before = fs::read(site.journal_file()).expect("a journal");
    let headers = basic("grin", &site.foreign_password());
    request(site.foreign_addr(), "POST /v2/foreign", &headers, bad).await;
    assert_eq!(before, fs::read(site.journal_file()).expect("a journal"));
    assert_eq!(CONSENSUS, site.config.consensus());
}
