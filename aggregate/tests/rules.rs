//! Each rule is kept to the unit, and each breach has its own name.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

use std::sync::OnceLock;

use scape_aggregate::builder::{AssumedTx, BuildError, Damage, Recipe, corpus, seeded};
use scape_aggregate::{
    ChainType, Consensus, DecodeError, EncodeError, FeeFields, FeeFieldsError, Inputs,
    NrdRelativeHeight, OutputFeatures, PlanLimits, ProtocolVersion, Reader, RuleError, Transaction,
    ValidTx, Weight,
};

const NRD: Consensus = Consensus::of(ChainType::AutomatedTesting).with_nrd();
const VERSIONS: [ProtocolVersion; 4] =
    [ProtocolVersion::V1, ProtocolVersion::V2, ProtocolVersion::V3, ProtocolVersion::LOCAL];

fn assumed(tx: AssumedTx) -> ValidTx {
    tx.build(&mut seeded(1, 0), &NRD).unwrap()
}

/// What a transaction with this damage is refused for, by bytes and rules.
fn refusal(damage: Damage, version: ProtocolVersion) -> DecodeError {
    static SOUND: OnceLock<Transaction> = OnceLock::new();
    let sound = SOUND.get_or_init(|| {
        let built = corpus(5, 1, &Recipe::variety(&NRD)[2..], &NRD).unwrap();
        built[0].tx.clone()
    });
    let bytes = damage.apply(sound, version, &NRD, &mut seeded(6, 0)).unwrap();
    Transaction::decode(&bytes, version, &NRD).unwrap_err()
}

#[test]
fn each_broken_rule_has_its_name() {
    let rules = [
        (Damage::CoinbaseOutput, RuleError::CoinbaseOutput),
        (Damage::CoinbaseKernel, RuleError::CoinbaseKernel),
        (Damage::UnsortedInputs, RuleError::InputsUnsorted),
        (Damage::UnsortedOutputs, RuleError::OutputsUnsorted),
        (Damage::UnsortedKernels, RuleError::KernelsUnsorted),
        (Damage::DuplicateInput, RuleError::DuplicateInput),
        (Damage::DuplicateOutput, RuleError::DuplicateOutput),
        (Damage::DuplicateKernel, RuleError::DuplicateKernel),
        (Damage::NotCutThrough, RuleError::CutThrough),
        (Damage::DuplicateNrd, RuleError::DuplicateNrd),
    ];
    for version in VERSIONS {
        for (damage, rule) in rules {
            assert_eq!(refusal(damage, version), DecodeError::Rule(rule), "{damage:?}");
        }
    }
    let twice = refusal(Damage::InputTwiceByFeatures, ProtocolVersion::V2);
    assert_eq!(twice, DecodeError::Rule(RuleError::CutThrough));
    let heavy = refusal(Damage::TooHeavy, ProtocolVersion::LOCAL);
    assert!(matches!(heavy, DecodeError::Rule(RuleError::TooHeavy { .. })), "{heavy:?}");
}

#[test]
fn bytes_that_are_no_transaction_are_refused_for_what_they_are() {
    let v1 = ProtocolVersion::V1;
    assert_eq!(refusal(Damage::Truncated, v1), DecodeError::UnexpectedEnd);
    assert_eq!(refusal(Damage::NonZeroPadding, v1), DecodeError::NonZeroPadding);
    assert_eq!(refusal(Damage::NrdHeightZero, v1), DecodeError::NrdRelativeHeight(0));
    assert_eq!(refusal(Damage::NrdHeightTooGreat, v1), DecodeError::NrdRelativeHeight(10_081));
    for version in VERSIONS {
        let refusal = |damage| refusal(damage, version);
        assert!(matches!(refusal(Damage::TrailingBytes), DecodeError::TrailingBytes(1..)));
        assert!(matches!(refusal(Damage::CountsTooHeavy), DecodeError::CountsTooHeavy(_)));
        let features = refusal(Damage::UnknownOutputFeatures);
        assert!(matches!(features, DecodeError::UnknownOutputFeatures(_)), "{features:?}");
        let features = refusal(Damage::UnknownKernelFeatures);
        assert!(matches!(features, DecodeError::UnknownKernelFeatures(_)), "{features:?}");
    }
}

