//! Transactions as wallets write them: nothing is lost on the way there and back, and what is not
//! a transaction is refused for the right reason.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

use scape_aggregate::builder::{Built, Coin, Kernel, Recipe, TxBuilder, corpus, seeded};
use scape_aggregate::{
    ChainType, Consensus, FeeFields, JsonError, NrdRelativeHeight, RuleError, Transaction,
};
use serde_json::{Value, json};

const NRD: Consensus = Consensus::of(ChainType::Mainnet).with_nrd();

fn read(json: &Value) -> Result<Transaction, JsonError> {
    Transaction::from_json(&json.to_string(), &NRD)
}

fn is_shape(json: &Value) -> bool {
    matches!(read(json), Err(JsonError::Shape(_)))
}

/// The rule that is broken.
fn rule(json: &Value) -> Option<RuleError> {
    match read(json) {
        Err(JsonError::Rule(rule)) => Some(rule),
        _ => None,
    }
}

fn build(builder: TxBuilder) -> Built {
    let mut rng = seeded(1, 0);
    let coins = [0, 1].map(|_| Coin::new(60_000_000_000, &mut rng));
    builder.inputs(coins).split(2).build(&mut rng, &NRD).unwrap()
}

fn plain() -> Value {
    build(TxBuilder::new()).tx.to_json()
}

#[test]
fn what_is_written_is_read_as_the_same() {
    for built in corpus(2, 12, &Recipe::variety(&NRD), &NRD).unwrap() {
        let json = built.tx.to_json();
        assert_eq!(read(&json).unwrap(), built.tx);
        assert_eq!(Transaction::from_json_value(json, &NRD).unwrap(), built.tx);
    }
}

#[test]
fn kernels_are_named_as_in_grin() {
    let fee = |fee| FeeFields::new(1, fee).unwrap();
    let kernels = [
        (Kernel::plain().fee(fee(5)), json!({"Plain": {"fee": (1_u64 << 40) + 5}})),
        (
            Kernel::height_locked(77).fee(fee(6)),
            json!({"HeightLocked": {"fee": (1_u64 << 40) + 6, "lock_height": 77}}),
        ),
        (
            Kernel::nrd(NrdRelativeHeight::new(9).unwrap()).fee(fee(7)),
            json!({"NoRecentDuplicate": {"fee": (1_u64 << 40) + 7, "relative_height": 9}}),
        ),
    ];
    for (kernel, expected) in kernels {
        let json = build(TxBuilder::new().kernel(kernel)).tx.to_json();
        assert_eq!(json["body"]["kernels"][0]["features"], expected);
    }
}

#[test]
fn inputs_are_written_as_they_are_held() {
    let bare = build(TxBuilder::new()).tx;
    let full = build(TxBuilder::new().input_features(true)).tx;
    let commitment = bare.inputs()[0].commitment().to_string();
    assert_eq!(bare.to_json()["body"]["inputs"][0], json!(commitment));
    let commitment = full.inputs()[0].commitment().to_string();
    let expected = json!({"features": "Plain", "commit": commitment});
    assert_eq!(full.to_json()["body"]["inputs"][0], expected);
    assert_eq!(full.to_json()["body"]["outputs"][0]["features"], json!("Plain"));
}

#[test]
fn numbers_and_hex_have_more_than_one_form() {
    let usual = plain();
    let mut other = usual.clone();
    let fee = &mut other["body"]["kernels"][0]["features"]["Plain"]["fee"];
    *fee = json!(fee.to_string());
    other["offset"] = json!(format!(" 0x{} ", other["offset"].as_str().unwrap()));
    assert_eq!(read(&other).unwrap(), read(&usual).unwrap());
}

#[test]
fn what_has_not_the_shape_is_refused() {
    let wrong: [(&str, Value); 9] = [
        ("/offset", json!("00")),
        ("/offset", json!("g".repeat(64))),
        ("/body", Value::Null),
        ("/body/inputs/0", json!(7)),
        ("/body/outputs/0/features", json!("Gold")),
        ("/body/outputs/0/proof", json!("00".repeat(676))),
        ("/body/kernels/0/features/Plain/fee", json!("much")),
        ("/body/kernels/0/features/Plain/fee", json!(-1)),
        ("/body/kernels/0/excess_sig", json!("ff".repeat(64))),
    ];
    for (place, value) in wrong {
        let mut json = plain();
        *json.pointer_mut(place).unwrap() = value;
        assert!(is_shape(&json), "{place}");
    }
    assert!(matches!(Transaction::from_json("{", &NRD), Err(JsonError::Shape(_))));
}

#[test]
fn relative_heights_keep_their_range() {
    let kernel = Kernel::nrd(NrdRelativeHeight::new(1).unwrap());
    let json = build(TxBuilder::new().kernel(kernel)).tx.to_json();
    let with = |height: u64| {
        let mut json = json.clone();
        let place = "/body/kernels/0/features/NoRecentDuplicate/relative_height";
        *json.pointer_mut(place).unwrap() = json!(height);
        json
    };
    assert!(is_shape(&with(0)) && is_shape(&with(10_081)));
    assert!(read(&with(1)).is_ok() && read(&with(10_080)).is_ok());
}

#[test]
fn nrd_kernels_are_refused_where_they_are_not_allowed() {
    let kernel = Kernel::nrd(NrdRelativeHeight::new(1).unwrap());
    let json = build(TxBuilder::new().kernel(kernel)).tx.to_json();
    let off = Consensus::of(ChainType::Mainnet);
    let verdict = Transaction::from_json_value(json, &off);
    assert!(matches!(verdict, Err(JsonError::NrdDisabled)), "{verdict:?}");
    assert!(Transaction::from_json_value(plain(), &off).is_ok());
}

#[test]
fn the_rules_hold_for_json_too() {
    let mut json = plain();
    json["body"]["inputs"].as_array_mut().unwrap().reverse();
    assert_eq!(rule(&json), Some(RuleError::InputsUnsorted));

    let mut json = plain();
    json["body"]["outputs"][0]["features"] = json!("Coinbase");
    assert_eq!(rule(&json), Some(RuleError::CoinbaseOutput));

    let mut json = plain();
    json["body"]["kernels"][0]["features"] = json!("Coinbase");
    assert_eq!(rule(&json), Some(RuleError::CoinbaseKernel));
}

#[test]
fn no_inputs_are_an_empty_list() {
    let mut json = build(TxBuilder::new().input_features(true)).tx.to_json();
    json["body"]["inputs"] = json!([]);
    assert_eq!(read(&json).unwrap().to_json()["body"]["inputs"], json!([]));
}

/// A spent coinbase says so, or its input would hash to something else.
#[test]
fn inputs_keep_their_features() {
    let mut rng = seeded(3, 0);
    let coin = Coin::coinbase(60_000_000_000, &mut rng);
    let builder = TxBuilder::new().input_features(true).input(coin).split(1);
    let tx = builder.build(&mut rng, &NRD).unwrap().tx;
    let json = tx.to_json();
    assert_eq!(json["body"]["inputs"][0]["features"], json!("Coinbase"));
    assert_eq!(read(&json).unwrap(), tx);
}
