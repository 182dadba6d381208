use std::time::Duration;

use scape_p2p::dandelion::Preset;

use super::*;

fn small(preset: Preset) -> Experiment {
    Experiment {
        nodes: 200,
        listened: 40,
        length: Duration::from_secs(3_600),
        spies: 0.1,
        black_holes: 0.05,
        ..Experiment::mainnet(preset)
    }
}

#[test]
fn a_seed_decides_everything_and_nothing_is_lost() {
    for preset in Preset::ALL {
        let experiment = small(preset);
        let run = experiment.run(7);
        assert!(run.outcomes.len() > 50, "{preset}: {} payments", run.outcomes.len());
        let mined = run.outcomes.iter().filter(|outcome| outcome.mined.is_some()).count();
        assert_eq!(mined, run.outcomes.len(), "{preset}");
        assert_eq!(run, experiment.run(7), "{preset}");
        assert_ne!(run, experiment.run(8), "{preset}");
    }
}

#[test]
fn nothing_is_lost_where_connections_end_and_many_speak_something_else() {
    for others in [None, Some(Preset::Grin5.params())] {
        let experiment = Experiment {
            connection_life: Some(Duration::from_secs(600)),
            speaking: 0.5,
            others,
            spy_slots: Some(0.3),
            black_holes: 0.1,
            ..small(Preset::Scape)
        };
        let run = experiment.run(5);
        let mined = run.outcomes.iter().filter(|outcome| outcome.mined.is_some()).count();
        assert_eq!(mined, run.outcomes.len(), "{others:?}");
        assert_eq!(run, experiment.run(5), "{others:?}");
        let fluffed = |reason| run.fluffs.iter().filter(|fluff| fluff.reason == reason).count();
        assert_eq!(fluffed(None) > 0, others.is_none(), "only plain nodes give no reason");
        let slots = run.graph.edges() as f64;
        let nodes = 0..run.graph.len() as u32;
        let to_spies = nodes.flat_map(|node| run.graph.outbound(node));
        let share = to_spies.filter(|peer| run.is_spy[**peer as usize]).count() as f64 / slots;
        assert!((share - 0.3).abs() < 0.05, "{share} of connections lead to spies");
    }
}

#[test]
fn listeners_see_what_is_fluffed_and_relays_what_they_are_handed() {
    let run = small(Preset::GrinDoc).run(3);
    let heard = run.sights.iter().filter(|sight| sight.observer == Observer::Listener);
    assert_eq!(heard.count(), run.fluffs.len());
    let told = run.sights.iter().filter(|sight| sight.observer == Observer::Spies);
    assert_eq!(told.count(), run.fluffs.len());
    let relays = run.sights.iter().filter(|sight| matches!(sight.observer, Observer::Relay(_)));
    let share = relays.count() as f64 / run.outcomes.iter().map(|o| o.hops).sum::<u32>() as f64;
    assert!((0.05..0.3).contains(&share), "{share} of all hops lead to a spy or a black hole");
}
