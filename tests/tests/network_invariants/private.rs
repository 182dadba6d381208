use scape_aggregate::Hash;
use scape_p2p::wire::Message;
use scape_pool::Instant;
use scape_tests::flow::kernel;
use scape_tests::invariant::{Law, Private};
use scape_tests::net::{Behaviour, NodeId, Pass, Scope};

use crate::world::{MUTANT, World, assert_breaks, says};

#[test]
fn an_announced_stem_transaction_is_noticed() {
    let loose = says(|to, message, scope| {
        if let Message::StemTransaction(tx) = message {
            scope.send(to, Message::TransactionKernel(kernel(tx)));
        }
        Pass::On
    });
    assert_breaks(World::with(loose).watched_by(Private), Law::Private);
}

/// Serves what it holds on the stem to whoever asks.
struct Talkative;

impl Behaviour for Talkative {
    fn incoming(&mut self, from: NodeId, message: &Message, scope: &mut Scope<'_>) -> Pass {
        if let (Message::GetTransaction(hash), Some(zone)) = (message, scope.zone) {
            let asked = zone.pool().stem().find(|(tx, ..)| kernel(tx) == *hash);
            if let Some((tx, ..)) = asked {
                let answer = Message::Transaction(tx.as_transaction().clone());
                scope.send(from, answer);
            }
        }
        Pass::On
    }
}

#[test]
fn a_served_stem_transaction_is_noticed() {
    let mut world = World::with(Talkative);
    world.net.at(Instant::from_secs(35), |net| {
        let zone = net.node(MUTANT).zone().unwrap();
        let held: Hash = zone.pool().stem().map(|(tx, ..)| kernel(tx)).next().unwrap();
        net.send(NodeId(4), MUTANT, Message::GetTransaction(held));
    });
    assert_breaks(world.watched_by(Private), Law::Private);
}
