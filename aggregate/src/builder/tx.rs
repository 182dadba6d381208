use rand::Rng;

use super::keys::sign;
use super::{BuildError, Coin, Kernel, Secret};
use crate::chain::ACCEPT_FEE_BASE;
use crate::{
    BlindingFactor, Consensus, FeeFields, Inputs, NrdRelativeHeight, Output, Transaction, TxKernel,
    Weight,
};

/// A transaction that was built, and the coins it creates.
#[derive(Clone, Debug)]
pub struct Built {
    /// The transaction.
    pub tx: Transaction,
    /// What it creates: the outputs in the order they were asked for, then the change.
    pub coins: Vec<Coin>,
}

#[cfg(feature = "assumed")]
impl Built {
    /// The transaction as a valid one, without verifying it again.
    pub fn valid(&self) -> crate::ValidTx {
        crate::ValidTx::assumed(self.tx.clone())
    }
}

/// Builds a real transaction: balanced, proved, signed, in canonical order.
///
/// Without further instructions it has commit-only inputs, one plain kernel, a random offset, pays
/// exactly what Grin nodes relay, and gives what is left over back as one more output.
#[derive(Clone, Debug, Default)]
pub struct TxBuilder {
    inputs: Vec<Coin>,
    input_features: bool,
    outputs: Vec<Wanted>,
    rest: Option<u64>,
    kernels: Vec<Kernel>,
    fee: Option<u64>,
    fee_shift: u8,
    offset: Offset,
}

#[derive(Clone, Copy, Debug)]
enum Wanted {
    Value(u64),
    Coin(Coin),
}

#[derive(Clone, Copy, Debug, Default)]
enum Offset {
    #[default]
    Random,
    Zero,
}

impl TxBuilder {
    /// Starts with nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Spends a coin.
    pub fn input(mut self, coin: Coin) -> Self {
        self.inputs.push(coin);
        self
    }

    /// Spends coins.
    pub fn inputs(mut self, coins: impl IntoIterator<Item = Coin>) -> Self {
        self.inputs.extend(coins);
        self
    }

    /// Whether inputs say the features of what they spend. If not, the transaction cannot be
    /// written at versions 1 and 2.
    pub fn input_features(self, input_features: bool) -> Self {
        Self { input_features, ..self }
    }

    /// Creates a coin of this value, with a key drawn when the transaction is built.
    pub fn output(mut self, value: u64) -> Self {
        self.outputs.push(Wanted::Value(value));
        self
    }

    /// Creates this coin.
    pub fn output_coin(mut self, coin: Coin) -> Self {
        self.outputs.push(Wanted::Coin(coin));
        self
    }

    /// Creates one coin of what is left over, even if that is nothing.
    pub fn output_rest(self) -> Self {
        self.split(1)
    }

    /// Creates `parts` coins of what is left over, as equal as can be. With none, whatever is left
    /// over is paid as fee.
    pub fn split(self, parts: usize) -> Self {
        Self { rest: Some(parts as u64), ..self }
    }

    /// Adds a kernel. The first one replaces the plain one that is there without.
    pub fn kernel(mut self, kernel: Kernel) -> Self {
        self.kernels.push(kernel);
        self
    }

    /// Adds `count` plain kernels, which share the fee and the excess.
    pub fn kernels(mut self, count: usize) -> Self {
        self.kernels.extend(std::iter::repeat_n(Kernel::plain(), count));
        self
    }

    /// Adds a kernel that is not valid in a block below `height`.
    pub fn height_locked(self, height: u64) -> Self {
        self.kernel(Kernel::height_locked(height))
    }

    /// Adds an NRD kernel.
    pub fn nrd(self, relative_height: NrdRelativeHeight) -> Self {
        self.kernel(Kernel::nrd(relative_height))
    }

    /// Pays this in total, instead of what nodes relay at the fee shift.
    pub fn fee(self, fee: u64) -> Self {
        Self { fee: Some(fee), ..self }
    }

    /// Sets the fee shift of every kernel whose fee is not given; the automatic fee grows with it.
    pub fn fee_shift(self, fee_shift: u8) -> Self {
        Self { fee_shift, ..self }
    }

    /// Leaves the whole excess to the kernels.
    pub fn zero_offset(self) -> Self {
        Self { offset: Offset::Zero, ..self }
    }

    /// Draws what is not given, balances, proves and signs.
    ///
    /// # Errors
    /// If the values do not suffice, nothing is left to balance with, or the result breaks a rule.
    pub fn build(mut self, rng: &mut impl Rng, consensus: &Consensus) -> Result<Built, BuildError> {
        if self.kernels.is_empty() {
            self.kernels.push(Kernel::plain());
        }
        let (coins, fee) = self.balance_values(rng)?;
        let fees = self.share_fee(fee)?;
        let (keys, offset) = self.balance_keys(&coins, rng)?;
        let signed = self.kernels.iter().zip(fees).zip(keys);
        let kernels: Result<Vec<_>, _> =
            signed.map(|((kernel, fee), key)| sign(kernel.features(fee), &key)).collect();
        let outputs: Result<Vec<_>, _> = coins.iter().map(Coin::output).collect();
        let tx = sorted(offset, self.spent(), outputs?, kernels?, consensus)?;
        Ok(Built { tx, coins })
    }

