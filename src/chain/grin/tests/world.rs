//! Chains made up of numbers, and what a naive reading of them says.

use std::collections::BTreeMap;

use scape_aggregate::{Commitment, Hash, OutputFeatures};
use scape_pool::{Tip, Utxo};

use crate::chain::grin::block::GrinBlock;

/// The commitment with a number.
pub(super) fn commitment(number: u64) -> Commitment {
    let mut bytes = [8; 33];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Commitment(bytes)
}

/// All blocks that were ever made, and the chain of them that counts.
pub(super) struct World {
    pub(super) path: Vec<GrinBlock>,
    created: u64,
    made: u64,
}

impl World {
    pub(super) fn new() -> Self {
        let mut world = Self { path: Vec::new(), created: 0, made: 0 };
        world.grow(&[], 3, &[]);
        world
    }

    pub(super) fn tip(&self) -> Tip {
        self.path.last().map(|block| block.tip).unwrap_or_default()
    }

    /// How many commitments there have been.
    pub(super) fn created(&self) -> u64 {
        self.created
    }

    /// Goes back by some blocks, never beyond the genesis. Returns the last that is left.
    pub(super) fn fork(&mut self, depth: usize) -> Tip {
        let left = self.path.len().saturating_sub(depth).max(1);
        self.path.truncate(left);
        self.tip()
    }

    /// A block that spends the outputs that these numbers choose and makes so many, the first of
    /// them a coinbase.
    pub(super) fn grow(&mut self, spends: &[u64], creates: u64, nrd: &[u64]) -> GrinBlock {
        self.made += 1;
        let before = self.tip();
        let mut unspent = self.utxos();
        let mut inputs = Vec::new();
        for number in spends {
            let place = usize::try_from(*number).expect("small") % unspent.len().max(1);
            if let Some(spent) = unspent.keys().nth(place).copied() {
                unspent.remove(&spent);
                inputs.push(spent);
            }
        }
        let first = self.created;
        self.created += creates;
        let outputs = (first..self.created).map(|number| {
            let coinbase = number == first;
            let features = if coinbase { OutputFeatures::Coinbase } else { OutputFeatures::Plain };
            (commitment(number), features)
        });
        let block = GrinBlock {
            tip: Tip {
                height: if self.path.is_empty() { 0 } else { before.height + 1 },
                hash: Hash::of(&[b"block", &self.made.to_be_bytes()]),
                total_difficulty: before.total_difficulty + 2,
            },
            previous: before.hash,
            inputs,
            outputs: outputs.collect(),
            kernels: vec![Hash::of(&[b"kernel", &self.made.to_be_bytes()])],
            nrd: nrd.iter().map(|number| commitment(1_000_000 + number)).collect(),
        };
        self.path.push(block.clone());
        block
    }

    /// What is unspent at the end of the chain, read from the beginning.
    pub(super) fn utxos(&self) -> BTreeMap<Commitment, Utxo> {
        utxos(&self.path)
    }

    pub(super) fn last_nrd(&self, number: u64) -> Option<u64> {
        let excess = commitment(1_000_000 + number);
        let block = self.path.iter().rev().find(|block| block.nrd.contains(&excess))?;
        Some(block.tip.height)
    }
}

pub(super) fn utxos(path: &[GrinBlock]) -> BTreeMap<Commitment, Utxo> {
    let mut utxos = BTreeMap::new();
    for block in path {
        for input in &block.inputs {
            utxos.remove(input).expect("worlds spend what is there");
        }
        let height = block.tip.height;
        utxos.extend(block.outputs.iter().map(|&(c, features)| (c, Utxo { features, height })));
    }
    utxos
}
