//! What a probing or misbehaving node gets to see.
//!
//! Two networks of one seed are compared: one in which the victim holds a stem transaction, and
//! one in which it does not. What the prober receives must be the same, to the microsecond.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

use std::time::Duration;

use scape_aggregate::builder::{AssumedTx, Damage, Faucet, TxBuilder, seeded};
use scape_aggregate::{ChainType, Consensus, ProtocolVersion, Transaction, ValidTx, aggregate};
use scape_p2p::dandelion::{CoinScope, Params, Preset};
use scape_p2p::wire::Message;
use scape_pool::{Embargo, EmbargoDelay, Instant};
use scape_tests::flow::{Flow, kernel};
use scape_tests::net::{
    Assume, BlackHole, LinkConfig, Mute, Network, NetworkConfig, NodeId, NodeSpec, Observation,
    Received,
};

const CONSENSUS: Consensus = Consensus::of(ChainType::Mainnet);
const VICTIM: NodeId = NodeId(0);
const RELAY: NodeId = NodeId(1);
const PROBER: NodeId = NodeId(2);
const LISTENER: NodeId = NodeId(3);

/// A victim with a relay that tells nobody, a prober and a listener. Stem transactions stay.
fn network(seed: u64, flow: &Flow, preset: Preset) -> Network {
    let link = LinkConfig { jitter: Duration::ZERO, ..LinkConfig::default() };
    let mut net =
        Network::assumed(NetworkConfig::new(CONSENSUS, seed).genesis(flow.genesis()).link(link));
    let delay =
        EmbargoDelay::Uniform { base: Duration::from_secs(100_000), spread: Duration::ZERO };
    let embargo = Embargo { delay, sweep: Duration::from_secs(10) };
    let params = Params { stem_probability: 1.0, embargo, ..preset.params() };
    let spec = || NodeSpec::new(CONSENSUS).params(params);
    net.add(spec().dials([RELAY]));
    net.add(spec().behaves(BlackHole));
    net.add(spec().dials([VICTIM]).behaves(Mute).records());
    net.add(spec().dials([VICTIM]).behaves(Mute).records());
    net.run_until(Instant::from_secs(5));
    net
}

/// What prober and listener receive while the prober does something, with the victim's secret
/// transaction in its stempool and without.
fn both_worlds(
    preset: Preset,
    probe: impl Fn(&mut Network, &mut Flow, &ValidTx),
) -> [Vec<Vec<Received>>; 2] {
    [true, false].map(|holds| {
        let mut flow = Flow::new(CONSENSUS, 9, 10);
        let mut net = network(9, &flow, preset);
        // It pays more than it must, which a probe may use.
        let secret = paying(&flow.tx(), 500_000_000);
        if holds {
            net.push(VICTIM, secret.as_transaction().clone(), false);
        }
        net.run_until(Instant::from_secs(7));
        let held = net.node(VICTIM).zone().unwrap().pool().counts().stem;
        assert_eq!(held, usize::from(holds));
        probe(&mut net, &mut flow, &secret);
        net.run_until(Instant::from_secs(100));
        [PROBER, LISTENER].map(|node| net.node(node).inbox().to_vec()).to_vec()
    })
}

/// Another transaction with the same inputs, that pays this fee.
fn paying(tx: &ValidTx, fee: u64) -> ValidTx {
    let inputs = tx.inputs().iter().map(|input| input.commitment());
    let builder = inputs.fold(AssumedTx::new().fee(fee), AssumedTx::spend);
    builder.outputs(1).build(&mut seeded(fee, 0), &CONSENSUS).unwrap()
}

/// Where coins are sticky a transaction that comes back is fluffed: that is seen, and meant.
fn loop_silent() -> impl Iterator<Item = Preset> {
    Preset::ALL.into_iter().filter(|preset| preset.params().coin == CoinScope::Transaction)
}

fn assert_indistinguishable(probe: impl Fn(&mut Network, &mut Flow, &ValidTx) + Copy) {
    for preset in Preset::ALL {
        let [with, without] = both_worlds(preset, probe);
        assert_eq!(with, without, "{preset}");
        assert!(!with[0].is_empty(), "{preset}: the prober has no link");
    }
}

fn say(net: &mut Network, message: Message) {
    assert!(net.send(PROBER, VICTIM, message));
}

#[test]
fn requests_for_a_stem_kernel_are_met_with_silence() {
    assert_indistinguishable(|net, _, secret| {
        say(net, Message::GetTransaction(kernel(secret)));
        net.run_for(Duration::from_secs(10));
        let answers = net.node(PROBER).inbox().iter();
        let answers = answers.filter(|got| matches!(got.message, Message::Transaction(_)));
        assert_eq!(answers.count(), 0);
    });
}

#[test]
fn an_announced_stem_kernel_is_asked_for_like_any_other() {
    assert_indistinguishable(|net, _, secret| {
        say(net, Message::TransactionKernel(kernel(secret)));
        net.run_for(Duration::from_secs(1));
        let asked = Message::GetTransaction(kernel(secret));
        assert!(net.node(PROBER).inbox().iter().any(|got| got.message == asked));
    });
}

#[test]
fn a_conflicting_stem_spend_has_no_echo() {
    assert_indistinguishable(|net, flow, secret| {
        let rival = flow.rival(secret);
        say(net, Message::StemTransaction(rival.as_transaction().clone()));
        net.run_for(Duration::from_secs(30));
        say(net, Message::GetTransaction(kernel(&rival)));
    });
}

