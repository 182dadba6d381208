use proptest::collection::vec;
use proptest::prelude::*;
use scape_pool::{ChainView, Tip, Utxo};

use super::world::{World, commitment};
use crate::chain::grin::block::GrinBlock;
use crate::chain::grin::error::IndexError;
use crate::chain::grin::index::{Index, Step, WINDOW};

fn assert_same(index: &Index, world: &World) {
    assert_eq!(index.tip(), world.tip());
    let utxos = world.utxos();
    assert_eq!(index.len(), utxos.len());
    for number in 0..world.created() {
        let commitment = commitment(number);
        assert_eq!(index.utxo(&commitment), utxos.get(&commitment).copied());
    }
    for number in 0..4 {
        assert_eq!(index.last_nrd(&commitment(1_000_000 + number)), world.last_nrd(number));
    }
}

/// A fork of some depth, and the blocks on it: what each spends, how much it makes, and which NRD
/// kernel it holds.
type Branch = (usize, Vec<(Vec<u64>, u64, u64)>);

fn branch() -> impl Strategy<Value = Branch> {
    let block = (vec(0u64..1_000, 0..4), 1u64..5, 0u64..8);
    (prop_oneof![3 => Just(0usize), 1 => 1usize..6], vec(block, 0..5))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 128 } else { 1_024 }))]

    /// After any forks the index says what a reading of the chain from its beginning says, and tells
    /// of exactly the blocks that went and came.
    #[test]
    fn it_is_what_a_naive_reading_says(branches in vec(branch(), 1..12)) {
        let mut world = World::new();
        let mut index = Index::new(world.path[0].clone(), true, 6);
        for (depth, blocks) in branches {
            let before: Vec<_> = world.path.iter().map(|block| block.tip.hash).collect();
            let common = world.fork(depth);
            let kept = world.path.len();
            for (spends, creates, nrd) in blocks {
                let nrd = Some(nrd).filter(|nrd| *nrd < 4);
                world.grow(&spends, creates, nrd.as_slice());
            }
            let step = Step { common, blocks: world.path[kept..].to_vec() };
            let summaries = step.blocks.iter().cloned().map(GrinBlock::into_summary);
            let connected: Vec<_> = summaries.collect();
            let (update, outcome) = index.advance(step);
            prop_assert_eq!(outcome, Ok(()));
            prop_assert_eq!(update.connected, connected);
            let undone: Vec<_> = before[kept..].iter().rev().copied().collect();
            prop_assert_eq!(update.disconnected, undone);
            assert_same(&index, &world);
        }
    }

    /// Whatever is wrong with a block, it is refused, and what was applied before it stands.
    #[test]
    fn nonsense_changes_nothing(spends in vec(0u64..100, 1..4), wrong in 0usize..6) {
        let mut world = World::new();
        let mut index = Index::new(world.path[0].clone(), true, 6);
        let good = world.grow(&[1], 3, &[1]);
        let mut bad = world.grow(&spends, 2, &[2]);
        let common = world.path[0].tip;
        match wrong {
            0 => bad.previous = common.hash,
            1 => bad.tip.height += 1,
            2 => bad.tip.total_difficulty = good.tip.total_difficulty,
            3 => bad.inputs.push(commitment(999)),
            4 => bad.inputs.push(bad.inputs[0]),
            _ => bad.outputs.push(good.outputs[0]),
        }
        if wrong == 5 && bad.inputs.contains(&good.outputs[0].0) {
            return Ok(());
        }
        world.fork(1);
        let expected = match wrong {
            0..3 => IndexError::Unlinked(bad.tip.height),
            3..5 => IndexError::MissingInput(2),
            _ => IndexError::OutputExists(2),
        };
        let (update, outcome) = index.advance(Step { common, blocks: vec![good, bad] });
        prop_assert_eq!(outcome, Err(expected));
        prop_assert_eq!(update.connected.len(), 1);
        assert_same(&index, &world);
    }
}

