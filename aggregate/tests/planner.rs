//! The promises of the planner, for transactions of the right structure.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha12Rng;
use scape_aggregate::builder::{AssumedTx, assumed_chain, seeded};
use scape_aggregate::{
    Aggregate, ChainType, Commitment, Consensus, Input, NrdRelativeHeight, Output, PlanLimits,
    ProtocolVersion, Transaction, ValidTx, Weight, aggregate, plan,
};

/// Grin's main network, with every kind of kernel.
const MAINNET: Consensus = Consensus::of(ChainType::Mainnet).with_nrd();
/// A chain with small limits.
const SMALL: Consensus = Consensus::of(ChainType::AutomatedTesting).with_nrd();

type Candidate = (usize, u8, ValidTx);
type Plan = Vec<Aggregate<usize, u8>>;

/// How unruly candidates are.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    /// They fit together but for weight, fees and NRD excesses.
    Friendly,
    /// Some spend or create the same.
    Hostile,
}

/// Random candidates: families, NRD kernels of few excesses, fee shifts, some that pay too little.
fn candidates(count: usize, mood: Mood, rng: &mut ChaCha12Rng) -> Vec<Candidate> {
    let excesses: Vec<Commitment> = (0..3).map(|_| excess(rng)).collect();
    let mut spendable: Vec<Commitment> = Vec::new();
    let mut spent: Vec<Commitment> = Vec::new();
    let mut all: Vec<Candidate> = Vec::new();
    for id in 0..count {
        let mut tx = AssumedTx::new().outputs(rng.random_range(1..=3));
        let parents = [0, 0, 1, 2][rng.random_range(0..4)];
        for _ in 0..parents.min(spendable.len()) {
            let output = spendable.swap_remove(rng.random_range(0..spendable.len()));
            spent.push(output);
            tx = tx.spend(output);
        }
        if mood == Mood::Hostile && rng.random_ratio(1, 5) {
            tx = match (spent.choose(rng), spendable.choose(rng)) {
                (Some(output), _) if rng.random() => tx.create(*output),
                (Some(output), _) if parents == 0 => tx.spend(*output),
                (_, Some(output)) => tx.create(*output),
                _ => tx,
            };
        }
        if rng.random_ratio(1, 4) {
            tx = tx.nrd(NrdRelativeHeight::new(9).unwrap(), excesses.choose(rng).copied());
        }
        tx = tx.fee_shift([0, 0, 0, 1, 3][rng.random_range(0..5)]);
        if rng.random_ratio(1, 8) {
            tx = tx.fee(rng.random_range(1..10_000_000));
        } else if rng.random_ratio(1, 4) {
            tx = tx.fee(rng.random_range(50_000_000..5_000_000_000));
        }
        let Ok(tx) = tx.build(rng, &SMALL) else { continue };
        spendable.extend(tx.outputs().iter().map(Output::commitment));
        all.push((id, rng.random_range(0..3), tx));
    }
    all.shuffle(rng);
    all
}

/// Transactions of which each spends what the one before creates, and the first what the last does.
fn ring(length: usize, rng: &mut ChaCha12Rng) -> Vec<Candidate> {
    let outputs: Vec<_> = (0..length).map(|_| excess(rng)).collect();
    let link = |id: usize| AssumedTx::new().spend(outputs[id]).create(outputs[(id + 1) % length]);
    // A ring of one would spend its own output, which no transaction may.
    let links = (0..length).filter(|_| length > 1);
    links.map(|id| (1_000 + id, 0, link(id).build(rng, &SMALL).unwrap())).collect()
}

fn excess(rng: &mut ChaCha12Rng) -> Commitment {
    let mut bytes = [8; 33];
    bytes[1..].copy_from_slice(&rng.random::<[u8; 32]>());
    Commitment(bytes)
}

fn created(tx: &ValidTx) -> impl Iterator<Item = Commitment> {
    tx.outputs().iter().map(Output::commitment)
}

fn spent(tx: &ValidTx) -> impl Iterator<Item = Commitment> {
    tx.inputs().iter().map(Input::commitment)
}

/// Every candidate is in exactly one aggregate, and every aggregate is what its parts merge to.
fn assert_complete(candidates: &[Candidate], plan: &Plan) {
    let mut parts: Vec<_> = plan.iter().flat_map(|aggregate| &aggregate.parts).copied().collect();
    parts.sort_unstable();
    let mut ids: Vec<_> = candidates.iter().map(|(id, ..)| *id).collect();
    ids.sort_unstable();
    assert_eq!(parts, ids);
    for made in plan {
        let txs: Vec<_> = made.parts.iter().map(|id| by_id(candidates, *id).clone()).collect();
        assert_eq!(aggregate(&txs).unwrap(), made.tx);
    }
}

fn by_id(candidates: &[Candidate], id: usize) -> &ValidTx {
    &candidates.iter().find(|(other, ..)| *other == id).unwrap().2
}

