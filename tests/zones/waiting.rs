//! The owner's transactions while the zone that they leave by has no way.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use scape::aggregate::Transaction;
use scape::node::OwnState;
use scape::p2p::addr::{I2pAddr, Network, PeerAddr};
use scape::p2p::net::WayState;
use scape::p2p::wire::Message;
use scape::pool::WayOut;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use super::bridge::{Bridge, destination};
use super::onions::{Onions, onion};
use super::prober::Prober;
use super::relay::{AGES, Relay, clearnet, i2p, kernel, params, payment, tor};

const EMBARGO: Duration = Duration::from_millis(500);

#[tokio::test]
async fn they_wait_visible_and_durable_and_take_no_other_way() {
    let mut onions = Onions::start().await;
    onions.go_away().await;
    let data = tempfile::tempdir().expect("a folder");
    let public = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = public.local_addr().expect("bound");
    let proxy = onions.at;
    let setups = || {
        let open = clearnet(params(1.0, EMBARGO), &[addr], 2);
        vec![open, tor(proxy, params(1.0, EMBARGO), &[onion(2)], 1)]
    };
    let own = payment(0);
    // It waits in one life of the node, and in the next.
    for life in 0..2 {
        let relay = Relay::start(setups(), &[Network::Tor], Some(data.path())).await;
        let (mut outbound, _) = Prober::be_dialled(&public).await;
        let (mut inbound, _) = Prober::come(relay.addr(Network::Clearnet), life).await;
        relay.until_relay(Network::Clearnet).await;
        if life == 0 {
            relay.node.push(own.clone(), false).await.expect("taken, and kept");
        }
        relay.until_own(&own, "it waits", |state| *state == OwnState::Held).await;
        let failing = |way: &WayState| matches!(way, WayState::Failing { .. });
        let what = "the proxy is seen to be away";
        relay.until_zone(Network::Tor, what, |zone| failing(&zone.way)).await;
        assert_eq!(relay.zone(Network::Tor).await.way_out, WayOut::Shut);

        // What somebody else sends in the clear goes its way there, to the end of its embargo. The
        // owner's, which was there before, has had at least as long.
        let marker = payment(life as u8 + 1);
        inbound.stem(&marker).await;
        let told = |m: &Message| match m {
            Message::StemTransaction(tx) => Some(kernel(tx)),
            Message::TransactionKernel(kernel) => Some(*kernel),
            Message::Transaction(tx) => Some(kernel(tx)),
            _ => None,
        };
        for _ in ["stemmed", "fluffed"] {
            let message = outbound.until(|m| told(m).is_some()).await;
            assert_eq!(told(&message), Some(kernel(&marker)), "{message:?}");
        }
        outbound.say(&Message::GetTransaction(kernel(&own))).await;
        let (said, _) = outbound.look().await;
        assert!(said.iter().all(|m| told(m).is_none()), "{said:?}");
        assert_eq!(relay.own(&own).await, Some(OwnState::Held));
        relay.node.shutdown().await;
    }

    onions.come_back().await;
    let mut far =
        Relay::start(vec![tor(onions.at, params(0.0, AGES), &[], 3)], &[Network::Tor], None).await;
    onions.lead(2, far.addr(Network::Tor));
    let relay = Relay::start(setups(), &[Network::Tor], Some(data.path())).await;
    let own_kernel = kernel(&own);
    let fluffed = |n: &scape::pool::Notice| matches!(n, scape::pool::Notice::Fluffed { kernels, .. } if kernels.contains(&own_kernel));
    far.until("it left as soon as there was a way", fluffed).await;
    let gone = |state: &OwnState| !matches!(state, OwnState::Held | OwnState::Accepted);
    relay.until_own(&own, "its owner sees it", gone).await;
}

/// Whether a message is of a transaction, alone or merged with others.
fn is_of(message: &Message, tx: &Transaction) -> bool {
    let has = |told: &Transaction| told.kernels().iter().any(|k| *k.hash() == kernel(tx));
    match message {
        Message::StemTransaction(told) | Message::Transaction(told) => has(told),
        Message::TransactionKernel(told) => *told == kernel(tx),
        _ => false,
    }
}

