//! `scape decode`: good transactions, and each that is broken in one way.

use scape::aggregate::builder::{Damage, Recipe, corpus, seeded};
use scape::aggregate::{ChainType, Consensus, ProtocolVersion, Transaction};
use serde_json::Value;

use super::{Home, text};

const NRD_OFF: &str = "[chain]\ntype = \"usernet\"\n";
const NRD_ON: &str = "[chain]\ntype = \"usernet\"\nnrd = true\n";
const CONSENSUS: Consensus = Consensus::of(ChainType::UserTesting);

fn samples(consensus: &Consensus) -> Vec<Transaction> {
    let recipes = Recipe::variety(consensus);
    let made = corpus(5, recipes.len(), &recipes, consensus).expect("made");
    made.into_iter().map(|built| built.tx).collect()
}

fn encoded(tx: &Transaction, version: ProtocolVersion) -> String {
    hex::encode(tx.encode(version).expect("features are known"))
}

/// The rule that is named first for a damage; one of several where a random byte decides.
fn rules(damage: Damage) -> &'static [&'static str] {
    match damage {
        Damage::Truncated => &["UnexpectedEnd"],
        Damage::CountTooMany => &["UnexpectedEnd", "UnknownOutputFeatures"],
        Damage::TrailingBytes => &["TrailingBytes"],
        Damage::CountsTooHeavy => &["CountsTooHeavy"],
        Damage::UnknownInputFeatures | Damage::UnknownOutputFeatures => &["UnknownOutputFeatures"],
        Damage::UnknownKernelFeatures => &["UnknownKernelFeatures"],
        Damage::LongProof => &["UnknownOutputFeatures", "UnknownKernelFeatures"],
        Damage::NonZeroPadding => &["NonZeroPadding"],
        Damage::NrdDisabled => &["NrdDisabled"],
        Damage::NrdHeightZero | Damage::NrdHeightTooGreat => &["NrdRelativeHeight"],
        Damage::TooHeavy => &["TooHeavy"],
        Damage::CoinbaseOutput => &["CoinbaseOutput"],
        Damage::CoinbaseKernel => &["CoinbaseKernel"],
        Damage::UnsortedInputs => &["InputsUnsorted"],
        Damage::UnsortedOutputs => &["OutputsUnsorted"],
        Damage::UnsortedKernels => &["KernelsUnsorted"],
        Damage::DuplicateInput => &["DuplicateInput"],
        Damage::DuplicateOutput => &["DuplicateOutput"],
        Damage::DuplicateKernel => &["DuplicateKernel"],
        Damage::InputTwiceByFeatures | Damage::NotCutThrough => &["CutThrough"],
        Damage::DuplicateNrd => &["DuplicateNrd"],
        Damage::WrongSum
        | Damage::BurntInput
        | Damage::WrongOffset
        | Damage::OffsetOutOfRange
        | Damage::OffsetNotCanonical
        | Damage::ForeignKernel
        | Damage::NoKernels
        | Damage::InvalidInput
        | Damage::InvalidOutput
        | Damage::InvalidExcess
        | Damage::WrongFee => &["KernelSum"],
        Damage::WrongSignature
        | Damage::SignatureOutOfRange
        | Damage::SwappedSignatures
        | Damage::MeaninglessFeeBit
        | Damage::WrongLockHeight => &["Signature"],
        Damage::WrongProof
        | Damage::ShortProof
        | Damage::SwappedProofs
        | Damage::NegativeValue
        | Damage::OverflowingValue => &["RangeProof"],
    }
}

#[test]
fn what_is_valid_is_said_to_be_in_each_form() {
    let home = Home::new();
    let config = home.file("scape.toml", NRD_ON);
    for tx in samples(&CONSENSUS.with_nrd()) {
        let json = tx.to_json().to_string();
        let hex = encoded(&tx, ProtocolVersion::V3);
        for form in [&json, &hex] {
            let args = ["decode", "-", "--json", "--config", text(&config)];
            let view: Value =
                serde_json::from_str(&home.run_with_input(&args, form).good()).expect("JSON");
            assert_eq!((&view["valid"], &view["verified"]), (&true.into(), &true.into()));
            assert_eq!(view["weight"], tx.weight().0);
            assert_eq!(view["fee"], tx.fee());
            assert_eq!(view["lock_height"], tx.lock_height());
            let kernels = view["kernels"].as_array().expect("a list");
            let excesses = kernels.iter().map(|kernel| kernel["excess"].as_str().expect("text"));
            assert!(excesses.eq(tx.kernels().iter().map(|kernel| kernel.excess().to_string())));
        }
    }
}

#[test]
fn old_forms_are_recognised() {
    let home = Home::new();
    let config = home.file("scape.toml", NRD_OFF);
    let all = samples(&CONSENSUS);
    let tx = all.iter().find(|tx| tx.inputs()[0].features().is_some()).expect("with features");
    for version in [ProtocolVersion::V1, ProtocolVersion::V2] {
        let args = ["decode", "-", "--json", "--config", text(&config)];
        let view = home.run_with_input(&args, &encoded(tx, version)).json();
        assert_eq!(view["inputs"][0]["features"], "plain", "{version:?}");
    }
}

