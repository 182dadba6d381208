use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;
use scape_aggregate::Commitment;
use scape_pool::ChainView;

use super::world::{World, utxos};
use crate::chain::grin::block::{GrinBlock, Unspent};
use crate::chain::grin::error::GrinError;
use crate::chain::grin::index::Index;
use crate::chain::grin::snapshot::Snapshot;

/// A third of the outputs that are there at the end of a chain.
fn page(path: &[GrinBlock], third: u8) -> HashMap<Commitment, Unspent> {
    let listed = utxos(path).into_iter().filter(|(c, _)| c.0[7] % 3 == third);
    let unspent = listed.map(|(c, utxo)| {
        let height = u32::try_from(utxo.height).expect("small");
        (c, Unspent { height, features: utxo.features })
    });
    unspent.collect()
}

/// A chain up to `begin` whose outputs are not known.
fn without_outputs(path: &[GrinBlock]) -> Index {
    let mut index = Index::new(path[0].clone(), false, 3);
    for block in &path[1..] {
        index.pass_by(block.clone()).expect("a good block");
    }
    index
}

fn grow(world: &mut World, blocks: &[(Vec<u64>, u64)]) {
    for (spends, creates) in blocks {
        world.grow(spends, *creates, &[]);
    }
}

fn blocks(count: usize) -> impl Strategy<Value = Vec<(Vec<u64>, u64)>> {
    vec((vec(0u64..1_000, 0..5), 1u64..5), 0..count)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 256 } else { 2_048 }))]

    /// However many blocks come between the pages, the outputs are those of the chain's end; and if
    /// a page was read on a fork that was left again, that is noticed.
    #[test]
    fn pages_at_different_times_make_one_chain(
        before in blocks(6),
        between in vec(blocks(4), 4),
        fork in prop_oneof![2 => Just(None), 1 => (0usize..3, blocks(3)).prop_map(Some)],
    ) {
        let mut world = World::new();
        grow(&mut world, &before);
        let begin = world.path.len();
        let mut snapshot = Snapshot::new(without_outputs(&world.path));
        let mut was_on_fork = false;
        for third in 0..3u8 {
            grow(&mut world, &between[usize::from(third)]);
            let main = world.path.len();
            if let Some((_, branch)) = fork.as_ref().filter(|(at, _)| *at == usize::from(third)) {
                grow(&mut world, branch);
                was_on_fork = !branch.is_empty();
            }
            snapshot.add(page(&world.path, third), world.tip());
            world.path.truncate(main);
        }
        grow(&mut world, &between[3]);
        let outcome = snapshot.finish(world.path[begin..].to_vec());
        if was_on_fork {
            prop_assert!(matches!(outcome, Err(GrinError::Moved)));
            return Ok(());
        }
        let index = outcome.expect("one chain");
        let utxos = world.utxos();
        prop_assert_eq!(index.tip(), world.tip());
        prop_assert_eq!(index.len(), utxos.len());
        for (commitment, utxo) in utxos {
            prop_assert_eq!(index.utxo(&commitment), Some(utxo));
        }
    }
}
