//! The one place that calls Grin's libsecp256k1-zkp.
//!
//! The library is guarded here: its batch verifiers crash the process on empty or uneven input, and
//! its sum of blinding factors panics on a key out of range. Nothing here can be called that way.

use std::num::NonZeroUsize;
use std::sync::{Mutex, OnceLock, PoisonError};

use lru::LruCache;
use secp256k1zkp::pedersen::{Commitment as Point, RangeProof as Proof};
use secp256k1zkp::{ContextFlag, Message, PublicKey, Secp256k1, Signature, aggsig, key};

use crate::{BlindingFactor, Commitment, Output, PROOF_SIZE, Transaction, TxKernel};

/// One context for all threads, made on first use (8 ms). Verification only reads it.
pub(crate) fn context() -> &'static Secp256k1 {
    static CONTEXT: OnceLock<Secp256k1> = OnceLock::new();
    CONTEXT.get_or_init(|| Secp256k1::with_caps(ContextFlag::Commit))
}

pub(crate) fn point(commitment: Commitment) -> Point {
    Point(commitment.0)
}

/// Whether a commitment is a point on the curve.
pub(crate) fn is_point(commitment: Commitment) -> bool {
    point(commitment).to_pubkey(context()).is_ok()
}

/// Whether every range proof of a batch holds. A batch of 64 costs a fifth of 64 single proofs.
pub(crate) fn verify_proofs<'a>(outputs: impl IntoIterator<Item = &'a Output>) -> bool {
    let (mut points, mut proofs) = (Vec::new(), Vec::new());
    for output in outputs {
        points.push(point(output.commitment()));
        proofs.push(Proof { proof: output.proof().0, plen: PROOF_SIZE });
    }
    points.is_empty() || context().verify_bullet_proof_multi(points, proofs, None).is_ok()
}

/// Whether every kernel signature of a batch holds.
pub(crate) fn verify_signatures<'a>(kernels: impl IntoIterator<Item = &'a TxKernel>) -> bool {
    let (mut signatures, mut messages, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    for kernel in kernels {
        let message = Message::from_slice(kernel.features().message().as_bytes());
        let signature = Signature::from_raw_data(&kernel.signature().0);
        let (Ok(key), Ok(message), Ok(signature)) = (public_key(kernel), message, signature) else {
            return false;
        };
        signatures.push(signature);
        messages.push(message);
        keys.push(key);
    }
    signatures.is_empty() || aggsig::verify_batch(context(), &signatures, &messages, &keys)
}

fn public_key(kernel: &TxKernel) -> Result<PublicKey, secp256k1zkp::Error> {
    point(kernel.excess()).to_pubkey(context())
}

/// The sum of the excesses of a transaction that balances, or of several.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExcessSum(PublicKey);

/// Whether `sum(outputs) - sum(inputs) + fee*H = sum(excesses) + offset*G`.
///
/// As in Grin (`grin_core::core::committed`) a sum that is the point at infinity fails, that of
/// the excesses alone included, and the all-zero commitment is left out of the sums.
pub(crate) fn balance(tx: &Transaction) -> Option<ExcessSum> {
    surely_balances(tx).or_else(|| {
        (utxo_sum(tx)? == kernel_sum(tx)?).then_some(())?;
        excess_sum(tx)?.to_pubkey(context()).ok().map(ExcessSum)
    })
}

/// Whether transactions that balance do so together: neither the sum of their excesses nor that
/// with the sum of their offsets may be infinity.
pub(crate) fn balance_together(parts: &[ExcessSum], offset: &BlindingFactor) -> bool {
    let keys: Vec<_> = parts.iter().map(|part| part.0).collect();
    sum(&keys).and_then(|excesses| plus_offset(excesses, offset)).is_some()
}

/// Whether `sum(outputs) + fee*H = sum(excesses) + offset*G + sum(inputs)`, a third of the price:
/// every commitment is decompressed once and no sum is compressed again.
///
/// The library adds public keys to anything but infinity. So `None` leaves the verdict to the full
/// sums; and where there is a result, neither the excesses nor these with the offset are infinity.
fn surely_balances(tx: &Transaction) -> Option<ExcessSum> {
    let mut created = keys(tx.outputs().iter().map(Output::commitment))?;
    if tx.fee() != 0 {
        created.push(fee_key(tx.fee())?);
    }
    let excesses = sum(&keys(tx.kernels().iter().map(TxKernel::excess))?)?;
    let mut spent = keys(tx.inputs().iter().map(|input| input.commitment()))?;
    spent.push(plus_offset(excesses, tx.offset())?);
    (sum(&created)? == sum(&spent)?).then_some(ExcessSum(excesses))
}

fn plus_offset(excesses: PublicKey, offset: &BlindingFactor) -> Option<PublicKey> {
    if *offset == BlindingFactor::ZERO {
        return Some(excesses);
    }
    let offset = key::SecretKey::from_slice(context(), &offset.0).ok()?;
    sum(&[excesses, PublicKey::from_secret_key(context(), &offset).ok()?])
}

fn keys(commitments: impl Iterator<Item = Commitment>) -> Option<Vec<PublicKey>> {
    commitments.map(|commitment| point(commitment).to_pubkey(context()).ok()).collect()
}

fn sum(keys: &[PublicKey]) -> Option<PublicKey> {
    match keys {
        [] => None,
        [key] => Some(*key),
        keys => PublicKey::from_combination(context(), keys.iter().collect()).ok(),
    }
}

/// `fee*H`. Most transactions pay one of a few fees, and the point costs as much as all the rest of
/// a sum.
fn fee_key(fee: u64) -> Option<PublicKey> {
    static KNOWN: OnceLock<Mutex<LruCache<u64, PublicKey>>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| Mutex::new(LruCache::new(REMEMBERED_FEES)));
    let found = known.lock().unwrap_or_else(PoisonError::into_inner).get(&fee).copied();
    if found.is_some() {
        return found;
    }
    let key = context().commit_value(fee).ok()?.to_pubkey(context()).ok()?;
    known.lock().unwrap_or_else(PoisonError::into_inner).put(fee, key);
    Some(key)
}

