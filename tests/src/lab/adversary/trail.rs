//! What spies know of the way of each payment, all that they saw put together.
//!
//! Relays that spy tell each other what was handed to them, by whom and when, and which sealed
//! transactions passed, from whom and to which sink; a sealed one is the same bytes on all links, so
//! that they know who handed it to the first of them.
//!
//! - What came openly, and what was sealed to a sink that spies, they have read: its way is certain
//!   as far back as the first spy that saw it.
//! - What was sealed to an honest sink they know when the sink fluffs it, together with others. Each
//!   payment of that fluff came to the sink since it fluffed before, within a window; some of those
//!   that came they saw pass, and which is which nobody can tell.
//! - Of others they know who told the first of them in public, which says something unless a sink
//!   fluffed it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use scape_p2p::dandelion::Params;
use scape_pool::{FluffReason, Instant};

use super::routing::{Routing, Way};
use crate::lab::{Observer, Outcome, Passage, Run, Sight};

/// How long something may be on its way to a sink.
const CARRIAGE: Duration = Duration::from_secs(15);

/// Who handed something to the first spy that saw it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Exit {
    pub(super) from: u32,
    pub(super) way: Way,
}

/// What spies know.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Trails {
    /// Of each payment, how it came, where that is certain.
    pub(super) certain: Vec<Option<Exit>>,
    pub(super) meetings: Vec<Meeting>,
}

/// What an honest sink fluffed together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Meeting {
    /// The payments that no spy has read before.
    pub(super) unread: Vec<u32>,
    /// How those came that spies saw pass. Each is one of the unread ones, or is not in it.
    pub(super) passed: Vec<Exit>,
}

impl Trails {
    pub(super) fn of(run: &Run, params: &Params) -> Self {
        let mut first: BTreeMap<u32, &Passage> = BTreeMap::new();
        for passage in &run.passages {
            first.entry(passage.parcel).or_insert(passage);
        }
        let told = first_sights(run, |observer| observer == Observer::Spies);
        let seen = run.outcomes.iter().zip(read(run).into_iter().zip(told));
        let certain = seen.map(|(outcome, (read, told))| match read {
            Some(sight) => certain(run, sight, &first),
            None => in_public(run, outcome, told?),
        });
        let mut trails = Self { certain: certain.collect(), meetings: Vec::new() };
        if let Some(rendezvous) = params.rendezvous {
            let window = rendezvous.pool.window + rendezvous.pool.spread;
            trails.meetings = trails.meet(run, window, &first);
        }
        trails
    }

    fn meet(&self, run: &Run, window: Duration, first: &BTreeMap<u32, &Passage>) -> Vec<Meeting> {
        let opened = run.passages.iter().filter(|passage| passage.spy == passage.sink);
        let opened: BTreeSet<u32> = opened.map(|passage| passage.parcel).collect();
        let swallowed = run.passages.iter().filter(|passage| passage.swallowed);
        let swallowed: BTreeSet<u32> = swallowed.map(|passage| passage.parcel).collect();
        let mut to_sink: BTreeMap<u32, Vec<&Passage>> = BTreeMap::new();
        for passage in first.values() {
            let known = opened.contains(&passage.parcel) || swallowed.contains(&passage.parcel);
            if !known {
                to_sink.entry(passage.sink).or_default().push(passage);
            }
        }
        let mut before: BTreeMap<u32, Instant> = BTreeMap::new();
        let mut meetings = Vec::new();
        for (number, fluff) in (0u32..).zip(&run.fluffs) {
            if fluff.reason != Some(FluffReason::Gathered) {
                continue;
            }
            let oldest = fluff.at.saturating_since(Instant::ZERO).saturating_sub(window + CARRIAGE);
            let last = before.insert(fluff.node, fluff.at).unwrap_or(Instant::ZERO);
            let last = last.saturating_since(Instant::ZERO).saturating_sub(CARRIAGE);
            let from = Instant::ZERO + oldest.max(last);
            let came = |p: &&&Passage| p.at >= from && p.at < fluff.at;
            let passed = to_sink.get(&fluff.node).into_iter().flatten().filter(came);
            let is_unread = |payment: &&u32| {
                let first = run.outcomes[**payment as usize].fluffs.first();
                first == Some(&number) && self.certain[**payment as usize].is_none()
            };
            meetings.push(Meeting {
                unread: fluff.payments.iter().filter(is_unread).copied().collect(),
                passed: passed.map(|passage| exit(passage)).collect(),
            });
        }
        meetings
    }

    /// Of each payment: the nodes that may have sent it, with probabilities that add up to one at
    /// most. What is left of one may be anybody.
    pub(super) fn suspects(&self, routing: &mut Routing<'_>) -> Vec<BTreeMap<u32, f64>> {
        let mut suspects = vec![BTreeMap::new(); self.certain.len()];
        let mut add = |payment: usize, exit: &Exit, share: f64| {
            for &(node, weight) in routing.suspects(exit.from, exit.way) {
                *suspects[payment].entry(node).or_default() += share * weight;
            }
        };
        for (payment, exit) in self.certain.iter().enumerate() {
            exit.iter().for_each(|exit| add(payment, exit, 1.0));
        }
        for Meeting { unread, passed } in &self.meetings {
            let share = 1.0 / unread.len().max(passed.len()) as f64;
            for payment in unread {
                passed.iter().for_each(|exit| add(*payment as usize, exit, share));
            }
        }
        suspects
    }
}

