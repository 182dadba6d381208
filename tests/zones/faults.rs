//! Ways that fail: nothing is lost, nothing goes in the clear, and the owner sees what is wrong.

use std::time::Duration;

use scape::aggregate::{ChainType, Transaction};
use scape::node::OwnState;
use scape::p2p::addr::{I2pAddr, Network, PeerAddr};
use scape::p2p::net::WayState;
use scape::p2p::wire::Message;
use scape::pool::{Notice, WayOut};
use tokio::net::TcpListener;

use super::bridge::{Bridge, destination};
use super::onions::{Mood, Onions, onion};
use super::prober::Prober;
use super::relay::{AGES, Relay, clearnet, i2p, kernel, params, payment, tor};

fn is_failing(way: &WayState) -> bool {
    matches!(way, WayState::Failing { .. })
}

/// A node whose own transactions leave through Tor, and the peer that it has in the clear.
struct Site {
    onions: Onions,
    node: Relay,
    public: Prober,
}

impl Site {
    async fn start(embargo: Duration) -> Self {
        let onions = Onions::start().await;
        let hidden = tor(onions.at, params(1.0, embargo), &[onion(2)], 1);
        let (node, public) = beside_clearnet(hidden).await;
        Self { onions, node, public }
    }

    /// The node that the onion service is, from now on.
    async fn service(&self) -> Relay {
        let far = tor(self.onions.at, params(0.0, AGES), &[], 3);
        let far = Relay::start(vec![far], &[Network::Tor], None).await;
        self.onions.lead(2, far.addr(Network::Tor));
        far
    }

    async fn push(&self, tx: &Transaction) {
        self.node.node.push(tx.clone(), false).await.expect("taken");
    }

    async fn until_held(&self, tx: &Transaction) {
        self.node.until_own(tx, "it waits", |state| *state == OwnState::Held).await;
        assert_eq!(self.node.zone(Network::Tor).await.way_out, WayOut::Shut);
    }
}

/// A node with this zone, which is its origin, and one in the clear, with a peer there.
async fn beside_clearnet(hidden: scape::node::ZoneSetup) -> (Relay, Prober) {
    let origin = hidden.zone.network;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let open = clearnet(params(1.0, AGES), &[listener.local_addr().expect("bound")], 2);
    let node = Relay::start(vec![open, hidden], &[origin], None).await;
    let (public, _) = Prober::be_dialled(&listener).await;
    node.until_relay(Network::Clearnet).await;
    (node, public)
}

/// Nothing was said to the peer in the clear that concerns a transaction.
async fn is_silent(public: &mut Prober) -> bool {
    let (said, _) = public.look().await;
    said.iter().all(|m| matches!(m, Message::GetPeerAddrs(_)))
}

async fn until_fluffed(far: &mut Relay, tx: &Transaction) {
    let kernel = kernel(tx);
    let fluffed =
        |n: &Notice| matches!(n, Notice::Fluffed { kernels, .. } if kernels.contains(&kernel));
    far.until("it got through", fluffed).await;
}

async fn behind_a_proxy_that_is(mood: Mood) {
    let mut site = Site::start(Duration::from_millis(300)).await;
    site.onions.be(mood);
    let mut far = site.service().await;
    let before = site.onions.asked().len();
    let tx = payment(0);
    site.push(&tx).await;
    site.until_held(&tx).await;
    // It keeps on trying, and there is no other way.
    let tried = async {
        while site.onions.asked().len() < before + 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), tried).await.expect("it tries again");
    site.until_held(&tx).await;
    assert_eq!(site.onions.open(), 0);
    assert!(is_silent(&mut site.public).await, "{mood:?}");
    site.onions.be(Mood::Honest);
    until_fluffed(&mut far, &tx).await;
    assert!(is_silent(&mut site.public).await, "{mood:?}");
    let what = "the way is seen to work";
    site.node.until_zone(Network::Tor, what, |zone| zone.way == WayState::Working).await;
}

#[tokio::test]
async fn a_proxy_that_refuses_holds_it_up() {
    behind_a_proxy_that_is(Mood::Refusing).await;
}

