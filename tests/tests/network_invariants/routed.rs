use std::time::Duration;

use scape_p2p::dandelion::Params;
use scape_p2p::noise::NoiseConfig;
use scape_p2p::secure::PublicKey;
use scape_p2p::wire::Message;
use scape_pool::{Instant, PeerId};
use scape_tests::invariant::{Invariant, Law, Routed};
use scape_tests::net::{Behaviour, Happening, NodeId, NodeSpec, Pass, Scope};

use crate::world::{
    MUTANT, NODES, World, assert_breaks, assert_says, params, says, sealed_to, slow_world, world,
};

/// Writes so slowly that its links end before its stem transactions have left.
fn slow_writer(behaviour: impl Behaviour + 'static) -> World {
    let mut world = world(|spec, _, _| NodeSpec { writes: Some(1), ..spec.mutated(behaviour) });
    world.net.at(Instant::from_secs(55), |net| {
        (1..NODES).for_each(|node| net.disconnect(MUTANT, NodeId(node)));
    });
    world
}

/// Takes what waited for a lost relay for sent.
struct Careless;

impl Behaviour for Careless {
    fn unsent(&mut self, _: NodeId, _: &[Message], _: &mut Scope<'_>) -> Pass {
        Pass::Swallow
    }
}

#[test]
fn a_node_that_idles_after_a_lost_relay_is_noticed() {
    let world = slow_writer(scape_tests::net::Honest);
    let routed = Routed::new(world.mint.clone());
    assert_eq!(world.watched_by(routed), Ok(()));

    let world = slow_writer(Careless);
    let routed = Routed::new(world.mint.clone());
    assert_says(world.watched_by(routed), Law::Routed, "lost a relay and waits");
}

#[test]
fn a_stem_transaction_to_an_inbound_peer_is_noticed() {
    let generous = says(|_, message, scope| {
        if let Message::StemTransaction(_) = message {
            scope.send(NodeId(4), message.clone());
        }
        Pass::On
    });
    let world = World::with(generous);
    let routed = Routed::new(world.mint.clone());
    assert_breaks(world.watched_by(routed), Law::Routed);
}

#[test]
fn a_sealed_transaction_to_an_inbound_peer_is_noticed() {
    for (to, is_noticed) in [(NodeId(1), false), (NodeId(4), true)] {
        let generous = says(move |_, message, scope| {
            if let Message::StemTransaction(_) = message {
                scope.send(to, sealed_to(PublicKey([9; 32])));
            }
            Pass::On
        });
        let world = World::with(generous);
        let routed = Routed::new(world.mint.clone());
        let verdict = world.watched_by(routed);
        match is_noticed {
            true => assert_says(verdict, Law::Routed, "hands what is sealed"),
            false => assert_eq!(verdict, Ok(())),
        }
    }
}

#[test]
fn what_a_noisy_node_sends_outside_of_its_frames_is_noticed() {
    let noise = NoiseConfig::default().check().unwrap();
    let mut world = world(|spec, _, _| spec.noisy(noise));
    let (from, to, link, height) = (MUTANT, NodeId(1), PeerId(7), 0);
    let stem = Message::StemTransaction(world.flow.tx().as_transaction().clone());
    let sealed = |sink| sealed_to(world.net.node(sink).sink_key());
    for (message, hidden, is_noticed) in [
        (stem, false, true),
        (sealed(NodeId(2)), false, true),
        (sealed(NodeId(2)), true, false),
        (sealed(to), false, false),
    ] {
        let sent = Happening::Sent { from, to, link, height, hidden, message };
        let verdict = Routed::new(world.mint.clone()).after(&world.net, &[sent]);
        match is_noticed {
            true => assert_says(verdict, Law::Routed, "outside of its frames"),
            false => assert_eq!(verdict, Ok(())),
        }
    }
}

#[test]
fn a_relay_changed_within_an_epoch_is_noticed() {
    let hasty = Params { epoch: Duration::from_secs(20), ..params() };
    let world = world(|spec, _, _| spec.params(hasty));
    let mut routed = Routed::new(world.mint.clone());
    routed.declare(MUTANT, params());
    assert_breaks(world.watched_by(routed), Law::Routed);
}

#[test]
fn a_relay_that_is_behind_is_noticed() {
    let lax = Params { relay_max_lag: 100, ..params() };
    let mut world = slow_world(Duration::from_secs(10_000), |spec, _, _| spec.params(lax));
    world.net.at(Instant::from_secs(15), |net| {
        (0..4).for_each(|_| assert!(net.mine(MUTANT).is_some()));
    });
    let mut routed = Routed::new(world.mint.clone());
    routed.declare(MUTANT, Params { relay_max_lag: 0, ..params() });
    assert_breaks(world.watched_by(routed), Law::Routed);
}
