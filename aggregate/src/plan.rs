//! Which transactions merge into which aggregate.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash as StdHash;

use crate::chain::ACCEPT_FEE_BASE;
use crate::{ChainType, Commitment, Hash, Input, Output, TxKernel, ValidTx, Weight, aggregate};

/// What an aggregate must keep to, so that Grin nodes relay it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlanLimits {
    /// What it may weigh at most.
    pub max_weight: Weight,
}

impl PlanLimits {
    /// The limit of a chain: what a transaction may weigh.
    pub const fn of(chain: ChainType) -> Self {
        Self { max_weight: chain.max_tx_weight() }
    }
}

/// A merged transaction and what it was merged from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Aggregate<Id, Lane> {
    /// Where all of it goes.
    pub lane: Lane,
    /// The parts, parents before children.
    pub parts: Vec<Id>,
    /// The parts merged.
    pub tx: ValidTx,
}

/// Plans which candidates merge into which aggregates, and merges them.
///
/// A candidate is an identifier, the lane that its coin chose (a relay to stem to, or fluff) and
/// the transaction. The plan promises:
///
/// * a family (transactions that spend each other's outputs) takes one lane, that of its member
///   that comes first in `candidates`, so that no child overtakes a parent on another way;
/// * in the order of the result, no aggregate spends an output of a later one;
/// * every aggregate of more than one part keeps to the weight limit, pays the relay fee at its
///   greatest fee shift, has no NRD excess and creates no output twice;
/// * each candidate is in exactly one aggregate: what fits with nothing goes alone, and spoils
///   nothing.
///
/// The result does not depend on the order of candidates but for the lanes of families, and so
/// does not tell in which order they arrived. Takes O(n log n) for n elements, times the number of
/// aggregates where these are full.
pub fn plan<Id, Lane>(
    candidates: &[(Id, Lane, ValidTx)],
    limits: &PlanLimits,
) -> Vec<Aggregate<Id, Lane>>
where
    Id: Clone,
    Lane: Clone + Ord + StdHash,
{
    let graph = Graph::of(candidates.iter().map(|(_, _, tx)| tx));
    let family = graph.families();
    let mut packers: Vec<Packer> = Vec::new();
    let mut packer_of_lane: HashMap<&Lane, usize> = HashMap::new();
    let mut lanes: Vec<&Lane> = Vec::new();
    let mut bins_of: Vec<usize> = vec![0; candidates.len()];
    for index in graph.topological_order() {
        let lane = &candidates[family[index]].1;
        let packer = *packer_of_lane.entry(lane).or_insert_with(|| {
            packers.push(Packer::default());
            lanes.push(lane);
            packers.len() - 1
        });
        let after = graph.parents[index].iter().map(|parent| bins_of[*parent]).max().unwrap_or(0);
        bins_of[index] = packers[packer].place(index, &candidates[index].2, after, limits);
    }
    let mut by_lane: Vec<_> = lanes.into_iter().zip(packers).collect();
    by_lane.sort_by_key(|(lane, _)| *lane);
    by_lane
        .into_iter()
        .flat_map(|(lane, packer)| packer.bins.into_iter().map(move |bin| (lane, bin)))
        .flat_map(|(lane, bin)| merge_bin(candidates, lane, &bin.members))
        .collect()
}

fn merge_bin<Id: Clone, Lane: Clone>(
    candidates: &[(Id, Lane, ValidTx)],
    lane: &Lane,
    members: &[usize],
) -> Vec<Aggregate<Id, Lane>> {
    let txs: Vec<_> = members.iter().map(|index| candidates[*index].2.clone()).collect();
    let made = |members: &[usize], tx| Aggregate {
        lane: lane.clone(),
        parts: members.iter().map(|index| candidates[*index].0.clone()).collect(),
        tx,
    };
    match aggregate(&txs) {
        Ok(tx) => vec![made(members, tx)],
        // Candidates that exclude each other should not be planned together; if they are, each
        // still goes its way.
        Err(_) => members.iter().zip(txs).map(|(index, tx)| made(&[*index], tx)).collect(),
    }
}

/// Who spends whose outputs.
struct Graph {
    parents: Vec<Vec<usize>>,
    /// A name for each candidate that depends on nothing but its content.
    names: Vec<Hash>,
}

