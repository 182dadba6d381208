use rand::Rng;
use rand_chacha::ChaCha12Rng;

use super::keys::{commit, prove};
use super::{BuildError, Secret, seeded};
use crate::{Commitment, Output, OutputFeatures};

/// An output of which the value and the key are known, so that it can be spent.
///
/// Cheap to make: the range proof is made only when [`Coin::output`] is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Coin {
    value: u64,
    key: Secret,
    features: OutputFeatures,
    commitment: Commitment,
}

impl Coin {
    /// A plain coin with a key drawn from `rng`.
    pub fn new(value: u64, rng: &mut impl Rng) -> Self {
        Self::draw(value, OutputFeatures::Plain, rng)
    }

    /// A miner's reward with a key drawn from `rng`.
    pub fn coinbase(value: u64, rng: &mut impl Rng) -> Self {
        Self::draw(value, OutputFeatures::Coinbase, rng)
    }

    /// A coin with a given key.
    ///
    /// # Errors
    /// [`BuildError::Crypto`] if the commitment is the point at infinity.
    pub fn with_key(value: u64, key: Secret, features: OutputFeatures) -> Result<Self, BuildError> {
        Ok(Self { value, key, features, commitment: commit(value, &key)? })
    }

    fn draw(value: u64, features: OutputFeatures, rng: &mut impl Rng) -> Self {
        loop {
            if let Ok(coin) = Self::with_key(value, Secret::random(rng), features) {
                return coin;
            }
        }
    }

    /// The value in nanogrin.
    pub fn value(&self) -> u64 {
        self.value
    }

    /// The secret key.
    pub fn key(&self) -> Secret {
        self.key
    }

    /// Plain or coinbase.
    pub fn features(&self) -> OutputFeatures {
        self.features
    }

    /// `value*H + key*G`.
    pub fn commitment(&self) -> Commitment {
        self.commitment
    }

    /// The output with its range proof, which takes 20 to 40 ms to make.
    ///
    /// # Errors
    /// [`BuildError::Crypto`] if the library cannot make a proof.
    pub fn output(&self) -> Result<Output, BuildError> {
        Ok(Output::new(self.features, self.commitment, prove(self.value, &self.key)?))
    }
}

/// Coins out of nothing, from a seed: what a genesis would have handed out.
#[derive(Clone, Debug)]
pub struct Faucet(ChaCha12Rng);

impl Faucet {
    /// Starts at the first coin of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seeded(seed, u64::MAX))
    }

    /// The next coin, plain.
    pub fn coin(&mut self, value: u64) -> Coin {
        Coin::new(value, &mut self.0)
    }

    /// The next coin, a miner's reward.
    pub fn coinbase(&mut self, value: u64) -> Coin {
        Coin::coinbase(value, &mut self.0)
    }

    /// The next `count` coins of one value, plain.
    pub fn coins(&mut self, count: usize, value: u64) -> Vec<Coin> {
        (0..count).map(|_| self.coin(value)).collect()
    }
}