#[tokio::test]
async fn a_proxy_that_says_nothing_holds_it_up() {
    behind_a_proxy_that_is(Mood::Silent).await;
}

#[tokio::test]
async fn a_proxy_that_lies_holds_it_up() {
    behind_a_proxy_that_is(Mood::Lying).await;
}

#[tokio::test]
async fn a_proxy_that_dies_takes_all_links_along_and_brings_them_back() {
    let mut site = Site::start(Duration::from_millis(300)).await;
    let mut far = site.service().await;
    site.node.until_relay(Network::Tor).await;
    site.onions.go_away().await;
    let lost = |zone: &scape::node::ZoneStatus| zone.peers.is_empty() && is_failing(&zone.way);
    site.node.until_zone(Network::Tor, "the proxy is seen to be away", lost).await;
    let tx = payment(0);
    site.push(&tx).await;
    site.until_held(&tx).await;
    assert!(is_silent(&mut site.public).await);
    site.onions.come_back().await;
    until_fluffed(&mut far, &tx).await;
    assert!(is_silent(&mut site.public).await);
}

#[tokio::test]
async fn a_service_that_starts_again_is_found_again() {
    let mut site = Site::start(AGES).await;
    let far = site.service().await;
    site.node.until_relay(Network::Tor).await;
    far.node.shutdown().await;
    let gone = |zone: &scape::node::ZoneStatus| zone.relays.is_empty();
    site.node.until_zone(Network::Tor, "it is gone", gone).await;
    let tx = payment(0);
    site.push(&tx).await;
    site.until_held(&tx).await;
    let mut far = site.service().await;
    until_fluffed(&mut far, &tx).await;
    assert!(is_silent(&mut site.public).await);
}

#[tokio::test]
async fn what_is_cut_off_in_the_middle_gets_there_all_the_same() {
    let mut site = Site::start(Duration::from_secs(1)).await;
    let far = site.service().await;
    site.node.until_relay(Network::Tor).await;
    let tx = payment(0);
    // A payment has two thousand bytes and more.
    site.onions.break_after(1_000);
    site.push(&tx).await;
    let there = |zone: &scape::node::ZoneStatus| zone.pools.public + zone.pools.stem > 0;
    far.until_zone(Network::Tor, "it got through", there).await;
    assert!(site.onions.has_broken());
    assert!(is_silent(&mut site.public).await);
}

#[tokio::test]
async fn a_bridge_that_is_killed_holds_it_up() {
    let mut far = tor(([127, 0, 0, 1], 9).into(), params(0.0, AGES), &[], 3);
    far.zone.network = Network::I2p;
    far.net.network = Network::I2p;
    far.book.network = Network::I2p;
    let mut far = Relay::start(vec![far], &[Network::I2p], None).await;
    let mut bridge = Bridge::start(far.addr(Network::I2p)).await;
    let name = PeerAddr::I2p(I2pAddr::of_destination(&destination(2)), 3414);
    let hidden = i2p(bridge.at, params(1.0, Duration::from_millis(300)), &[name], 1);
    let (node, mut public) = beside_clearnet(hidden).await;
    node.until_relay(Network::I2p).await;
    let zone = node.zone(Network::I2p).await;
    assert_eq!(zone.way, WayState::Working);
    let own = I2pAddr::of_destination(&destination(1));
    let port = ChainType::AutomatedTesting.default_port();
    assert_eq!(zone.name, Some(PeerAddr::I2p(own, port)), "it can be told to others");

    bridge.go_away().await;
    let lost = |zone: &scape::node::ZoneStatus| zone.relays.is_empty() && is_failing(&zone.way);
    node.until_zone(Network::I2p, "the bridge is seen to be away", lost).await;
    let tx = payment(0);
    node.node.push(tx.clone(), false).await.expect("taken");
    node.until_own(&tx, "it waits", |state| *state == OwnState::Held).await;
    assert!(is_silent(&mut public).await);
    bridge.come_back().await;
    until_fluffed(&mut far, &tx).await;
    assert!(is_silent(&mut public).await);
    assert!(bridge.asked().iter().all(|name| name.ends_with(".b32.i2p")), "{:?}", bridge.asked());
}
