//! Transactions as a list that can be written down: which coins each spends, and how it is locked.

use std::fmt;
use std::str::FromStr;

use scape_aggregate::builder::{AssumedTx, seeded};
use scape_aggregate::{Commitment, Consensus, NrdRelativeHeight, ValidTx, aggregate};

/// What a planned transaction spends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CoinPlan {
    /// A coin of the genesis, written `c7`.
    Genesis(usize),
    /// An output of an earlier transaction of the plan, written `t3.0`.
    Output(usize, usize),
}

/// An NRD kernel, written `5.3`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NrdPlan {
    /// Kernels of one group have one excess.
    pub group: u8,
    /// How many blocks have to be between two of them; not zero.
    pub blocks: u16,
}

/// A transaction to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TxPlan {
    /// Of which earlier transactions it is merged; if of any, the rest means nothing.
    pub merges: Vec<usize>,
    /// What it spends: once each, in any order.
    pub spends: Vec<CoinPlan>,
    /// How many outputs it creates.
    pub outputs: usize,
    /// The first height of a block that may hold it; zero: any.
    pub lock: u64,
    /// Whether its kernel is an NRD kernel; then it has no other lock.
    pub nrd: Option<NrdPlan>,
    /// How many times as much it pays as nodes ask for.
    pub generosity: u64,
}

impl TxPlan {
    /// Spends these coins, creates two outputs, pays what it must.
    pub fn spending(spends: impl IntoIterator<Item = CoinPlan>) -> Self {
        let (merges, spends) = (Vec::new(), spends.into_iter().collect());
        Self { merges, spends, outputs: 2, lock: 0, nrd: None, generosity: 1 }
    }

    /// Earlier transactions, merged.
    pub fn merging(merges: impl IntoIterator<Item = usize>) -> Self {
        Self { merges: merges.into_iter().collect(), ..Self::spending([]) }
    }
}

/// Makes the transactions of a plan, in its order. Each has randomness of its own, so that leaving
/// one out changes no other.
///
/// # Panics
/// If one spends what is not there: a coin beyond the genesis, or an output of a later one; if one
/// merges what excludes each other; if NRD kernels are not allowed, or are not of a possible distance.
pub fn build(
    plans: &[TxPlan],
    coins: &[Commitment],
    consensus: &Consensus,
    seed: u64,
) -> Vec<ValidTx> {
    let mut made: Vec<ValidTx> = Vec::with_capacity(plans.len());
    for (index, plan) in plans.iter().enumerate() {
        if !plan.merges.is_empty() {
            let parts: Vec<ValidTx> = plan.merges.iter().map(|part| made[*part].clone()).collect();
            match aggregate(&parts) {
                Ok(tx) => made.push(tx),
                Err(error) => unreachable!("a plan merges what can be merged: {error}"),
            }
            continue;
        }
        let coin = |coin: &CoinPlan| match *coin {
            CoinPlan::Genesis(number) => coins[number],
            CoinPlan::Output(tx, output) => {
                let outputs = made[tx].outputs();
                outputs[output % outputs.len()].commitment()
            }
        };
        let spends: Vec<Commitment> = plan.spends.iter().map(coin).collect();
        let mut rng = seeded(seed, 0x7478_0000_0000 + index as u64);
        let relayed = spends.len() as u64 + 21 * plan.outputs as u64 + 3;
        let builder = spends.into_iter().fold(AssumedTx::new(), AssumedTx::spend);
        let builder = builder.outputs(plan.outputs).fee(relayed * 500_000 * plan.generosity);
        let builder = if plan.lock > 0 { builder.height_locked(plan.lock) } else { builder };
        let builder = match plan.nrd {
            Some(nrd) => builder.nrd(distance(nrd), Some(excess(nrd.group))),
            None => builder,
        };
        match builder.build(&mut rng, consensus) {
            Ok(tx) => made.push(tx),
            Err(error) => unreachable!("a plan keeps the rules: {error}"),
        }
    }
    made
}

fn distance(nrd: NrdPlan) -> NrdRelativeHeight {
    match NrdRelativeHeight::new(nrd.blocks.into()) {
        Ok(distance) => distance,
        Err(error) => unreachable!("a plan keeps the rules: {error}"),
    }
}

fn excess(group: u8) -> Commitment {
    let mut excess = [group; Commitment::SIZE];
    excess[0] = 8;
    Commitment(excess)
}

impl fmt::Display for NrdPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.group, self.blocks)
    }
}

impl FromStr for NrdPlan {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (group, blocks) = text.split_once('.').ok_or(())?;
        let (group, blocks) = (group.parse().map_err(drop)?, blocks.parse().map_err(drop)?);
        let plan = Self { group, blocks };
        NrdRelativeHeight::new(blocks.into()).map(|_| plan).map_err(drop)
    }
}

impl fmt::Display for CoinPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Genesis(number) => write!(f, "c{number}"),
            Self::Output(tx, output) => write!(f, "t{tx}.{output}"),
        }
    }
}

impl FromStr for CoinPlan {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let number = |text: &str| text.parse::<usize>().map_err(|_| ());
        if let Some(coin) = text.strip_prefix('c') {
            return Ok(Self::Genesis(number(coin)?));
        }
        let (tx, output) = text.strip_prefix('t').and_then(|t| t.split_once('.')).ok_or(())?;
        Ok(Self::Output(number(tx)?, number(output)?))
    }
}
