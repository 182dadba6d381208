//! Batches: exactly the bad members are refused, whatever the order and the cache.

use std::num::NonZeroUsize;
use std::sync::OnceLock;

use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use scape_aggregate::builder::{Damage, Stage, parallel};
use scape_aggregate::{ProtocolVersion, Transaction, Verifier, VerifyError};

use crate::sample::{MAINNET, SEED, fresh_verifier, lone, merged, on_all_cores};

type Verdict = Result<(), VerifyError>;

/// Sound and broken transactions, with the verdict on each alone.
fn pool() -> &'static [(Transaction, Verdict)] {
    static POOL: OnceLock<Vec<(Transaction, Verdict)>> = OnceLock::new();
    POOL.get_or_init(|| {
        let sound = lone().iter().take(60).map(|built| built.tx.clone());
        let sound: Vec<_> = sound.chain(merged().iter().take(30).cloned()).collect();
        let broken = parallel(SEED + 4, 120, |index, rng| {
            let damages: Vec<_> = Damage::ALL.into_iter().filter(only_the_verifier_sees).collect();
            let damage = damages[index % damages.len()];
            let base = &lone()[index % 60].tx;
            let bytes = damage.apply(base, ProtocolVersion::LOCAL, &MAINNET, rng).unwrap();
            Transaction::decode(&bytes, ProtocolVersion::LOCAL, &MAINNET).unwrap()
        });
        let all = sound.into_iter().chain(broken);
        all.map(|tx| (tx.clone(), fresh_verifier().verify(tx).map(drop))).collect()
    })
}

fn only_the_verifier_sees(damage: &Damage) -> bool {
    damage.stage() == Stage::Verify
}

#[test]
fn every_kind_of_refusal_is_in_the_pool() {
    for verdict in [
        Ok(()),
        Err(VerifyError::KernelSum),
        Err(VerifyError::Signature),
        Err(VerifyError::RangeProof),
    ] {
        assert!(pool().iter().any(|(_, known)| *known == verdict), "{verdict:?}");
    }
}

#[test]
fn batches_refuse_exactly_the_bad() {
    on_all_cores(40, &MAINNET, |_, rng| {
        let size = rng.random_range(1..=60);
        let mut batch: Vec<_> = pool().sample(rng, size).cloned().collect();
        // Sound and broken versions of one transaction share parts; so do repetitions.
        batch.extend(batch.clone().into_iter().take(3));
        batch.shuffle(rng);
        let capacity = [1, 7, 10_000].choose(rng).copied().unwrap();
        let verifier = Verifier::new(NonZeroUsize::new(capacity).unwrap());
        let warm = rng.random_range(0..=batch.len());
        for (tx, verdict) in batch.iter().take(warm) {
            assert_eq!(verifier.verify(tx.clone()).map(drop), *verdict);
        }
        let (txs, known): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        for _ in 0..2 {
            let verdicts = verifier.verify_batch(txs.clone());
            let verdicts: Vec<_> = verdicts.into_iter().map(|verdict| verdict.map(drop)).collect();
            assert_eq!(verdicts, known);
        }
    });
}

#[test]
fn one_bad_among_many_is_found() {
    let bad = pool().iter().find(|(_, verdict)| *verdict == Err(VerifyError::RangeProof));
    let mut txs: Vec<_> = lone().iter().map(|built| built.tx.clone()).collect();
    txs.insert(137, bad.unwrap().0.clone());
    let verdicts = fresh_verifier().verify_batch(txs);
    let refused: Vec<_> = (0..verdicts.len()).filter(|index| verdicts[*index].is_err()).collect();
    assert_eq!(refused, [137]);
}

#[test]
fn threads_share_a_verifier() {
    let verifier = fresh_verifier();
    on_all_cores(4, &MAINNET, |_, rng| {
        let mut all = pool().to_vec();
        all.shuffle(rng);
        for batch in all.chunks(16) {
            let (txs, known): (Vec<_>, Vec<_>) = batch.iter().cloned().unzip();
            let verdicts = verifier.verify_batch(txs).into_iter().map(|verdict| verdict.map(drop));
            assert_eq!(verdicts.collect::<Vec<_>>(), known);
        }
    });
}
