//! What a node knows over a restart of those whom it has dialled, in each zone apart.

use std::fs;

use scape::node::ZoneSetup;
use scape::p2p::addr::Network;
use scape::p2p::secure::{KeyCheck, Policy, Protection, Suspicion};

use super::onions::{Onions, onion};
use super::relay::{AGES, Relay, clearnet, params, tor};

/// How its one link in a zone is protected.
async fn protection(relay: &Relay, network: Network) -> Protection {
    relay.until_zone(network, "a peer", |zone| zone.peers.len() == 1).await;
    relay.zone(network).await.peers[0].protection
}

async fn alone(setup: ZoneSetup) -> Relay {
    Relay::start(vec![setup], &[], None).await
}

#[tokio::test]
async fn who_encrypted_before_a_restart_and_does_not_now_is_seen_to_in_its_zone() {
    let onions = Onions::start().await;
    let data = tempfile::tempdir().expect("a folder");
    let clear = alone(clearnet(params(0.0, AGES), &[], 3)).await;
    let hidden = alone(tor(onions.at, params(0.0, AGES), &[], 4)).await;
    let addr = clear.addr(Network::Clearnet);
    onions.lead(2, hidden.addr(Network::Tor));
    let start = || async {
        let open = clearnet(params(0.0, AGES), &[addr], 1);
        let zones = vec![open, tor(onions.at, params(0.0, AGES), &[onion(2)], 2)];
        let relay = Relay::start(zones, &[], Some(data.path())).await;
        let protections =
            [protection(&relay, Network::Clearnet).await, protection(&relay, Network::Tor).await];
        relay.node.shutdown().await;
        protections
    };
    let first = start().await;
    let is_first =
        |p: &Protection| matches!(p, Protection::Encrypted { check: KeyCheck::First, .. });
    assert!(first.iter().all(is_first), "{first:?}");
    for (file, here, elsewhere) in [
        ("known-keys.txt", addr.to_string(), onion(2).to_string()),
        ("known-keys-tor.txt", onion(2).to_string(), addr.to_string()),
    ] {
        let text = fs::read_to_string(data.path().join(file)).expect("saved");
        assert!(text.contains(&here) && !text.contains(&elsewhere), "{text}");
    }

    // The one goes plain, and somebody else answers for the other.
    clear.node.shutdown().await;
    let mut plain = clearnet(params(0.0, AGES), &[], 3);
    (plain.net.listen, plain.net.encryption) = (Some(addr), Policy::Never);
    let _plain = alone(plain).await;
    let impostor = alone(tor(onions.at, params(0.0, AGES), &[], 5)).await;
    onions.lead(2, impostor.addr(Network::Tor));
    let [clear, hidden] = start().await;
    assert_eq!(clear, Protection::Plain(Suspicion::Downgraded));
    let changed = matches!(hidden, Protection::Encrypted { check: KeyCheck::Changed { .. }, .. });
    assert!(changed, "{hidden:?}");
}