#[test]
fn a_transaction_may_weigh_a_block_less_its_coinbase() {
    let most = ChainType::AutomatedTesting.max_tx_weight();
    assert_eq!(most, Weight(250 - 24));
    // 13 + 10 * 21 + 3
    let tx = |inputs| AssumedTx::new().fresh_inputs(inputs).outputs(10);
    assert_eq!(assumed(tx(13)).weight(), most);
    let heavier = tx(14).build(&mut seeded(1, 0), &NRD).unwrap_err();
    let weight = Weight(227);
    assert_eq!(heavier, BuildError::Rule(RuleError::TooHeavy { weight, max: most }));
}

#[test]
fn weights_add_up_and_do_not_overflow() {
    let all = [Weight::INPUT, Weight::OUTPUT, Weight::KERNEL];
    assert_eq!(all.into_iter().sum::<Weight>(), Weight(25));
    assert_eq!(Weight(u64::MAX) + Weight(1), Weight(u64::MAX));
    assert_eq!(Weight(25).to_string(), "25");
}

#[test]
fn counts_are_weighed_before_anything_is_read() {
    let decode = |counts: [u64; 3]| {
        let mut bytes = vec![0; 32];
        counts.iter().for_each(|count| bytes.extend(count.to_be_bytes()));
        Transaction::decode(&bytes, ProtocolVersion::LOCAL, &NRD)
    };
    // A block of 250: these are announced, and not there.
    assert_eq!(decode([250, 0, 0]), Err(DecodeError::UnexpectedEnd));
    assert_eq!(decode([251, 0, 0]), Err(DecodeError::CountsTooHeavy(Weight(251))));
    assert_eq!(decode([0, 12, 0]), Err(DecodeError::CountsTooHeavy(Weight(252))));
    assert_eq!(decode([0, 0, 84]), Err(DecodeError::CountsTooHeavy(Weight(252))));
    assert_eq!(decode([u64::MAX; 3]), Err(DecodeError::CountsTooHeavy(Weight(u64::MAX))));
}

#[test]
fn the_relay_fee_is_exact_and_shifted() {
    let due = (1 + 2 * 21 + 3) * 500_000;
    let exact = assumed(AssumedTx::new().fee(due));
    assert_eq!((exact.relay_fee(), exact.fee(), exact.fee_shift()), (due, due, 0));
    assert!(exact.pays_relay_fee());
    assert!(!assumed(AssumedTx::new().fee(due - 1)).pays_relay_fee());
    let shifted = assumed(AssumedTx::new().fee(due << 3).fee_shift(3));
    assert_eq!((shifted.shifted_fee(), shifted.fee_shift()), (due, 3));
    assert!(shifted.pays_relay_fee());
    assert!(!assumed(AssumedTx::new().fee((due << 3) - 1).fee_shift(3)).pays_relay_fee());
}

#[test]
fn the_highest_lock_counts() {
    let txs = [7, 900, 8].map(|height| AssumedTx::new().height_locked(height));
    let mut rng = seeded(2, 0);
    let chain = Consensus::of(ChainType::Mainnet);
    let txs = txs.map(|tx| tx.build(&mut rng, &chain).unwrap());
    assert_eq!(scape_aggregate::aggregate(&txs).unwrap().lock_height(), 900);
    assert_eq!(assumed(AssumedTx::new()).lock_height(), 0);
}

#[test]
fn fee_fields_keep_fee_and_shift_apart() {
    let most = (1 << 40) - 1;
    let fields = FeeFields::new(15, most).unwrap();
    assert_eq!((fields.fee(), fields.fee_shift()), (most, 15));
    assert_eq!(fields.bits(), 15 << 40 | most);
    assert_eq!(FeeFields::new(0, 0), Err(FeeFieldsError::Fee(0)));
    assert_eq!(FeeFields::new(0, most + 1), Err(FeeFieldsError::Fee(most + 1)));
    assert_eq!(FeeFields::new(16, 1), Err(FeeFieldsError::Shift(16)));
    let meaningless = FeeFields::from_bits(u64::MAX);
    assert_eq!((meaningless.fee(), meaningless.fee_shift()), (most, 15));
    assert_eq!(meaningless.bits(), u64::MAX);
}

