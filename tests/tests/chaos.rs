//! Random networks, few and small enough for every test run.

use std::time::Duration;

use scape_p2p::addr::Network as AddrNetwork;
use scape_p2p::dandelion::Preset;
use scape_tests::chaos::{
    Action, Hidden, Hunt, Met, Role, Scenario, Size, Step, generate, hunt, shrink,
};

#[test]
fn random_networks_lose_nothing() {
    let size = Size { nodes: 16, minutes: 10 };
    let mut played = 0;
    hunt(&Hunt { seeds: 0..16, size, threads: 2, twice: 8 }, |progress| {
        let breach = progress.outcome.breach;
        assert_eq!(breach, None, "seed {}, {size:?}", progress.seed);
        played += 1;
        true
    });
    assert_eq!(played, 16);
}

/// A third of the nodes have one role.
fn cast(role: Role) -> Scenario {
    let mut scenario = generate(role as u64, Size { nodes: 12, minutes: 8 });
    for node in scenario.nodes.iter_mut().take(12).skip(8) {
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

/// All nodes meet at sinks, and blocks come fast enough for these to be elected.
fn with_sinks(seed: u64) -> Scenario {
    let mut scenario = generate(seed, Size { nodes: 10, minutes: 8 });
    scenario.blocks = Duration::from_secs(12);
    scenario.nodes.iter_mut().for_each(|node| node.preset = Preset::Scape);
    scenario
}

#[test]
fn what_meets_at_sinks_is_lost_nowhere() {
    let mut all = Met::default();
    for seed in 0..2 {
        let outcome = with_sinks(seed).run();
        assert_eq!(outcome.breach, None, "seed {seed}");
        let Met { sealed, gathered, aggregates } = outcome.met;
        assert!(sealed >= aggregates && gathered >= aggregates, "seed {seed}: {:?}", outcome.met);
        all.sealed += sealed;
        all.gathered += gathered;
        all.aggregates += aggregates;
    }
    assert!(all.gathered > 20 && all.aggregates < all.gathered, "{all:?}");
}

fn small(seed: u64) -> Scenario {
    generate(seed, Size { nodes: 10, minutes: 8 })
}

/// The first of the small networks of which this holds.
fn first(holds: impl Fn(&Scenario) -> bool) -> Scenario {
    (0..500).map(small).find(holds).expect("some have it")
}

fn is_noisy(scenario: &Scenario, network: AddrNetwork) -> bool {
    scenario.nodes.iter().any(|plan| plan.network == network && !plan.noise.is_zero())
}

#[test]
fn what_goes_through_zones_and_noise_is_lost_nowhere() {
    let kinds: [fn(&Scenario) -> bool; 3] = [
        |scenario| is_noisy(scenario, AddrNetwork::Tor),
        |scenario| is_noisy(scenario, AddrNetwork::I2p),
        |scenario| is_noisy(scenario, AddrNetwork::Clearnet),
    ];
    for scenario in kinds.map(first) {
        let outcome = scenario.run();
        let (seed, Hidden { zones, handed_over, messages, frames, .. }) =
            (scenario.seed, outcome.hidden);
        assert_eq!(outcome.breach, None, "seed {seed}");
        assert_eq!(zones > 0, handed_over > 0, "seed {seed}: {:?}", outcome.hidden);
        assert!(messages > 0 && frames > 10 * messages as u64, "seed {seed}: {:?}", outcome.hidden);
    }
}

/// It fails as long as one transaction is handed in and one node crashes.
#[test]
fn what_fails_is_shrunk_to_what_it_needs() {
    let scenario = generate(3, Size { nodes: 20, minutes: 30 });
    let crash = Step { at: Duration::from_secs(100), action: Action::Crash(7) };
    let scenario = Scenario { steps: [scenario.steps.clone(), vec![crash]].concat(), ..scenario };
    let pays = scenario.txs[30].clone();
    let mut tries = 0;
    let small = shrink(&scenario, |candidate| {
        tries += 1;
        let mut steps = candidate.steps.iter();
        let crashes = steps.any(|step| {
            let Action::Crash(node) = step.action else { return false };
            candidate.nodes.get(node).is_some_and(|node| !node.absent)
        });
        let mut steps = candidate.steps.iter();
        let pushes = steps.any(|step| {
            let Action::Push { node, tx, .. } = step.action else { return false };
            let here = candidate.nodes.get(node).is_some_and(|node| !node.absent);
            here && candidate.txs[tx].outputs == pays.outputs && candidate.txs[tx].lock == pays.lock
        });
        Some(crashes && pushes)
    });
    assert_eq!((small.nodes.len(), small.steps.len()), (2, 2), "{small}");
    assert!(small.txs.len() < 10, "{small}");
    assert!(tries < 1_000, "{tries}");
    assert_eq!(small.to_string().parse(), Ok(small));
}

/// It fails as long as somebody on Tor is handed a transaction and a node is there to hand it over.
#[test]
fn what_fails_between_zones_is_shrunk_to_what_it_needs() {
    let scenario = first(|scenario| is_noisy(scenario, AddrNetwork::Tor));
    let small = shrink(&scenario, |candidate| {
        let plan = |node: usize| candidate.nodes.get(node).filter(|plan| !plan.absent);
        let on_tor = |node| plan(node).is_some_and(|plan| plan.network == AddrNetwork::Tor);
        let mut steps = candidate.steps.iter();
        let pushed = steps.any(|step| match step.action {
            Action::Push { node, .. } => on_tor(node) && candidate.nodes[node].beside.is_none(),
            _ => false,
        });
        let mut nodes = 0..candidate.nodes.len();
        let bridged =
            nodes.any(|node| on_tor(node) && candidate.nodes[node].beside.and_then(plan).is_some());
        Some(pushed && bridged)
    });
    assert_eq!((small.nodes.len(), small.steps.len()), (3, 1), "{small}");
    assert_eq!(small.to_string().parse(), Ok(small.clone()));
    assert_eq!(small.run().hidden.zones, 2, "{small}");
}

#[test]
fn a_written_scenario_plays_the_same() {
    let zones = first(|scenario| is_noisy(scenario, AddrNetwork::Tor));
    for scenario in [generate(11, Size { nodes: 10, minutes: 5 }), zones] {
        let read: Scenario = scenario.to_string().parse().expect("it was written");
        assert_eq!(scenario.run().digest, read.run().digest);
    }
}
