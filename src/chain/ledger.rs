use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use scape_aggregate::{
    Commitment, Consensus, Hash, Input, KernelFeatures, Output, OutputFeatures, PlanLimits,
    TxKernel, ValidTx, Weight, aggregate,
};
use scape_pool::{BlockSummary, ChainUpdate, ChainView, Tip, Utxo};
use thiserror::Error;

/// A block of a development chain: one aggregate, no proof of work, no reward.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    previous: Hash,
    height: u64,
    total_difficulty: u64,
    hash: Hash,
    tx: ValidTx,
}

/// Why a block does not fit a ledger.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum BlockError {
    /// The block before it is not known.
    #[error("the block before {0} is unknown")]
    UnknownParent(Hash),
    /// It spends what is not there.
    #[error("block {0} spends an output that does not exist")]
    MissingInput(Hash),
    /// It creates what is there.
    #[error("block {0} creates an output that exists")]
    OutputExists(Hash),
    /// A transaction in it is locked until later.
    #[error("block {0} holds a transaction that is locked")]
    Locked(Hash),
    /// It spends a coinbase output too early.
    #[error("block {0} spends an immature coinbase output")]
    Immature(Hash),
}

/// A chain for development: unspent outputs, kernels, blocks, forks and reorgs, all in memory.
///
/// Each node has its own, fed with the same blocks by [`DevLedger::accept`]; the chain with the
/// greatest difficulty wins. Blocks come from [`DevLedger::propose`]. There is no proof of work:
/// it is for networks where nobody cheats on blocks.
#[derive(Clone, Debug)]
pub struct DevLedger {
    consensus: Consensus,
    /// All known blocks, on the main chain or not.
    blocks: HashMap<Hash, Arc<Block>>,
    /// The main chain. The genesis is the first.
    chain: Vec<(Arc<Block>, Spent)>,
    utxos: HashMap<Commitment, Utxo>,
    kernels: HashMap<Hash, u64>,
    nrd: HashMap<Commitment, BTreeSet<u64>>,
}

/// What a block spent, to undo it.
type Spent = Vec<(Commitment, Utxo)>;

impl DevLedger {
    /// A chain that begins with these unspent outputs, at height zero.
    pub fn new(
        consensus: Consensus,
        outputs: impl IntoIterator<Item = (Commitment, OutputFeatures)>,
    ) -> Self {
        let utxos = outputs.into_iter().map(|(c, features)| (c, Utxo { features, height: 0 }));
        let tx = aggregate(&[]).unwrap_or_else(|_| unreachable!("nothing excludes nothing"));
        let genesis = Arc::new(Block::new(consensus.chain.genesis(), 0, 1, tx, 0));
        Self {
            consensus,
            blocks: HashMap::from([(genesis.hash, genesis.clone())]),
            chain: vec![(genesis, Vec::new())],
            utxos: utxos.collect(),
            kernels: HashMap::new(),
            nrd: HashMap::new(),
        }
    }