    fn spent(&self) -> Inputs {
        if self.input_features {
            Inputs::from_outputs(
                self.inputs.iter().map(|coin| (coin.features(), coin.commitment())),
            )
        } else {
            Inputs::from_commitments(self.inputs.iter().map(Coin::commitment))
        }
    }

    /// The coins to create, and the fee.
    fn balance_values(&self, rng: &mut impl Rng) -> Result<(Vec<Coin>, u64), BuildError> {
        let mut coins = Vec::with_capacity(self.outputs.len() + 1);
        for output in &self.outputs {
            coins.push(match *output {
                Wanted::Value(value) => Coin::new(value, rng),
                Wanted::Coin(coin) => coin,
            });
        }
        let available = sum(&self.inputs);
        let wanted = sum(&coins);
        let parts = self.rest.unwrap_or_else(|| {
            u64::from(available > wanted.saturating_add(self.total_fee(coins.len() as u64)))
        });
        let fee = self.total_fee(coins.len() as u64 + parts);
        let needed = wanted.saturating_add(fee);
        let rest = available.checked_sub(needed);
        let rest = rest.ok_or(BuildError::Short(needed.saturating_sub(available)))?;
        if parts == 0 && rest > 0 && self.sharing() == 0 {
            return Err(BuildError::LeftOver(rest));
        }
        if parts == 0 {
            return Ok((coins, fee + rest));
        }
        for part in 0..parts {
            let value = rest / parts + u64::from(part < rest % parts);
            coins.push(Coin::new(value, rng));
        }
        Ok((coins, fee))
    }

    fn total_fee(&self, outputs: u64) -> u64 {
        let given = self.kernels.iter().filter_map(|kernel| kernel.fee);
        let floor = given.fold(0_u64, |sum, fee| sum.saturating_add(fee.fee()));
        if self.sharing() == 0 {
            return floor;
        }
        let (inputs, kernels) = (self.inputs.len() as u64, self.kernels.len() as u64);
        let relayed = Weight::of_counts(inputs, outputs, kernels).0 * ACCEPT_FEE_BASE;
        // A fee of zero cannot be made, so every kernel that shares gets one nanogrin at least.
        self.fee.unwrap_or(relayed << self.fee_shift.min(15)).max(floor + self.sharing())
    }

    /// How many kernels share the fee that is not given to one of them.
    fn sharing(&self) -> u64 {
        self.kernels.iter().filter(|kernel| kernel.fee.is_none()).count() as u64
    }

    fn share_fee(&self, total: u64) -> Result<Vec<FeeFields>, BuildError> {
        let given = self.kernels.iter().filter_map(|kernel| kernel.fee);
        let mut left = total.saturating_sub(given.map(FeeFields::fee).sum());
        let mut sharing = self.sharing();
        let mut fees = Vec::with_capacity(self.kernels.len());
        for kernel in &self.kernels {
            if let Some(fee) = kernel.fee {
                fees.push(fee);
                continue;
            }
            let share = left / sharing;
            fees.push(FeeFields::new(self.fee_shift, share)?);
            left -= share;
            sharing -= 1;
        }
        Ok(fees)
    }

    /// The keys of the kernels and the offset: together the keys of outputs less those of inputs.
    fn balance_keys(
        &self,
        coins: &[Coin],
        rng: &mut impl Rng,
    ) -> Result<(Vec<Secret>, BlindingFactor), BuildError> {
        let add = |sum: BlindingFactor, coin: &Coin| sum.plus(&coin.key().scalar());
        let created = coins.iter().fold(BlindingFactor::ZERO, add);
        let spent = self.inputs.iter().fold(BlindingFactor::ZERO, add);
        let mut left = created.minus(&spent);
        let mut keys: Vec<Option<Secret>> = self.kernels.iter().map(|kernel| kernel.key).collect();
        let balancing = keys.iter().rposition(Option::is_none);
        for (index, key) in keys.iter_mut().enumerate() {
            if Some(index) != balancing {
                let key = key.get_or_insert_with(|| Secret::random(rng));
                left = left.minus(&key.scalar());
            }
        }
        let offset = match (self.offset, balancing) {
            (Offset::Zero, Some(_)) => BlindingFactor::ZERO,
            (Offset::Random, Some(_)) => Secret::random(rng).scalar(),
            (Offset::Random, None) => left,
            (Offset::Zero, None) => return Err(BuildError::Overdetermined),
        };
        if let Some(index) = balancing {
            keys[index] = Secret::from_scalar(left.minus(&offset));
        }
        let keys: Option<Vec<Secret>> = keys.into_iter().collect();
        Ok((keys.ok_or(BuildError::Crypto)?, offset))
    }
}

fn sum(coins: &[Coin]) -> u64 {
    coins.iter().fold(0, |sum, coin| sum.saturating_add(coin.value()))
}

/// Puts parts into canonical order and together.
pub(super) fn sorted(
    offset: BlindingFactor,
    inputs: Inputs,
    mut outputs: Vec<Output>,
    mut kernels: Vec<TxKernel>,
    consensus: &Consensus,
) -> Result<Transaction, BuildError> {
    outputs.sort_by_key(|output| *output.hash());
    kernels.sort_by_key(|kernel| *kernel.hash());
    Ok(Transaction::new(offset, inputs, outputs, kernels, consensus)?)
}
