use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use thiserror::Error;

use crate::crypto::ExcessSum;
use crate::transaction::WeakTransaction;
use crate::{Hash, Output, Transaction, TxKernel, aggregate, crypto};

/// A transaction whose range proofs, kernel signatures and kernel sum are right.
///
/// It comes from a [`Verifier`], or by [`crate::aggregate`] and [`crate::deaggregate`] from others
/// of its kind. It says nothing about the chain: the inputs may not exist. Nor does an aggregate
/// respect a weight limit by itself; the planner does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ValidTx(Transaction);

impl ValidTx {
    /// For transactions made from valid ones by addition or subtraction.
    pub(crate) fn by_construction(tx: Transaction) -> Self {
        Self(tx)
    }

    /// Takes a transaction for valid that nobody verified: for simulations with thousands of nodes,
    /// where proofs are not the point. Not compiled into the product.
    #[cfg(feature = "assumed")]
    pub fn assumed(tx: Transaction) -> Self {
        Self(tx)
    }

    /// The transaction.
    pub fn as_transaction(&self) -> &Transaction {
        &self.0
    }
}

impl Deref for ValidTx {
    type Target = Transaction;

    fn deref(&self) -> &Transaction {
        &self.0
    }
}

/// What the cryptography of a transaction fails at (`grin_core`, `Transaction::validate`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum VerifyError {
    /// Outputs less inputs plus fee are not excesses plus offset, or not points at all
    /// (`Committed::verify_kernel_sums`).
    #[error("inputs, outputs, fee and kernels do not sum to zero")]
    KernelSum,
    /// A kernel signature is wrong (`TxKernel::batch_sig_verify`).
    #[error("a kernel signature is wrong")]
    Signature,
    /// A range proof is wrong (`Output::batch_verify_proofs`).
    #[error("a range proof is wrong")]
    RangeProof,
}

/// Verifies transactions, many at a time, and remembers what it has verified.
///
/// Proofs and signatures are checked in batches across transactions; a failed batch is bisected,
/// so that exactly the bad transactions are refused. What was verified before, alone or in another
/// aggregate, costs a look-up. An aggregate of valid transactions that somebody still has costs
/// nothing but merging these again. It can be shared between threads.
#[derive(Debug)]
pub struct Verifier {
    /// Valid transactions by their first kernels.
    valid: Mutex<LruCache<Hash, Known>>,
    proofs: Mutex<LruCache<Hash, ()>>,
    kernels: Mutex<LruCache<Hash, ()>>,
}

/// A transaction that was found valid.
#[derive(Debug)]
struct Known {
    tx: WeakTransaction,
    excesses: ExcessSum,
}

/// What was verified before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Memory {
    Used,
    Ignored,
}

/// Whether a transaction is good so far.
type Verdict = Result<ExcessSum, VerifyError>;

/// How many proofs or signatures go into one call of the library: beyond it a batch gains little
/// (2% from 256 to 1,024), and a bad one costs more to find.
const BATCH: usize = 256;

impl Verifier {
    /// Remembers up to `capacity` proofs, and as many kernels and transactions, about 100 bytes
    /// each. It keeps no transaction alive.
    pub fn new(capacity: NonZeroUsize) -> Self {
        Self {
            valid: Mutex::new(LruCache::new(capacity)),
            proofs: Mutex::new(LruCache::new(capacity)),
            kernels: Mutex::new(LruCache::new(capacity)),
        }
    }

