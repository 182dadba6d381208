//! Which transactions merge into which aggregate.

use std::borrow::Borrow;
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap, HashSet};

use crate::chain::ACCEPT_FEE_BASE;
use crate::merge::{are_strangers, merge};
use crate::sorting::{LongKey, sorted_by_key};
use crate::{ChainType, Commitment, Hash, Input, Output, TxKernel, ValidTx, Weight};

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
pub fn plan<Id, Lane, Tx>(
    candidates: &[(Id, Lane, Tx)],
    limits: &PlanLimits,
) -> Vec<Aggregate<Id, Lane>>
where
    Id: Clone,
    Lane: Clone + Ord,
    Tx: Borrow<ValidTx>,
{
    let graph = Graph::of(candidates.iter().map(|(_, _, tx)| tx.borrow()));
    let family = graph.families();
    let mut packers: BTreeMap<&Lane, Packer> = BTreeMap::new();
    let mut bins_of: Vec<usize> = vec![0; candidates.len()];
    for index in graph.topological_order() {
        let lane = &candidates[family[index]].1;
        let after = graph.parents[index].iter().map(|parent| bins_of[*parent]).max().unwrap_or(0);
        let member = Member::new(index, graph.txs[index], graph.is_stranger[index]);
        bins_of[index] = packers.entry(lane).or_default().place(&member, after, limits);
    }
    packers
        .into_iter()
        .flat_map(|(lane, packer)| packer.bins.into_iter().map(move |bin| (lane, bin)))
        .flat_map(|(lane, bin)| merge_bin(candidates, lane, &bin))
        .collect()
}

fn merge_bin<Id: Clone, Lane: Clone, Tx: Borrow<ValidTx>>(
    candidates: &[(Id, Lane, Tx)],
    lane: &Lane,
    bin: &Bin,
) -> Vec<Aggregate<Id, Lane>> {
    let members = &bin.members;
    let txs: Vec<_> = members.iter().map(|index| candidates[*index].2.borrow()).collect();
    let made = |members: &[usize], tx| Aggregate {
        lane: lane.clone(),
        parts: members.iter().map(|index| candidates[*index].0.clone()).collect(),
        tx,
    };
    match merge(&txs, bin.has_relatives) {
        Ok(tx) => vec![made(members, tx)],
        // Candidates that exclude each other should not be planned together; if they are, each
        // still goes its way.
        Err(_) => members.iter().zip(txs).map(|(index, tx)| made(&[*index], tx.clone())).collect(),
    }
}

/// Who spends whose outputs.
struct Graph<'a> {
    txs: Vec<&'a ValidTx>,
    parents: Vec<Vec<usize>>,
    /// Who neither spends nor creates what another one spends or creates.
    is_stranger: Vec<bool>,
}

/// A commitment among the inputs or the outputs of a candidate.
#[derive(Clone, Copy)]
enum Mention<'a> {
    Spent(usize, &'a Input),
    Created(usize, &'a Output),
}

impl Mention<'_> {
    fn commitment(self) -> Commitment {
        match self {
            Self::Spent(_, input) => input.commitment(),
            Self::Created(_, output) => output.commitment(),
        }
    }

    fn candidate(self) -> usize {
        match self {
            Self::Spent(index, _) | Self::Created(index, _) => index,
        }
    }
}

impl<'a> Graph<'a> {
    fn of(txs: impl Iterator<Item = &'a ValidTx>) -> Self {
        let txs: Vec<_> = txs.collect();
        let (parents, is_stranger) = (vec![Vec::new(); txs.len()], vec![true; txs.len()]);
        let mut graph = Self { txs, parents, is_stranger };
        if are_strangers(&graph.txs) {
            return graph;
        }
        let mentions = graph.txs.iter().enumerate().flat_map(|(index, tx)| {
            let spent = tx.inputs().iter().map(move |input| Mention::Spent(index, input));
            spent.chain(tx.outputs().iter().map(move |output| Mention::Created(index, output)))
        });
        let sorted = sorted_by_key(mentions.collect::<Vec<_>>(), Mention::commitment);
        let same = |a: &(u64, Mention<'_>), b: &(u64, Mention<'_>)| {
            a.0 == b.0 && a.1.commitment() == b.1.commitment()
        };
        for group in sorted.chunk_by(same).filter(|group| group.len() > 1) {
            graph.relate(group.iter().map(|(_, mention)| *mention));
        }
        graph
    }

    /// Takes note of all who spend or create one output. Candidates that exclude each other may
    /// create the same: all are parents of who spends it, or the order of candidates would decide
    /// which family the child belongs to.
    fn relate(&mut self, mentions: impl Iterator<Item = Mention<'a>> + Clone) {
        for mention in mentions.clone() {
            self.is_stranger[mention.candidate()] = false;
            if let Mention::Spent(child, _) = mention {
                let creators = mentions.clone().filter_map(|mention| match mention {
                    Mention::Created(parent, _) => Some(parent),
                    Mention::Spent(..) => None,
                });
                self.parents[child].extend(creators);
            }
        }
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
        let by_name = sorted_by_key(0..self.txs.len(), |index| Name(self.txs[index]));
        let by_name: Vec<_> = by_name.into_iter().map(|(_, index)| index).collect();
        if self.parents.iter().all(Vec::is_empty) {
            return by_name;
        }
        let mut rank = vec![0; by_name.len()];
        by_name.iter().enumerate().for_each(|(position, index)| rank[*index] = position);
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); by_name.len()];
        let mut waiting_for: Vec<usize> = self.parents.iter().map(Vec::len).collect();
        for (child, parents) in self.parents.iter().enumerate() {
            parents.iter().for_each(|parent| children[*parent].push(child));
        }
        let free = rank.iter().zip(&waiting_for).filter(|(_, parents)| **parents == 0);
        let mut ready: BinaryHeap<_> = free.map(|(rank, _)| Reverse(*rank)).collect();
        let mut order = Vec::with_capacity(by_name.len());
        while let Some(Reverse(rank_of_next)) = ready.pop() {
            let index = by_name[rank_of_next];
            order.push(index);
            for child in &children[index] {
                waiting_for[*child] -= 1;
                if waiting_for[*child] == 0 {
                    ready.push(Reverse(rank[*child]));
                }
            }
        }
        // Transactions that spend each other in a circle can be written down, though never mined.
        order.extend(by_name.into_iter().filter(|index| waiting_for[*index] > 0));
        order
    }
}

