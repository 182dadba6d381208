//! Random sequences of everything that can happen to a pool, on Grin's and on ours.
//!
//! The transactions are real and few; the chain is a set of outputs ([`ledger`]). Before each step
//! the two hold the same. Each verdict is compared ([`compare`]); where the two differ on purpose a
//! rule says so, with the exact condition worked out from what they held. After it what one of them
//! has more is told to the other, which must take it ([`align`]). So a rule can never hide that the
//! two part for good.
//!
//! The sequences are the same each time; `PROPTEST_CASES` asks for so many, at random.

mod align;
mod compare;
mod corpus;
mod faults;
mod ledger;
mod named;
mod player;
mod rules;
mod steps;

use std::collections::BTreeMap;

use proptest::collection::{SizeRange, vec};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngSeed, TestRunner};

use player::Player;
use rules::Rule;

/// How many atoms there are in the corpus.
const ATOMS: usize = 20;
/// Few, for Grin verifies its whole pool at each step.
const CASES: u32 = 12;

/// A step.
#[derive(Clone, Debug)]
enum Op {
    Stem(Choice, By),
    Fluff(Choice, By),
    /// A block with those of the pooled transactions that the mask selects, and with others.
    Block {
        pooled: u32,
        others: Choice,
    },
    Reorg {
        undone: usize,
        blocks: Vec<Choice>,
    },
    Sweep,
}

/// Who sends a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum By {
    Peer,
    Owner,
}

/// A choice of atoms: each pick is a place among those whose inputs exist by then, or among all.
#[derive(Clone, Debug, Default)]
struct Choice {
    wild: bool,
    picks: Vec<usize>,
}

fn choice(picks: impl Into<SizeRange>) -> impl Strategy<Value = Choice> {
    let wild = proptest::bool::weighted(0.1);
    (wild, vec(0..ATOMS, picks)).prop_map(|(wild, picks)| Choice { wild, picks })
}

fn tx() -> impl Strategy<Value = Choice> {
    prop_oneof![
        12 => choice(1),
        4 => choice(2),
        3 => choice(3),
        // Heavier than a transaction may be.
        1 => choice(12),
    ]
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![4 => Just(By::Peer), 1 => Just(By::Owner)]
}

fn op() -> impl Strategy<Value = Op> {
    let others = || choice(0..4);
    prop_oneof![
        12 => (tx(), by()).prop_map(|(choice, by)| Op::Stem(choice, by)),
        12 => (tx(), by()).prop_map(|(choice, by)| Op::Fluff(choice, by)),
        3 => (any::<u32>(), others()).prop_map(|(pooled, others)| Op::Block { pooled, others }),
        2 => (1..3_usize, vec(others(), 1..4))
            .prop_map(|(undone, blocks)| Op::Reorg { undone, blocks }),
        1 => Just(Op::Sweep),
    ]
}

fn config() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: asked.unwrap_or(CASES),
        max_shrink_iters: 300,
        rng_seed: if asked.is_some() { RngSeed::Random } else { RngSeed::Fixed(1) },
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn both_pools_say_the_same(ops in vec(op(), 1..40)) {
        let mut player = Player::new();
        ops.iter().for_each(|op| player.play(op));
    }
}

/// The same sequences each time. They tell what the random ones can be trusted to try.
#[test]
fn every_rule_is_met() {
    let mut runner = TestRunner::deterministic();
    let mut met: BTreeMap<Rule, usize> = BTreeMap::new();
    for _ in 0..CASES {
        let ops = vec(op(), 30).new_tree(&mut runner).unwrap().current();
        let mut player = Player::new();
        ops.iter().for_each(|op| player.play(op));
        player.met.into_iter().for_each(|(rule, count)| *met.entry(rule).or_default() += count);
    }
    let missed: Vec<_> = Rule::COMMON.iter().filter(|rule| !met.contains_key(rule)).collect();
    assert!(missed.is_empty(), "never met: {missed:?}; met: {met:?}");
}

#[test]
fn the_corpus_is_as_large_as_the_sequences_say() {
    crate::chain::follow(true);
    assert_eq!(corpus::corpus().atoms.len(), ATOMS);
}