    /// Verifies one transaction.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify(&self, tx: Transaction) -> Result<ValidTx, VerifyError> {
        match self.verify_batch(vec![tx]).pop() {
            Some(verdict) => verdict,
            None => unreachable!("one transaction has one verdict"),
        }
    }

    /// Verifies transactions together; the verdicts are in the order of the transactions and equal
    /// those of verifying each alone.
    pub fn verify_batch(&self, txs: Vec<Transaction>) -> Vec<Result<ValidTx, VerifyError>> {
        let merged: Vec<_> = txs.iter().map(|tx| self.merge_of_known(tx)).collect();
        let new = txs.into_iter().zip(&merged).filter(|(_, merged)| merged.is_none());
        let new = new.map(|(tx, _)| tx).collect();
        let mut verdicts = self.verify_new(new, Memory::Used).into_iter();
        merged.into_iter().filter_map(|merged| merged.map(Ok).or_else(|| verdicts.next())).collect()
    }

    /// The same, but verifies everything, known or not: how long that takes says nothing of what was
    /// verified before.
    pub fn verify_batch_anew(&self, txs: Vec<Transaction>) -> Vec<Result<ValidTx, VerifyError>> {
        self.verify_new(txs, Memory::Ignored)
    }

    /// Forgets that this was ever verified, as one does with what others must not find known here.
    pub fn forget(&self, tx: &Transaction) {
        if let Some(kernel) = tx.kernels().first() {
            lock(&self.valid).pop(kernel.hash());
        }
        for kernel in tx.kernels() {
            lock(&self.kernels).pop(kernel.hash());
        }
        for output in tx.outputs() {
            lock(&self.proofs).pop(&output.proof_hash());
        }
    }

    fn verify_new(
        &self,
        txs: Vec<Transaction>,
        memory: Memory,
    ) -> Vec<Result<ValidTx, VerifyError>> {
        let balance = |tx| crypto::balance(tx).ok_or(VerifyError::KernelSum);
        let mut verdicts: Vec<Verdict> = txs.iter().map(balance).collect();
        self.verify_kernels(&txs, memory, &mut verdicts);
        self.verify_proofs(&txs, memory, &mut verdicts);
        let mut valid = lock(&self.valid);
        let verdicts = txs.into_iter().zip(verdicts).map(|(tx, verdict)| {
            let excesses = verdict?;
            if let Some(kernel) = tx.kernels().first() {
                valid.put(*kernel.hash(), Known { tx: tx.downgrade(), excesses });
            }
            Ok(ValidTx(tx))
        });
        verdicts.collect()
    }

    /// The transaction as the merge of valid ones that are still there. It shares their proofs.
    fn merge_of_known(&self, tx: &Transaction) -> Option<ValidTx> {
        let (parts, excesses) = self.known_parts(tx)?;
        let merged = aggregate(&parts).ok()?;
        let same = *merged.as_transaction() == *tx;
        (same && crypto::balance_together(&excesses, tx.offset())).then_some(merged)
    }

    /// Valid transactions that have all kernels of `tx`, each once.
    fn known_parts(&self, tx: &Transaction) -> Option<(Vec<ValidTx>, Vec<ExcessSum>)> {
        let mut valid = lock(&self.valid);
        let (mut parts, mut covered) = (Vec::new(), HashSet::new());
        for kernel in tx.kernels() {
            // Kernels ascend, so that the first of a part comes before its others.
            if covered.contains(kernel.hash()) {
                continue;
            }
            let known = valid.get(kernel.hash())?;
            let part = known.tx.upgrade()?;
            covered.extend(part.kernels().iter().skip(1).map(|kernel| *kernel.hash()));
            parts.push((ValidTx(part), known.excesses));
        }
        Some(parts.into_iter().unzip())
    }

    fn verify_kernels(&self, txs: &[Transaction], memory: Memory, verdicts: &mut [Verdict]) {
        let kernels = still_good(txs, verdicts)
            .flat_map(|(index, tx)| tx.kernels().iter().map(move |kernel| (index, kernel)));
        let kernels = kernels.map(|(i, kernel)| (i, kernel, *kernel.hash()));
        let unknown = unknown(&self.kernels, memory, kernels);
        let check = |batch: &[Item<'_, TxKernel>]| {
            crypto::verify_signatures(batch.iter().map(|item| item.element))
        };
        refuse_bad(&unknown, verdicts, VerifyError::Signature, &check);
        remember(&self.kernels, &unknown, verdicts);
    }

    fn verify_proofs(&self, txs: &[Transaction], memory: Memory, verdicts: &mut [Verdict]) {
        let outputs = still_good(txs, verdicts)
            .flat_map(|(index, tx)| tx.outputs().iter().map(move |output| (index, output)));
        let outputs = outputs.map(|(i, output)| (i, output, output.proof_hash()));
        let unknown = unknown(&self.proofs, memory, outputs);
        let check = |batch: &[Item<'_, Output>]| {
            crypto::verify_proofs(batch.iter().map(|item| item.element))
        };
        refuse_bad(&unknown, verdicts, VerifyError::RangeProof, &check);
        remember(&self.proofs, &unknown, verdicts);
    }
}

