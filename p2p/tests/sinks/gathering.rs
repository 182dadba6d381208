//! Who gathers, and what comes to whom.

use scape_p2p::dandelion::Preset;
use scape_pool::FluffReason;

use crate::net::{Net, sink};

#[test]
fn all_find_the_same_sink_and_meet_there() {
    let mut net = Net::new(14, 0);
    net.warm_up();
    for node in &net.nodes {
        assert!(node.zone.known_keys() >= 12, "{} keys are known", node.zone.known_keys());
    }
    let (elected, others) = net.elected();
    let agree = |node: &usize| net.nodes[*node].zone.sinks()[0] == sink(elected);
    assert!(others.iter().all(agree), "only the elected one looks for another one");
    net.carried.clear();
    let txs: Vec<_> = others[..4].iter().map(|node| net.push(*node)).collect();
    net.run(5);
    let at_sink = net.carried.iter().filter(|(_, to)| *to == elected).count();
    assert!(at_sink >= 4, "{:?}", net.carried);
    assert_eq!(net.fluffs(FluffReason::Gathered), []);
    net.run(180);
    assert_eq!(net.fluffs(FluffReason::Gathered), [(elected, 4)]);
    assert!(txs.iter().all(|tx| net.is_public_everywhere(tx)));
    assert!(net.all_met());
    net.run(300);
    assert!(net.fluffs(FluffReason::Embargo).is_empty(), "all saw it in time");
}

#[test]
fn what_a_dead_sink_does_not_get_goes_to_another_one() {
    let mut net = Net::new(14, 0);
    net.warm_up();
    let first = net.nodes[0].zone.sinks()[0];
    let dead = (0..14).find(|node| sink(*node) == first).expect("a node");
    let links: Vec<_> = net.nodes[dead].links.keys().copied().collect();
    links.into_iter().for_each(|link| net.disconnect(dead, link));
    net.settle();
    net.unreachable.insert(dead);
    // It does not come back by itself.
    let origin = if dead == 1 { 2 } else { 1 };
    let tx = net.push(origin);
    net.run(600);
    let gathered = net.fluffs(FluffReason::Gathered);
    assert_eq!(gathered.len(), 1, "{gathered:?}");
    assert_ne!(gathered[0].0, dead);
    assert!(net.is_public_at(origin, &tx));
}

#[test]
fn few_of_our_kind_use_the_ordinary_stem_and_grin_nodes_never_see_a_seal() {
    // Nine others: fewer than it takes.
    let mut net = Net::new(14, 4);
    net.warm_up();
    assert!(net.nodes.iter().all(|node| node.zone.sinks().is_empty()));
    net.push(0);
    net.run(30);
    assert!(net.carried.is_empty());
    // With more there are sinks, and Grin nodes among the peers.
    let mut net = Net::new(17, 4);
    net.warm_up();
    assert!(net.nodes[..13].iter().all(|node| !node.zone.sinks().is_empty()));
    let tx = net.push(0);
    net.run(200);
    assert_eq!(net.fluffs(FluffReason::Gathered).len(), 1);
    assert!(net.is_public_everywhere(&tx));
}

#[test]
fn who_does_not_use_sinks_serves_as_one() {
    let mut net = Net::new(14, 0);
    for node in 1..14 {
        net.call(node, |zone, ctx| zone.set_params(Preset::Monero.params(), ctx));
    }
    net.warm_up();
    assert!(net.nodes[1..].iter().all(|node| node.zone.sinks().is_empty()));
    let elected = net.nodes[0].zone.sinks()[0];
    let tx = net.push(0);
    net.run(5);
    assert!(!net.is_public_everywhere(&tx));
    net.run(180);
    let [(sink_node, 1)] = net.fluffs(FluffReason::Gathered)[..] else { unreachable!() };
    assert_eq!(sink(sink_node), elected);
    assert!(net.is_public_everywhere(&tx));
}
