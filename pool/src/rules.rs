//! The rules that the chain and the pools decide.

use scape_aggregate::{Commitment, Consensus, KernelFeatures, OutputFeatures, Transaction};

use crate::orphans::Waiting;
use crate::{Context, Pool, Refusal, Utxo};

/// Whether a transaction fits in now.
pub(crate) enum Check {
    Fits,
    Waits(Waiting),
    Refused(Refusal),
}

impl Pool {
    /// Whether a transaction fits in: the stempool counts for stem transactions only, so that what
    /// is public never depends on it.
    pub(crate) fn check(&self, tx: &Transaction, stem: bool, ctx: &Context<'_>) -> Check {
        let rules = || {
            check_lock_height(tx, ctx)?;
            self.check_nrd(tx, stem, ctx)?;
            self.check_outputs(tx, stem, ctx)?;
            self.check_inputs(tx, stem, ctx)
        };
        match rules() {
            Err(refusal) => Check::Refused(refusal),
            Ok(missing) if missing.is_empty() => Check::Fits,
            Ok(missing) => Check::Waits(Waiting::For(missing)),
        }
    }

    /// The same for what was accepted once, which may wait for a height. But inputs come first:
    /// whoever waits for a height must not find out only then that one of them is lost.
    pub(crate) fn check_again(&self, tx: &Transaction, stem: bool, ctx: &Context<'_>) -> Check {
        let check = self.check(tx, stem, ctx);
        let Check::Refused(refusal) = check else { return check };
        let Some(height) = height_awaited(refusal) else { return check };
        let inputs = tx.inputs().iter().map(|input| input.commitment());
        let missing: Vec<_> = inputs.filter(|input| !self.exists(input, stem, ctx)).collect();
        Check::Waits(if missing.is_empty() { height } else { Waiting::For(missing) })
    }

    /// Whether an output is there, in the chain or pending.
    pub(crate) fn exists(&self, commitment: &Commitment, stem: bool, ctx: &Context<'_>) -> bool {
        ctx.chain.utxo(commitment).is_some()
            || self.txpool.creator(commitment).is_some()
            || stem && self.stem.creator(commitment).is_some()
    }

    fn check_nrd(&self, tx: &Transaction, stem: bool, ctx: &Context<'_>) -> Result<(), Refusal> {
        for kernel in tx.kernels() {
            let KernelFeatures::NoRecentDuplicate { relative_height, .. } = kernel.features()
            else {
                continue;
            };
            let excess = kernel.excess();
            let pending = self.txpool.with_nrd(&excess).is_some()
                || stem && self.stem.with_nrd(&excess).is_some();
            if pending {
                return Err(Refusal::PendingNrd);
            }
            if let Some(last) = ctx.chain.last_nrd(&excess) {
                let allowed = last + relative_height.blocks();
                if allowed > ctx.chain.tip().height + 1 {
                    return Err(Refusal::RecentNrd { allowed });
                }
            }
        }
        Ok(())
    }

    fn check_outputs(
        &self,
        tx: &Transaction,
        stem: bool,
        ctx: &Context<'_>,
    ) -> Result<(), Refusal> {
        match tx.outputs().iter().any(|output| self.exists(&output.commitment(), stem, ctx)) {
            true => Err(Refusal::OutputExists),
            false => Ok(()),
        }
    }

    /// Which inputs do not exist yet.
    fn check_inputs(
        &self,
        tx: &Transaction,
        stem: bool,
        ctx: &Context<'_>,
    ) -> Result<Vec<Commitment>, Refusal> {
        let mut missing = Vec::new();
        for input in tx.inputs() {
            let commitment = input.commitment();
            let spent = self.txpool.spender(&commitment).is_some()
                || stem && self.stem.spender(&commitment).is_some();
            if spent {
                return Err(Refusal::Conflict);
            }
            let pending = self.txpool.creator(&commitment).is_some()
                || stem && self.stem.creator(&commitment).is_some();
            let features = match ctx.chain.utxo(&commitment) {
                _ if pending => OutputFeatures::Plain,
                Some(utxo) => {
                    check_maturity(utxo, &self.config.consensus, ctx)?;
                    utxo.features
                }
                None => {
                    missing.push(commitment);
                    continue;
                }
            };
            if input.features().is_some_and(|claimed| claimed != features) {
                return Err(Refusal::InputFeatures);
            }
        }
        Ok(missing)
    }
}

pub(crate) fn check_fee(tx: &Transaction) -> Result<(), Refusal> {
    if tx.pays_relay_fee() {
        return Ok(());
    }
    Err(Refusal::LowFee { paid: tx.shifted_fee(), required: tx.relay_fee() })
}

fn check_lock_height(tx: &Transaction, ctx: &Context<'_>) -> Result<(), Refusal> {
    let (lock_height, next_height) = (tx.lock_height(), ctx.chain.tip().height + 1);
    match lock_height > next_height {
        true => Err(Refusal::LockHeight { lock_height, next_height }),
        false => Ok(()),
    }
}

fn check_maturity(utxo: Utxo, consensus: &Consensus, ctx: &Context<'_>) -> Result<(), Refusal> {
    let matures = utxo.height + consensus.chain.coinbase_maturity();
    let mature = utxo.features == OutputFeatures::Plain || matures <= ctx.chain.tip().height + 1;
    if mature { Ok(()) } else { Err(Refusal::ImmatureCoinbase { matures }) }
}

/// The wait that a refusal amounts to, if it is one for a height.
fn height_awaited(refusal: Refusal) -> Option<Waiting> {
    match refusal {
        Refusal::LockHeight { lock_height: height, .. }
        | Refusal::ImmatureCoinbase { matures: height }
        | Refusal::RecentNrd { allowed: height } => Some(Waiting::Until(height.saturating_sub(1))),
        _ => None,
    }
}
