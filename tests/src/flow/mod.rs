//! Transactions for a network whose nodes take proofs for granted.

mod mint;
mod plan;

use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use scape_aggregate::builder::{AssumedTx, seeded};
use scape_aggregate::{Commitment, Consensus, Hash, OutputFeatures, Transaction, ValidTx};

pub use mint::Mint;
pub use plan::{CoinPlan, NrdPlan, TxPlan, build};

/// Makes transactions that spend the coins of a genesis of their own, or each other's outputs.
#[derive(Clone, Debug)]
pub struct Flow {
    consensus: Consensus,
    rng: ChaCha12Rng,
    coins: Vec<Commitment>,
    next: usize,
}

impl Flow {
    /// A flow that can spend `coins` coins of the genesis. All its bytes come from `seed`.
    pub fn new(consensus: Consensus, seed: u64, coins: usize) -> Self {
        let mut rng = seeded(seed, 0x666c_6f77);
        let coins = (0..coins).map(|_| random_commitment(&mut rng)).collect();
        Self { consensus, rng, coins, next: 0 }
    }

    /// What the ledgers of the network begin with.
    pub fn genesis(&self) -> Vec<(Commitment, OutputFeatures)> {
        self.coins.iter().map(|coin| (*coin, OutputFeatures::Plain)).collect()
    }

    /// A transaction that spends the next coin, with two outputs.
    ///
    /// # Panics
    /// If there are no coins left.
    pub fn tx(&mut self) -> ValidTx {
        let coin = self.coins[self.next];
        self.next += 1;
        self.spend(coin)
    }

    /// A transaction that spends the first output of `parent`.
    ///
    /// # Panics
    /// If there is none.
    pub fn child(&mut self, parent: &ValidTx) -> ValidTx {
        self.spend(parent.outputs()[0].commitment())
    }

    /// Another transaction that spends the first input of `tx`: a double spend.
    ///
    /// # Panics
    /// If there is none.
    pub fn rival(&mut self, tx: &ValidTx) -> ValidTx {
        self.spend(tx.inputs()[0].commitment())
    }

    fn spend(&mut self, coin: Commitment) -> ValidTx {
        match AssumedTx::new().spend(coin).build(&mut self.rng, &self.consensus) {
            Ok(tx) => tx,
            Err(_) => unreachable!("one input and two outputs keep all rules"),
        }
    }
}

/// The hashes of the kernels of a transaction.
pub fn kernels(tx: &Transaction) -> Vec<Hash> {
    tx.kernels().iter().map(|kernel| *kernel.hash()).collect()
}

/// The hash of the first kernel, by which peers know a transaction.
///
/// # Panics
/// If it has none.
pub fn kernel(tx: &Transaction) -> Hash {
    *tx.kernels()[0].hash()
}

fn random_commitment(rng: &mut ChaCha12Rng) -> Commitment {
    let mut bytes = [0; Commitment::SIZE];
    rng.fill(&mut bytes[..]);
    bytes[0] = 8 | bytes[0] & 1;
    Commitment(bytes)
}
