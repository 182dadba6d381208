//! The owner's transactions while the zone that they leave by has no way.

use std::time::Duration;

use scape::node::OwnState;
use scape::p2p::addr::Network;
use scape::p2p::net::WayState;
use scape::p2p::wire::Message;
use scape::pool::WayOut;
use tokio::net::TcpListener;

use super::onions::{Onions, onion};
use super::prober::Prober;
use super::relay::{AGES, Relay, clearnet, kernel, params, payment, tor};

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
