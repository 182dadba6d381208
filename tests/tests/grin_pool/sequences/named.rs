//! Sequences written down by the names of atoms.

use super::By;
use super::player::Player;
use super::rules::Rule;

/// A step, by the names of atoms.
#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    Stem(&'a [&'a str]),
    Fluff(&'a [&'a str]),
    Block(&'a [&'a str]),
    /// So many blocks are undone, and these come instead.
    Reorg(usize, &'a [&'a [&'a str]]),
    Sweep,
}

/// Plays steps.
pub(super) fn play(steps: &[Step<'_>]) -> Player {
    let mut player = Player::new();
    let corpus = player.corpus;
    let atoms =
        |names: &[&str]| -> Vec<_> { names.iter().map(|name| corpus.named(name)).collect() };
    for step in steps {
        match step {
            Step::Stem(names) => player.add(&atoms(names).into_iter().collect(), true, By::Peer),
            Step::Fluff(names) => player.add(&atoms(names).into_iter().collect(), false, By::Peer),
            Step::Block(names) => player.block(&atoms(names)),
            Step::Reorg(undone, blocks) => {
                player.reorg(*undone, &blocks.iter().map(|names| atoms(names)).collect::<Vec<_>>());
            }
            Step::Sweep => player.sweep(),
        }
        player.finish();
    }
    player
}

/// What a block mined is remembered, in parts where the parts are known, and only that is
/// subtracted from what comes.
#[test]
fn what_is_remembered_of_blocks_is_subtracted() {
    let all = &["root", "lone", "shifted fee"];
    play(&[
        Step::Stem(&["root"]),
        Step::Stem(&["lone"]),
        Step::Sweep,
        Step::Block(&["lone"]),
        Step::Fluff(&["lone", "shifted fee"]),
        Step::Fluff(all),
        Step::Block(&["root", "shifted fee"]),
        Step::Fluff(all),
        Step::Stem(all),
    ]);
}

/// The root's output is there twice, and one of the two is spent in the aggregate that comes.
#[test]
fn parts_are_told_apart_where_an_output_came_twice() {
    play(&[
        Step::Fluff(&["rival of child", "twin"]),
        Step::Fluff(&["root"]),
        Step::Fluff(&["child", "rival of child", "twin"]),
    ]);
}

/// Each spends what the other spends, so the two are no transaction without the third.
#[test]
fn parts_that_exclude_each_other_are_not_told_apart() {
    play(&[
        Step::Fluff(&["root"]),
        Step::Block(&["root", "rival of child"]),
        Step::Fluff(&["twin"]),
        Step::Fluff(&["child"]),
        Step::Fluff(&["child", "rival of child", "circle"]),
    ]);
}

/// Grin brings back the aggregate from its cache, we the part that an undone block had held.
#[test]
fn after_a_reorg_an_aggregate_meets_its_part() {
    play(&[
        Step::Fluff(&["root", "lone"]),
        Step::Block(&["lone"]),
        Step::Stem(&["root"]),
        Step::Block(&["root"]),
        Step::Reorg(2, &[&[], &[], &[]]),
    ]);
}

/// Grin forgets what is mined, so it takes a replay of what was paid before.
#[test]
fn what_was_mined_is_not_taken_again_when_its_inputs_are_back() {
    let player = play(&[
        Step::Fluff(&["root"]),
        Step::Fluff(&["child"]),
        Step::Fluff(&["grandchild"]),
        Step::Block(&["root", "child", "grandchild"]),
        Step::Fluff(&["twin"]),
        Step::Fluff(&["child"]),
        Step::Stem(&["child", "lone"]),
        Step::Fluff(&["lone"]),
        Step::Fluff(&["child", "lone"]),
    ]);
    assert!(player.met.contains_key(&Rule::Replay));
}

/// The chain may be shorter for a moment; Grin does not look at locks again, we do.
#[test]
fn a_lock_that_is_not_over_any_more_is_waited_for() {
    let player = play(&[
        Step::Block(&[]),
        Step::Block(&[]),
        Step::Fluff(&["locked", "lone"]),
        Step::Stem(&["child of locked"]),
        Step::Fluff(&["reward"]),
        Step::Reorg(2, &[&[]]),
        Step::Block(&[]),
        Step::Block(&["lone"]),
    ]);
    assert!(player.met.contains_key(&Rule::Heights));
}

#[test]
fn nobody_takes_what_overlaps() {
    let player = play(&[
        Step::Fluff(&["root", "lone"]),
        Step::Fluff(&["lone", "shifted fee"]),
        Step::Stem(&["lone", "shifted fee"]),
        Step::Stem(&["child", "twin"]),
        Step::Stem(&["shifted fee", "sister"]),
        Step::Stem(&["shifted fee", "nrd of two"]),
    ]);
    assert!(player.met.contains_key(&Rule::Overlap { stem: false }));
    assert!(player.met.contains_key(&Rule::Overlap { stem: true }));
}

#[test]
fn a_pending_nrd_kernel_makes_way_for_a_mined_one_of_its_excess() {
    play(&[Step::Fluff(&["nrd of two"]), Step::Block(&["nrd of one"])]);
    play(&[Step::Stem(&["nrd of two"]), Step::Block(&["nrd of one"])]);
}

#[test]
fn what_a_block_has_spent_does_not_wait_for_a_height() {
    for first in [Step::Fluff as fn(_) -> _, Step::Stem] {
        let player = play(&[
            Step::Block(&[]),
            Step::Block(&[]),
            first(&["root", "locked"]),
            // The chain is shorter for a moment, and spends an input.
            Step::Reorg(2, &[&["rival of root"]]),
            Step::Block(&[]),
            Step::Block(&[]),
        ]);
        assert!(!player.has_orphans());
    }
}

#[test]
fn a_ring_of_pending_transactions_falls() {
    play(&[
        Step::Block(&["root"]),
        Step::Fluff(&["child"]),
        Step::Fluff(&["grandchild"]),
        Step::Block(&["child", "grandchild"]),
        Step::Fluff(&["circle"]),
        Step::Reorg(1, &[&["rival of child"]]),
    ]);
}
