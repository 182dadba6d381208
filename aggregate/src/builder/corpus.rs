//! Many transactions at once, on all cores.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rand_chacha::ChaCha12Rng;

use super::{BuildError, Built, Coin, Kernel, TxBuilder, seeded};
use crate::{Consensus, NrdRelativeHeight};

/// What the transactions of a corpus look like.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// How many coins each spends.
    pub inputs: usize,
    /// How many coins each creates: with proofs, which is what a corpus takes its time for.
    pub outputs: usize,
    /// Its kernels.
    pub kernels: Vec<Kernel>,
    /// Whether inputs say what features they spend.
    pub input_features: bool,
    /// Whether the first input is a miner's reward.
    pub spends_coinbase: bool,
    /// The fee shift.
    pub fee_shift: u8,
    /// Whether there is no offset.
    pub zero_offset: bool,
}

impl Default for Recipe {
    /// One input, two outputs, one plain kernel: what wallets make.
    fn default() -> Self {
        Self {
            inputs: 1,
            outputs: 2,
            kernels: vec![Kernel::plain()],
            input_features: false,
            spends_coinbase: false,
            fee_shift: 0,
            zero_offset: false,
        }
    }
}

impl Recipe {
    /// Recipes that together have every feature a transaction can have; NRD kernels only if
    /// `consensus` allows them. None weighs more than 80.
    pub fn variety(consensus: &Consensus) -> Vec<Self> {
        let usual = Self::default;
        let kernels = |kernels: &[Kernel]| kernels.to_vec();
        let locked = Kernel::height_locked(1_000);
        let mut recipes = vec![
            usual(),
            Self { outputs: 1, input_features: true, ..usual() },
            Self { inputs: 3, outputs: 1, kernels: kernels(&[locked]), ..usual() },
            Self { inputs: 2, outputs: 1, fee_shift: 3, input_features: true, ..usual() },
            Self { outputs: 1, zero_offset: true, ..usual() },
            Self { outputs: 1, spends_coinbase: true, input_features: true, ..usual() },
            Self { outputs: 1, kernels: kernels(&[Kernel::plain(), locked]), ..usual() },
            Self { inputs: 5, outputs: 0, fee_shift: 1, ..usual() },
        ];
        if let (true, Ok(blocks)) = (consensus.nrd, NrdRelativeHeight::new(1_440)) {
            let nrd = Kernel::nrd(blocks);
            recipes.extend([
                Self { outputs: 1, kernels: kernels(&[nrd]), ..usual() },
                Self {
                    inputs: 2,
                    outputs: 1,
                    kernels: kernels(&[nrd, locked, Kernel::plain()]),
                    input_features: true,
                    ..usual()
                },
            ]);
        }
        recipes
    }

    /// Builds one transaction, with inputs out of nothing.
    ///
    /// # Errors
    /// If the recipe asks for what cannot be.
    pub fn build(&self, rng: &mut ChaCha12Rng, consensus: &Consensus) -> Result<Built, BuildError> {
        let mut coins: Vec<_> = (0..self.inputs).map(|_| Coin::new(VALUE, rng)).collect();
        if let (true, Some(first)) = (self.spends_coinbase, coins.first_mut()) {
            *first = Coin::coinbase(VALUE, rng);
        }
        let mut builder = TxBuilder::new()
            .inputs(coins)
            .split(self.outputs)
            .input_features(self.input_features)
            .fee_shift(self.fee_shift);
        for kernel in &self.kernels {
            builder = builder.kernel(*kernel);
        }
        if self.zero_offset {
            builder = builder.zero_offset();
        }
        builder.build(rng, consensus)
    }
}

/// What every input of a corpus is worth: a block's reward.
const VALUE: u64 = 60_000_000_000;

/// Builds `count` transactions, the recipes in turn. The result depends on the arguments alone.
///
/// # Errors
/// If a recipe asks for what cannot be.
pub fn corpus(
    seed: u64,
    count: usize,
    recipes: &[Recipe],
    consensus: &Consensus,
) -> Result<Vec<Built>, BuildError> {
    let usual = [Recipe::default()];
    let recipes = if recipes.is_empty() { &usual } else { recipes };
    parallel(seed, count, |index, rng| recipes[index % recipes.len()].build(rng, consensus))
        .into_iter()
        .collect()
}

/// Makes `count` things on all cores, each from the generator of its own index, so that the result
/// does not depend on the number of threads.
pub fn parallel<T: Send>(
    seed: u64,
    count: usize,
    make: impl Fn(usize, &mut ChaCha12Rng) -> T + Sync,
) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let next = AtomicUsize::new(0);
    let made = Mutex::new(Vec::with_capacity(count));
    std::thread::scope(|scope| {
        for _ in 0..threads.min(count) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        return;
                    }
                    let thing = make(index, &mut seeded(seed, index as u64));
                    made.lock().unwrap_or_else(PoisonError::into_inner).push((index, thing));
                }
            });
        }
    });
    let mut made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
    made.sort_by_key(|(index, _)| *index);
    made.into_iter().map(|(_, thing)| thing).collect()
}
