//! A chain without blocks' bodies: what both pools ask of one, answered alike.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use grin_core::core::hash::Hash as GrinHash;
use grin_core::core::transaction::CommitWrapper;
use grin_core::core::{
    Block, BlockHeader, BlockSums, HeaderVersion, Inputs, KernelFeatures, OutputIdentifier,
    Transaction, TransactionBody,
};
use grin_pool::{BlockChain, PoolError};
use scape_aggregate::{Commitment, Hash, OutputFeatures};
use scape_pool::{BlockSummary, ChainView, Tip, Utxo};

use super::corpus::{CONSENSUS, Corpus, START, Set};

/// The state of a chain after some block, and the blocks since the start.
#[derive(Clone)]
pub(super) struct Ledger {
    pub(super) height: u64,
    pub(super) utxos: BTreeMap<Commitment, Utxo>,
    pub(super) nrd: BTreeMap<Commitment, u64>,
    undo: Vec<Mined>,
    blocks: u64,
}

/// A block: what it holds, and what was before it.
#[derive(Clone)]
pub(super) struct Mined {
    pub(super) atoms: Set,
    pub(super) summary: BlockSummary,
    before: (BTreeMap<Commitment, Utxo>, BTreeMap<Commitment, u64>),
}

impl Ledger {
    pub(super) fn new(corpus: &Corpus) -> Self {
        let plain = Utxo { features: OutputFeatures::Plain, height: 1 };
        let mut utxos: BTreeMap<_, _> = corpus.plain.iter().map(|coin| (*coin, plain)).collect();
        let reward = Utxo { features: OutputFeatures::Coinbase, height: START };
        utxos.insert(corpus.reward, reward);
        Self { height: START, utxos, nrd: BTreeMap::new(), undo: Vec::new(), blocks: 0 }
    }

    pub(super) fn is_mature(&self, utxo: &Utxo, height: u64) -> bool {
        utxo.features == OutputFeatures::Plain
            || utxo.height + CONSENSUS.chain.coinbase_maturity() <= height
    }

    /// Mines those of the candidates that may be in one block, in their order. Each only once:
    /// chains allow that a kernel is there twice, but nothing here depends on it.
    pub(super) fn mine(&mut self, candidates: &[usize], corpus: &Corpus) -> Mined {
        let before = (self.utxos.clone(), self.nrd.clone());
        self.height += 1;
        self.blocks += 1;
        let mut atoms = Set::new();
        for index in candidates {
            let again = self.undo.iter().any(|mined| mined.atoms.contains(index));
            if !again && !atoms.contains(index) && self.apply(*index, corpus) {
                atoms.insert(*index);
            }
        }
        let (old, new): (BTreeSet<_>, BTreeSet<_>) =
            (before.0.keys().copied().collect(), self.utxos.keys().copied().collect());
        let summary = BlockSummary {
            hash: Hash::of(&[&self.blocks.to_be_bytes()]),
            height: self.height,
            kernels: atoms.iter().map(|atom| corpus.atoms[*atom].kernel).collect(),
            inputs: old.difference(&new).copied().collect(),
            outputs: new.difference(&old).copied().collect(),
            nrd: atoms.iter().filter_map(|atom| Some(corpus.atoms[*atom].nrd?.0)).collect(),
        };
        let mined = Mined { atoms, summary, before };
        self.undo.push(mined.clone());
        mined
    }

    fn apply(&mut self, index: usize, corpus: &Corpus) -> bool {
        let atom = &corpus.atoms[index];
        let spendable = |input: &Commitment| {
            self.utxos.get(input).is_some_and(|utxo| self.is_mature(utxo, self.height))
        };
        let far_enough = atom.nrd.is_none_or(|(excess, blocks)| {
            self.nrd.get(&excess).is_none_or(|last| last + blocks <= self.height)
        });
        let allowed = atom.inputs.iter().all(spendable)
            && !atom.outputs.iter().any(|output| self.utxos.contains_key(output))
            && atom.lock_height <= self.height
            && far_enough;
        if !allowed {
            return false;
        }
        self.utxos.retain(|commitment, _| !atom.inputs.contains(commitment));
        let utxo = Utxo { features: OutputFeatures::Plain, height: self.height };
        self.utxos.extend(atom.outputs.iter().map(|output| (*output, utxo)));
        self.nrd.extend(atom.nrd.map(|(excess, _)| (excess, self.height)));
        true
    }

    /// Takes the last block off.
    pub(super) fn undo(&mut self) -> Option<Mined> {
        let mined = self.undo.pop()?;
        self.height -= 1;
        (self.utxos, self.nrd) = mined.before.clone();
        Some(mined)
    }

    fn header(&self) -> BlockHeader {
        let version = HeaderVersion(5);
        BlockHeader { height: self.height, version, ..BlockHeader::default() }
    }
}

