//! What must hold in every network, whatever happened in it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use scape_aggregate::{Commitment, Hash, ValidTx};
use scape_pool::{Instant, Notice};

use crate::flow::kernels;
use crate::net::{Network, NodeId, Observation};

/// The transactions that were handed to a network, to find out what became of them.
#[derive(Clone, Default, Debug)]
pub struct Audit {
    txs: Vec<ValidTx>,
}

impl Audit {
    /// Nothing was handed in.
    pub fn new() -> Self {
        Self::default()
    }

    /// A transaction was handed in.
    pub fn add(&mut self, tx: &ValidTx) {
        self.txs.push(tx.clone());
    }

    /// All that was handed in.
    pub fn txs(&self) -> &[ValidTx] {
        &self.txs
    }

    /// The hashes of all kernels that were handed in.
    pub fn kernels(&self) -> impl Iterator<Item = Hash> {
        self.txs.iter().flat_map(|tx| kernels(tx))
    }

    /// Whether everything is mined and nothing pending is left anywhere.
    pub fn is_settled(&self, net: &Network) -> bool {
        self.settled(net).is_ok()
    }

    /// Everything is mined, once, on every node that is up, and all pools are empty.
    ///
    /// # Errors
    /// What is wrong.
    pub fn settled(&self, net: &Network) -> Result<(), String> {
        for (id, node) in net.nodes() {
            let Some(zone) = node.zone() else { continue };
            for kernel in self.kernels() {
                if node.ledger().kernel_height(&kernel).is_none() {
                    return Err(format!("{id} has not mined {kernel}"));
                }
            }
            let counts = zone.pool().counts();
            if counts.stem + counts.public + counts.orphans > 0 {
                return Err(format!("{id} still holds {counts:?}"));
            }
            let mut seen = HashSet::new();
            let in_blocks = node.ledger().blocks().flat_map(|block| kernels(block.tx()));
            for kernel in in_blocks {
                if !seen.insert(kernel) {
                    return Err(format!("{id} has mined {kernel} twice"));
                }
            }
        }
        Ok(())
    }

    /// No transaction was fluffed before those whose outputs it spends, and every block was valid.
    ///
    /// # Errors
    /// What is wrong.
    pub fn ordered(&self, net: &Network) -> Result<(), String> {
        let parents = self.parents();
        let mut public: HashSet<Hash> = HashSet::new();
        for entry in net.log() {
            match &entry.what {
                Observation::Notice(Notice::Fluffed { kernels, .. }) => {
                    public.extend(kernels);
                    let early = kernels.iter().flat_map(|kernel| parents.get(kernel)).flatten();
                    if let Some(parent) = early.into_iter().find(|p| !public.contains(*p)) {
                        let (at, node) = (entry.at, entry.node);
                        return Err(format!("{node} fluffed a child of {parent} early, {at:?}"));
                    }
                }
                Observation::BadBlock(block) => {
                    return Err(format!("{} refused block {block}", entry.node));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The kernels of the transactions that a kernel's transaction depends on.
    pub fn parents(&self) -> HashMap<Hash, BTreeSet<Hash>> {
        let outputs = self.txs.iter().flat_map(|tx| {
            let first = kernels(tx)[0];
            tx.outputs().iter().map(move |output| (output.commitment(), first))
        });
        let creator: HashMap<Commitment, Hash> = outputs.collect();
        let parents_of = |tx: &ValidTx| -> BTreeSet<Hash> {
            let inputs = tx.inputs().iter();
            inputs.filter_map(|input| creator.get(&input.commitment()).copied()).collect()
        };
        let each = self.txs.iter();
        each.flat_map(|tx| kernels(tx).into_iter().map(|k| (k, parents_of(tx)))).collect()
    }
}

/// Of how many transactions the aggregates were merged that were fluffed: how often each number.
pub fn merged(net: &Network) -> BTreeMap<usize, usize> {
    let mut histogram = BTreeMap::new();
    for entry in net.log() {
        if let Observation::Notice(Notice::Fluffed { kernels, .. }) = &entry.what {
            *histogram.entry(kernels.len()).or_default() += 1;
        }
    }
    histogram
}

/// When each kernel was fluffed first, and by whom.
pub fn first_fluffed(net: &Network) -> HashMap<Hash, (Instant, NodeId)> {
    let mut first = HashMap::new();
    for entry in net.log() {
        if let Observation::Notice(Notice::Fluffed { kernels, .. }) = &entry.what {
            for kernel in kernels {
                first.entry(*kernel).or_insert((entry.at, entry.node));
            }
        }
    }
    first
}

/// Everything that was observed about a kernel, a line each: to find out where it went.
pub fn history(net: &Network, kernel: &Hash) -> String {
    let name = kernel.to_string();
    let about = net.log().iter().filter(|entry| format!("{:?}", entry.what).contains(&name));
    let seconds = |at: Instant| at.as_micros() as f64 / 1e6;
    about.map(|e| format!("{:>12.6} {} {:?}\n", seconds(e.at), e.node, e.what)).collect()
}