#[test]
fn what_is_not_remembered_is_not_undone() {
    let mut world = World::new();
    let mut index = Index::new(world.path[0].clone(), false, 3);
    for _ in 0..WINDOW + 10 {
        let block = world.grow(&[0], 1, &[]);
        index.apply(block).expect("a good block");
    }
    assert_eq!(index.blocks().count(), WINDOW);
    let deep = world.path[5].tip;
    let (update, outcome) = index.advance(Step { common: deep, blocks: Vec::new() });
    assert_eq!((update.disconnected.len(), outcome), (0, Err(IndexError::TooDeep(5))));
    let common = world.fork(WINDOW - 1);
    let (update, outcome) = index.advance(Step { common, blocks: Vec::new() });
    assert_eq!((update.disconnected.len(), outcome), (WINDOW - 1, Ok(())));
    assert_same_without_nrd(&index, &world);
}

fn assert_same_without_nrd(index: &Index, world: &World) {
    let found: Vec<Utxo> = world.utxos().keys().filter_map(|c| index.utxo(c)).collect();
    assert_eq!(found, world.utxos().into_values().collect::<Vec<_>>());
    assert_eq!(index.len(), found.len());
}

/// Full blocks of a whole day would take half a gigabyte.
#[test]
fn full_blocks_are_remembered_for_as_long_as_they_have_to_be() {
    let mut world = World::new();
    let mut index = Index::new(world.path[0].clone(), false, 60);
    for _ in 0..80 {
        let mut block = world.grow(&[], 1, &[]);
        block.kernels = vec![block.tip.hash; 20_000];
        index.apply(block).expect("a good block");
    }
    assert_eq!(index.blocks().count(), 61);
}

#[test]
fn kernels_that_forbid_others_are_forgotten_when_they_do_no_more() {
    let mut world = World::new();
    let mut index = Index::new(world.path[0].clone(), true, 60);
    let block = world.grow(&[], 1, &[7]);
    index.apply(block).expect("a good block");
    let excess = commitment(1_000_007);
    // Not `World::grow`, which reads its whole chain each time.
    for number in 0..12_000u64 {
        if number < 10_080 {
            assert_eq!(index.last_nrd(&excess), Some(1));
        }
        let mut block = world.path[1].clone();
        let before = index.tip();
        block.previous = before.hash;
        block.tip.height = before.height + 1;
        block.tip.total_difficulty = before.total_difficulty + 1;
        block.tip.hash = scape_aggregate::Hash::of(&[&number.to_be_bytes()]);
        block.outputs = vec![(commitment(1 << 40 | number), block.outputs[0].1)];
        block.nrd.clear();
        index.apply(block).expect("a good block");
    }
    assert_eq!(index.last_nrd(&excess), None);
    assert_eq!(index.nrd_reach(), Some(12_002));
}

/// After reading anew, the pool hears of everything that is not the same any more.
#[test]
fn what_changed_between_two_readings_is_told() {
    let mut world = World::new();
    for _ in 0..5 {
        world.grow(&[0], 2, &[]);
    }
    let read = |world: &World| {
        let mut index = Index::new(world.path[0].clone(), false, 6);
        for block in &world.path[1..] {
            index.apply(block.clone()).expect("a good block");
        }
        index
    };
    let before = read(&world);
    let old: Vec<_> = world.path.iter().map(|block| block.tip.hash).collect();
    let common = world.fork(2);
    for _ in 0..4 {
        world.grow(&[1], 1, &[]);
    }
    let update = read(&world).since(&before);
    assert_eq!(update.disconnected, [old[5], old[4], old[3]]);
    let connected: Vec<_> = update.connected.iter().map(|block| block.height).collect();
    assert_eq!(connected, [3, 4, 5, 6, 7]);
    assert_eq!(update.connected[0].hash, common.hash);
    let foreign = GrinBlock { tip: Tip { height: 5, ..common }, ..world.path[0].clone() };
    let update = read(&world).since(&Index::new(foreign, false, 6));
    assert_eq!((update.disconnected.len(), update.connected.len()), (1, 8));
}