/// The ledger as both pools see it.
#[derive(Clone)]
pub(super) struct Chain(Arc<RwLock<Ledger>>);

impl Chain {
    pub(super) fn new(ledger: Ledger) -> Self {
        Self(Arc::new(RwLock::new(ledger)))
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Ledger> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Ledger> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn header(&self) -> BlockHeader {
        self.read().header()
    }

    /// The last block as Grin's pool is told of it.
    pub(super) fn block(&self, mined: &Mined, corpus: &Corpus) -> Block {
        let body = match mined.atoms.is_empty() {
            true => TransactionBody::empty(),
            false => corpus.merge(&mined.atoms).unwrap().body,
        };
        Block { header: self.header(), body }
    }

    fn identifiers(&self, inputs: &Inputs) -> Option<Vec<OutputIdentifier>> {
        let ledger = self.read();
        let inputs: Vec<CommitWrapper> = inputs.into();
        let identifier = |input: &CommitWrapper| {
            let utxo = ledger.utxos.get(&Commitment(input.commitment().0))?;
            let features = grin_features(utxo.features);
            Some(OutputIdentifier::new(features, &input.commitment()))
        };
        inputs.iter().map(identifier).collect()
    }
}

fn grin_features(features: OutputFeatures) -> grin_core::core::OutputFeatures {
    match features {
        OutputFeatures::Plain => grin_core::core::OutputFeatures::Plain,
        OutputFeatures::Coinbase => grin_core::core::OutputFeatures::Coinbase,
    }
}

impl ChainView for Chain {
    fn tip(&self) -> Tip {
        Tip { height: self.read().height, ..Tip::default() }
    }

    fn utxo(&self, commitment: &Commitment) -> Option<Utxo> {
        self.read().utxos.get(commitment).copied()
    }

    fn last_nrd(&self, excess: &Commitment) -> Option<u64> {
        self.read().nrd.get(excess).copied()
    }
}

/// What `grin_chain` says, by `utxo_view.rs` and `apply_kernel_rules`, through the adapter of
/// `grin_pool`'s tests.
impl BlockChain for Chain {
    fn verify_coinbase_maturity(&self, inputs: &Inputs) -> Result<(), PoolError> {
        let ledger = self.read();
        let inputs: Vec<CommitWrapper> = inputs.into();
        let utxos = inputs.iter().filter_map(|i| ledger.utxos.get(&Commitment(i.commitment().0)));
        let mature = utxos.into_iter().all(|utxo| ledger.is_mature(utxo, ledger.height + 1));
        mature.then_some(()).ok_or(PoolError::ImmatureCoinbase)
    }

    fn verify_tx_lock_height(&self, tx: &Transaction) -> Result<(), PoolError> {
        let ready = tx.lock_height() <= self.read().height + 1;
        ready.then_some(()).ok_or(PoolError::ImmatureTransaction)
    }

    fn validate_tx(&self, tx: &Transaction) -> Result<(), PoolError> {
        let exists = |output: &grin_core::core::Output| {
            self.read().utxos.contains_key(&Commitment(output.commitment().0))
        };
        let actual = self.identifiers(&tx.inputs()).ok_or_else(|| other("validate tx"))?;
        let honest = match tx.inputs() {
            Inputs::CommitOnly(_) => true,
            Inputs::FeaturesAndCommit(inputs) => {
                inputs.iter().all(|input| actual.contains(&input.into()))
            }
        };
        if !honest || tx.outputs().iter().any(exists) {
            return Err(other("validate tx"));
        }
        let ledger = self.read();
        let too_soon = tx.kernels().iter().any(|kernel| match kernel.features {
            KernelFeatures::NoRecentDuplicate { relative_height, .. } => {
                let last = ledger.nrd.get(&Commitment(kernel.excess.0));
                let blocks: u64 = relative_height.into();
                last.is_some_and(|last| ledger.height + 1 - last < blocks)
            }
            _ => false,
        });
        if too_soon { Err(PoolError::NRDKernelRelativeHeight) } else { Ok(()) }
    }

    fn validate_inputs(&self, inputs: &Inputs) -> Result<Vec<OutputIdentifier>, PoolError> {
        self.identifiers(inputs).ok_or_else(|| other("validate inputs"))
    }

    fn chain_head(&self) -> Result<BlockHeader, PoolError> {
        Ok(self.header())
    }

    fn get_block_header(&self, _: &GrinHash) -> Result<BlockHeader, PoolError> {
        Ok(self.header())
    }

    fn get_block_sums(&self, _: &GrinHash) -> Result<BlockSums, PoolError> {
        Ok(BlockSums::default())
    }
}

fn other(what: &str) -> PoolError {
    PoolError::Other(format!("failed to {what}"))
}
