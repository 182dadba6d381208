//! What wallets push, and what they read of the pool.

use scape::aggregate::builder::{TxBuilder, seeded};
use scape::api::view::TransactionState;
use scape::rpc::RpcError;
use serde_json::{Value, json};

use crate::site::{CONSENSUS, Site, WAITING, coin, excess, payment, spend};

fn internal(error: &RpcError) -> &str {
    let RpcError::Refused(why) = error else { unreachable!("{error}") };
    why["Internal"].as_str().unwrap_or_else(|| unreachable!("{why}"))
}

#[tokio::test]
async fn what_is_good_is_taken_and_may_be_pushed_again() {
    let site = Site::start(WAITING).await;
    for (index, fluff) in [(0, false), (1, true)] {
        for _ in 0..3 {
            site.push(&payment(index), fluff).await.expect("taken");
        }
    }
    let status = site.node.status().await.expect("the node runs");
    assert_eq!((status.pools.stem, status.pools.public), (1, 1));
    // What is public already needs no push, and on the chain it is for good.
    site.push(&payment(1), false).await.expect("taken");
    site.mine(1).await;
    site.push(&payment(1), false).await.expect("taken");
}

#[tokio::test]
async fn what_is_bad_is_refused_in_grins_words() {
    let site = Site::start(WAITING).await;
    let push = async |tx: Value| {
        let pushed = site.foreign().call::<()>("push_transaction", json!([tx, false])).await;
        internal(&pushed.expect_err("refused")).to_owned()
    };
    let good = payment(0).to_json();
    let mut forged = good.clone();
    forged["body"]["kernels"][0]["excess_sig"] =
        payment(1).to_json()["body"]["kernels"][0]["excess_sig"].clone();
    let why = push(forged).await;
    assert!(why.starts_with("Failed to update pool: ") && why.contains("signature"), "{why}");
    let mut unsorted = good.clone();
    unsorted["body"]["outputs"].as_array_mut().expect("outputs").reverse();
    let why = push(unsorted).await;
    assert!(why.starts_with("Failed to update pool: ") && why.contains("not sorted"), "{why}");
    let cheap =
        TxBuilder::new().input(coin(2)).split(1).fee(1).build(&mut seeded(3, 3), &CONSENSUS);
    let why = push(cheap.expect("a transaction").tx.to_json()).await;
    assert!(why.contains("relaying costs"), "{why}");

    site.push(&payment(0), true).await.expect("taken");
    let why = push(spend(coin(0), 99).tx.to_json()).await;
    assert!(why.contains("spends what a pending transaction spends"), "{why}");
    let status = site.node.status().await.expect("the node runs");
    assert_eq!((status.pools.stem, status.pools.public, status.pools.orphans), (0, 1, 0));
    assert_eq!(site.node.transactions().await.expect("the node runs").len(), 1);
}

#[tokio::test]
async fn the_pool_is_shown_as_a_grin_node_shows_it() {
    let site = Site::start(WAITING).await;
    site.push(&payment(0), true).await.expect("taken");
    site.push(&payment(1), false).await.expect("taken");
    let foreign = site.foreign();
    assert_eq!(foreign.call::<usize>("get_pool_size", json!([])).await.expect("a size"), 1);
    assert_eq!(foreign.call::<usize>("get_stempool_size", json!([])).await.expect("a size"), 0);
    let entries: Vec<Value> =
        foreign.call("get_unconfirmed_transactions", json!([])).await.expect("entries");
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (&entries[0]["src"], &entries[0]["tx"]),
        (&json!("Broadcast"), &payment(0).to_json())
    );
    let at = entries[0]["tx_at"].as_str().expect("a time");
    assert!(at.len() == 20 && at.ends_with(":00Z"), "{at}");
}

#[tokio::test]
async fn an_embedded_chain_tells_its_tip_and_what_it_has_not() {
    let site = Site::start(WAITING).await;
    let genesis = site.node.status().await.expect("the node runs").tip.hash;
    site.mine(1).await;
    // A wallet asks without parameters, and says so.
    let tip: Value = site.foreign().call("get_tip", Value::Null).await.expect("a tip");
    let status = site.node.status().await.expect("the node runs");
    assert_eq!((&tip["height"], &tip["total_difficulty"]), (&json!(1), &json!(2)));
    assert_eq!(tip["last_block_pushed"], status.tip.hash.to_string());
    assert_eq!(tip["prev_block_to_last"], genesis.to_string());
    let version: Value = site.foreign().call("get_version", json!([])).await.expect("a version");
    assert!(version["node_version"].as_str().expect("text").starts_with("5."), "{version}");
    for method in ["get_kernel", "get_outputs", "get_header", "get_block", "get_blocks"] {
        let error = site.foreign().call::<Value>(method, json!([])).await.expect_err("no chain");
        assert!(internal(&error).contains("grin.url"), "{error}");
    }
}

#[tokio::test]
async fn a_rival_of_what_is_on_the_stem_is_kept_until_one_of_them_is_mined() {
    let site = Site::start(WAITING).await;
    let (first, second) = (payment(0), spend(coin(0), 99).tx);
    site.push(&first, false).await.expect("taken");
    // Whoever pushes it learns nothing; the owner does.
    site.push(&second, false).await.expect("acknowledged");
    let by = Some(excess(&first));
    assert_eq!(site.state(&second).await, TransactionState::Conflicted { by });
    assert_eq!(site.state(&first).await, TransactionState::Accepted);
    assert_eq!(site.node.status().await.expect("the node runs").pools.stem, 1);
}