/// Families take the lane of their first member.
fn assert_families_together(candidates: &[Candidate], plan: &Plan) {
    let lane_of: HashMap<usize, u8> =
        plan.iter().flat_map(|made| made.parts.iter().map(|id| (*id, made.lane))).collect();
    let mut family: Vec<usize> = (0..candidates.len()).collect();
    // As many rounds as it takes: slow, and without doubt.
    loop {
        let before = family.clone();
        for (a, (_, _, parent)) in candidates.iter().enumerate() {
            let outputs: HashSet<_> = created(parent).collect();
            for (b, (_, _, child)) in candidates.iter().enumerate() {
                if spent(child).any(|output| outputs.contains(&output)) {
                    let first = family[a].min(family[b]);
                    (family[a], family[b]) = (first, first);
                }
            }
        }
        if family == before {
            break;
        }
    }
    for (index, (id, ..)) in candidates.iter().enumerate() {
        assert_eq!(lane_of[id], candidates[family[index]].1, "candidate {id}");
    }
}

/// No aggregate spends what a later one creates.
fn assert_parents_first(plan: &Plan) {
    let mut later: HashMap<Commitment, usize> = HashMap::new();
    for (index, made) in plan.iter().enumerate() {
        later.extend(created(&made.tx).map(|output| (output, index)));
    }
    for (index, made) in plan.iter().enumerate() {
        for input in spent(&made.tx) {
            assert!(later.get(&input).is_none_or(|creator| *creator < index));
        }
    }
}

/// What was merged keeps every rule, and nodes relay it.
fn assert_relayable(plan: &Plan, limits: &PlanLimits, consensus: &Consensus) {
    for made in plan.iter().filter(|made| made.parts.len() > 1) {
        assert!(made.tx.weight() <= limits.max_weight);
        assert!(made.tx.pays_relay_fee());
        let bytes = made.tx.encode(ProtocolVersion::LOCAL).unwrap();
        let read = Transaction::decode(&bytes, ProtocolVersion::LOCAL, consensus).unwrap();
        assert_eq!(&read, made.tx.as_transaction());
    }
}

fn all_promises(candidates: &[Candidate], consensus: &Consensus) -> Plan {
    let limits = PlanLimits::of(consensus.chain);
    let plan = plan(candidates, &limits);
    assert_complete(candidates, &plan);
    assert_families_together(candidates, &plan);
    assert_relayable(&plan, &limits, consensus);
    plan
}

fn config() -> ProptestConfig {
    let seeds = FileFailurePersistence::Direct("proptest-regressions/planner.txt");
    ProptestConfig { failure_persistence: Some(Box::new(seeds)), ..ProptestConfig::with_cases(300) }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn promises_hold_for_friendly_candidates(seed: u64, count in 0..60_usize, small: bool) {
        let consensus = if small { SMALL } else { MAINNET };
        let candidates = candidates(count, Mood::Friendly, &mut seeded(seed, 0));
        assert_parents_first(&all_promises(&candidates, &consensus));
    }

    /// Candidates that exclude each other never come into one aggregate, nor spoil the others.
    #[test]
    fn promises_hold_for_hostile_candidates(seed: u64, count in 0..40_usize, small: bool) {
        let consensus = if small { SMALL } else { MAINNET };
        all_promises(&candidates(count, Mood::Hostile, &mut seeded(seed, 1)), &consensus);
    }

    /// The order of arrival shows in nothing but the lanes.
    #[test]
    fn order_of_candidates_does_not_show(seed: u64, count in 0..40_usize, hostile: bool) {
        let mut rng = seeded(seed, 2);
        let mood = if hostile { Mood::Hostile } else { Mood::Friendly };
        let mut candidates = candidates(count, mood, &mut rng);
        if hostile {
            candidates.extend(ring(3, &mut rng));
        }
        candidates.iter_mut().for_each(|(_, lane, _)| *lane = 0);
        let limits = PlanLimits::of(SMALL.chain);
        let first = plan(&candidates, &limits);
        candidates.shuffle(&mut rng);
        prop_assert_eq!(plan(&candidates, &limits), first);
    }

    #[test]
    fn transactions_in_a_circle_are_not_lost(seed: u64, length in 1..6_usize) {
        let mut rng = seeded(seed, 3);
        let mut all = ring(length, &mut rng);
        all.extend(candidates(5, Mood::Friendly, &mut rng));
        assert_complete(&all, &plan(&all, &PlanLimits::of(SMALL.chain)));
    }
}

/// Friendly candidates that pay are merged as far as the limit allows.
#[test]
fn plain_candidates_fill_aggregates() {
    let mut rng = seeded(1, 1);
    let all: Vec<Candidate> =
        (0..40).map(|id| (id, 0, AssumedTx::new().build(&mut rng, &SMALL).unwrap())).collect();
    // A transaction of one input, two outputs and one kernel weighs 46, and 4 * 46 <= 226.
    let sizes = plan(&all, &PlanLimits::of(SMALL.chain)).into_iter().map(|made| made.parts.len());
    assert_eq!(sizes.collect::<Vec<_>>(), [4; 10]);
    assert_eq!(plan(&all, &PlanLimits::of(MAINNET.chain)).len(), 1);
}

