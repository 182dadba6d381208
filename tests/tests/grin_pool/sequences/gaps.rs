//! Where our pool does not do what Grin's does, without a reason for it. The random sequences keep
//! clear of the first and of the last of these, and cannot see the other.

use super::named::{Step, play};

#[test]
#[ignore = "what a block mines by NRD excess is not looked at: the pending one stays"]
fn a_pending_nrd_kernel_makes_way_for_a_mined_one_of_its_excess() {
    play(&[Step::Fluff(&["nrd of two"]), Step::Block(&["nrd of one"])]);
    play(&[Step::Stem(&["nrd of two"]), Step::Block(&["nrd of one"])]);
}

#[test]
#[ignore = "a lock that may end is seen first, so it waits for good though its input is spent"]
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
#[ignore = "each of a ring is taken for the parent of the next"]
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
