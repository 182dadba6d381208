//! Bytes, JSON, hashes and figures.

use bytes::Bytes;
use grin_core::core::hash::Hashed;
use grin_core::core::{Inputs as GrinInputs, Transaction as GrinTx};
use scape_aggregate::{Consensus, Hash, Inputs, ProtocolVersion, Transaction};

use crate::grin;
use crate::sample::{MAINNET, VERSIONS, all, fresh_verifier, on_all_cores};

fn for_all(check: impl Fn(&Transaction, &GrinTx) + Sync) {
    let txs = all();
    assert!(txs.len() >= 500);
    on_all_cores(txs.len(), &MAINNET, |index, _| check(&txs[index], &grin::of(&txs[index])));
}

fn decode(bytes: &[u8], version: u32, consensus: &Consensus) -> Transaction {
    let bytes = Bytes::copy_from_slice(bytes);
    Transaction::decode(&bytes, ProtocolVersion(version), consensus).unwrap()
}

#[test]
fn bytes_are_identical_both_ways_at_every_version() {
    for_all(|ours, theirs| {
        for version in VERSIONS.into_iter().chain([0, 4, 999]) {
            let written = ours.encode(ProtocolVersion(version)).ok();
            assert_eq!(written, grin::write(theirs, version).ok(), "at version {version}");
            let Some(bytes) = written else { continue };
            let (read, read_by_grin) =
                (decode(&bytes, version, &MAINNET), grin::read(&bytes, version).unwrap());
            for again in VERSIONS {
                let bytes = read.encode(ProtocolVersion(again)).ok();
                assert_eq!(bytes, grin::write(&read_by_grin, again).ok());
            }
            if version <= 2 {
                assert_eq!(&read, ours);
            } else {
                assert_eq!(read.inputs(), ours.inputs_as_held().commit_only().as_ref());
            }
        }
    });
}

#[test]
fn hashes_and_order_are_identical() {
    let same = |ours: &Hash, theirs: grin_core::core::hash::Hash| {
        assert_eq!(ours.as_bytes(), &theirs.to_vec()[..]);
    };
    for_all(|ours, theirs| {
        same(&ours.hash(), theirs.hash());
        match (ours.inputs_as_held(), theirs.inputs()) {
            (Inputs::WithFeatures(ours), GrinInputs::FeaturesAndCommit(theirs)) => {
                assert_eq!(ours.len(), theirs.len());
                ours.iter().zip(theirs).for_each(|(a, b)| same(a.hash(), b.hash()));
            }
            (Inputs::CommitOnly(ours), GrinInputs::CommitOnly(theirs)) => {
                assert_eq!(ours.len(), theirs.len());
                ours.iter().zip(theirs).for_each(|(a, b)| same(a.hash(), b.hash()));
            }
            (ours, theirs) => panic!("{ours:?} is not of the kind of {theirs:?}"),
        }
        assert_eq!(ours.outputs().len(), theirs.outputs().len());
        for (a, b) in ours.outputs().iter().zip(theirs.outputs()) {
            same(a.hash(), b.identifier.hash());
        }
        assert_eq!(ours.kernels().len(), theirs.kernels().len());
        for (a, b) in ours.kernels().iter().zip(theirs.kernels()) {
            same(a.hash(), b.hash());
            let message = b.msg_to_sign().unwrap();
            assert_eq!(a.features().message().as_bytes(), &message[..]);
        }
    });
}

#[test]
fn json_is_identical_both_ways() {
    for_all(|ours, theirs| {
        let (our_json, their_json) = (ours.to_json(), serde_json::to_value(theirs).unwrap());
        assert_eq!(our_json, their_json);
        let read = Transaction::from_json(&their_json.to_string(), &MAINNET).unwrap();
        assert_eq!(&read, ours);
        let read: GrinTx = serde_json::from_value(our_json).unwrap();
        let version = if grin::write(theirs, 2).is_ok() { 2 } else { 3 };
        assert_eq!(grin::write(&read, version).unwrap(), grin::write(theirs, version).unwrap());
    });
}

#[test]
fn figures_are_identical() {
    for_all(|ours, theirs| {
        assert_eq!(ours.weight().0, theirs.weight());
        assert_eq!(ours.fee(), theirs.fee());
        assert_eq!(ours.fee_shift(), theirs.body.fee_shift());
        assert_eq!(ours.shifted_fee(), theirs.shifted_fee());
        assert_eq!(ours.relay_fee(), theirs.accept_fee());
        assert_eq!(ours.lock_height(), theirs.lock_height());
    });
}

#[test]
fn both_accept_all() {
    let verdicts = fresh_verifier().verify_batch(all());
    assert!(verdicts.iter().all(Result::is_ok));
    for_all(|_, theirs| assert!(grin::accepts(theirs)));
}