/// Of each payment, when a spy first read it, if that was before it was public.
fn read(run: &Run) -> Vec<Option<&Sight>> {
    let mut read = first_sights(run, |observer| matches!(observer, Observer::Relay(_)));
    for (outcome, sight) in run.outcomes.iter().zip(&mut read) {
        let public = outcome.fluffs.first().map(|fluff| run.fluffs[*fluff as usize].at);
        *sight = sight.filter(|sight| public.is_none_or(|public| sight.at <= public));
    }
    read
}

/// Of each payment, what these observers saw first.
fn first_sights(run: &Run, sees: impl Fn(Observer) -> bool) -> Vec<Option<&Sight>> {
    let mut first: Vec<Option<&Sight>> = vec![None; run.outcomes.len()];
    for sight in run.sights.iter().filter(|sight| sees(sight.observer)) {
        for &payment in &sight.payments {
            let place = &mut first[payment as usize];
            *place = place.filter(|earlier| earlier.at <= sight.at).or(Some(sight));
        }
    }
    first
}

/// How something came that a spy read: openly, or sealed to it.
fn certain(run: &Run, sight: &Sight, first: &BTreeMap<u32, &Passage>) -> Option<Exit> {
    let Observer::Relay(spy) = sight.observer else { return None };
    let begin = run.passages.partition_point(|passage| passage.at < sight.at);
    let same_time = run.passages[begin..].iter().take_while(|passage| passage.at == sight.at);
    let mut opened = same_time.filter(|p| p.spy == spy && p.sink == spy);
    match opened.find(|passage| Some(passage.from) == sight.from) {
        Some(passage) => Some(exit(first[&passage.parcel])),
        None => sight.from.map(|from| Exit { from, way: Way::Stem }),
    }
}

fn exit(passage: &Passage) -> Exit {
    let way = if passage.spy == passage.sink { Way::Delivered } else { Way::Carried };
    Exit { from: passage.from, way }
}

/// Who told the first spy in public, where that may be near to the origin.
fn in_public(run: &Run, outcome: &Outcome, told: &Sight) -> Option<Exit> {
    let first = *outcome.fluffs.first()?;
    let gathered = run.fluffs[first as usize].reason == Some(FluffReason::Gathered);
    told.from.filter(|_| !gathered).map(|from| Exit { from, way: Way::Stem })
}

#[cfg(test)]
mod tests {
    use scape_p2p::dandelion::Preset;

    use super::*;
    use crate::lab::Experiment;

    fn experiment(spies: f64) -> Experiment {
        Experiment {
            nodes: 300,
            listened: 0,
            length: Duration::from_secs(4 * 3_600),
            spies,
            ..Experiment::mainnet(Preset::Scape)
        }
    }

    #[test]
    fn what_passes_a_spy_is_followed_to_the_fluff_and_back_to_who_handed_it_on() {
        let experiment = experiment(0.2);
        let (mut met, mut seen, mut near) = (0, 0, 0);
        for seed in 0..3 {
            let run = experiment.run(seed);
            let trails = Trails::of(&run, &experiment.params);
            for Meeting { unread, passed } in &trails.meetings {
                met += unread.len();
                seen += passed.len().min(unread.len());
                let origin = |payment: &u32| run.outcomes[*payment as usize].payment.origin;
                let origins: BTreeSet<u32> = unread.iter().map(origin).collect();
                near += passed.iter().filter(|exit| origins.contains(&exit.from)).count();
            }
            let carried = trails.certain.iter().flatten().filter(|e| e.way != Way::Stem).count();
            assert!(carried > run.outcomes.len() / 10, "seed {seed}: spies are sinks, too");
        }
        // The first carrier is a spy with 0.2; so is one of the others, of which there is one on
        // average. Of what they see, the origin itself handed on a little more than half.
        let (share, near) = (seen as f64 / met as f64, near as f64 / seen as f64);
        assert!((0.25..0.4).contains(&share), "{share} pass a spy");
        assert!((0.4..0.75).contains(&near), "{near} of them come from their origin");
    }

    #[test]
    fn suspects_are_as_likely_as_they_are_said_to_be() {
        let experiment = experiment(0.3);
        let (mut expected, mut right) = (0.0, 0);
        for seed in 0..4 {
            let run = experiment.run(seed);
            let mut routing = Routing::new(&run, &experiment.params);
            let suspects = Trails::of(&run, &experiment.params).suspects(&mut routing);
            for (outcome, suspects) in run.outcomes.iter().zip(suspects) {
                let sum: f64 = suspects.values().sum();
                assert!(sum < 1.0 + 1e-9, "seed {seed}: {sum}");
                let best = suspects.iter().max_by(|a, b| a.1.total_cmp(b.1));
                if let Some((node, weight)) = best {
                    expected += weight;
                    right += u32::from(*node == outcome.payment.origin);
                }
            }
        }
        let ratio = f64::from(right) / expected;
        assert!((0.85..1.15).contains(&ratio), "{right} were right, {expected} were expected");
    }
}
