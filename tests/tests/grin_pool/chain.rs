//! A real Grin chain in a temporary folder, which both pools look at.

use std::sync::Arc;

use chrono::Duration;
use grin_chain::types::{NoopAdapter, Options};
use grin_chain::{Chain, Error};
use grin_core::core::hash::{Hash, Hashed};
use grin_core::core::{Block, BlockHeader, BlockSums, Inputs, OutputIdentifier, Transaction};
use grin_core::global::{self, ChainTypes};
use grin_core::{consensus, genesis, pow};
use grin_pool::{BlockChain, PoolError};
use grin_util::secp::pedersen;
use scape_aggregate::{Commitment, OutputFeatures};
use scape_pool::{BlockSummary, ChainView, Tip, Utxo};
use tempfile::TempDir;

use crate::wallet::Wallet;

/// Grin's test chain, as `grin_pool`'s own tests set it up.
#[derive(Clone)]
pub(crate) struct TestChain {
    pub(crate) chain: Arc<Chain>,
    _folder: Arc<TempDir>,
}

/// Tells Grin, on this thread, which rules hold.
pub(crate) fn follow(nrd: bool) {
    global::set_local_chain_type(ChainTypes::AutomatedTesting);
    global::set_local_accept_fee_base(least_fee());
    global::set_local_nrd_enabled(nrd);
}

/// What a unit of weight costs at least on the main network, and always here.
fn least_fee() -> u64 {
    grin_pool::types::default_accept_fee_base()
}

impl TestChain {
    /// A chain with a genesis that pays a reward, as the main network's does.
    pub(crate) fn new(wallet: &Wallet) -> Self {
        let (output, kernel) = wallet.reward(0, 0);
        Self::on(genesis::genesis_dev().with_reward(output, kernel))
    }

    pub(crate) fn on(genesis: Block) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap().to_owned();
        let adapter = Arc::new(NoopAdapter {});
        let chain = Chain::init(path, adapter, genesis, pow::verify_size, false, None).unwrap();
        Self { chain: Arc::new(chain), _folder: Arc::new(folder) }
    }

    pub(crate) fn head(&self) -> BlockHeader {
        self.chain.head_header().unwrap()
    }

    pub(crate) fn header_at(&self, height: u64) -> BlockHeader {
        self.chain.get_header_by_height(height).unwrap()
    }

    pub(crate) fn mine_empty(&self, count: usize, wallet: &Wallet) {
        (0..count).for_each(|_| drop(self.mine(&[], wallet)));
    }

    /// Mines a block. Grin's chain checks it in full.
    pub(crate) fn mine(&self, txs: &[Transaction], wallet: &Wallet) -> Block {
        let prev = self.head();
        let height = prev.height + 1;
        let next = consensus::next_difficulty(height, self.chain.difficulty_iter().unwrap());
        let reward = wallet.reward(height, txs.iter().map(Transaction::fee).sum());
        let mut block = Block::new(&prev, txs, next.difficulty, reward).unwrap();
        block.header.timestamp = prev.timestamp + Duration::seconds(60);
        block.header.pow.secondary_scaling = next.secondary_scaling;
        self.chain.set_txhashset_roots(&mut block).unwrap();
        let bits = global::min_edge_bits();
        block.header.pow.proof.edge_bits = bits;
        pow::pow_size(&mut block.header, next.difficulty, global::proofsize(), bits).unwrap();
        self.chain.process_block(block, Options::NONE).unwrap();
        self.chain.get_block(&self.head().hash()).unwrap()
    }
}

impl BlockChain for TestChain {
    fn verify_coinbase_maturity(&self, inputs: &Inputs) -> Result<(), PoolError> {
        self.chain.verify_coinbase_maturity(inputs).map_err(|_| PoolError::ImmatureCoinbase)
    }

    fn verify_tx_lock_height(&self, tx: &Transaction) -> Result<(), PoolError> {
        self.chain.verify_tx_lock_height(tx).map_err(|_| PoolError::ImmatureTransaction)
    }

    fn validate_tx(&self, tx: &Transaction) -> Result<(), PoolError> {
        self.chain.validate_tx(tx).map_err(|error| match error {
            Error::Transaction { source } => source.into(),
            Error::NRDRelativeHeight => PoolError::NRDKernelRelativeHeight,
            _ => other("validate tx"),
        })
    }

    fn validate_inputs(&self, inputs: &Inputs) -> Result<Vec<OutputIdentifier>, PoolError> {
        let outputs = self.chain.validate_inputs(inputs).map_err(|_| other("validate inputs"))?;
        Ok(outputs.into_iter().map(|(output, _)| output).collect())
    }

    fn chain_head(&self) -> Result<BlockHeader, PoolError> {
        self.chain.head_header().map_err(|_| other("get chain head"))
    }

    fn get_block_header(&self, hash: &Hash) -> Result<BlockHeader, PoolError> {
        self.chain.get_block_header(hash).map_err(|_| other("get block header"))
    }

    fn get_block_sums(&self, hash: &Hash) -> Result<BlockSums, PoolError> {
        self.chain.get_block_sums(hash).map_err(|_| other("get block sums"))
    }
}

fn other(what: &str) -> PoolError {
    PoolError::Other(format!("failed to {what}"))
}

impl ChainView for TestChain {
    fn tip(&self) -> Tip {
        let head = self.chain.head().unwrap();
        let total_difficulty = head.total_difficulty.to_num();
        Tip { height: head.height, hash: our_hash(&head.last_block_h), total_difficulty }
    }

    fn utxo(&self, commitment: &Commitment) -> Option<Utxo> {
        let commitment = pedersen::Commitment(commitment.0);
        let (output, place) = self.chain.get_unspent(commitment).unwrap()?;
        let coinbase = output.features.is_coinbase();
        let features = if coinbase { OutputFeatures::Coinbase } else { OutputFeatures::Plain };
        Some(Utxo { features, height: place.height })
    }

    fn last_nrd(&self, excess: &Commitment) -> Option<u64> {
        let heights = (0..=self.head().height).rev();
        heights.into_iter().find(|height| {
            let block = self.chain.get_block(&self.header_at(*height).hash()).unwrap();
            block.kernels().iter().any(|kernel| kernel.is_nrd() && kernel.excess.0 == excess.0)
        })
    }
}

/// What our pool is told of a block.
pub(crate) fn summary(block: &Block) -> BlockSummary {
    let inputs: Vec<grin_core::core::transaction::CommitWrapper> = (&block.inputs()).into();
    let nrd = block.kernels().iter().filter(|kernel| kernel.is_nrd());
    BlockSummary {
        hash: our_hash(&block.hash()),
        height: block.header.height,
        kernels: block.kernels().iter().map(|kernel| our_hash(&kernel.hash())).collect(),
        inputs: inputs.iter().map(|input| Commitment(input.commitment().0)).collect(),
        outputs: block.outputs().iter().map(|output| Commitment(output.commitment().0)).collect(),
        nrd: nrd.map(|kernel| Commitment(kernel.excess.0)).collect(),
    }
}

pub(crate) fn our_hash(hash: &Hash) -> scape_aggregate::Hash {
    scape_aggregate::Hash(hash.to_vec().try_into().unwrap())
}