#[test]
fn the_text_says_all_there_is_to_know() {
    let home = Home::new();
    let config = home.file("scape.toml", NRD_OFF);
    let tx = &samples(&CONSENSUS)[2];
    let file = home.file("tx.hex", &encoded(tx, ProtocolVersion::V3));
    let out = home.run(&["decode", text(&file), "--config", text(&config)]).good();
    let kernel = &tx.kernels()[0];
    for part in [
        format!("of at most 226 on {}", CONSENSUS.chain),
        "until height 1,000".to_owned(),
        format!("kernel 0  {}  height locked until height 1,000, fee ", kernel.excess()),
        format!("input 2   {}", tx.inputs()[2].commitment()),
        format!("output 0  {}  plain", tx.outputs()[0].commitment()),
        hex::encode(tx.hash().as_bytes()),
        "valid: rules, proofs, signatures and sums".to_owned(),
    ] {
        assert!(out.contains(&part), "{part} is not in {out}");
    }
}

/// Breaks a transaction, and returns which rules are named.
fn named(home: &Home, damage: Damage, consensus: &Consensus, more: &[&str]) -> Vec<String> {
    let config = home.file("scape.toml", if consensus.nrd { NRD_ON } else { NRD_OFF });
    let tx = &samples(consensus)[1];
    let version = match damage {
        Damage::UnknownInputFeatures | Damage::InputTwiceByFeatures => ProtocolVersion::V2,
        Damage::NonZeroPadding => ProtocolVersion::V1,
        _ => ProtocolVersion::V3,
    };
    let bytes = damage.apply(tx, version, consensus, &mut seeded(9, 0)).expect("it exists");
    let version = version.0.to_string();
    let args = ["decode", "-", "--json", "--protocol", &version, "--config", text(&config)];
    let said = home.run_with_input(&[&args, more].concat(), &hex::encode(bytes));
    let view: Value = serde_json::from_str(&said.out).expect("JSON");
    let valid = said.code == Some(0);
    assert!(valid || said.code == Some(5), "{damage:?}: {said:?}");
    assert_eq!(view["valid"], valid);
    let rule = |fault: &Value| fault["rule"].as_str().expect("a name").to_owned();
    view["broken"].as_array().expect("a list").iter().map(rule).collect()
}

#[test]
fn each_broken_rule_is_named() {
    let home = Home::new();
    for damage in Damage::ALL {
        let nrd = CONSENSUS.with_nrd();
        let exists = damage.exists(ProtocolVersion::V1, &CONSENSUS);
        let consensus = if exists { &CONSENSUS } else { &nrd };
        let named = named(&home, damage, consensus, &[]);
        let first = named.first().expect("it is not valid");
        assert!(rules(damage).contains(&first.as_str()), "{damage:?}: {named:?}");
    }
}

#[test]
fn what_is_not_verified_is_not_claimed() {
    let home = Home::new();
    let named = named(&home, Damage::WrongProof, &CONSENSUS, &["--no-verify"]);
    assert!(named.is_empty(), "{named:?}");
    let config = home.file("scape.toml", NRD_OFF);
    let hex = encoded(&samples(&CONSENSUS)[0], ProtocolVersion::V3);
    let args = ["decode", "-", "--no-verify", "--config", text(&config)];
    let out = home.run_with_input(&args, &hex).good();
    assert!(out.contains("proofs, signatures and sums are not verified"), "{out}");
}

#[test]
fn half_a_transaction_is_shown_as_far_as_it_goes() {
    let home = Home::new();
    let config = home.file("scape.toml", NRD_OFF);
    let tx = &samples(&CONSENSUS)[0];
    let hex = encoded(tx, ProtocolVersion::V3);
    let half = &hex[..2 * (56 + 33 + 10)];
    let said = home.run_with_input(&["decode", "-", "--config", text(&config)], half);
    assert_eq!(said.code, Some(5));
    assert!(said.out.contains(&tx.inputs()[0].commitment().to_string()), "{said:?}");
    assert!(said.out.contains("broken UnexpectedEnd: the input ends early"), "{said:?}");
    assert!(said.out.contains("may have been misread"), "{said:?}");
}

#[test]
fn what_is_no_transaction_at_all_is_an_error() {
    let home = Home::new();
    let said = |input: &str| home.run_with_input(&["decode", "-"], input).bad(5);
    assert!(said("").contains("there is nothing in it"));
    assert!(said("hello").contains("neither JSON nor hex"));
    assert!(said("abc").contains("neither JSON nor hex"));
    let err = said("{\"offset\": 5}");
    assert!(err.contains("not a transaction in JSON") && err.contains("line 1"), "{err}");
    assert!(said("BEGINSLATEPACK. x").contains("slatepack"));
}