#[test]
fn the_same_stem_transaction_sent_again_has_no_echo() {
    for preset in loop_silent() {
        let [with, without] = both_worlds(preset, |net, _, secret| {
            for _ in 0..3 {
                say(net, Message::StemTransaction(secret.as_transaction().clone()));
                net.run_for(Duration::from_secs(15));
            }
        });
        assert_eq!(with, without, "{preset}");
    }
}

#[test]
fn a_child_of_a_stem_transaction_has_no_echo() {
    assert_indistinguishable(|net, flow, secret| {
        let child = flow.child(secret).as_transaction().clone();
        say(net, Message::StemTransaction(child.clone()));
        net.run_for(Duration::from_secs(15));
        say(net, Message::Transaction(child));
    });
}

#[test]
fn a_public_rival_is_taken_as_if_there_were_no_secret() {
    assert_indistinguishable(|net, flow, secret| {
        let rival = flow.rival(secret);
        say(net, Message::Transaction(rival.as_transaction().clone()));
    });
}

#[test]
fn many_rivals_do_not_fill_an_account() {
    assert_indistinguishable(|net, flow, secret| {
        for _ in 0..200 {
            let rival = flow.rival(secret);
            say(net, Message::StemTransaction(rival.as_transaction().clone()));
            net.run_for(Duration::from_millis(150));
        }
    });
}

#[test]
fn a_poor_part_that_a_rich_one_pays_for_tells_nothing() {
    for preset in loop_silent() {
        let [with, without] = both_worlds(preset, |net, flow, secret| {
            let poor = paying(&flow.tx(), 1);
            let probe = aggregate(&[secret.clone(), poor]).unwrap();
            assert!(probe.pays_relay_fee());
            for _ in 0..150 {
                say(net, Message::StemTransaction(probe.as_transaction().clone()));
                net.run_for(Duration::from_millis(150));
            }
        });
        assert_eq!(with, without, "{preset}");
    }
}

#[test]
fn a_public_kernel_is_answered() {
    let mut flow = Flow::new(CONSENSUS, 9, 10);
    let mut net = network(9, &flow, Preset::GrinDoc);
    let tx = flow.tx();
    net.push(VICTIM, tx.as_transaction().clone(), true);
    net.run_for(Duration::from_secs(30));
    let announced = Message::TransactionKernel(kernel(&tx));
    assert!(net.node(PROBER).inbox().iter().any(|got| got.message == announced));
    say(&mut net, Message::GetTransaction(kernel(&tx)));
    net.run_for(Duration::from_secs(1));
    let answer = Message::Transaction(tx.as_transaction().clone());
    assert!(net.node(PROBER).inbox().iter().any(|got| got.message == answer));
}

fn broken() -> (Transaction, Faucet) {
    let (mut rng, mut faucet) = (seeded(4, 0), Faucet::new(4));
    let built = TxBuilder::new()
        .input(faucet.coin(60_000_000_000))
        .split(2)
        .build(&mut rng, &CONSENSUS)
        .unwrap();
    let version = ProtocolVersion::LOCAL;
    let bytes = Damage::WrongProof.apply(&built.tx, version, &CONSENSUS, &mut rng).unwrap();
    (Transaction::decode(&bytes, version, &CONSENSUS).unwrap(), Faucet::new(4))
}

/// The attacker dials the victim and one more; everyone else is in a ring.
fn attack(mut net: Network, stem: bool, tx: &Transaction) {
    for node in 0..6 {
        net.add(NodeSpec::new(CONSENSUS).dials([NodeId((node + 1) % 6)]));
    }
    let attacker = net.add(NodeSpec::new(CONSENSUS).dials([VICTIM, NodeId(3)]).behaves(Mute));
    net.run_until(Instant::from_secs(5));
    let before = net.node(VICTIM).neighbours();
    assert!(before.contains(&attacker));
    let message = match stem {
        true => Message::StemTransaction(tx.clone()),
        false => Message::Transaction(tx.clone()),
    };
    assert!(net.send(attacker, VICTIM, message));
    net.run_for(Duration::from_secs(600));
    let mut expected = before;
    expected.remove(&attacker);
    assert_eq!(net.node(VICTIM).neighbours(), expected);
    assert!(net.node(NodeId(3)).neighbours().contains(&attacker));
    let blocked = net.log().iter().filter(|e| matches!(e.what, Observation::Blocked(_)));
    let blocked: Vec<_> = blocked.map(|entry| (entry.node, entry.what.clone())).collect();
    assert_eq!(blocked, [(VICTIM, Observation::Blocked(attacker))]);
    for (id, node) in net.nodes() {
        let counts = node.zone().unwrap().pool().counts();
        assert_eq!((counts.stem, counts.public, counts.orphans), (0, 0, 0), "{id}");
    }
}

#[test]
fn a_wrong_proof_costs_the_link_and_nobody_else() {
    let (tx, mut faucet) = broken();
    let coin = faucet.coin(60_000_000_000);
    let genesis = vec![(coin.commitment(), coin.features())];
    for stem in [true, false] {
        let config = NetworkConfig::new(CONSENSUS, 4).genesis(genesis.clone()).through_codec();
        attack(Network::verifying(config), stem, &tx);
    }
}

#[test]
fn a_wrong_signature_costs_the_link_and_nobody_else() {
    let mut flow = Flow::new(CONSENSUS, 4, 1);
    let genesis = flow.genesis();
    let tx = flow.tx();
    let config = NetworkConfig::new(CONSENSUS, 4).genesis(genesis);
    attack(Network::new(config, Assume::all_but([kernel(&tx)])), true, tx.as_transaction());
}
