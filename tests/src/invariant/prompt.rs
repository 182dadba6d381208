use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use scape_aggregate::Hash;
use scape_p2p::dandelion::Params;
use scape_p2p::wire::Message;
use scape_pool::{Instant, Notice, RecordStage};

use super::{Breach, Invariant, Law, honest};
use crate::flow::kernels;
use crate::net::{Happening, Network, NodeId, Observation};

/// Everything in a stempool leaves when its timers say so, whatever else is in there: when patience
/// fires it goes on or is fluffed, and no embargo is overdue.
#[derive(Default, Debug)]
pub struct Prompt {
    /// By when what arrived at a node has to leave it, on the clock of the node.
    due: BTreeMap<NodeId, BTreeMap<Hash, Instant>>,
    /// The embargo that ends first at a node, and of what.
    first: BTreeMap<NodeId, (Instant, Hash)>,
    /// Nodes that something was sealed to: what they gather waits for others.
    sinks: BTreeSet<NodeId>,
    /// What nodes should go by, where that is not what they were configured with.
    declared: BTreeMap<NodeId, Params>,
}

/// What rounding may cost.
const SLACK: Duration = Duration::from_millis(1);

impl Prompt {
    /// A node should go by these parameters, whatever it was configured with.
    pub fn declare(&mut self, node: NodeId, params: Params) {
        self.declared.insert(node, params);
    }

    fn params(&self, net: &Network, node: NodeId) -> Params {
        self.declared.get(&node).copied().unwrap_or(net.node(node).config().params)
    }

    /// What left too late.
    fn observe(&mut self, net: &Network, node: NodeId, notice: &Notice) -> Option<Hash> {
        let now = net.node(node).clock().shows(net.now());
        let params = self.params(net, node);
        let mut late = None;
        if let Notice::Fluffed { kernels, .. } = notice {
            let sweep = params.embargo.sweep + SLACK;
            let first = self
                .first
                .get(&node)
                .filter(|(end, kernel)| *end + sweep < now && kernels.contains(kernel));
            late = first.map(|(_, kernel)| *kernel);
        }
        let due = self.due.entry(node).or_default();
        match notice {
            // What was sent in another life of the node only waits for its embargo.
            Notice::Stemmed { kernels, .. } if was_sent(net, node, kernels) => {}
            Notice::Stemmed { kernels, .. } => {
                // Whether or not it sends its own to sinks.
                let window = match self.sinks.contains(&node) {
                    true => params.service().pool.window + params.service().pool.spread,
                    false => Duration::ZERO,
                };
                let at = now + params.patience.interval.max(window) + SLACK;
                due.extend(kernels.iter().map(|kernel| (*kernel, at)));
            }
            Notice::Unmined { .. } => {}
            Notice::Relayed { kernels, .. } | Notice::Fluffed { kernels, .. } => {
                for kernel in kernels {
                    let overdue = due.remove(kernel).is_some_and(|at| at < now);
                    late = late.or(overdue.then_some(*kernel));
                }
            }
            Notice::Seen { kernels }
            | Notice::Mined { kernels, .. }
            | Notice::Conflicted { kernels, .. }
            | Notice::Excluded { kernels, .. }
            | Notice::Held { kernels }
            | Notice::Orphaned { kernels }
            | Notice::OrphanDropped { kernels, .. }
            | Notice::Evicted { kernels } => {
                kernels.iter().for_each(|kernel| {
                    due.remove(kernel);
                });
            }
        }
        late
    }

    fn check(&mut self, net: &Network, id: NodeId) -> Result<(), (String, Vec<Hash>)> {
        let node = net.node(id);
        let Some(zone) = node.zone() else { return Ok(()) };
        let now = node.clock().shows(net.now());
        let sweep = self.params(net, id).embargo.sweep + SLACK;
        if let Some((tx, ..)) = zone.pool().stem().find(|(.., embargo)| *embargo + sweep < now) {
            return Err((format!("an embargo is overdue at {id}"), kernels(tx)));
        }
        let ends = zone
            .pool()
            .stem()
            .filter_map(|(tx, _, end)| Some((end, *tx.kernels().first()?.hash())));
        match ends.min() {
            Some(first) => self.first.insert(id, first),
            None => self.first.remove(&id),
        };
        let Some(due) = self.due.get_mut(&id) else { return Ok(()) };
        let late = due.iter().filter(|(_, at)| **at < now).map(|(kernel, _)| *kernel);
        for kernel in late.collect::<Vec<_>>() {
            due.remove(&kernel);
            // A part of it may have gone without a word: known from a block.
            if zone.pool().stem().any(|(tx, ..)| kernels(tx).contains(&kernel)) {
                return Err((format!("patience is over at {id}"), vec![kernel]));
            }
        }
        Ok(())
    }
}

fn was_sent(net: &Network, node: NodeId, held: &[Hash]) -> bool {
    let mut records = net.node(node).journal();
    records.any(|record| {
        matches!(record.stage, RecordStage::Sent { .. } | RecordStage::Sealed { .. })
            && kernels(&record.tx).iter().any(|kernel| held.contains(kernel))
    })
}

impl Invariant for Prompt {
    fn after(&mut self, net: &Network, what: &[Happening]) -> Result<(), Breach> {
        for happening in what {
            match happening {
                Happening::Began(node) => {
                    self.due.remove(node);
                    self.first.remove(node);
                }
                Happening::Sent { to, message: Message::SealedStem { sink, .. }, .. }
                    if net.node(*to).sink_key() == *sink =>
                {
                    self.sinks.insert(*to);
                }
                Happening::Observed(node, Observation::Notice(notice)) if honest(net, *node) => {
                    if let Some(kernel) = self.observe(net, *node, notice) {
                        let fault = format!("{node} kept something waiting");
                        return Err(Breach::new(Law::Prompt, net, fault, &[kernel]));
                    }
                }
                _ => {}
            }
        }
        for happening in what {
            if let Happening::Timed(node) = happening
                && honest(net, *node)
            {
                self.check(net, *node)
                    .map_err(|(fault, kernels)| Breach::new(Law::Prompt, net, fault, &kernels))?;
            }
        }
        Ok(())
    }
}