async fn heard_of(prober: &mut Prober, tx: &Transaction) -> bool {
    prober.look().await.0.iter().any(|message| is_of(message, tx))
}

/// Whether anything that a peer is told, until it is told of `last`, is of `tx`.
async fn heard_before(prober: &mut Prober, tx: &Transaction, last: &Transaction) -> bool {
    let mut told = Vec::new();
    let listening = async {
        while !told.iter().any(|message| is_of(message, last)) {
            sleep(Duration::from_millis(200)).await;
            told.extend(prober.look().await.0);
        }
    };
    timeout(Duration::from_secs(60), listening).await.expect("it is told of the last");
    told.iter().any(|message| is_of(message, tx))
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("bound");
    (listener, addr)
}

#[tokio::test]
async fn what_nobody_was_given_leaves_by_the_zone_that_comes_up_and_by_that_alone() {
    let [(public, clear), (service, onion_port), (beyond, i2p_port)] =
        [listener().await, listener().await, listener().await];
    let (mut onions, mut bridge) = (Onions::start().await, Bridge::start(i2p_port).await);
    onions.lead(2, onion_port);
    onions.go_away().await;
    bridge.go_away().await;
    let data = tempfile::tempdir().expect("a folder");
    let (tor_at, i2p_at) = (onions.at, bridge.at);
    let start = async || {
        let name = PeerAddr::I2p(I2pAddr::of_destination(&destination(2)), 3414);
        let open = clearnet(params(1.0, AGES), &[clear], 3);
        let tor = tor(tor_at, params(1.0, AGES), &[onion(2)], 1);
        let i2p = i2p(i2p_at, params(1.0, AGES), &[name], 2);
        let named = [Network::Tor, Network::I2p];
        let relay = Relay::start(vec![open, tor, i2p], &named, Some(data.path())).await;
        let (public, _) = Prober::be_dialled(&public).await;
        (relay, public)
    };
    let journal = data.path().join("journal-tor.redb");
    let own = payment(0);

    let (relay, _public) = start().await;
    relay.node.push(own.clone(), false).await.expect("taken, and kept");
    relay.until_own(&own, "it waits", |state| *state == OwnState::Held).await;
    relay.node.shutdown().await;
    let before = fs::read(&journal).expect("it is there");

    let (relay, mut told) = start().await;
    relay.until_own(&own, "it waits on", |state| *state == OwnState::Held).await;
    bridge.come_back().await;
    let (mut relay_of_i2p, _) = Prober::be_dialled(&beyond).await;
    relay_of_i2p.until(|message| is_of(message, &own)).await;
    let sent = |state: &OwnState| matches!(state, OwnState::InStem { .. });
    relay.until_own(&own, "its owner sees it", sent).await;
    // There it stays, whichever zone comes up, and whoever says it again.
    onions.come_back().await;
    let (mut relay_of_tor, _) = Prober::be_dialled(&service).await;
    relay.until_relay(Network::Tor).await;
    bridge.go_away().await;
    drop(relay_of_i2p);
    relay.until_zone(Network::I2p, "it is away", |zone| zone.way_out == WayOut::Shut).await;
    let _ = relay.node.push(own.clone(), false).await;
    let marker = payment(1);
    relay.node.push(marker.clone(), false).await.expect("taken");
    assert!(!heard_before(&mut relay_of_tor, &own, &marker).await);
    assert!(!heard_of(&mut told, &own).await && !heard_of(&mut told, &marker).await);
    relay.node.shutdown().await;

    // A crash may have come before the one journal had forgotten what the other one had.
    fs::write(&journal, before).expect("written");
    let (relay, mut told) = start().await;
    let (mut relay_of_tor, _) = Prober::be_dialled(&service).await;
    relay.until_relay(Network::Tor).await;
    let marker = payment(2);
    relay.node.push(marker.clone(), false).await.expect("taken");
    assert!(!heard_before(&mut relay_of_tor, &own, &marker).await);
    assert!(!heard_of(&mut told, &own).await);
    assert!(relay.own(&own).await.as_ref().is_some_and(sent), "{:?}", relay.own(&own).await);
    relay.node.shutdown().await;
}
