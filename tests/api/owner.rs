//! The owner watches transactions and peers, and gives orders.

use std::time::Duration;

use scape::api::view::{
    AddressView, ChainSourceView, JournalView, PeerView, StatusView, TransactionState,
    TransactionView,
};
use scape::rpc::RpcError;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::site::{Site, WAITING, coin, connected_to, excess, payment, spend};

fn refusal(result: Result<Value, RpcError>) -> Value {
    match result {
        Err(RpcError::Refused(why)) => why,
        other => unreachable!("{other:?}"),
    }
}

#[tokio::test]
async fn a_status_says_how_the_node_is() {
    let site = Site::start(WAITING).await;
    site.push(&payment(0), false).await.expect("taken");
    let status: StatusView = site.ask("get_status", json!([])).await;
    assert_eq!((status.chain.as_str(), status.sync_status.as_str()), ("autotest", "no_sync"));
    assert_eq!(status.chain_source, ChainSourceView::Embedded);
    assert_eq!(status.journal, JournalView::Safe { records: 1, unreadable: 0 });
    assert_eq!((status.pools.stem, status.preset.as_str()), (1, "grin-doc"));
    assert!(status.stem.patience_secs_left.is_some_and(|left| left > 0.0));
    assert_eq!(status.stem.embargo_secs_left.len(), 1);
    assert!((1.0..200_000.0).contains(&status.epoch_secs_left));
    assert!(status.uptime_secs > 0.0);
}

#[tokio::test]
async fn a_transaction_is_followed_from_its_push_into_a_block_and_out_of_it() {
    let site = Site::start(WAITING).await;
    let tx = payment(0);
    assert_eq!(
        refusal(site.owner().call("get_transaction", json!([excess(&tx)])).await),
        "NotFound"
    );
    site.push(&tx, false).await.expect("taken");
    assert_eq!(site.state(&tx).await, TransactionState::Accepted);
    site.ask::<()>("fluff_transaction", json!([excess(&tx)])).await;
    let fluffed = TransactionState::Fluffed { parts: 1, reason: "asked".to_owned() };
    assert_eq!(site.state(&tx).await, fluffed);
    site.mine(1).await;
    assert_eq!(site.state(&tx).await, TransactionState::Mined { height: 1 });
    // Two blocks of a node that has never heard of anything.
    let other = Site::start(WAITING).await;
    for salt in 100..102 {
        let block = other.node.propose(salt).await.expect("the node runs");
        for node in [&other.node, &site.node] {
            node.deliver(block.clone()).await.expect("the node runs").expect("a good block");
        }
    }
    assert_eq!(site.state(&tx).await, fluffed, "its block was undone");
    site.mine(2).await;
    assert_eq!(site.state(&tx).await, TransactionState::Mined { height: 3 });
    let all: Vec<TransactionView> = site.ask("get_transactions", json!([])).await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].kernels, [excess(&tx)]);
}

#[tokio::test]
async fn a_family_is_fluffed_together_the_parents_first() {
    let site = Site::start(WAITING).await;
    let parent = spend(coin(0), 0);
    let child = spend(parent.coins[0], 1).tx;
    let orphan = spend(spend(coin(1), 2).coins[0], 3).tx;
    for tx in [&parent.tx, &child, &orphan] {
        site.push(tx, false).await.expect("taken");
    }
    assert_eq!(site.state(&orphan).await, TransactionState::Waiting);
    let fluff = async |tx| site.owner().call("fluff_transaction", json!([excess(tx)])).await;
    assert_eq!(refusal(fluff(&orphan).await)["Argument"], "it is not in the stempool");
    let unknown = payment(9);
    assert_eq!(refusal(fluff(&unknown).await), "NotFound");
    fluff(&child).await.expect("fluffed");
    for tx in [&parent.tx, &child] {
        let state = site.state(tx).await;
        let parts = 2;
        assert_eq!(state, TransactionState::Fluffed { parts, reason: "asked".to_owned() });
    }
    let status = site.node.status().await.expect("the node runs");
    assert_eq!((status.pools.stem, status.pools.public), (0, 1));
}

