//! Secret keys, and the calls of the library that need them.

use std::fmt;

use rand::Rng;
use secp256k1zkp::key::SecretKey;
use secp256k1zkp::{Message, PublicKey, aggsig};

use super::BuildError;
use crate::crypto::context;
use crate::{BlindingFactor, Commitment, Hash, KernelFeatures, RangeProof, Signature, TxKernel};

/// A secret key of a coin or of a kernel: a scalar that is neither zero nor out of range.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret(BlindingFactor);

impl Secret {
    /// Draws a key.
    pub fn random(rng: &mut impl Rng) -> Self {
        loop {
            let mut bytes = [0; 32];
            rng.fill_bytes(&mut bytes);
            if let Some(key) = Self::from_scalar(BlindingFactor(bytes)) {
                return key;
            }
        }
    }

    /// Takes a scalar; `None` if it is zero or out of range.
    pub fn from_scalar(scalar: BlindingFactor) -> Option<Self> {
        (scalar.is_canonical() && scalar != BlindingFactor::ZERO).then_some(Self(scalar))
    }

    /// The key as a number.
    pub fn scalar(&self) -> BlindingFactor {
        self.0
    }

    /// The key of the opposite point.
    pub fn negated(&self) -> Self {
        Self(BlindingFactor::ZERO.minus(&self.0))
    }

    /// The sum of two keys; `None` if they cancel.
    pub fn plus(&self, other: &Self) -> Option<Self> {
        Self::from_scalar(self.0.plus(&other.0))
    }

    /// A key that follows from this one and a name: for nonces.
    fn derived(&self, name: &str, context: &[u8]) -> Self {
        let mut counter = 0_u8;
        loop {
            let hash = Hash::of(&[name.as_bytes(), &[counter], &self.0.0, context]);
            if let Some(key) = Self::from_scalar(BlindingFactor(hash.0)) {
                return key;
            }
            counter = counter.wrapping_add(1);
        }
    }

    fn library(&self) -> Result<SecretKey, BuildError> {
        SecretKey::from_slice(context(), &self.0.0).map_err(|_| BuildError::Crypto)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// `value*H + key*G`.
pub(super) fn commit(value: u64, key: &Secret) -> Result<Commitment, BuildError> {
    let point = context().commit(value, key.library()?).map_err(|_| BuildError::Crypto)?;
    Ok(Commitment(point.0))
}

/// `value*H + key*G` for any scalar as the value, provable or not.
pub(super) fn commit_scalar(value: &Secret, key: &Secret) -> Result<Commitment, BuildError> {
    let point = context().commit_blind(value.library()?, key.library()?);
    Ok(Commitment(point.map_err(|_| BuildError::Crypto)?.0))
}

/// The range proof of a coin. Its nonces follow from the key: same coin, same proof.
pub(super) fn prove(value: u64, key: &Secret) -> Result<RangeProof, BuildError> {
    let nonce = |name| key.derived(name, &value.to_be_bytes()).library();
    let proof = context()
        .bullet_proof(value, key.library()?, nonce("rewind")?, nonce("private")?, None, None)
        .map_err(|_| BuildError::Crypto)?;
    proof.bytes().try_into().map(RangeProof).map_err(|_| BuildError::Crypto)
}

/// A kernel with the key's point as excess, signed. The nonce follows from key and message, so
/// that the same kernel has the same signature.
pub(super) fn sign(features: KernelFeatures, key: &Secret) -> Result<TxKernel, BuildError> {
    let signature = sign_message(&features.message(), key)?;
    Ok(TxKernel::new(features, commit(0, key)?, signature))
}

/// Signs any message as kernels are signed.
pub(super) fn sign_message(message: &Hash, key: &Secret) -> Result<Signature, BuildError> {
    let error = |_| BuildError::Crypto;
    let secret = key.library()?;
    let public = PublicKey::from_secret_key(context(), &secret).map_err(error)?;
    let nonce = key.derived("signature", message.as_bytes()).library()?;
    let message = Message::from_slice(message.as_bytes()).map_err(error)?;
    let signature = aggsig::sign_single(
        context(),
        &message,
        &secret,
        // The library draws from its own generator only where no nonce is given.
        Some(&nonce),
        None,
        None,
        Some(&public),
        None,
    );
    Ok(Signature(signature.map_err(error)?.to_raw_data()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FeeFields;
    use crate::builder::seeded;
    use crate::crypto::verify_signatures;

    #[test]
    fn proofs_and_signatures_are_equal_on_repeated_calls() {
        let key = Secret::random(&mut seeded(1, 0));
        assert_eq!(prove(5, &key), prove(5, &key));
        let features = KernelFeatures::Plain { fee: FeeFields::from_bits(9) };
        let kernel = sign(features, &key).unwrap();
        for _ in 0..8 {
            assert_eq!(sign(features, &key).unwrap(), kernel);
        }
        assert!(verify_signatures([&kernel]));
    }

    #[test]
    fn negated_keys_cancel() {
        let key = Secret::random(&mut seeded(2, 0));
        assert_eq!(key.plus(&key.negated()), None);
    }
}