const REMEMBERED_FEES: NonZeroUsize = NonZeroUsize::new(1_024).expect("not zero");

fn utxo_sum(tx: &Transaction) -> Option<Point> {
    let inputs = tx.inputs().iter().map(|input| input.commitment());
    let mut positive = nonzero_points(tx.outputs().iter().map(Output::commitment));
    if tx.fee() != 0 {
        positive.push(context().commit_value(tx.fee()).ok()?);
    }
    context().commit_sum(positive, nonzero_points(inputs)).ok()
}

fn excess_sum(tx: &Transaction) -> Option<Point> {
    let excesses = nonzero_points(tx.kernels().iter().map(TxKernel::excess));
    context().commit_sum(excesses, vec![]).ok()
}

fn kernel_sum(tx: &Transaction) -> Option<Point> {
    let sum = excess_sum(tx)?;
    if *tx.offset() == BlindingFactor::ZERO {
        return Some(sum);
    }
    let offset = key::SecretKey::from_slice(context(), &tx.offset().0).ok()?;
    let offset = context().commit(0, offset).ok()?;
    context().commit_sum(vec![sum, offset], vec![]).ok()
}

fn nonzero_points(commitments: impl Iterator<Item = Commitment>) -> Vec<Point> {
    commitments.filter(|commitment| commitment.0 != [0; Commitment::SIZE]).map(point).collect()
}

/// The 64 bytes that JSON has instead of the raw signature; `None` if a half is out of range.
pub(crate) fn signature_from_compact(compact: &[u8; 64]) -> Option<crate::Signature> {
    let signature = Signature::from_compact(context(), compact).ok()?;
    Some(crate::Signature(signature.to_raw_data()))
}

/// The form of a signature that JSON has.
pub(crate) fn signature_to_compact(signature: &crate::Signature) -> Option<[u8; 64]> {
    let signature = Signature::from_raw_data(&signature.0).ok()?;
    Some(signature.serialize_compact(context()))
}
