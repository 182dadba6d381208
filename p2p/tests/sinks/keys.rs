//! How nodes come to know the keys of others, and what stays of that.

use scape_p2p::book::UnixTime;
use scape_p2p::peer::Direction;

use crate::net::{Net, block, key, zone};

#[test]
fn who_wrote_down_the_keys_finds_the_sinks_at_once_after_a_restart() {
    let mut net = Net::new(14, 0);
    net.warm_up();
    let written = net.call(1, |zone, ctx| zone.sink_keys(ctx.unix));
    let (sinks, known) = (net.nodes[1].zone.sinks().to_vec(), net.nodes[1].zone.known_keys());
    assert!(!sinks.is_empty());
    let blocks: Vec<_> = (1..=net.chain.tip.height).map(block).collect();
    let mut restart = |text: &str, later: u64| {
        net.nodes[1].zone = zone(1, 14, None);
        net.call(1, |zone, ctx| {
            let skipped = zone.restore_sink_keys(text, UnixTime(ctx.unix.0 + later));
            zone.restore(Vec::new(), &blocks, ctx);
            (zone.sinks().to_vec(), zone.known_keys(), skipped)
        })
    };
    assert_eq!(restart(&written, 600), (sinks, known, 0));
    assert_eq!(restart(&written, 100_000).1, 0, "who was away for a day asks anew");
    // An address of another network, and one that nobody can have.
    let [onion, zero] = ["a".repeat(56) + ".onion:3414", "1.2.3.4:0".to_owned()];
    let key = key(3).public();
    let lines =
        format!("scape-keys 1 1000000\nproven {onion} {key} 1 1 0\nproven {zero} {key} 1 1 0");
    assert_eq!(restart(&lines, 0), (Vec::new(), 0, 2));
}

#[test]
fn links_for_errands_end_and_are_no_relays() {
    let mut net = Net::new(14, 0);
    net.warm_up();
    net.run(120);
    for node in &net.nodes {
        let outbound = node.zone.peers().filter(|peer| peer.direction == Direction::Outbound);
        // One may be on a visit at this moment.
        assert!(outbound.count() <= 5);
    }
}
