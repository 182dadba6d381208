//! Sequences of merging, subtracting and planning.

use std::collections::{BTreeMap, HashMap, HashSet};

use arbitrary::{Result, Unstructured};
use scape_aggregate::builder::{AssumedTx, seeded};
use scape_aggregate::{
    ChainType, Commitment, Consensus, Input, NrdRelativeHeight, Output, PlanLimits, Transaction,
    TxKernel, ValidTx, Weight, aggregate, deaggregate, plan,
};

/// Where no aggregate of a few transactions is too heavy.
const LARGE: Consensus = Consensus { chain: ChainType::Mainnet, nrd: true };
const MAX_TXS: usize = 24;

/// Operations until the bytes end.
pub fn operate(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let mut txs = Vec::new();
    for _ in 0..64 {
        if u.is_empty() || operation(&mut u, &mut txs).is_err() {
            return;
        }
    }
}

fn operation(u: &mut Unstructured<'_>, txs: &mut Vec<ValidTx>) -> Result<()> {
    match u.int_in_range(0..=7)? {
        0..=4 if txs.len() < MAX_TXS => txs.extend(make(u, txs)?),
        5 => merge(&some_of(u, txs)?),
        6 => subtract(&some_of(u, txs)?, &some_of(u, txs)?),
        _ => {
            let txs = some_of(u, txs)?;
            check_plan(u, &txs)?;
        }
    }
    Ok(())
}

/// A transaction that spends outputs of others, or nothing if it breaks a rule.
fn make(u: &mut Unstructured<'_>, txs: &[ValidTx]) -> Result<Option<ValidTx>> {
    let mut tx = AssumedTx::new();
    for _ in 0..u.int_in_range(0..=2)? {
        let parent = txs.len().checked_sub(1 + usize::from(u.int_in_range(0u8..=23)?));
        let outputs = parent.map_or(&[][..], |parent| txs[parent].outputs());
        if !outputs.is_empty() {
            tx = tx.spend(u.choose(outputs)?.commitment());
        }
    }
    tx = tx.fresh_inputs(u.int_in_range(0..=2)?).outputs(u.int_in_range(0..=3)?);
    if u.ratio(1, 32)? && !txs.is_empty() {
        tx = u.choose(txs)?.outputs().iter().fold(tx, |tx, twin| tx.create(twin.commitment()));
    }
    tx = match u.int_in_range(0..=7)? {
        0 => tx.fee(u.int_in_range(0..=50_000_000)?),
        1 => tx.fee_shift(u.int_in_range(0..=15)?),
        _ => tx,
    };
    if u.ratio(1, 8)? {
        let excess = Commitment([u.int_in_range(1..=3)?; 33]);
        let blocks = NrdRelativeHeight::new(10).expect("in range");
        tx = tx.nrd(blocks, Some(excess));
    }
    Ok(tx.build(&mut seeded(u64::from(u.arbitrary::<u16>()?), txs.len() as u64), &LARGE).ok())
}

fn some_of(u: &mut Unstructured<'_>, txs: &[ValidTx]) -> Result<Vec<ValidTx>> {
    let mask: u32 = u.arbitrary()?;
    let chosen = txs.iter().enumerate().filter(|(index, _)| mask >> index & 1 == 1);
    Ok(chosen.map(|(_, tx)| tx.clone()).collect())
}

/// A merged transaction keeps all rules, and it does not matter in which order, nor whether in
/// one step or two.
fn merge(txs: &[ValidTx]) {
    let whole = aggregate(txs);
    let reversed: Vec<ValidTx> = txs.iter().rev().cloned().collect();
    assert_eq!(aggregate(&reversed).is_ok(), whole.is_ok());
    let Ok(whole) = whole else { return };
    assert_rules(&whole);
    if created_twice(txs) {
        // Which of two proofs of one output stays is not said.
        return;
    }
    assert_eq!(aggregate(&reversed), Ok(whole.clone()));
    let (left, right) = txs.split_at(txs.len() / 2);
    if let (Ok(left), Ok(right)) = (aggregate(left), aggregate(right)) {
        assert_eq!(aggregate(&[left, right]), Ok(whole));
    }
}

/// What is left, merged with what was taken, is the whole.
fn subtract(txs: &[ValidTx], others: &[ValidTx]) {
    let Ok(whole) = aggregate(txs) else { return };
    let _ = deaggregate(&whole, others);
    let (parts, _) = txs.split_at(txs.len() / 2);
    let Ok(rest) = deaggregate(&whole, parts) else { return };
    assert_rules(&rest);
    if consistent(txs) {
        let again: Vec<ValidTx> = parts.iter().cloned().chain([rest]).collect();
        assert_eq!(aggregate(&again), Ok(whole));
    }
}