#[test]
fn readers_give_what_is_there_and_no_more() {
    let mut reader = Reader::new(&[1, 0, 2, 0, 0, 0, 3, 9, 9]);
    assert_eq!((reader.u8(), reader.u16(), reader.u32()), (Ok(1), Ok(2), Ok(3)));
    assert_eq!(reader.u64(), Err(DecodeError::UnexpectedEnd));
    assert_eq!(reader.take(3), Err(DecodeError::UnexpectedEnd));
    assert_eq!(reader.take(1), Ok([9].as_slice()));
    assert_eq!(reader.finish(), Err(DecodeError::TrailingBytes(1)));
    assert_eq!(Reader::new(&[]).finish(), Ok(()));
}

/// At version 1 every kernel takes the room of the largest, from 2 on what it needs; inputs lose
/// their features at version 3.
#[test]
fn bytes_are_as_many_as_the_version_says() {
    let blocks = NrdRelativeHeight::new(9).unwrap();
    let kernels = [
        (AssumedTx::new(), 9),
        (AssumedTx::new().height_locked(7), 17),
        (AssumedTx::new().nrd(blocks, None), 11),
    ];
    // Offset and counts, two outputs with the lengths of their proofs, excess and signature.
    let rest = 32 + 3 * 8 + 2 * (1 + 33 + 8 + 675) + 33 + 64;
    for (tx, features) in kernels {
        let held = assumed(tx);
        let spent = held.inputs().iter().map(|input| (OutputFeatures::Plain, input.commitment()));
        let tx = Transaction::new(
            *held.offset(),
            Inputs::from_outputs(spent),
            held.outputs().to_vec(),
            held.kernels().to_vec(),
            &NRD,
        )
        .unwrap();
        let len = |version| tx.encode(version).unwrap().len();
        assert_eq!(len(ProtocolVersion(0)), rest + 34 + 17);
        assert_eq!(len(ProtocolVersion::V1), rest + 34 + 17);
        assert_eq!(len(ProtocolVersion::V2), rest + 34 + features);
        assert_eq!(len(ProtocolVersion::V3), rest + 33 + features);
        assert_eq!(len(ProtocolVersion::LOCAL), rest + 33 + features);
        let unknown = EncodeError::FeaturesUnknown(ProtocolVersion::V2);
        assert_eq!(held.encode(ProtocolVersion::V2), Err(unknown));
    }
}

/// The figures of `grin_core::{global, consensus}`.
#[test]
fn each_chain_has_its_figures() {
    let figures = [
        (ChainType::Mainnet, [97, 61], 40_000, 1_440, 3_414),
        (ChainType::Testnet, [83, 59], 40_000, 1_440, 13_414),
        (ChainType::UserTesting, [73, 43], 250, 3, 23_414),
        (ChainType::AutomatedTesting, [73, 43], 250, 3, 23_414),
    ];
    for (chain, magic, weight, maturity, port) in figures {
        assert_eq!((chain.magic(), chain.default_port()), (magic, port));
        assert_eq!(chain.max_block_weight(), Weight(weight));
        assert_eq!(chain.coinbase_maturity(), maturity);
        assert_eq!(PlanLimits::of(chain).max_weight, Weight(weight - 24));
    }
}

/// What peers compare when they shake hands.
#[test]
fn each_chain_has_its_genesis() {
    let mainnet = "40adad0aec27797b48840aa9e00472015c21baea118ce7a2ff1a82c0f8f5bf82";
    assert_eq!(ChainType::Mainnet.genesis().to_string(), mainnet);
    let mut all = ChainType::ALL.map(|chain| *chain.genesis().as_bytes());
    all.sort_unstable();
    assert!(all.is_sorted_by(|a, b| a < b), "no two are the same");
}

#[test]
fn chains_are_found_by_name() {
    for chain in ChainType::ALL {
        assert_eq!(chain.to_string().parse(), Ok(chain));
    }
    assert_eq!("moonnet".parse::<ChainType>(), Err(()));
}
