//! What meets at sinks, and what waits until somebody is there to hide behind.

use std::time::Duration;

use scape_pool::{Coin, Instant, Notice, Source, WayOut};

use super::entries::{Hop, Id, State, Stem, Why, kernels};
use super::{Model, Rule, World};

impl Model {
    /// The state of what was sealed to this node: it waits for the end of the window, which the
    /// first one opens.
    pub(super) fn gathered(&mut self, source: Source, world: &World) -> State {
        let Some(rendezvous) = self.config.rendezvous else {
            return self.fresh(source, Why::Passing, world);
        };
        let open = self.window.filter(|end| *end > world.now && self.keeps(Rule::Window));
        let due = open.unwrap_or(world.now + rendezvous.window);
        self.window = Some(due);
        State::Fresh { due, coin: Some(Coin::Fluff), why: Why::Gathered, avoid: None }
    }

    /// The embargo of what comes in with this state.
    pub(super) fn no_end_before_the_window(&self, embargo: Instant, state: State) -> Instant {
        match state {
            State::Fresh { due, why: Why::Gathered, .. } if self.keeps(Rule::WholeWindow) => {
                embargo.max(due + self.config.embargo.sweep)
            }
            State::Fresh { .. } | State::Sent(_) => embargo,
        }
    }

    pub(super) fn is_sealed(&self, id: Id) -> bool {
        let state = self.stem_entry(id).map(|entry| entry.state);
        matches!(state, Some(State::Sent(Hop::Sink(_)))) && self.keeps(Rule::SealAgain)
    }

    /// Nobody saw in time what was sealed: it goes to the same sink once more, then to another one,
    /// or along the stem if there were enough, all under one new embargo.
    pub(super) fn seal_again(&mut self, ids: &[Id], world: &World) {
        let most = self.config.rendezvous.map_or(0, |rendezvous| rendezvous.attempts);
        let embargo = self.embargo_from(world.now);
        let is_bounded = self.keeps(Rule::Attempts);
        for id in ids {
            let Some(entry) = self.stem_entry_mut(*id) else { continue };
            let State::Sent(hop) = entry.state else { continue };
            entry.attempts += 1;
            entry.embargo = entry.embargo.max(embargo);
            let is_last = entry.attempts >= most && is_bounded;
            let coin = Some(if is_last { Coin::Stem } else { Coin::Seal });
            let avoid = (entry.attempts % 2 == 0).then_some(hop);
            let (due, why) = (world.now, Why::Passing);
            entry.state = State::Fresh { due, coin, why, avoid };
        }
        self.delay_children();
    }

    /// These wait for a way out. The owner is told once.
    pub(super) fn hold(&mut self, ids: &[Id], world: &World) {
        for id in ids {
            let Some(entry) = self.stem_entry(*id) else { continue };
            let due = self.sweep_at(entry.embargo).max(world.now) + Duration::from_secs(1);
            if !is_held(entry.state) {
                self.notice(Notice::Held { kernels: kernels(&entry.tx) });
            }
            if let Some(entry) = self.stem_entry_mut(*id) {
                entry.state = State::Fresh { due, coin: None, why: Why::Held, avoid: None };
            }
        }
    }

    /// The owner's that nobody has taken wait as long as it takes, if there is no other way.
    pub(super) fn is_shut_in(&self, id: Id, world: &World) -> bool {
        let waits = |entry: &Stem| {
            entry.source == Source::Own && matches!(entry.state, State::Fresh { .. })
        };
        world.routes.way_out == WayOut::Shut
            && self.stem_entry(id).is_some_and(waits)
            && self.keeps(Rule::Hold)
    }

    pub(super) fn wait_on(&mut self, ids: &[Id], world: &World) {
        self.delay(ids, world);
        self.hold(ids, world);
    }

    /// As [`scape_pool::Pool::handle_way_out`].
    pub fn handle_way_out(&mut self, world: &World) {
        let held = self.stem.iter().filter(|entry| is_held(entry.state));
        let held: Vec<Id> = held.map(|entry| entry.id).collect();
        for id in &held {
            if let Some(entry) = self.stem_entry_mut(*id) {
                let (due, why) = (world.now, Why::Passing);
                entry.state = State::Fresh { due, coin: None, why, avoid: None };
            }
        }
        self.delay(&held, world);
        self.settle(world);
    }

    /// A whole embargo is before these.
    fn delay(&mut self, ids: &[Id], world: &World) {
        let embargo = self.embargo_from(world.now);
        for id in ids {
            if let Some(entry) = self.stem_entry_mut(*id) {
                entry.embargo = entry.embargo.max(embargo);
            }
        }
        self.delay_children();
    }
}

fn is_held(state: State) -> bool {
    matches!(state, State::Fresh { why: Why::Held, .. })
}