impl Graph {
    fn of<'a>(txs: impl Iterator<Item = &'a ValidTx> + Clone) -> Self {
        // Candidates that exclude each other may create the same output: all are its parents, or
        // the order of candidates would decide which family the child belongs to.
        let mut creators: HashMap<Commitment, Vec<usize>> = HashMap::new();
        for (index, tx) in txs.clone().enumerate() {
            for output in tx.outputs() {
                creators.entry(output.commitment()).or_default().push(index);
            }
        }
        let parents = txs.clone().map(|tx| {
            let inputs = tx.inputs().iter().map(Input::commitment);
            inputs.filter_map(|commitment| creators.get(&commitment)).flatten().copied().collect()
        });
        Self { parents: parents.collect(), names: txs.clone().map(name).collect() }
    }

    /// For each candidate the first member of its family.
    fn families(&self) -> Vec<usize> {
        let mut leader: Vec<usize> = (0..self.parents.len()).collect();
        for (child, parents) in self.parents.iter().enumerate() {
            for parent in parents {
                let (a, b) = (find(&mut leader, child), find(&mut leader, *parent));
                leader[a.max(b)] = a.min(b);
            }
        }
        (0..leader.len()).map(|index| find(&mut leader, index)).collect()
    }

    /// Parents before children; among those free to come next, by name.
    fn topological_order(&self) -> Vec<usize> {
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); self.parents.len()];
        let mut waiting_for: Vec<usize> = self.parents.iter().map(Vec::len).collect();
        for (child, parents) in self.parents.iter().enumerate() {
            parents.iter().for_each(|parent| children[*parent].push(child));
        }
        let free = (0..waiting_for.len()).filter(|index| waiting_for[*index] == 0);
        let mut ready: BTreeSet<(Hash, usize)> = free.map(|i| (self.names[i], i)).collect();
        let mut order = Vec::with_capacity(waiting_for.len());
        while let Some((_, index)) = ready.pop_first() {
            order.push(index);
            for child in &children[index] {
                waiting_for[*child] -= 1;
                if waiting_for[*child] == 0 {
                    ready.insert((self.names[*child], *child));
                }
            }
        }
        // Transactions that spend each other in a circle can be written down, though never mined.
        let mut circular: Vec<_> = (0..waiting_for.len()).filter(|i| waiting_for[*i] > 0).collect();
        circular.sort_by_key(|index| self.names[*index]);
        order.extend(circular);
        order
    }
}

/// Names a transaction after all that it consists of: its first kernel alone could also be in
/// another one, and then the order of candidates would show.
fn name(tx: &ValidTx) -> Hash {
    let inputs = tx.inputs().iter().map(|input| *input.hash());
    let outputs = tx.outputs().iter().map(|output| *output.hash());
    let kernels = tx.kernels().iter().map(|kernel| *kernel.hash());
    let hashes: Vec<Hash> = inputs.chain(outputs).chain(kernels).collect();
    let parts: Vec<&[u8]> = hashes.iter().map(|hash| hash.as_bytes().as_slice()).collect();
    Hash::of(&parts)
}

/// The root of a union-find tree, with path halving.
fn find(leader: &mut [usize], mut index: usize) -> usize {
    while leader[index] != index {
        leader[index] = leader[leader[index]];
        index = leader[index];
    }
    index
}

/// The aggregates of one lane while they fill.
#[derive(Default)]
struct Packer {
    bins: Vec<Bin>,
}

impl Packer {
    /// Puts a candidate into the first bin from `after` on that takes it.
    fn place(&mut self, index: usize, tx: &ValidTx, after: usize, limits: &PlanLimits) -> usize {
        let found = (after..self.bins.len()).find(|bin| self.bins[*bin].takes(tx, limits));
        let bin = found.unwrap_or_else(|| {
            self.bins.push(Bin::default());
            self.bins.len() - 1
        });
        self.bins[bin].add(index, tx);
        bin
    }
}

/// One aggregate to be.
#[derive(Default)]
struct Bin {
    members: Vec<usize>,
    weight: u64,
    fee: u64,
    fee_shift: u8,
    spent: HashSet<Commitment>,
    created: HashSet<Commitment>,
    nrd: HashSet<Commitment>,
}

impl Bin {
    fn takes(&self, tx: &ValidTx, limits: &PlanLimits) -> bool {
        let weight = self.weight_with(tx);
        let shifted_fee = self.fee.saturating_add(tx.fee()) >> self.fee_shift.max(tx.fee_shift());
        weight <= limits.max_weight.0
            && shifted_fee >= weight.saturating_mul(ACCEPT_FEE_BASE)
            && !tx.outputs().iter().map(Output::commitment).any(|c| self.has(&c))
            && !tx.inputs().iter().map(Input::commitment).any(|c| self.spent.contains(&c))
            && !tx.kernels().iter().filter_map(TxKernel::nrd_excess).any(|c| self.nrd.contains(&c))
    }

    fn has(&self, commitment: &Commitment) -> bool {
        self.created.contains(commitment) || self.spent.contains(commitment)
    }

    /// What the bin weighs with `tx` in it, after cut-through.
    fn weight_with(&self, tx: &ValidTx) -> u64 {
        let cut = tx.inputs().iter().filter(|input| self.created.contains(&input.commitment()));
        let cut = (Weight::INPUT.0 + Weight::OUTPUT.0) * cut.count() as u64;
        (self.weight + tx.weight().0).saturating_sub(cut)
    }

    fn add(&mut self, index: usize, tx: &ValidTx) {
        self.weight = self.weight_with(tx);
        self.members.push(index);
        self.fee = self.fee.saturating_add(tx.fee());
        self.fee_shift = self.fee_shift.max(tx.fee_shift());
        for input in tx.inputs() {
            if !self.created.remove(&input.commitment()) {
                self.spent.insert(input.commitment());
            }
        }
        self.created.extend(tx.outputs().iter().map(Output::commitment));
        self.nrd.extend(tx.kernels().iter().filter_map(TxKernel::nrd_excess));
    }
}