fn parts_of_every_order(txs: &[ValidTx; 3]) -> Vec<Vec<(u8, Vec<usize>)>> {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let planned = orders.map(|order| {
        let candidates = order.map(|index| (index, 0, txs[index].clone()));
        let plan = plan(&candidates, &PlanLimits::of(SMALL.chain));
        plan.into_iter().map(|made| (made.lane, made.parts)).collect()
    });
    planned.to_vec()
}

fn assert_all_equal(plans: &[Vec<(u8, Vec<usize>)>]) {
    for plan in plans {
        assert_eq!(plan, &plans[0]);
    }
}

#[test]
fn all_who_create_an_output_are_parents_of_who_spends_it() {
    let mut rng = seeded(1, 0);
    let output = Commitment([8; 33]);
    let creators = [0, 1].map(|_| AssumedTx::new().create(output).build(&mut rng, &SMALL).unwrap());
    let child = AssumedTx::new().spend(output).build(&mut rng, &SMALL).unwrap();
    let [a, b] = creators;
    assert_all_equal(&parts_of_every_order(&[a.clone(), b.clone(), child.clone()]));

    let candidates = [(0, 'a', a), (1, 'b', b), (2, 'c', child)];
    let plan = plan(&candidates, &PlanLimits::of(SMALL.chain));
    assert!(plan.iter().all(|made| made.lane == 'a'), "they are one family");
}

#[test]
fn transactions_of_one_kernel_are_ordered_by_their_other_parts() {
    let mut rng = seeded(2, 0);
    let first = AssumedTx::new().build(&mut rng, &SMALL).unwrap();
    let txs = [0, 1, 2].map(|_| {
        let other = AssumedTx::new().build(&mut rng, &SMALL).unwrap();
        let kernels = first.kernels().to_vec();
        let (inputs, outputs) = (other.inputs_as_held().clone(), other.outputs().to_vec());
        let tx = Transaction::new(*other.offset(), inputs, outputs, kernels, &SMALL);
        ValidTx::assumed(tx.unwrap())
    });
    assert_all_equal(&parts_of_every_order(&txs));
}

/// Whoever makes outputs that begin alike does not make strangers relatives.
#[test]
fn outputs_that_begin_alike_are_not_the_same() {
    let mut rng = seeded(3, 0);
    let [created, spent] = [1, 2].map(|last| {
        let mut bytes = [8; 33];
        bytes[32] = last;
        Commitment(bytes)
    });
    let a = AssumedTx::new().create(created).build(&mut rng, &SMALL).unwrap();
    let b = AssumedTx::new().spend(spent).build(&mut rng, &SMALL).unwrap();
    let lanes = |txs: [ValidTx; 2]| {
        let [a, b] = txs;
        let plan = plan(&[(0, 'a', a), (1, 'b', b)], &PlanLimits::of(SMALL.chain));
        plan.into_iter().map(|made| (made.lane, made.parts)).collect::<Vec<_>>()
    };
    assert_eq!(lanes([a.clone(), b.clone()]), [('a', vec![0]), ('b', vec![1])]);
    assert_eq!(lanes([b, a]), [('a', vec![0]), ('b', vec![1])]);
}

/// The others stay together, and one of the two with them.
#[test]
fn who_excludes_another_goes_alone() {
    let limits = PlanLimits::of(MAINNET.chain);
    let shared = Commitment([8; 33]);
    let makers: [fn(Commitment) -> AssumedTx; 3] = [
        |output| AssumedTx::new().spend(output),
        |output| AssumedTx::new().create(output),
        |excess| AssumedTx::new().nrd(NrdRelativeHeight::new(9).unwrap(), Some(excess)),
    ];
    for make in makers {
        let mut rng = seeded(4, 0);
        let rivals = (0..2).map(|_| make(shared));
        let all = rivals.chain((0..5).map(|_| AssumedTx::new())).enumerate();
        let all: Vec<Candidate> =
            all.map(|(id, tx)| (id, 0, tx.build(&mut rng, &MAINNET).unwrap())).collect();
        let mut sizes: Vec<_> = plan(&all, &limits).iter().map(|made| made.parts.len()).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [1, 6]);
    }
}

/// What is cut through does not weigh.
#[test]
fn a_family_fills_an_aggregate_to_the_unit() {
    let mut rng = seeded(5, 0);
    let chain = assumed_chain(5, &mut rng, &MAINNET).unwrap();
    let all: Vec<Candidate> = chain.into_iter().enumerate().map(|(id, tx)| (id, 0, tx)).collect();
    // Each weighs 1 + 2 * 21 + 3, less the 22 of the four pairs between them.
    let weight = 5 * 46 - 4 * 22;
    for (max_weight, count) in [(weight, 1), (weight - 1, 2)] {
        let plan = plan(&all, &PlanLimits { max_weight: Weight(max_weight) });
        assert_eq!(plan.len(), count, "up to {max_weight}");
    }
}