#[tokio::test]
async fn a_conflict_is_told_with_what_it_was_lost_to() {
    let site = Site::start(WAITING).await;
    let (lost, rival) = (payment(0), spend(coin(0), 99).tx);
    let child = spend(spend(coin(0), 0).coins[0], 5).tx;
    for tx in [&lost, &child] {
        site.push(tx, false).await.expect("taken");
    }
    site.push(&rival, true).await.expect("fluffed");
    let by = Some(excess(&rival));
    assert_eq!(site.state(&lost).await, TransactionState::Conflicted { by: by.clone() });
    assert_eq!(site.state(&child).await, TransactionState::Conflicted { by });

    // A block that another node made of what nobody told us of.
    let other = Site::start(WAITING).await;
    let (ours, theirs) = (payment(3), spend(coin(3), 77).tx);
    site.push(&ours, false).await.expect("taken");
    other.push(&theirs, true).await.expect("taken");
    let block = other.node.propose(1).await.expect("the node runs");
    let by = Some(block.hash().to_string());
    site.node.deliver(block).await.expect("the node runs").expect("a good block");
    assert_eq!(site.state(&ours).await, TransactionState::Conflicted { by });
}

#[tokio::test]
async fn what_goes_along_the_stem_is_told_with_its_company() {
    const LIVELY: &str = "[dandelion]\npreset = \"grin-doc\"\nstem_probability = 1.0\n\
        patience_secs = 0.5\nembargo = \"uniform\"\nembargo_base_secs = 4\nembargo_spread_secs = 0\n\
        embargo_sweep_secs = 0.1\nfluff_delay_secs = 0.01\n";
    let relay = Site::start(WAITING).await;
    let addr = relay.node.local_addr().expect("it listens");
    let site = Site::start(&format!("{LIVELY}{}", connected_to(addr))).await;
    let connected = async {
        while site.node.status().await.expect("the node runs").relays.is_empty() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(10), connected).await.expect("a relay");
    let tx = payment(0);
    site.push(&tx, false).await.expect("taken");
    let state = site.until(&tx, |state| matches!(state, TransactionState::InStem { .. })).await;
    let TransactionState::InStem { parts: 1, embargo_secs_left: Some(left) } = state else {
        unreachable!("{state:?}")
    };
    assert!((0.0..=4.0).contains(&left), "{left}");
    // The relay swallows it.
    let state = site.until(&tx, |state| matches!(state, TransactionState::Fluffed { .. })).await;
    assert_eq!(state, TransactionState::Fluffed { parts: 1, reason: "embargo".to_owned() });
    let status: StatusView = site.ask("get_status", json!([])).await;
    assert_eq!(status.stem.relayed, [(1, 1)].into());
    assert_eq!(status.stem.fluff_reasons, [("embargo".to_owned(), 1)].into());
    assert_eq!(status.relays, [addr.to_string()]);

    // The owner of the relay pushes what others fluff.
    let own = payment(1);
    relay.push(&own, false).await.expect("taken");
    site.push(&own, true).await.expect("fluffed");
    relay.until(&own, |state| *state == TransactionState::Seen).await;
}

#[tokio::test]
async fn a_peer_is_banned_and_let_in_again() {
    let other = Site::start(WAITING).await;
    let addr = other.node.local_addr().expect("it listens");
    let site = Site::start(&format!("{WAITING}{}", connected_to(addr))).await;
    let until = async |count: usize| {
        let search = async {
            while site.ask::<Vec<PeerView>>("get_connected_peers", json!([])).await.len() != count {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(10), search).await.expect("as many peers");
    };
    until(1).await;
    let peers: Vec<PeerView> = site.ask("get_connected_peers", json!([])).await;
    assert_eq!(
        (peers[0].addr.clone(), peers[0].direction.as_str()),
        (addr.to_string(), "Outbound")
    );
    assert!(peers[0].relay && peers[0].total_difficulty == Some(1));

    site.ask::<()>("ban_peer", json!([addr.to_string()])).await;
    until(0).await;
    let known: Vec<AddressView> = site.ask("get_peers", json!([null])).await;
    assert!(known.iter().all(|known| known.flags == "Banned" && known.ban_secs_left > Some(1.0)));
    assert!(!known.is_empty());
    sleep(Duration::from_millis(500)).await;
    until(0).await;
    site.ask::<()>("unban_peer", json!(["127.0.0.1"])).await;
    until(1).await;
    assert_eq!(refusal(site.owner().call("unban_peer", json!(["127.0.0.1"])).await), "NotFound");
    assert_eq!(refusal(site.owner().call("get_peers", json!(["10.9.8.7:1"])).await), "NotFound");
    let wrong = site.owner().call::<Value>("ban_peer", json!(["nobody"])).await;
    assert!(matches!(wrong, Err(RpcError::Call { code: -32_602, .. })), "{wrong:?}");
}
