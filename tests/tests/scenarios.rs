//! Flows that are written down as text, as a host would write its own.

use scape_tests::chaos::Scenario;

/// Plays a scenario. All that was promised must be kept, and the chain hold so many kernels.
fn play(text: &str, kernels: usize) {
    let scenario: Scenario = text.parse().expect("the file is well-formed");
    let outcome = scenario.run_with_history();
    assert_eq!(outcome.breach, None, "{}", outcome.history);
    assert_eq!(outcome.kernels, kernels);
    assert_eq!(outcome.digest, scenario.run().digest, "not the same again");
}

#[test]
fn the_payments_of_grins_simulation_are_all_mined() {
    play(include_str!("../scenarios/grin-simulation.txt"), 3);
}

#[test]
fn aggregates_that_overlap_cost_nobody_a_transaction() {
    play(include_str!("../scenarios/overlap.txt"), 3);
}

#[test]
fn locks_rivals_and_crashes_lose_nothing() {
    play(include_str!("../scenarios/locks-and-crashes.txt"), 7);
}

#[test]
fn what_is_hidden_on_tor_comes_out_and_is_mined() {
    play(include_str!("../scenarios/tor-noise.txt"), 4);
}
