//! An inspection says no more and no less than what decoding and verifying refuse.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use rand::{Rng, RngExt};
use scape_aggregate::builder::{Damage, Recipe, corpus, seeded};
use scape_aggregate::{
    ChainType, Consensus, DecodeError, Fault, Inspection, ProtocolVersion, Transaction, Verifier,
    VerifyError,
};

const VERSIONS: [ProtocolVersion; 3] =
    [ProtocolVersion::V1, ProtocolVersion::V2, ProtocolVersion::V3];
const CONSENSUS: Consensus = Consensus::of(ChainType::UserTesting);

fn samples(consensus: &Consensus) -> Vec<Transaction> {
    let recipes = Recipe::variety(consensus);
    let built = corpus(3, recipes.len(), &recipes, consensus).expect("made");
    built.into_iter().map(|built| built.tx).collect()
}

/// Compares an inspection of bytes with what a node makes of them.
fn check(bytes: &[u8], version: ProtocolVersion, consensus: &Consensus, what: &str) {
    let inspection = Inspection::of_bytes(bytes, version, consensus);
    let (malformed, unproved) = (inspection.malformed(), inspection.unproved());
    let tx = match Transaction::decode(bytes, version, consensus) {
        Err(DecodeError::Rule(rule)) => {
            return assert!(
                malformed.contains(&Fault::Rule(rule)),
                "{what}: {rule}, {malformed:?}"
            );
        }
        Err(error) => {
            let fault = Fault::Decode(error);
            return assert!(malformed.contains(&fault), "{what}: {fault}, {malformed:?}");
        }
        Ok(tx) => tx,
    };
    assert!(malformed.is_empty(), "{what}: {malformed:?}");
    assert_eq!(inspection.hash(), tx.hash());
    assert_eq!((inspection.weight(), inspection.fee()), (tx.weight(), tx.fee()));
    assert_eq!(inspection.shifted_fee(), tx.shifted_fee());
    assert_eq!(inspection.relay_fee(), tx.relay_fee());
    assert_eq!(inspection.lock_height(), tx.lock_height());
    assert_eq!((inspection.offset(), inspection.inputs()), (tx.offset(), tx.inputs()));
    assert_eq!((inspection.outputs(), inspection.kernels()), (tx.outputs(), tx.kernels()));
    assert!(inspection.is_whole(), "{what}");
    let verifier = Verifier::new(NonZeroUsize::MIN);
    match verifier.verify(tx) {
        Ok(_) => assert!(unproved.is_empty(), "{what}: {unproved:?}"),
        Err(error) => {
            let is_named = |fault: &Fault| match error {
                VerifyError::KernelSum => *fault == Fault::KernelSum,
                VerifyError::Signature => matches!(fault, Fault::Signature(_)),
                VerifyError::RangeProof => matches!(fault, Fault::RangeProof(_)),
            };
            assert!(unproved.iter().any(is_named), "{what}: {error}, {unproved:?}");
        }
    }
}

#[test]
fn good_and_broken_transactions_are_judged_as_a_node_judges_them() {
    for consensus in [CONSENSUS, CONSENSUS.with_nrd()] {
        let samples = samples(&consensus);
        let hashes: BTreeSet<_> = samples.iter().map(Transaction::hash).collect();
        assert_eq!(hashes.len(), samples.len());
        for (index, damage) in Damage::ALL.into_iter().enumerate() {
            for version in VERSIONS.into_iter().filter(|v| damage.exists(*v, &consensus)) {
                let tx = &samples[index % samples.len()];
                let bytes = damage.apply(tx, version, &consensus, &mut seeded(1, index as u64));
                check(&bytes.expect("it exists"), version, &consensus, &format!("{damage:?}"));
            }
        }
        for tx in &samples {
            let bytes = tx.encode(ProtocolVersion::V3).expect("encoded");
            check(&bytes, ProtocolVersion::V3, &consensus, "good");
        }
    }
}

