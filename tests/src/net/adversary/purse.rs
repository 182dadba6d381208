use rand_chacha::ChaCha12Rng;
use scape_aggregate::builder::AssumedTx;
use scape_aggregate::{Commitment, Consensus, ValidTx};

use crate::flow::Mint;

/// Coins that an adversary may spend, and where it makes transactions known as genuine.
#[derive(Clone, Debug)]
pub struct Purse {
    consensus: Consensus,
    mint: Mint,
    coins: Vec<Commitment>,
}

impl Purse {
    /// A purse with these coins.
    pub fn new(consensus: Consensus, mint: Mint, coins: Vec<Commitment>) -> Self {
        Self { consensus, mint, coins }
    }

    /// A genuine transaction that spends the next coin; `None` if there are no more.
    pub fn tx(&mut self, rng: &mut ChaCha12Rng) -> Option<ValidTx> {
        let coin = self.coins.pop()?;
        self.make(AssumedTx::new().spend(coin), rng)
    }

    /// Two genuine transactions that spend the same coin.
    pub fn rivals(&mut self, rng: &mut ChaCha12Rng) -> Option<[ValidTx; 2]> {
        let coin = self.coins.pop()?;
        let first = self.make(AssumedTx::new().spend(coin), rng)?;
        Some([first, self.make(AssumedTx::new().spend(coin), rng)?])
    }

    /// A genuine child of a transaction of this purse.
    pub fn child(&mut self, parent: &ValidTx, rng: &mut ChaCha12Rng) -> Option<ValidTx> {
        let output = parent.outputs().first()?.commitment();
        self.make(AssumedTx::new().spend(output), rng)
    }

    /// A genuine transaction, whatever it spends.
    pub fn make(&mut self, builder: AssumedTx, rng: &mut ChaCha12Rng) -> Option<ValidTx> {
        let tx = builder.build(rng, &self.consensus).ok()?;
        self.mint.add(&tx);
        Some(tx)
    }

    /// A transaction that nobody signed.
    pub fn forge(&self, builder: AssumedTx, rng: &mut ChaCha12Rng) -> Option<ValidTx> {
        builder.build(rng, &self.consensus).ok()
    }
}