/// A proof or a kernel to verify, and the index of the transaction it is of.
struct Item<'a, T> {
    tx: usize,
    element: &'a T,
    key: Hash,
}

fn still_good<'a>(
    txs: &'a [Transaction],
    verdicts: &[Verdict],
) -> impl Iterator<Item = (usize, &'a Transaction)> {
    txs.iter().enumerate().filter(|(index, _)| verdicts[*index].is_ok())
}

fn unknown<'a, T>(
    cache: &Mutex<LruCache<Hash, ()>>,
    memory: Memory,
    elements: impl Iterator<Item = (usize, &'a T, Hash)>,
) -> Vec<Item<'a, T>> {
    // Hashing happens before the lock is taken.
    let mut items: Vec<_> = elements.map(|(tx, element, key)| Item { tx, element, key }).collect();
    if memory == Memory::Used {
        let mut cache = lock(cache);
        items.retain(|item| cache.get(&item.key).is_none());
    }
    items
}

fn lock<T>(cache: &Mutex<T>) -> MutexGuard<'_, T> {
    cache.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember<T>(cache: &Mutex<LruCache<Hash, ()>>, items: &[Item<'_, T>], verdicts: &[Verdict]) {
    let mut cache = lock(cache);
    for item in items.iter().filter(|item| verdicts[item.tx].is_ok()) {
        cache.put(item.key, ());
    }
}

fn refuse_bad<T>(
    items: &[Item<'_, T>],
    verdicts: &mut [Verdict],
    error: VerifyError,
    check: &impl Fn(&[Item<'_, T>]) -> bool,
) {
    for batch in items.chunks(BATCH) {
        bisect(batch, verdicts, error, check);
    }
}

/// Narrows a failed batch down to the transactions that made it fail.
fn bisect<T>(
    batch: &[Item<'_, T>],
    verdicts: &mut [Verdict],
    error: VerifyError,
    check: &impl Fn(&[Item<'_, T>]) -> bool,
) {
    // A transaction that is refused already needs no second reason.
    if batch.iter().all(|item| verdicts[item.tx].is_err()) || check(batch) {
        return;
    }
    // Which part of a transaction is wrong matters to nobody.
    let Some(first) = batch.first() else { return };
    if batch.iter().all(|item| item.tx == first.tx) {
        verdicts[first.tx] = Err(error);
        return;
    }
    let (left, right) = batch.split_at(batch.len() / 2);
    bisect(left, verdicts, error, check);
    bisect(right, verdicts, error, check);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::{Recipe, corpus};
    use crate::{ChainType, Consensus};

    /// That it is verified anew shows in the time alone.
    #[test]
    fn what_is_forgotten_leaves_nothing() {
        let chain = Consensus::of(ChainType::Mainnet);
        let verifier = Verifier::new(NonZeroUsize::MIN.saturating_add(99));
        let built = corpus(1, 3, &Recipe::variety(&chain), &chain).expect("built");
        let mut txs = built.into_iter().map(|built| verifier.verify(built.tx).expect("valid"));
        let (kept, forgotten): (Vec<_>, Vec<_>) = (txs.by_ref().take(1).collect(), txs.collect());
        forgotten.iter().for_each(|tx| verifier.forget(tx));
        let kept = &kept[0];
        let lens = (lock(&verifier.valid).len(), lock(&verifier.kernels).len());
        assert_eq!(lens, (1, kept.kernels().len()));
        assert_eq!(lock(&verifier.proofs).len(), kept.outputs().len());
    }
}
