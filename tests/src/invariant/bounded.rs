use std::collections::BTreeMap;

use scape_aggregate::{PROOF_SIZE, Transaction};
use scape_pool::Capacity;

use super::{Breach, Invariant, Law, honest};
use crate::net::{Happening, Network, NodeId, Observation};

/// Pools keep to the capacity that they were given. The owner's transactions come on top.
#[derive(Default, Debug)]
pub struct Bounded {
    /// What nodes may hold, where that is not what they were configured with.
    declared: BTreeMap<NodeId, Capacity>,
    /// How many transactions of its owner a node accepted.
    own: BTreeMap<NodeId, usize>,
}

/// The largest transaction, up to which the owner's may exceed a bound of bytes each.
const LARGEST: usize = 1 << 20;

impl Bounded {
    /// A node may hold this much, whatever it was configured with.
    pub fn declare(&mut self, node: NodeId, capacity: Capacity) {
        self.declared.insert(node, capacity);
    }

    fn check(&self, net: &Network, id: NodeId, bytes: bool) -> Option<String> {
        let node = net.node(id);
        let pool = node.zone()?.pool();
        let capacity = self.declared.get(&id).copied().unwrap_or(node.config().capacity);
        let own = self.own.get(&id).copied().unwrap_or(0);
        let counts = pool.counts();
        // Orphans of peers on the stem and in public, and those that were accepted once.
        let orphans = 2 * (capacity.orphan_entries + capacity.tx_entries);
        let entries = [
            ("stempool", counts.stem, capacity.stem_entries),
            ("txpool", counts.public, capacity.tx_entries),
            ("orphans", counts.orphans, orphans),
        ];
        let over = entries.into_iter().find(|(_, held, most)| *held > most + own);
        if let Some((name, held, most)) = over {
            return Some(format!(
                "the {name} of {id} hold {held} transactions, {most} are allowed"
            ));
        }
        if !bytes {
            return None;
        }
        let stem: usize = pool.stem().map(|(tx, ..)| size(tx)).sum();
        let public: usize = pool.latest_public().map(|tx| size(tx)).sum();
        let sizes =
            [("stempool", stem, capacity.stem_bytes), ("txpool", public, capacity.tx_bytes)];
        let over = sizes.into_iter().find(|(_, held, most)| *held > most + own * LARGEST);
        over.map(|(name, held, most)| {
            format!("the {name} of {id} holds {held} bytes, {most} are allowed")
        })
    }
}

impl Invariant for Bounded {
    fn after(&mut self, net: &Network, what: &[Happening]) -> Result<(), Breach> {
        for happening in what {
            let fault = match happening {
                Happening::Began(node) => {
                    self.own.remove(node);
                    None
                }
                Happening::Observed(node, Observation::Pushed(_, Ok(_))) => {
                    *self.own.entry(*node).or_default() += 1;
                    None
                }
                Happening::Called(node) if honest(net, *node) => self.check(net, *node, false),
                Happening::Timed(node) if honest(net, *node) => self.check(net, *node, true),
                _ => None,
            };
            if let Some(fault) = fault {
                return Err(Breach::new(Law::Bounded, net, fault, &[]));
            }
        }
        Ok(())
    }
}

/// The size on the wire, as pools count it.
fn size(tx: &Transaction) -> usize {
    56 + 33 * tx.inputs().len() + (42 + PROOF_SIZE) * tx.outputs().len() + 106 * tx.kernels().len()
}