    /// Makes the next block out of those transactions that are valid in it and fit, those that
    /// pay most for their weight first, parents before children. `salt` makes blocks of the same
    /// content differ.
    pub fn propose<'a>(&self, txs: impl IntoIterator<Item = &'a ValidTx>, salt: u64) -> Block {
        self.propose_on(self.tip_block(), txs, salt)
    }

    fn propose_on<'a>(
        &self,
        parent: &Block,
        txs: impl IntoIterator<Item = &'a ValidTx>,
        salt: u64,
    ) -> Block {
        let mut waiting: Vec<&ValidTx> = txs.into_iter().collect();
        waiting.sort_by_key(|tx| std::cmp::Reverse(tx.fee() / tx.weight().0.max(1)));
        let max_weight = PlanLimits::of(self.consensus.chain).max_weight;
        let (mut chosen, mut merged): (usize, Option<ValidTx>) = (0, None);
        // A child may be looked at before its parent: go round until nothing more fits.
        loop {
            let before = chosen;
            waiting.retain(|tx| {
                // Merging costs more than a look at what could at most be cut through.
                let cut = tx.inputs().len() as u64 * (Weight::INPUT + Weight::OUTPUT).0;
                let weight = merged.as_ref().map_or(0, |tx| tx.weight().0) + tx.weight().0;
                if weight.saturating_sub(cut) > max_weight.0 {
                    return true;
                }
                let candidate: Vec<ValidTx> =
                    merged.iter().cloned().chain([(*tx).clone()]).collect();
                let Ok(candidate) = aggregate(&candidate) else { return true };
                let fits = candidate.weight() <= max_weight
                    && self.check(&candidate, parent.height + 1, Hash::default()).is_ok();
                if fits {
                    chosen += 1;
                    merged = Some(candidate);
                }
                !fits
            });
            if chosen == before {
                break;
            }
        }
        let tx = merged.or_else(|| aggregate(&[]).ok());
        let tx = tx.unwrap_or_else(|| unreachable!("nothing excludes nothing"));
        Block::new(parent.hash, parent.height + 1, parent.total_difficulty + 1, tx, salt)
    }

    /// A longer branch without the last `depth` blocks: `depth + 1` blocks that hold what fits of
    /// `txs`. Feeding them to [`DevLedger::accept`] is a reorg.
    ///
    /// # Panics
    /// Never: a depth beyond the genesis is cut there.
    pub fn propose_branch<'a>(
        &self,
        depth: usize,
        txs: impl IntoIterator<Item = &'a ValidTx> + Clone,
        salt: u64,
    ) -> Vec<Block> {
        let mut fork = self.clone();
        let depth = depth.min(fork.chain.len() - 1);
        (0..depth).for_each(|_| {
            fork.undo();
        });
        let mut branch = Vec::with_capacity(depth + 1);
        for step in 0..=depth as u64 {
            let block = fork.propose(txs.clone(), salt.wrapping_add(step));
            if fork.accept(block.clone()).is_ok() {
                branch.push(block);
            }
        }
        branch
    }

    /// Takes a block: on top of the chain, or into a branch, or as the one that makes a branch
    /// the chain. An empty update means that the chain is as it was.
    ///
    /// # Errors
    /// Why it is invalid; then nothing has changed.
    pub fn accept(&mut self, block: Block) -> Result<ChainUpdate, BlockError> {
        if self.blocks.contains_key(&block.hash) {
            return Ok(ChainUpdate::default());
        }
        if !self.blocks.contains_key(&block.previous) {
            return Err(BlockError::UnknownParent(block.hash));
        }
        let block = Arc::new(block);
        if block.previous == self.tip_block().hash {
            self.apply(&block)?;
            self.blocks.insert(block.hash, block.clone());
            return Ok(ChainUpdate { disconnected: vec![], connected: vec![block.summary()] });
        }
        self.blocks.insert(block.hash, block.clone());
        if block.total_difficulty <= self.tip_block().total_difficulty {
            return Ok(ChainUpdate::default());
        }
        self.reorganise(&block)
    }

    /// Makes the branch that ends in `tip` the chain.
    fn reorganise(&mut self, tip: &Arc<Block>) -> Result<ChainUpdate, BlockError> {
        let backup = self.clone();
        let mut branch = vec![tip.clone()];
        let on_chain: HashSet<Hash> = self.chain.iter().map(|(block, _)| block.hash).collect();
        while let Some(block) = branch.last() {
            if on_chain.contains(&block.previous) {
                break;
            }
            let previous = self.blocks.get(&block.previous).cloned();
            branch.extend([previous.ok_or(BlockError::UnknownParent(tip.hash))?]);
        }
        let fork = branch.last().map(|block| block.previous);
        let mut update = ChainUpdate::default();
        while Some(self.tip_block().hash) != fork {
            update.disconnected.push(self.undo().hash);
        }
        for block in branch.iter().rev() {
            if let Err(error) = self.apply(block) {
                *self = backup;
                self.blocks.remove(&tip.hash);
                return Err(error);
            }
            update.connected.push(block.summary());
        }
        Ok(update)
    }

    /// Whether a block is known, on the main chain or not.
    pub fn knows(&self, block: &Hash) -> bool {
        self.blocks.contains_key(block)
    }

    /// The height of the block that holds a kernel.
    pub fn kernel_height(&self, kernel: &Hash) -> Option<u64> {
        self.kernels.get(kernel).copied()
    }

    /// The hash of the last block but one.
    pub fn previous(&self) -> Hash {
        self.tip_block().previous
    }

    /// How many kernels are in the chain.
    pub fn kernel_count(&self) -> usize {
        self.kernels.len()
    }

    /// The blocks of the chain, the genesis first.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.chain.iter().map(|(block, _)| &**block)
    }

    fn tip_block(&self) -> &Block {
        match self.chain.last() {
            Some((block, _)) => block,
            None => unreachable!("the genesis is never undone"),
        }
    }

    fn check(&self, tx: &ValidTx, height: u64, block: Hash) -> Result<(), BlockError> {
        for input in tx.inputs() {
            let utxo =
                self.utxos.get(&input.commitment()).ok_or(BlockError::MissingInput(block))?;
            let maturity = self.consensus.chain.coinbase_maturity();
            if utxo.features == OutputFeatures::Coinbase && utxo.height + maturity > height {
                return Err(BlockError::Immature(block));
            }
        }
        if tx.outputs().iter().any(|output| self.utxos.contains_key(&output.commitment())) {
            return Err(BlockError::OutputExists(block));
        }
        let nrd_allowed = |kernel: &TxKernel| match kernel.features() {
            KernelFeatures::NoRecentDuplicate { relative_height, .. } => self
                .last_nrd(&kernel.excess())
                .is_none_or(|last| last + relative_height.blocks() <= height),
            _ => true,
        };
        let locked = tx.lock_height() > height || !tx.kernels().iter().all(nrd_allowed);
        if locked { Err(BlockError::Locked(block)) } else { Ok(()) }
    }

    fn apply(&mut self, block: &Arc<Block>) -> Result<(), BlockError> {
        self.check(&block.tx, block.height, block.hash)?;
        let inputs = block.tx.inputs().iter().map(Input::commitment);
        let spent = inputs.filter_map(|c| self.utxos.remove(&c).map(|utxo| (c, utxo))).collect();
        let utxo = Utxo { features: OutputFeatures::Plain, height: block.height };
        self.utxos.extend(block.tx.outputs().iter().map(|output| (output.commitment(), utxo)));
        for kernel in block.tx.kernels() {
            self.kernels.insert(*kernel.hash(), block.height);
            if let Some(excess) = kernel.nrd_excess() {
                self.nrd.entry(excess).or_default().insert(block.height);
            }
        }
        self.chain.push((block.clone(), spent));
        Ok(())
    }

    /// Takes the last block off the chain. The genesis stays.
    fn undo(&mut self) -> Arc<Block> {
        if self.chain.len() == 1 {
            return self.chain[0].0.clone();
        }
        let Some((block, spent)) = self.chain.pop() else { unreachable!("checked above") };
        for output in block.tx.outputs().iter().map(Output::commitment) {
            self.utxos.remove(&output);
        }
        self.utxos.extend(spent);
        for kernel in block.tx.kernels() {
            self.kernels.remove(kernel.hash());
            if let Some(heights) = kernel.nrd_excess().and_then(|e| self.nrd.get_mut(&e)) {
                heights.remove(&block.height);
            }
        }
        block
    }
}