#[test]
fn whatever_the_bytes_are_they_are_judged_as_a_node_judges_them() {
    let samples = samples(&CONSENSUS);
    let rng = &mut seeded(4, 0);
    for round in 0..400 {
        let tx = &samples[round % samples.len()];
        let mut bytes = tx.encode(ProtocolVersion::V3).expect("encoded");
        for _ in 0..rng.random_range(1..4) {
            let at = rng.random_range(0..bytes.len().min(200));
            bytes[at] = rng.random();
        }
        bytes.truncate(rng.random_range(bytes.len() / 2..bytes.len() * 2));
        let version = VERSIONS[(rng.next_u32() % 3) as usize];
        check(&bytes, version, &CONSENSUS, &format!("round {round}"));
    }
}

#[test]
fn all_that_is_wrong_is_named_with_its_place() {
    let consensus = CONSENSUS;
    let tx = &samples(&consensus)[6];
    let mut raw = scape_aggregate::builder::RawTx::of(tx);
    raw.kernels.swap(0, 1);
    raw.kernels[1].signature[3] ^= 1;
    raw.outputs[0].proof[100] ^= 1;
    raw.offset[31] ^= 1;
    let bytes = raw.encode(ProtocolVersion::V3);
    let inspection = Inspection::of_bytes(&bytes, ProtocolVersion::V3, &consensus);
    let mut faults = inspection.malformed();
    faults.extend(inspection.unproved());
    let named: Vec<_> = faults.iter().map(|fault| (fault.name(), fault.to_string())).collect();
    let expected = [
        ("KernelsUnsorted", "kernels are not sorted"),
        ("KernelSum", "inputs, outputs, fee and kernels do not sum to zero"),
        ("Signature", "the signature of kernel 1 is wrong"),
        ("RangeProof", "the range proof of output 0 is wrong"),
    ];
    assert_eq!(named, expected.map(|(name, text)| (name, text.to_owned())));
}

#[test]
fn what_ends_early_is_not_whole_and_shows_what_could_be_read() {
    let tx = &samples(&CONSENSUS)[0];
    let bytes = tx.encode(ProtocolVersion::V3).expect("encoded");
    let cut = &bytes[..bytes.len() - 1];
    let inspection = Inspection::of_bytes(cut, ProtocolVersion::V3, &CONSENSUS);
    assert!(!inspection.is_whole());
    assert_eq!((inspection.offset(), inspection.outputs()), (tx.offset(), tx.outputs()));
    assert_eq!(inspection.kernels().len() + 1, tx.kernels().len());
    assert!(inspection.unproved().is_empty(), "what is missing would make it wrong");
    let longer = [&bytes[..], &[0]].concat();
    let inspection = Inspection::of_bytes(&longer, ProtocolVersion::V3, &CONSENSUS);
    assert!(inspection.is_whole() && inspection.malformed().len() == 1, "{inspection:?}");
}

#[test]
fn what_is_no_point_has_no_proof() {
    let tx = &samples(&CONSENSUS)[0];
    let mut raw = scape_aggregate::builder::RawTx::of(tx);
    // Beyond the order of the field.
    raw.outputs[1].commitment = [0xff; 33];
    raw.outputs[1].commitment[0] = 8;
    let bytes = raw.encode(ProtocolVersion::V3);
    let inspection = Inspection::of_bytes(&bytes, ProtocolVersion::V3, &CONSENSUS);
    assert_eq!(inspection.unproved(), [Fault::KernelSum, Fault::RangeProof(1)]);
}

#[test]
fn json_is_taken_apart_too() {
    let tx = &samples(&CONSENSUS)[0];
    let mut json = tx.to_json();
    let inspection = Inspection::of_json(&json.to_string(), &CONSENSUS).expect("a transaction");
    assert_eq!((inspection.malformed(), inspection.unproved()), (vec![], vec![]));
    assert_eq!(inspection.hash(), tx.hash());
    let first = json["body"]["outputs"][0].clone();
    json["body"]["outputs"][1] = first;
    let inspection = Inspection::of_json(&json.to_string(), &CONSENSUS).expect("its shape");
    let names: Vec<_> = inspection.malformed().iter().map(Fault::name).collect();
    assert_eq!(names, ["DuplicateOutput", "CutThrough"]);
    assert!(Inspection::of_json("{}", &CONSENSUS).is_err());
}
