use std::collections::{HashMap, HashSet};

use scape_aggregate::{Hash, Transaction};
use scape_p2p::wire::Message;
use scape_pool::Notice;

use super::{Breach, Invariant, Law, honest, is_out};
use crate::flow::{Mint, kernels};
use crate::net::{Happening, Network, NodeId, Observation};

/// No parent is fluffed after its child, and no child is stemmed to a relay that was not given its
/// parent.
#[derive(Debug)]
pub struct Ordered {
    mint: Mint,
    /// What was sent along the stem from whom to whom, in the receiver's present life.
    given: HashMap<(NodeId, NodeId), HashSet<Hash>>,
}

impl Ordered {
    /// `mint` knows who spends whose outputs.
    pub fn new(mint: Mint) -> Self {
        Self { mint, given: HashMap::new() }
    }

    fn stemmed(
        &mut self,
        net: &Network,
        route: (NodeId, NodeId),
        tx: &Transaction,
    ) -> Option<Hash> {
        let (from, to) = route;
        let early = self.mint.parents(tx).into_iter().find(|parent| {
            let has = |route| self.given.get(&route).is_some_and(|given| given.contains(parent));
            !has((from, to)) && !has((to, from)) && !is_out(net, from, parent)
        });
        self.given.entry(route).or_default().extend(kernels(tx));
        early
    }

    fn told(&self, net: &Network, node: NodeId, tx: &Transaction) -> Option<Hash> {
        self.mint.parents(tx).into_iter().find(|parent| !is_out(net, node, parent))
    }

    fn check(&mut self, net: &Network, happening: &Happening) -> Option<(NodeId, Hash)> {
        let Happening::Sent { from, to, message, .. } = happening else { return None };
        let early = match message {
            Message::StemTransaction(tx) => {
                self.stemmed(net, (*from, *to), tx).filter(|_| honest(net, *from))
            }
            Message::Transaction(tx) if honest(net, *from) => self.told(net, *from, tx),
            Message::TransactionKernel(kernel) if honest(net, *from) => {
                let tx = net.node(*from).zone()?.pool().public_by_kernel(kernel)?.clone();
                self.told(net, *from, &tx)
            }
            _ => None,
        };
        early.map(|parent| (*from, parent))
    }

    /// What a node fluffs in one event comes out parents first.
    fn check_fluffs(&self, net: &Network, what: &[Happening]) -> Option<(NodeId, Hash)> {
        let fluffs = || {
            what.iter().filter_map(|happening| match happening {
                Happening::Observed(node, Observation::Notice(Notice::Fluffed { kernels, .. })) => {
                    Some((*node, kernels))
                }
                _ => None,
            })
        };
        for (index, (node, kernels)) in fluffs().enumerate() {
            let later = fluffs().skip(index + 1).filter(|(other, _)| *other == node);
            let later: HashSet<&Hash> = later.flat_map(|(_, kernels)| kernels).collect();
            let needs = self.mint.needs(kernels);
            let parents = needs.iter().filter_map(|output| self.mint.creator(output));
            let mut early = parents.filter(|p| later.contains(p) || !is_out(net, node, p));
            if let (true, Some(parent)) = (honest(net, node), early.next()) {
                return Some((node, parent));
            }
        }
        None
    }
}

impl Invariant for Ordered {
    fn after(&mut self, net: &Network, what: &[Happening]) -> Result<(), Breach> {
        let mut early = self.check_fluffs(net, what);
        for happening in what {
            if let Happening::Began(node) = happening {
                self.given.retain(|(_, to), _| to != node);
            }
            early = self.check(net, happening).or(early);
        }
        match early {
            Some((node, parent)) => {
                let fault = format!("{node} sends a child before its parent {parent}");
                Err(Breach::new(Law::Ordered, net, fault, &[parent]))
            }
            None => Ok(()),
        }
    }
}
