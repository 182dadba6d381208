//! Random networks, few and small enough for every test run.

use scape_tests::chaos::{Hunt, Role, Scenario, Size, generate, hunt, shrink};
use scape_tests::invariant::Law;

#[test]
fn random_networks_lose_nothing() {
    let size = Size { nodes: 16, minutes: 10 };
    let mut played = 0;
    hunt(&Hunt { seeds: 0..24, size, threads: 2, twice: 8 }, |progress| {
        let breach = progress.outcome.breach;
        assert_eq!(breach, None, "seed {}, {size:?}", progress.seed);
        played += 1;
        true
    });
    assert_eq!(played, 24);
}

/// A third of the nodes have one role.
fn cast(role: Role) -> Scenario {
    let mut scenario = generate(role as u64, Size { nodes: 12, minutes: 8 });
    for node in scenario.nodes.iter_mut().skip(8) {
        node.role = role;
    }
    scenario
}

#[test]
fn no_adversary_breaks_anything() {
    for role in Role::ALL {
        let outcome = cast(role).run();
        assert_eq!(outcome.breach, None, "{}", role.name());
        assert!(outcome.kernels > 0, "{}", role.name());
    }
}

/// Without honest nodes beside the origin nothing is ever mined, so that there is something to find.
#[test]
fn what_fails_is_shrunk_to_what_it_needs() {
    let scenario = generate(3, Size { nodes: 8, minutes: 3 });
    let outcome = scenario.run();
    assert_eq!(outcome.breach, None);
    let mut tries = 0;
    let small = shrink(&scenario, Law::Lossless, || {
        tries += 1;
        tries < 20
    });
    // It fails nowhere, so nothing could be left out.
    assert_eq!(small.steps, scenario.steps);
    assert_eq!(small.nodes, scenario.nodes);
}

#[test]
fn a_written_scenario_plays_the_same() {
    let scenario = generate(11, Size { nodes: 10, minutes: 5 });
    let read: Scenario = scenario.to_string().parse().expect("it was written");
    assert_eq!(scenario.run().digest, read.run().digest);
}
