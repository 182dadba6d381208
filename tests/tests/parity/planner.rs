//! What the planner makes is what Grin takes.

use rand::RngExt;
use rand::seq::SliceRandom;
use scape_aggregate::builder::seeded;
use scape_aggregate::{PlanLimits, plan};

use crate::grin;
use crate::sample::{MAINNET, SMALL, families, lone};

#[test]
fn grin_accepts_every_aggregate_of_real_transactions() {
    for (consensus, seed) in [(SMALL, 1), (SMALL, 2), (MAINNET, 3), (MAINNET, 4)] {
        grin::follow(&consensus);
        let mut rng = seeded(seed, 5);
        let related = families().iter().take(15).flatten();
        let real = lone().iter().take(80).chain(related).map(|built| built.valid());
        let mut all: Vec<_> =
            real.enumerate().map(|(id, tx)| (id, rng.random_range(0..3_u8), tx)).collect();
        all.shuffle(&mut rng);
        let plan = plan(&all, &PlanLimits::of(consensus.chain));
        assert!(plan.iter().any(|made| made.parts.len() > 2));
        for made in plan.iter().filter(|made| made.parts.len() > 1) {
            let theirs = grin::of(made.tx.as_transaction());
            assert!(grin::accepts(&theirs));
            assert!(theirs.shifted_fee() >= theirs.accept_fee());
        }
    }
}
