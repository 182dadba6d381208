//! JSON as wallets may write it: what Grin reads, we read as the same transaction.

use grin_core::core::{Transaction as GrinTx, Weighting};
use scape_aggregate::Transaction;
use serde_json::{Value, json};

use crate::grin;
use crate::sample::{SMALL, all, lone};

/// A way to write a transaction: its name, and what it does to the usual way.
type Form = (&'static str, fn(&mut Value));

/// Forms that both read, or neither.
const SAME: [Form; 23] = [
    ("as usual", |_| {}),
    ("fee as digits", |tx| digits(&mut tx["body"]["kernels"][0]["features"])),
    ("fee negative", |tx| *fee(tx) = json!(-1)),
    ("fee fractional", |tx| *fee(tx) = json!(1.5)),
    ("fee as words", |tx| *fee(tx) = json!("much")),
    ("no fee", |tx| *fee(tx) = Value::Null),
    ("upper case", |tx| change(&mut tx["offset"], str::to_uppercase)),
    ("0x in front of the offset", |tx| change(&mut tx["offset"], |hex| format!("0x{hex}"))),
    ("0x in front of a commitment", |tx| {
        change(&mut tx["body"]["outputs"][0]["commit"], |hex| format!("0x{hex}"));
    }),
    ("0x in front of a proof", |tx| {
        change(&mut tx["body"]["outputs"][0]["proof"], |hex| format!("0x{hex}"));
    }),
    ("0x in front of a signature", |tx| {
        change(&mut tx["body"]["kernels"][0]["excess_sig"], |hex| format!("0x{hex}"));
    }),
    ("space around the offset", |tx| change(&mut tx["offset"], |hex| format!(" {hex} "))),
    ("not hex", |tx| change(&mut tx["offset"], |hex| hex.replace(|_| true, "g"))),
    ("an odd number of digits", |tx| change(&mut tx["offset"], |hex| hex[1..].to_owned())),
    ("something unknown beside", |tx| tx["memo"] = json!("rent")),
    ("something unknown inside", |tx| tx["body"]["kernels"][0]["memo"] = json!("rent")),
    ("no offset", |tx| remove(tx, "offset")),
    ("no body", |tx| remove(tx, "body")),
    ("no inputs", |tx| remove(&mut tx["body"], "inputs")),
    ("no excess", |tx| remove(&mut tx["body"]["kernels"][0], "excess")),
    ("unknown features", |tx| tx["body"]["outputs"][0]["features"] = json!("Gold")),
    ("features as a number", |tx| tx["body"]["outputs"][0]["features"] = json!(0)),
    ("a list", |tx| *tx = json!([])),
];

/// Forms that Grin cuts or fills up to size, and that we refuse.
const STRICTER: [Form; 4] = [
    ("long offset", |tx| change(&mut tx["offset"], |hex| format!("{hex}00"))),
    ("long commitment", |tx| {
        change(&mut tx["body"]["outputs"][0]["commit"], |hex| format!("{hex}00"));
    }),
    ("long signature", |tx| {
        change(&mut tx["body"]["kernels"][0]["excess_sig"], |hex| format!("{hex}00"));
    }),
    ("long excess", |tx| {
        change(&mut tx["body"]["kernels"][0]["excess"], |hex| format!("{hex}00"));
    }),
];

fn change(text: &mut Value, to: impl Fn(&str) -> String) {
    *text = Value::String(to(text.as_str().unwrap()));
}

fn remove(object: &mut Value, key: &str) {
    object.as_object_mut().unwrap().remove(key);
}

fn fee(tx: &mut Value) -> &mut Value {
    let features = tx["body"]["kernels"][0]["features"].as_object_mut().unwrap();
    &mut features.values_mut().next().unwrap()["fee"]
}

fn digits(features: &mut Value) {
    let features = features.as_object_mut().unwrap().values_mut().next().unwrap();
    features["fee"] = Value::String(features["fee"].to_string());
}

/// An offset that is not hex makes Grin panic, which counts as a refusal here.
fn read_by_grin(json: &Value) -> Option<GrinTx> {
    let read = std::panic::catch_unwind(|| serde_json::from_value::<GrinTx>(json.clone()));
    let tx = read.ok()?.ok()?;
    tx.validate(Weighting::AsTransaction).ok()?;
    Some(tx)
}

#[test]
fn forms_are_read_by_both_or_neither() {
    grin::follow(&SMALL);
    for base in lone().iter().filter(|built| !built.tx.outputs().is_empty()).take(10) {
        for (name, write) in SAME {
            let mut json = base.tx.to_json();
            write(&mut json);
            let ours = Transaction::from_json(&json.to_string(), &SMALL).ok();
            let theirs = read_by_grin(&json);
            assert_eq!(ours.is_some(), theirs.is_some(), "{name}");
            if let (Some(ours), Some(theirs)) = (ours, theirs) {
                assert_eq!(ours, base.tx, "{name}");
                assert_eq!(ours.to_json(), serde_json::to_value(theirs).unwrap(), "{name}");
            }
        }
    }
}

#[test]
fn lengths_are_exact() {
    grin::follow(&SMALL);
    let base = lone().iter().find(|built| !built.tx.outputs().is_empty()).unwrap();
    for (name, write) in STRICTER {
        let mut json = base.tx.to_json();
        write(&mut json);
        assert!(Transaction::from_json(&json.to_string(), &SMALL).is_err(), "{name}");
    }
}

/// Every transaction there is survives being printed for people, too.
#[test]
fn indented_json_is_read() {
    for tx in all().iter().take(50) {
        let json = serde_json::to_string_pretty(&tx.to_json()).unwrap();
        assert_eq!(&Transaction::from_json(&json, &crate::sample::MAINNET).unwrap(), tx);
    }
}
