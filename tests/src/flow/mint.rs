use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use scape_aggregate::{Commitment, Hash, Transaction, ValidTx, VerifyError, aggregate};

use super::{kernel, kernels};
use crate::net::Verify;

/// Knows every transaction that was really made, and so what a verifier would say of any other.
///
/// A transaction is genuine if it is the sum of those made transactions whose kernels it has: that
/// is what proofs, signatures and sums come to. A changed byte anywhere makes it worthless. Clones
/// share their knowledge.
#[derive(Clone, Default, Debug)]
pub struct Mint(Rc<RefCell<Made>>);

#[derive(Default, Debug)]
struct Made {
    by_kernel: HashMap<Hash, ValidTx>,
    creator: HashMap<Commitment, Hash>,
    /// What was found genuine last, by first kernel.
    verified: HashMap<Hash, Transaction>,
}

impl Mint {
    /// Nothing was made.
    pub fn new() -> Self {
        Self::default()
    }

    /// A transaction was made.
    ///
    /// # Panics
    /// If it has not exactly one kernel: which output is whose could not be told.
    pub fn add(&self, tx: &ValidTx) {
        assert_eq!(tx.kernels().len(), 1, "made transactions have one kernel");
        let mut made = self.0.borrow_mut();
        let kernel = kernel(tx);
        made.creator.extend(tx.outputs().iter().map(|output| (output.commitment(), kernel)));
        made.by_kernel.insert(kernel, tx.clone());
    }

    /// The transaction that was made with this kernel.
    pub fn tx(&self, kernel: &Hash) -> Option<ValidTx> {
        self.0.borrow().by_kernel.get(kernel).cloned()
    }

    /// The kernel of the transaction that creates an output.
    pub fn creator(&self, output: &Commitment) -> Option<Hash> {
        self.0.borrow().creator.get(output).copied()
    }

    /// The kernels outside a transaction on which it depends.
    pub fn parents(&self, tx: &Transaction) -> BTreeSet<Hash> {
        let made = self.0.borrow();
        let creators = tx.inputs().iter().filter_map(|i| made.creator.get(&i.commitment()));
        let own: HashSet<Hash> = kernels(tx).into_iter().collect();
        creators.filter(|kernel| !own.contains(*kernel)).copied().collect()
    }

    /// What the transactions with these kernels spend together that none of them creates.
    pub fn needs(&self, kernels: &[Hash]) -> BTreeSet<Commitment> {
        let made = self.0.borrow();
        let parts: Vec<&ValidTx> = kernels.iter().filter_map(|k| made.by_kernel.get(k)).collect();
        let outputs = parts.iter().flat_map(|tx| tx.outputs());
        let created: HashSet<Commitment> = outputs.map(|output| output.commitment()).collect();
        let inputs = parts.iter().flat_map(|tx| tx.inputs());
        inputs.map(|input| input.commitment()).filter(|c| !created.contains(c)).collect()
    }

    /// Whether a transaction is the sum of made ones.
    ///
    /// # Errors
    /// What a verifier would say.
    pub fn check(&self, tx: &Transaction) -> Result<(), VerifyError> {
        let mut made = self.0.borrow_mut();
        let first = tx.kernels().first().map(|kernel| *kernel.hash());
        let first = first.ok_or(VerifyError::KernelSum)?;
        if made.verified.get(&first) == Some(tx) {
            return Ok(());
        }
        let parts = tx.kernels().iter().map(|kernel| made.by_kernel.get(kernel.hash()).cloned());
        let parts: Vec<ValidTx> = parts.collect::<Option<_>>().ok_or(VerifyError::Signature)?;
        let sum = aggregate(&parts).map_err(|_| VerifyError::KernelSum)?;
        if sum.outputs() != tx.outputs() {
            return Err(VerifyError::RangeProof);
        }
        let spent = |tx: &Transaction| -> BTreeSet<Commitment> {
            tx.inputs().iter().map(|input| input.commitment()).collect()
        };
        if sum.offset() != tx.offset() || spent(&sum) != spent(tx) {
            return Err(VerifyError::KernelSum);
        }
        made.verified.insert(first, tx.clone());
        Ok(())
    }
}

impl Verify for Mint {
    fn verify(&mut self, tx: Transaction) -> Result<ValidTx, VerifyError> {
        self.check(&tx).map(|()| ValidTx::assumed(tx))
    }
}

#[cfg(test)]
mod tests {
    use scape_aggregate::{ChainType, Consensus, deaggregate};

    use super::*;
    use crate::flow::Flow;

    #[test]
    fn sums_and_differences_of_made_transactions_are_genuine() {
        let mut flow = Flow::new(Consensus::of(ChainType::Mainnet), 1, 3);
        let mint = Mint::new();
        let parent = flow.tx();
        let txs = [flow.child(&parent), parent, flow.tx()];
        txs.iter().for_each(|tx| mint.add(tx));
        let all = aggregate(&txs).expect("fits");
        assert_eq!(mint.check(&all), Ok(()));
        let rest = deaggregate(&all, &txs[2..]).expect("a part");
        assert_eq!(mint.check(&rest), Ok(()));
        assert_eq!(mint.parents(&txs[0]), BTreeSet::from([kernel(&txs[1])]));
        assert!(mint.parents(&all).is_empty());
    }

    #[test]
    fn what_was_not_made_is_refused() {
        let mut flow = Flow::new(Consensus::of(ChainType::Mainnet), 1, 3);
        let mint = Mint::new();
        let (made, other) = (flow.tx(), flow.tx());
        mint.add(&made);
        assert_eq!(mint.check(&other), Err(VerifyError::Signature));
        let both = aggregate(&[made.clone(), other]).expect("fits");
        assert_eq!(mint.check(&both), Err(VerifyError::Signature));
        let (inputs, kernels) = (made.inputs_as_held().clone(), made.kernels().to_vec());
        let consensus = Consensus::of(ChainType::Mainnet);
        let less = vec![made.outputs()[0].clone()];
        let changed = Transaction::new(*made.offset(), inputs, less, kernels, &consensus);
        assert_eq!(mint.check(&changed.expect("keeps the rules")), Err(VerifyError::RangeProof));
    }
}