fn assert_rules(tx: &Transaction) {
    let (inputs, outputs) = (tx.inputs_as_held().clone(), tx.outputs().to_vec());
    let again = Transaction::new(*tx.offset(), inputs, outputs, tx.kernels().to_vec(), &LARGE);
    assert_eq!(again.as_ref(), Ok(tx));
}

/// The promises of [`plan`].
fn check_plan(u: &mut Unstructured<'_>, txs: &[ValidTx]) -> Result<()> {
    let limits = PlanLimits { max_weight: Weight(*u.choose(&[30, 100, 226, 39_976])?) };
    let mut candidates = Vec::new();
    for (index, tx) in txs.iter().enumerate() {
        candidates.push((index, u.int_in_range(0..=2u8)?, tx.clone()));
    }
    let planned = plan(&candidates, &limits);
    let mut bin_of = BTreeMap::new();
    for (bin, aggregated) in planned.iter().enumerate() {
        let parts: Vec<ValidTx> = aggregated.parts.iter().map(|id| txs[*id].clone()).collect();
        for id in &aggregated.parts {
            assert_eq!(bin_of.insert(*id, bin), None, "planned twice");
        }
        assert_eq!(aggregate(&parts).as_ref(), Ok(&aggregated.tx));
        if parts.len() > 1 {
            assert!(aggregated.tx.weight() <= limits.max_weight);
            assert!(aggregated.tx.pays_relay_fee());
            assert_rules(&aggregated.tx);
        }
    }
    assert_eq!(bin_of.len(), txs.len(), "each is planned");
    if consistent(txs) {
        check_families(&candidates, &bin_of, |bin: usize| planned[bin].lane);
        let in_one_lane = |turned: bool| {
            let mut one: Vec<_> =
                candidates.iter().map(|(id, _, tx)| (*id, 0, tx.clone())).collect();
            if turned {
                one.reverse();
            }
            plan(&one, &limits)
        };
        assert_eq!(in_one_lane(true), in_one_lane(false), "the order is told");
    }
    Ok(())
}

/// Families take the lane of their first member, and no child overtakes a parent.
fn check_families(
    candidates: &[(usize, u8, ValidTx)],
    bin_of: &BTreeMap<usize, usize>,
    lane_of: impl Fn(usize) -> u8,
) {
    let creator: HashMap<Commitment, usize> = candidates
        .iter()
        .flat_map(|(id, _, tx)| tx.outputs().iter().map(move |out| (out.commitment(), *id)))
        .collect();
    let mut family: Vec<usize> = (0..candidates.len()).collect();
    for (child, _, tx) in candidates {
        for parent in tx.inputs().iter().filter_map(|input| creator.get(&input.commitment())) {
            assert!(bin_of[parent] <= bin_of[child], "a child overtakes its parent");
            let (a, b) = (family[*child], family[*parent]);
            family.iter_mut().filter(|f| **f == a.max(b)).for_each(|f| *f = a.min(b));
        }
    }
    for (id, _, _) in candidates {
        assert_eq!(lane_of(bin_of[id]), candidates[family[*id]].1, "a family is torn apart");
    }
}

/// Whether all of them could be mined: nothing is spent or created twice, nor spent before it is
/// created, which would be a circle if the later one spends of the earlier.
fn consistent(txs: &[ValidTx]) -> bool {
    let mut gone = HashSet::new();
    for tx in txs {
        if tx.outputs().iter().any(|output| gone.contains(&output.commitment())) {
            return false;
        }
        gone.extend(tx.inputs().iter().map(Input::commitment));
    }
    let spent = txs.iter().flat_map(|tx| tx.inputs().iter().map(Input::commitment));
    let kernels = txs.iter().flat_map(|tx| tx.kernels().iter().map(TxKernel::hash));
    all_differ(spent) && all_differ(kernels) && !created_twice(txs)
}

fn created_twice(txs: &[ValidTx]) -> bool {
    !all_differ(txs.iter().flat_map(|tx| tx.outputs().iter().map(Output::commitment)))
}

fn all_differ<T: Eq + std::hash::Hash>(things: impl Iterator<Item = T>) -> bool {
    let mut seen = HashSet::new();
    things.into_iter().all(|thing| seen.insert(thing))
}
