//! The pool against a naive model of it: stories in which both must say and do the same. They are
//! the same stories each time; `PROPTEST_CASES` asks for so many others, at random.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, RngSeed};
use rand::RngExt;
use scape_aggregate::builder::seeded;
use scape_tests::model::{Disagreement, Op, Rule, Setup, Trial};

/// The longest stories.
const STEPS: usize = 90;

fn tell(mut trial: Trial, ops: &[Op]) -> Result<Trial, (usize, Disagreement)> {
    for (index, op) in ops.iter().enumerate() {
        trial.step(*op).map_err(|wrong| (index, wrong))?;
    }
    trial.end().map_err(|wrong| (ops.len(), wrong))?;
    Ok(trial)
}

/// A story that the number decides.
fn story(number: u64) -> (Setup, Vec<Op>) {
    let mut rng = seeded(number, 1);
    let ops = (0..STEPS).map(|_| Op::from_bytes(rng.random()));
    (Setup::from_byte(number as u8), ops.collect())
}

fn config() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: asked.unwrap_or(300),
        rng_seed: if asked.is_some() { RngSeed::Random } else { RngSeed::Fixed(1) },
        // The seed of a story that failed is printed, and kept here to be told again.
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/proptest-regressions/pool_model.txt",
        ))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_pool_does_what_the_model_says(
        setup in any::<u8>().prop_map(Setup::from_byte),
        ops in prop::collection::vec(any::<[u8; 4]>().prop_map(Op::from_bytes), 1..STEPS),
    ) {
        if let Err((index, wrong)) = tell(Trial::new(setup), &ops) {
            prop_assert!(false, "{setup:?}, step {index} ({:?}), {wrong}", ops.get(index));
        }
    }
}

#[test]
fn stories_come_to_every_verdict_and_to_an_end() {
    let (mut verdicts, mut open) = (BTreeSet::new(), 0);
    for number in 0..128 {
        let (setup, ops) = story(number);
        let trial = tell(Trial::new(setup), &ops).unwrap_or_else(|(index, wrong)| {
            panic!("story {number}, step {index} ({:?}), {wrong}", ops.get(index))
        });
        open += usize::from(trial.is_open());
        verdicts.extend(trial.verdicts.iter().map(|verdict| {
            let name = format!("{verdict:?}");
            name.split([' ', '{', ')']).next().unwrap_or_default().to_owned()
        }));
    }
    let expected = [
        "Err(Conflict",
        "Err(Full",
        "Err(ImmatureCoinbase",
        "Err(InputFeatures",
        "Err(Known",
        "Err(LockHeight",
        "Err(LowFee",
        "Err(OutputExists",
        "Err(Overlap",
        "Err(PendingNrd",
        "Err(RecentNrd",
        "Ok(Loop",
        "Ok(Orphan",
        "Ok(Public",
        "Ok(Stem",
    ];
    // `MissingInput` is about bytes: an orphan larger than the share of its sender.
    assert_eq!(verdicts.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    assert!(open <= 1, "the model had no answer in {open} of 128 stories");
}

#[test]
fn a_model_without_any_one_rule_is_found_out() {
    for rule in Rule::ALL {
        let is_noticed = |number: &u64| {
            let (setup, ops) = story(*number);
            tell(Trial::new(setup).with_model(|model| model.without(rule)), &ops).is_err()
        };
        let found = (0..400).find(is_noticed);
        assert!(found.is_some(), "400 stories without {rule:?} and nobody noticed");
    }
}