/// Orders transactions by all that they consist of, kernels first: the first kernel alone could
/// also be in another one, and then the order of candidates would show.
#[derive(Clone, Copy)]
struct Name<'a>(&'a ValidTx);

impl<'a> Name<'a> {
    fn hashes(self) -> impl Iterator<Item = &'a Hash> {
        let kernels = self.0.kernels().iter().map(TxKernel::hash);
        let outputs = self.0.outputs().iter().map(Output::hash);
        kernels.chain(outputs).chain(self.0.inputs().iter().map(Input::hash))
    }
}

impl LongKey for Name<'_> {
    fn short(&self) -> u64 {
        self.hashes().next().map_or(0, LongKey::short)
    }
}

impl Ord for Name<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.hashes().cmp(other.hashes())
    }
}

impl PartialOrd for Name<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Name<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Name<'_> {}

/// The root of a union-find tree, with path halving.
fn find(leader: &mut [usize], mut index: usize) -> usize {
    while leader[index] != index {
        leader[index] = leader[leader[index]];
        index = leader[index];
    }
    index
}

/// A candidate that looks for its place.
struct Member<'a> {
    index: usize,
    tx: &'a ValidTx,
    weight: u64,
    fee: u64,
    fee_shift: u8,
    nrd: Vec<Commitment>,
    /// Shares nothing with any other candidate, so that nobody needs to remember what it spends.
    is_stranger: bool,
}

impl<'a> Member<'a> {
    fn new(index: usize, tx: &'a ValidTx, is_stranger: bool) -> Self {
        let (weight, fee, fee_shift) = (tx.weight().0, tx.fee(), tx.fee_shift());
        let nrd = tx.kernels().iter().filter_map(TxKernel::nrd_excess).collect();
        Self { index, tx, weight, fee, fee_shift, nrd, is_stranger }
    }

    fn spent(&self) -> impl Iterator<Item = Commitment> {
        let inputs = if self.is_stranger { &[] } else { self.tx.inputs() };
        inputs.iter().map(Input::commitment)
    }

    fn created(&self) -> impl Iterator<Item = Commitment> {
        let outputs = if self.is_stranger { &[] } else { self.tx.outputs() };
        outputs.iter().map(Output::commitment)
    }
}

/// The aggregates of one lane while they fill.
#[derive(Default)]
struct Packer {
    bins: Vec<Bin>,
}

impl Packer {
    /// Puts a candidate into the first bin from `after` on that takes it.
    fn place(&mut self, member: &Member<'_>, after: usize, limits: &PlanLimits) -> usize {
        let found = (after..self.bins.len()).find(|bin| self.bins[*bin].takes(member, limits));
        let bin = found.unwrap_or_else(|| {
            self.bins.push(Bin::default());
            self.bins.len() - 1
        });
        self.bins[bin].add(member);
        bin
    }
}

/// One aggregate to be. Of strangers it knows figures only.
#[derive(Default)]
struct Bin {
    members: Vec<usize>,
    has_relatives: bool,
    weight: u64,
    fee: u64,
    fee_shift: u8,
    spent: HashSet<Commitment>,
    created: HashSet<Commitment>,
    nrd: HashSet<Commitment>,
}

impl Bin {
    fn takes(&self, member: &Member<'_>, limits: &PlanLimits) -> bool {
        let weight = self.weight_with(member);
        let shifted_fee =
            self.fee.saturating_add(member.fee) >> self.fee_shift.max(member.fee_shift);
        weight <= limits.max_weight.0
            && shifted_fee >= weight.saturating_mul(ACCEPT_FEE_BASE)
            && !member.created().any(|c| self.created.contains(&c) || self.spent.contains(&c))
            && !member.spent().any(|c| self.spent.contains(&c))
            && !member.nrd.iter().any(|c| self.nrd.contains(c))
    }

    /// What the bin weighs with one more in it, after cut-through.
    fn weight_with(&self, member: &Member<'_>) -> u64 {
        let cut = member.spent().filter(|commitment| self.created.contains(commitment));
        let cut = (Weight::INPUT.0 + Weight::OUTPUT.0) * cut.count() as u64;
        (self.weight + member.weight).saturating_sub(cut)
    }

    fn add(&mut self, member: &Member<'_>) {
        self.weight = self.weight_with(member);
        self.members.push(member.index);
        self.fee = self.fee.saturating_add(member.fee);
        self.fee_shift = self.fee_shift.max(member.fee_shift);
        self.nrd.extend(&member.nrd);
        if member.is_stranger {
            return;
        }
        self.has_relatives = true;
        for commitment in member.spent() {
            if !self.created.remove(&commitment) {
                self.spent.insert(commitment);
            }
        }
        self.created.extend(member.created());
    }
}