impl ChainView for DevLedger {
    fn tip(&self) -> Tip {
        let Block { height, hash, total_difficulty, .. } = *self.tip_block();
        Tip { height, hash, total_difficulty }
    }

    fn utxo(&self, commitment: &Commitment) -> Option<Utxo> {
        self.utxos.get(commitment).copied()
    }

    fn last_nrd(&self, excess: &Commitment) -> Option<u64> {
        self.nrd.get(excess)?.last().copied()
    }
}

impl Block {
    fn new(previous: Hash, height: u64, total_difficulty: u64, tx: ValidTx, salt: u64) -> Self {
        let numbers = [height.to_be_bytes(), salt.to_be_bytes()].concat();
        let kernels: Vec<u8> = tx.kernels().iter().flat_map(|k| *k.hash().as_bytes()).collect();
        let hash = Hash::of(&[previous.as_bytes(), &numbers, &kernels]);
        Self { previous, height, total_difficulty, hash, tx }
    }

    /// The hash.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// The hash of the block before it.
    pub fn previous(&self) -> Hash {
        self.previous
    }

    /// The height.
    pub fn height(&self) -> u64 {
        self.height
    }

    /// What the block holds, merged.
    pub fn tx(&self) -> &ValidTx {
        &self.tx
    }

    /// What a pool has to know of the block.
    pub fn summary(&self) -> BlockSummary {
        BlockSummary {
            hash: self.hash,
            height: self.height,
            kernels: self.tx.kernels().iter().map(|kernel| *kernel.hash()).collect(),
            inputs: self.tx.inputs().iter().map(Input::commitment).collect(),
            outputs: self.tx.outputs().iter().map(Output::commitment).collect(),
            nrd: self.tx.kernels().iter().filter_map(TxKernel::nrd_excess).collect(),
        }
    }
}
