//! What the builder makes is valid, what it breaks is refused where it says, and both depend on the
//! seed alone.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

use std::num::NonZeroUsize;

use scape_aggregate::builder::{
    AssumedTx, BuildError, Coin, Damage, Faucet, Kernel, RawKernel, RawTx, Recipe, Secret, Stage,
    TxBuilder, assumed_chain, corpus, seeded,
};
use scape_aggregate::{
    ChainType, Consensus, DecodeError, FeeFields, NrdRelativeHeight, ProtocolVersion, Transaction,
    Verifier,
};

const NRD: Consensus = Consensus::of(ChainType::AutomatedTesting).with_nrd();
const VERSIONS: [ProtocolVersion; 4] =
    [ProtocolVersion::V1, ProtocolVersion::V2, ProtocolVersion::V3, ProtocolVersion::LOCAL];

fn verifier() -> Verifier {
    Verifier::new(NonZeroUsize::new(1_000).unwrap())
}

fn encoded(tx: &Transaction) -> Vec<u8> {
    tx.encode(ProtocolVersion::LOCAL).unwrap()
}

#[test]
fn corpus_is_valid_pays_for_relay_and_repeats_itself() {
    let recipes = Recipe::variety(&NRD);
    let first = corpus(42, 20, &recipes, &NRD).unwrap();
    let second = corpus(42, 20, &recipes, &NRD).unwrap();
    for (a, b) in first.iter().zip(&second) {
        assert_eq!(encoded(&a.tx), encoded(&b.tx));
        assert!(a.tx.pays_relay_fee());
    }
    let verdicts = verifier().verify_batch(first.iter().map(|built| built.tx.clone()).collect());
    assert!(verdicts.iter().all(Result::is_ok), "{verdicts:?}");
    let other = corpus(43, 1, &recipes, &NRD).unwrap();
    assert_ne!(encoded(&first[0].tx), encoded(&other[0].tx));
}

#[test]
fn coins_of_one_transaction_are_spent_by_the_next() {
    let mut rng = seeded(1, 0);
    let coin = Faucet::new(1).coin(60_000_000_000);
    let parent = TxBuilder::new().input(coin).output(5_000_000_000).build(&mut rng, &NRD).unwrap();
    assert_eq!(parent.coins[0].value(), 5_000_000_000);
    assert_eq!(parent.coins.len(), 2, "what is left over comes back");
    let child = TxBuilder::new().inputs(parent.coins).build(&mut rng, &NRD).unwrap();
    let both = [parent.tx, child.tx].map(|tx| verifier().verify(tx).unwrap());
    let merged = scape_aggregate::aggregate(&both).unwrap();
    assert_eq!(merged.inputs().len(), 1);
    assert!(verifier().verify(merged.as_transaction().clone()).is_ok());
}

#[test]
fn fees_are_exact_shared_and_shifted() {
    let mut faucet = Faucet::new(2);
    let mut rng = seeded(2, 0);
    let built = TxBuilder::new()
        .input(faucet.coin(60_000_000_000))
        .split(2)
        .kernels(3)
        .fee_shift(4)
        .build(&mut rng, &NRD)
        .unwrap();
    assert_eq!(built.tx.shifted_fee(), built.tx.relay_fee());
    let rest = TxBuilder::new().input(faucet.coin(123_456_789)).split(0);
    assert_eq!(rest.build(&mut rng, &NRD).unwrap().tx.fee(), 123_456_789);
    let poor = TxBuilder::new().input(faucet.coin(1)).split(1).fee(3).build(&mut rng, &NRD);
    assert_eq!(poor.unwrap_err(), BuildError::Short(2));
    let given = Kernel::plain().fee(FeeFields::new(0, 3).unwrap());
    let rich = TxBuilder::new().input(faucet.coin(5)).split(0).kernel(given);
    assert_eq!(rich.build(&mut rng, &NRD).unwrap_err(), BuildError::LeftOver(2));
}

#[test]
fn nrd_kernels_share_an_excess_on_demand() {
    let mut rng = seeded(3, 0);
    let key = Secret::random(&mut rng);
    let kernel = Kernel::nrd(NrdRelativeHeight::new(7).unwrap()).key(key);
    let mut tx = || {
        let coin = Coin::new(60_000_000_000, &mut rng);
        TxBuilder::new().input(coin).kernel(kernel).build(&mut rng, &NRD).unwrap().tx
    };
    let (a, b) = (tx(), tx());
    assert_eq!(a.kernels()[0].excess(), b.kernels()[0].excess());
    assert!(verifier().verify_batch(vec![a, b]).iter().all(Result::is_ok));
}

#[test]
fn raw_form_writes_what_the_real_one_does() {
    for built in corpus(4, 10, &Recipe::variety(&NRD), &NRD).unwrap() {
        for version in VERSIONS {
            if let Ok(bytes) = built.tx.encode(version) {
                let mut raw = RawTx::of(&built.tx);
                raw.sort(version);
                assert_eq!(raw.encode(version), bytes);
            }
        }
        for kernel in built.tx.kernels() {
            let raw = RawKernel::of(kernel);
            assert_eq!((raw.hash(), raw.message()), (*kernel.hash(), kernel.features().message()));
        }
    }
}

#[test]
fn every_damage_is_refused_at_its_stage() {
    let recipes = Recipe::variety(&NRD);
    let sound = corpus(5, 4, &recipes[1..5], &NRD).unwrap();
    let plain = Consensus::of(ChainType::AutomatedTesting);
    for consensus in [NRD, plain] {
        for (version, built) in VERSIONS.into_iter().zip(&sound) {
            for damage in Damage::ALL {
                let mut rng = seeded(6, 0);
                let bytes = match damage.apply(&built.tx, version, &consensus, &mut rng) {
                    Ok(bytes) => bytes,
                    Err(error) => {
                        assert!(!damage.exists(version, &consensus), "{damage:?}: {error}");
                        continue;
                    }
                };
                let stage = match Transaction::decode(&bytes, version, &consensus) {
                    Err(DecodeError::Rule(_)) => Stage::Rules,
                    Err(_) => Stage::Decode,
                    Ok(tx) => {
                        assert!(verifier().verify(tx).is_err(), "{damage:?} at {version:?}");
                        Stage::Verify
                    }
                };
                assert_eq!(stage, damage.stage(), "{damage:?} at {version:?}");
            }
        }
    }
}

#[test]
fn assumed_transactions_have_the_right_structure_and_no_valid_cryptography() {
    let mut rng = seeded(7, 0);
    let chain = assumed_chain(10, &mut rng, &NRD).unwrap();
    for pair in chain.windows(2) {
        assert_eq!(pair[1].inputs()[0].commitment(), pair[0].outputs()[0].commitment());
    }
    for tx in &chain {
        assert!(tx.pays_relay_fee());
        let bytes = encoded(tx);
        let decoded = Transaction::decode(&bytes, ProtocolVersion::LOCAL, &NRD).unwrap();
        assert_eq!(&decoded, tx.as_transaction());
        assert!(verifier().verify(decoded).is_err());
    }
    let merged = scape_aggregate::aggregate(&chain).unwrap();
    assert_eq!((merged.inputs().len(), merged.outputs().len()), (1, 11));
    let shifted = AssumedTx::new().fee_shift(2).build(&mut rng, &NRD).unwrap();
    assert_eq!(shifted.shifted_fee(), shifted.relay_fee());
}
