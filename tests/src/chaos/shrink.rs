//! Smaller scenarios that fail in the same way.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use scape_p2p::addr::Network as AddrNetwork;

use super::Scenario;
use super::scenario::{Action, NodePlan, Role};
use crate::flow::CoinPlan;
use crate::net::{Clock, LinkConfig};

/// Looks for a smaller scenario that `fails`, until nothing more can be left out or `fails` answers
/// `None`, for want of time.
///
/// Every change moves what is random, so that a failure that hangs on it may hide from a change that
/// has nothing to do with it: what comes out is small, not the smallest.
pub fn shrink(scenario: &Scenario, mut fails: impl FnMut(&Scenario) -> Option<bool>) -> Scenario {
    let mut best = scenario.clone();
    // What cannot reach the clear is lost, whatever else is wrong.
    let leads_out = scenario.leads_out();
    let mut fails = |candidate: &Scenario| match leads_out && !candidate.leads_out() {
        true => Some(false),
        false => fails(candidate),
    };
    loop {
        let before = best.clone();
        let done = leave_out(&mut best, &mut fails)
            .and_then(|()| shrink_steps(&mut best, &mut fails))
            .and_then(|()| shrink_nodes(&mut best, &mut fails))
            .and_then(|()| simplify(&mut best, &mut fails))
            .and_then(|()| try_one(&mut best, &mut fails, compact_txs))
            .and_then(|()| try_one(&mut best, &mut fails, compact_nodes));
        if done.is_none() || best == before {
            return best;
        }
    }
}

type Fails<'a> = dyn FnMut(&Scenario) -> Option<bool> + 'a;

fn try_one(best: &mut Scenario, fails: &mut Fails<'_>, change: fn(&mut Scenario)) -> Option<()> {
    let mut candidate = best.clone();
    change(&mut candidate);
    if candidate != *best && fails(&candidate)? {
        *best = candidate;
    }
    Some(())
}

/// Does without what is on some nodes only, all of it at once.
fn leave_out(best: &mut Scenario, fails: &mut Fails<'_>) -> Option<()> {
    let without: [fn(&mut Scenario); 6] = [
        |s| leave_network(s, AddrNetwork::Tor),
        |s| leave_network(s, AddrNetwork::I2p),
        |s| silence(s, AddrNetwork::Clearnet),
        |s| silence(s, AddrNetwork::Tor),
        |s| silence(s, AddrNetwork::I2p),
        |s| {
            let deviant = s.nodes.iter_mut().filter(|node| node.role != Role::Honest);
            deviant.for_each(|node| *node = NodePlan::absent());
        },
    ];
    without.into_iter().try_for_each(|change| try_one(best, fails, change))
}

/// Nobody on this network has noise.
fn silence(scenario: &mut Scenario, network: AddrNetwork) {
    let there = scenario.nodes.iter_mut().filter(|node| node.network == network);
    there.for_each(|node| node.noise = Duration::ZERO);
}

/// Nobody is on this network. Who was hands in the same in the clear.
fn leave_network(scenario: &mut Scenario, network: AddrNetwork) {
    let Some(somebody) = scenario.honest_on(AddrNetwork::Clearnet).next() else { return };
    for step in &mut scenario.steps {
        if let Action::Push { node, .. } = &mut step.action
            && let Some(plan) = scenario.nodes.get(*node).filter(|plan| plan.network == network)
        {
            *node = plan.beside.unwrap_or(somebody);
        }
    }
    let there = scenario.nodes.iter_mut().filter(|node| node.network == network);
    there.for_each(|node| *node = NodePlan::absent());
}

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
    plain.into_iter().try_for_each(|change| try_one(best, fails, change))?;
    for index in 0..best.nodes.len() {
        let mut candidate = best.clone();
        candidate.nodes[index].role = Role::Honest;
        if candidate != *best && fails(&candidate)? {
            *best = candidate;
        }
    }
    Some(())
}

/// Leaves out transactions that nobody hands in, nor spends one that is handed in.
fn compact_txs(scenario: &mut Scenario) {
    let mut open: Vec<usize> =
        scenario.steps.iter().filter_map(|step| pushed(&step.action)).collect();
    let mut used = BTreeSet::new();
    while let Some(tx) = open.pop() {
        if let (true, Some(plan)) = (used.insert(tx), scenario.txs.get(tx)) {
            open.extend(&plan.merges);
            open.extend(plan.spends.iter().filter_map(|coin| match coin {
                CoinPlan::Output(parent, _) => Some(*parent),
                CoinPlan::Genesis(_) => None,
            }));
        }
    }
    let number = numbers(&used);
    let txs = std::mem::take(&mut scenario.txs).into_iter().enumerate();
    scenario.txs = txs.filter(|(tx, _)| used.contains(tx)).map(|(_, plan)| plan).collect();
    for part in scenario.txs.iter_mut().flat_map(|plan| &mut plan.merges) {
        *part = number[part];
    }
    for coin in scenario.txs.iter_mut().flat_map(|plan| &mut plan.spends) {
        if let CoinPlan::Output(parent, _) = coin {
            *parent = number[parent];
        }
    }
    for step in &mut scenario.steps {
        if let Action::Push { tx, .. } | Action::Tell { tx, .. } = &mut step.action {
            *tx = number[tx];
        }
    }
}

fn pushed(action: &Action) -> Option<usize> {
    match action {
        Action::Push { tx, .. } | Action::Tell { tx, .. } => Some(*tx),
        _ => None,
    }
}

/// Leaves out the places of absent nodes, and what is said about them.
fn compact_nodes(scenario: &mut Scenario) {
    let nodes = scenario.nodes.iter().enumerate();
    let used: BTreeSet<usize> = nodes.filter(|(_, node)| !node.absent).map(|(i, _)| i).collect();
    let number = numbers(&used);
    let renumber = |list: &mut Vec<usize>| {
        *list = list.iter().filter_map(|node| number.get(node).copied()).collect();
    };
    scenario.nodes.retain(|node| !node.absent);
    for node in &mut scenario.nodes {
        renumber(&mut node.dials);
        renumber(&mut node.knows);
        node.beside = node.beside.and_then(|public| number.get(&public).copied());
    }
    scenario.links.retain(|(a, b, _)| used.contains(a) && used.contains(b));
    scenario.links.iter_mut().for_each(|(a, b, _)| (*a, *b) = (number[a], number[b]));
    scenario.steps.retain_mut(|step| match &mut step.action {
        Action::Push { node, .. }
        | Action::Crash(node)
        | Action::Restart { node, .. }
        | Action::Reorg { node, .. }
        | Action::Mine(node) => number.get(node).map(|n| *node = *n).is_some(),
        Action::Cut(a, b) | Action::Tell { from: a, to: b, .. } => {
            let new = number.get(a).zip(number.get(b));
            new.map(|(x, y)| (*a, *b) = (*x, *y)).is_some()
        }
        Action::Partition(side) => {
            renumber(side);
            true
        }
        Action::Heal => true,
    });
}

fn numbers(used: &BTreeSet<usize>) -> BTreeMap<usize, usize> {
    used.iter().enumerate().map(|(new, old)| (*old, new)).collect()
}
