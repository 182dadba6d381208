//! From node to node by onion names alone, and from zone to zone.

use std::collections::BTreeSet;
use std::time::Duration;

use scape::p2p::addr::Network;
use scape::p2p::peer::Direction;
use scape::p2p::wire::Message;
use scape::pool::{FluffReason, Notice};
use tokio::net::TcpListener;

use super::onions::{Onions, onion};
use super::prober::Prober;
use super::relay::{AGES, Relay, clearnet, kernel, params, payment, tor};

#[tokio::test]
async fn what_one_node_pushes_another_fluffs_that_it_knows_by_its_onion_name_alone() {
    let onions = Onions::start().await;
    let stems = tor(onions.at, params(1.0, AGES), &[onion(2)], 1);
    let fluffs = tor(onions.at, params(0.0, AGES), &[onion(1)], 2);
    let mut first = Relay::start(vec![stems], &[Network::Tor], None).await;
    let mut second = Relay::start(vec![fluffs], &[Network::Tor], None).await;
    onions.lead(1, first.addr(Network::Tor));
    onions.lead(2, second.addr(Network::Tor));
    first.until_relay(Network::Tor).await;
    second.until_relay(Network::Tor).await;

    let tx = payment(0);
    first.node.push(tx.clone(), false).await.expect("taken");
    let coin = |n: &Notice| matches!(n, Notice::Fluffed { kernels, reason: FluffReason::Coin, .. } if kernels.contains(&kernel(&tx)));
    second.until("fluffed by its coin", coin).await;
    first.until("seen by who pushed it", |n| matches!(n, Notice::Seen { .. })).await;

    for relay in [&first, &second] {
        for peer in relay.zone(Network::Tor).await.peers {
            let shown = (peer.direction, peer.addr.map(|addr| addr.network()));
            let hidden = [(Direction::Outbound, Some(Network::Tor)), (Direction::Inbound, None)];
            assert!(hidden.contains(&shown), "{shown:?}");
            assert!(peer.protection.is_encrypted(), "both are of our kind");
        }
    }
    let asked = onions.asked();
    let names = [1, 2].map(|number| onion(number).to_string());
    assert!(asked.iter().all(|(name, _)| names.contains(name)), "{asked:?}");
    let credentials: BTreeSet<_> = asked.iter().map(|(_, credentials)| credentials).collect();
    assert_eq!(credentials.len(), asked.len(), "no two dials share a circuit");
}

#[tokio::test]
async fn what_others_send_through_tor_goes_on_in_the_clear_and_the_owners_does_not() {
    let onions = Onions::start().await;
    let beyond = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let public = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    onions.lead(9, beyond.local_addr().expect("bound"));
    let mut hidden = tor(onions.at, params(1.0, AGES), &[onion(9)], 1);
    hidden.zone.hand_over = Some(Duration::from_millis(200));
    let open = clearnet(params(1.0, AGES), &[public.local_addr().expect("bound")], 2);
    let bridge = Relay::start(vec![open, hidden], &[Network::Tor], None).await;
    let (mut beyond, _) = Prober::be_dialled(&beyond).await;
    let (mut public, _) = Prober::be_dialled(&public).await;
    let (mut stranger, _) = Prober::come(bridge.addr(Network::Tor), 1).await;

    let (own, theirs) = (payment(0), payment(1));
    bridge.node.push(own.clone(), false).await.expect("taken");
    beyond.until(|m| *m == Message::StemTransaction(own.clone())).await;
    stranger.stem(&theirs).await;
    beyond.until(|m| *m == Message::StemTransaction(theirs.clone())).await;
    // Alone, though the owner's came to the same zone before it.
    let first = public.until(|m| !matches!(m, Message::Ping(_) | Message::GetPeerAddrs(_))).await;
    assert_eq!(first, Message::StemTransaction(theirs));
    bridge.until_zone(Network::Tor, "nothing is held", |zone| zone.held == 0).await;
    let (said, _) = public.look().await;
    assert!(said.iter().all(|m| matches!(m, Message::GetPeerAddrs(_))), "{said:?}");
}
