//! Verification, beside the library's own batches.

use std::num::NonZeroUsize;
use std::time::Duration;

use grin_util::secp::pedersen::{Commitment, RangeProof};
use grin_util::secp::{ContextFlag, Message, PublicKey, Secp256k1, Signature, aggsig};
use scape_aggregate::builder::parallel;
use scape_aggregate::{PROOF_SIZE, Transaction, ValidTx, Verifier};

use crate::measure::{Bench, Figures, Ratio, cores, timed};

/// Transactions that one thread verifies at once.
pub(crate) const BATCH: usize = 128;
/// What the library is given at once: so many proofs, so many signatures.
const LIBRARY_BATCH: usize = 64;

/// What the library is called with.
struct Raw {
    proofs: Vec<(Commitment, RangeProof)>,
    signatures: Vec<(Signature, Message, PublicKey)>,
}

/// All that we do to verify, beside nothing but the library's own batches, on all cores.
pub(crate) fn verify_ceiling(bench: &Bench) -> Figures {
    let secp = Secp256k1::with_caps(ContextFlag::Commit);
    let txs = bench.corpus.decoded();
    let raw = Raw::of(&txs, &secp);
    let times = bench.in_turns(
        8,
        || raw.verify(&secp),
        || {
            let txs = txs.clone();
            timed(|| verify(&fresh_verifier(), txs))
        },
    );
    times.micros_each(txs.len(), Ratio::Speedup)
}

pub(crate) fn fresh_verifier() -> Verifier {
    Verifier::new(NonZeroUsize::new(200_000).unwrap())
}

/// Verifies in batches on all cores.
pub(crate) fn verify(verifier: &Verifier, txs: Vec<Transaction>) -> Vec<ValidTx> {
    // The last batches are no larger than the first, or a thread would wait for another.
    let rounds = txs.len().div_ceil(BATCH * cores());
    let size = txs.len().div_ceil(rounds * cores());
    let batches: Vec<_> = txs.chunks(size).collect();
    let verdicts =
        parallel(0, batches.len(), |index, _| verifier.verify_batch(batches[index].to_vec()));
    verdicts.into_iter().flatten().map(Result::unwrap).collect()
}

impl Raw {
    fn of(txs: &[Transaction], secp: &Secp256k1) -> Self {
        let outputs = txs.iter().flat_map(|tx| tx.outputs());
        let proofs = outputs.map(|output| {
            let proof = RangeProof { proof: output.proof().0, plen: PROOF_SIZE };
            (Commitment(output.commitment().0), proof)
        });
        let kernels = txs.iter().flat_map(|tx| tx.kernels());
        let signatures = kernels.map(|kernel| {
            let message = Message::from_slice(kernel.features().message().as_bytes()).unwrap();
            let key = Commitment(kernel.excess().0).to_pubkey(secp).unwrap();
            (Signature::from_raw_data(&kernel.signature().0).unwrap(), message, key)
        });
        Self { proofs: proofs.collect(), signatures: signatures.collect() }
    }

    fn verify(&self, secp: &Secp256k1) -> Duration {
        let proofs: Vec<_> = self.proofs.chunks(LIBRARY_BATCH).collect();
        let signatures: Vec<_> = self.signatures.chunks(LIBRARY_BATCH).collect();
        timed(|| {
            parallel(0, proofs.len(), |index, _| {
                let (commitments, proofs) = proofs[index].iter().cloned().unzip();
                secp.verify_bullet_proof_multi(commitments, proofs, None).unwrap();
            });
            parallel(0, signatures.len(), |index, _| {
                let (mut parts, mut messages, mut keys) = (Vec::new(), Vec::new(), Vec::new());
                for (signature, message, key) in signatures[index] {
                    parts.push(*signature);
                    messages.push(*message);
                    keys.push(*key);
                }
                assert!(aggsig::verify_batch(secp, &parts, &messages, &keys));
            });
        })
    }
}
