use std::collections::HashSet;

use scape_aggregate::{Hash, Transaction, ValidTx, Verifier, VerifyError};

/// Verifies transactions for all nodes of a network.
///
/// The production [`Verifier`] is one; then all nodes share its memory of what was verified.
pub trait Verify {
    /// Verifies one transaction.
    ///
    /// # Errors
    /// What is wrong with it.
    fn verify(&mut self, tx: Transaction) -> Result<ValidTx, VerifyError>;
}

impl Verify for Verifier {
    fn verify(&mut self, tx: Transaction) -> Result<ValidTx, VerifyError> {
        Verifier::verify(self, tx)
    }
}

/// Takes every transaction for valid but those that hold a kernel known to be bad.
#[derive(Clone, Default, Debug)]
pub struct Assume {
    bad: HashSet<Hash>,
}

impl Assume {
    /// Everything is valid but what holds one of these kernels.
    pub fn all_but(bad: impl IntoIterator<Item = Hash>) -> Self {
        Self { bad: bad.into_iter().collect() }
    }
}

impl Verify for Assume {
    fn verify(&mut self, tx: Transaction) -> Result<ValidTx, VerifyError> {
        match tx.kernels().iter().any(|kernel| self.bad.contains(kernel.hash())) {
            true => Err(VerifyError::Signature),
            false => Ok(ValidTx::assumed(tx)),
        }
    }
}
