//! What links do to messages.

use std::time::Duration;

use scape_aggregate::{ChainType, Consensus, Hash};
use scape_p2p::wire::Message;
use scape_pool::Instant;
use scape_tests::net::{Clock, LinkConfig, Mute, Network, NetworkConfig, NodeId, NodeSpec};

const CONSENSUS: Consensus = Consensus::of(ChainType::Mainnet);
const SENDER: NodeId = NodeId(0);
const RECEIVER: NodeId = NodeId(1);
const COUNT: u8 = 200;

/// Sends requests that nobody answers, ten a second, and returns which came, in their order, and
/// when the last one did.
fn send(link: LinkConfig) -> (Vec<u8>, Duration) {
    let mut net = Network::assumed(NetworkConfig::new(CONSENSUS, 1).link(link));
    net.add(NodeSpec::new(CONSENSUS).dials([RECEIVER]).behaves(Mute));
    net.add(NodeSpec::new(CONSENSUS).behaves(Mute).records());
    net.run_until(Instant::from_secs(10));
    for number in 0..COUNT {
        net.run_for(Duration::from_millis(100));
        net.send(SENDER, RECEIVER, Message::GetTransaction(Hash::of(&[&[number]])));
    }
    let begin = net.now();
    net.run_for(Duration::from_secs(600));
    let requests = net.node(RECEIVER).inbox().iter().filter_map(|got| match got.message {
        Message::GetTransaction(hash) => Some((hash, got.at)),
        _ => None,
    });
    let requests: Vec<_> = requests.collect();
    let number = |hash: &Hash| (0..COUNT).find(|number| Hash::of(&[&[*number]]) == *hash);
    let last = requests.last().map_or(begin, |(_, at)| *at).saturating_since(begin);
    (requests.iter().filter_map(|(hash, _)| number(hash)).collect(), last)
}

fn sorted(mut numbers: Vec<u8>) -> Vec<u8> {
    numbers.sort_unstable();
    numbers
}

#[test]
fn order_stays() {
    assert_eq!(send(LinkConfig::default()).0, (0..COUNT).collect::<Vec<_>>());
}

#[test]
fn what_may_be_overtaken_is() {
    let (got, _) = send(LinkConfig { reorder: 0.5, ..LinkConfig::default() });
    assert_ne!(got, sorted(got.clone()));
    assert_eq!(sorted(got), (0..COUNT).collect::<Vec<_>>());
}

#[test]
fn some_are_lost_and_some_come_twice() {
    let (got, _) = send(LinkConfig { loss: 0.5, ..LinkConfig::default() });
    assert!((60..140).contains(&got.len()), "{}", got.len());
    let (got, _) = send(LinkConfig { duplicate: 0.5, ..LinkConfig::default() });
    assert!((240..360).contains(&got.len()), "{}", got.len());
}

/// 43 bytes each.
#[test]
fn a_narrow_link_takes_its_time_and_then_no_more() {
    let wide = send(LinkConfig { rate: Some(1_000), ..LinkConfig::default() });
    assert_eq!(wide.0.len(), usize::from(COUNT));
    assert!(wide.1 < Duration::from_secs(1));
    let narrow = send(LinkConfig { rate: Some(43), ..LinkConfig::default() });
    assert_eq!(narrow.0.len(), usize::from(COUNT));
    assert!((175..185).contains(&narrow.1.as_secs()), "{:?}", narrow.1);
    let jammed = send(LinkConfig { rate: Some(1), ..LinkConfig::default() });
    assert!(jammed.0.len() < 20);
}

#[test]
fn clocks_that_go_wrong_do_no_harm() {
    let mut net = Network::assumed(NetworkConfig::new(CONSENSUS, 1));
    for (index, ppm) in [(0, 50_000), (1, -50_000)] {
        let clock = Clock { ppm, ahead: Duration::from_secs(1_000 * index as u64) };
        net.add(NodeSpec::new(CONSENSUS).dials([NodeId(1 - index)]).clock(clock));
    }
    net.run_until(Instant::from_secs(3_600));
    assert_eq!(net.node(SENDER).neighbours(), [RECEIVER].into());
}
