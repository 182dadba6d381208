//! Smaller scenarios that fail in the same way.

use std::time::Duration;

use super::Scenario;
use super::scenario::{NodePlan, Role};
use crate::invariant::Law;
use crate::net::{Clock, LinkConfig};

/// Looks for a smaller scenario that breaks the same law, until nothing more can be left out or
/// `more` says no.
pub fn shrink(scenario: &Scenario, law: Law, mut more: impl FnMut() -> bool) -> Scenario {
    let mut best = scenario.clone();
    let mut fails = |candidate: &Scenario| {
        more().then(|| candidate.run().breach.is_some_and(|breach| breach.law == law))
    };
    loop {
        let before = best.clone();
        let done = shrink_steps(&mut best, &mut fails)
            .and_then(|()| shrink_nodes(&mut best, &mut fails))
            .and_then(|()| simplify(&mut best, &mut fails));
        if done.is_none() || best == before {
            best.txs.truncate(used(&best));
            return best;
        }
    }
}

type Fails<'a> = dyn FnMut(&Scenario) -> Option<bool> + 'a;

/// Leaves out runs of steps, half of them first, then ever fewer.
fn shrink_steps(best: &mut Scenario, fails: &mut Fails<'_>) -> Option<()> {
    let mut size = best.steps.len().div_ceil(2);
    while size > 0 {
        let mut start = 0;
        while start < best.steps.len() {
            let mut candidate = best.clone();
            candidate.steps.drain(start..(start + size).min(best.steps.len()));
            match fails(&candidate)? {
                true => *best = candidate,
                false => start += size,
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    Some(())
}

fn shrink_nodes(best: &mut Scenario, fails: &mut Fails<'_>) -> Option<()> {
    let mut size = best.nodes.len().div_ceil(2);
    while size > 0 {
        let mut start = 0;
        while start < best.nodes.len() {
            let mut candidate = best.clone();
            let end = (start + size).min(best.nodes.len());
            candidate.nodes[start..end].fill_with(NodePlan::absent);
            if candidate != *best && fails(&candidate)? {
                *best = candidate;
            }
            start = end;
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    Some(())
}

/// Makes things ordinary that need not be special.
fn simplify(best: &mut Scenario, fails: &mut Fails<'_>) -> Option<()> {
    let plain: [fn(&mut Scenario); 6] = [
        |s| s.links.clear(),
        |s| s.link = LinkConfig::default(),
        |s| s.verify = Duration::ZERO,
        |s| s.codec = false,
        |s| s.nodes.iter_mut().for_each(|node| node.clock = Clock::default()),
        |s| s.nodes.iter_mut().for_each(|node| node.room = 0),
    ];
    for change in plain {
        let mut candidate = best.clone();
        change(&mut candidate);
        if candidate != *best && fails(&candidate)? {
            *best = candidate;
        }
    }
    for index in 0..best.nodes.len() {
        let mut candidate = best.clone();
        candidate.nodes[index].role = Role::Honest;
        if candidate != *best && fails(&candidate)? {
            *best = candidate;
        }
    }
    Some(())
}

/// How many transactions of the plan are handed in, or spent by such.
fn used(scenario: &Scenario) -> usize {
    let pushed = scenario.steps.iter().filter_map(|step| match step.action {
        super::Action::Push { tx, .. } => Some(tx + 1),
        _ => None,
    });
    pushed.max().unwrap_or(0)
}
