//! Another configuration while the node runs.

use std::fs;

use scape::api::Reloaded;
use scape::api::view::{PeerView, StatusView};
use scape::rpc::RpcError;
use serde_json::{Value, json};

use crate::site::{Site, WAITING, payment};

#[tokio::test]
async fn what_can_be_takes_effect_and_the_rest_is_named() {
    let other = Site::start(WAITING).await;
    let addr = other.node.local_addr().expect("it listens");
    let site = Site::start(WAITING).await;
    let before = fs::read_to_string(site.config_file()).expect("a file");
    let reload = async || site.ask::<Reloaded>("reload_config", json!([])).await;
    // The test's ports are not in the file.
    let ports = ["network.listen", "api.foreign", "api.owner"];
    let mut restart: Vec<_> = ports.into_iter().map(str::to_owned).collect();
    let first = reload().await;
    let sorted = |mut keys: Vec<String>| {
        keys.sort();
        keys
    };
    restart.sort();
    assert_eq!((first.changed, sorted(first.needs_restart)), (vec![], restart.clone()));

    site.push(&payment(0), false).await.expect("taken");
    let after = before
        .replace("patience_secs = 100000", "patience_secs = 0")
        .replace("grin-doc", "monero")
        .replace("workers = 1", "workers = 2")
        + &format!("[network]\npeers = [\"{addr}\"]\n[log]\nfilter = \"debug\"\n");
    fs::write(site.config_file(), &after).expect("written");
    let second = reload().await;
    let changed = ["dandelion.patience_secs", "dandelion.preset", "log.filter", "network.peers"];
    assert_eq!(*site.filters.lock().expect("no panic"), ["debug"]);
    assert_eq!(sorted(second.changed), changed);
    restart.push("node.workers".to_owned());
    assert_eq!(sorted(second.needs_restart), sorted(restart));
    let status: StatusView = site.ask("get_status", json!([])).await;
    assert_eq!(status.preset, "monero");
    let connected = async {
        while site.ask::<Vec<PeerView>>("get_connected_peers", json!([])).await.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), connected).await.expect("a peer");
    // What waits keeps its patience; what comes now does not wait.
    site.push(&payment(1), false).await.expect("taken");
    let status: StatusView = site.ask("get_status", json!([])).await;
    let left = status.stem.patience_secs_left.expect("one waits");
    assert!(left > 0.0);
    assert_eq!(
        status.stem.relayed.values().sum::<u64>() + status.stem.fluffed.values().sum::<u64>(),
        1
    );
}

#[tokio::test]
async fn a_file_that_is_wrong_changes_nothing() {
    let site = Site::start(WAITING).await;
    let before = fs::read_to_string(site.config_file()).expect("a file");
    let wrong = before.replace("patience_secs = 100000", "patience_secs = 5\nrelays = 0");
    fs::write(site.config_file(), wrong).expect("written");
    let refused = site.owner().call::<Value>("reload_config", json!([])).await;
    let Err(RpcError::Refused(why)) = refused else { unreachable!("{refused:?}") };
    let why = why["Argument"].as_str().expect("a reason");
    assert!(why.contains("old configuration") && why.contains("dandelion.relays"), "{why}");
    let impossible = before.replace("epoch_secs = 200000", "epoch_secs = 5");
    fs::write(site.config_file(), impossible).expect("written");
    assert!(site.owner().call::<Value>("reload_config", json!([])).await.is_err());
    fs::remove_file(site.config_file()).expect("removed");
    assert!(site.owner().call::<Value>("reload_config", json!([])).await.is_err());
    fs::write(site.config_file(), before).expect("written");
    let reloaded: Reloaded = site.ask("reload_config", json!([])).await;
    assert_eq!(reloaded.changed, [""; 0]);
}
