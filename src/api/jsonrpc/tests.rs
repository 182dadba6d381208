use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Adds two numbers, the second of which may be left out.
struct Adder;

impl Methods for Adder {
    async fn call(&self, method: &str, params: Params<'_>) -> Result<Box<RawValue>, CallError> {
        if method != "add" {
            return Err(CallError::unknown_method());
        }
        let [a, b] = params.take(["a", "b"])?;
        let sum = a.get::<u64>()? + b.get::<Option<u64>>()?.unwrap_or(1);
        Ok(to_raw_value(&sum).expect("a number"))
    }
}

async fn ask(body: &str) -> Option<Value> {
    let answer = answer(body.as_bytes(), &Adder).await;
    answer.map(|text| serde_json::from_str(&text).expect("JSON"))
}

async fn sum(params: &str) -> Value {
    let body = format!(r#"{{"jsonrpc":"2.0","id":"x","method":"add","params":{params}}}"#);
    let answer = ask(&body).await.expect("an answer");
    assert_eq!((&answer["id"], &answer["jsonrpc"]), (&json!("x"), &json!("2.0")));
    if answer["result"].is_null() {
        answer["error"]["code"].clone()
    } else {
        answer["result"].clone()
    }
}

async fn code(body: &str) -> (Value, i64) {
    let answer = ask(body).await.expect("an answer");
    (answer["id"].clone(), answer["error"]["code"].as_i64().expect("an error"))
}

#[tokio::test]
async fn parameters_are_positional_or_named() {
    assert_eq!(sum("[2, 3]").await, 5);
    assert_eq!(sum("[2]").await, 3);
    assert_eq!(sum("[2, null]").await, 3);
    assert_eq!(sum(r#"{"b": 3, "a": 2}"#).await, 5);
    assert_eq!(sum(r#"{"\u0061": 2}"#).await, 3);
    for wrong in ["[]", "[1,2,3]", r#"["1"]"#, r#"{"a":1,"c":2}"#, r#"{"b":1}"#, "null", "[-1]"] {
        assert_eq!(sum(wrong).await, -32_602, "{wrong}");
    }
    for wrong in ["7", r#""a""#, "true"] {
        assert_eq!(sum(wrong).await, -32_600, "{wrong}");
    }
}

#[tokio::test]
async fn what_is_no_call_is_an_error_with_its_code() {
    for broken in ["", "{", "[1,", "nonsense", "{\"a\":1}}", "\u{0}"] {
        assert_eq!(code(broken).await, (Value::Null, -32_700), "{broken}");
    }
    assert!(answer(b"\xff\xfe", &Adder).await.expect("an answer").contains("-32700"));
    for invalid in [
        "7",
        "{}",
        "[]",
        r#"{"method": 1, "id": 1}"#,
        r#"{"jsonrpc": "1.0", "method": "add", "params": [1], "id": 1}"#,
        r#"{"method": "add", "params": [1], "id": []}"#,
        r#"{"method": "add", "params": [1], "id": true}"#,
    ] {
        assert_eq!(code(invalid).await, (Value::Null, -32_600), "{invalid}");
    }
    assert_eq!(code(r#"{"method": "sub", "id": 4}"#).await, (json!(4), -32_601));
}

#[tokio::test]
async fn null_is_an_identifier_and_none_is_a_notification() {
    let answer = ask(r#"{"method": "add", "params": [1, 1], "id": null}"#).await;
    assert_eq!(answer, Some(json!({ "id": null, "jsonrpc": "2.0", "result": 2 })));
    assert_eq!(ask(r#"{"jsonrpc": "2.0", "method": "add", "params": [1, 1]}"#).await, None);
    assert_eq!(ask(r#"[{"method": "add"}, {"method": "sub"}]"#).await, None);
}

#[tokio::test]
async fn a_batch_is_answered_call_by_call_and_has_an_end() {
    let batch = json!([
        { "method": "add", "params": [1, 1], "id": 1 },
        7,
        { "method": "add", "params": [1, 1] },
        { "method": "sub", "id": 2 },
    ]);
    let answers = ask(&batch.to_string()).await.expect("answers");
    let answers = answers.as_array().expect("a list");
    assert_eq!(answers.len(), 3);
    assert_eq!((&answers[0]["id"], &answers[0]["result"]), (&json!(1), &json!(2)));
    assert_eq!(answers[1]["error"]["code"], -32_600);
    assert_eq!((&answers[2]["id"], &answers[2]["error"]["code"]), (&json!(2), &json!(-32_601)));

    let call = json!({ "method": "add", "params": [1, 1], "id": 1 });
    let batch = |calls| serde_json::to_string(&vec![&call; calls]).expect("JSON");
    let answers = ask(&batch(MAX_BATCH)).await.expect("answers");
    assert_eq!(answers.as_array().map(Vec::len), Some(MAX_BATCH));
    assert_eq!(code(&batch(MAX_BATCH + 1)).await, (Value::Null, -32_600));
}

/// Calls, good and bad, and what is left when bytes of them change.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let call = || {
        let (good, bad) = (r#"{"method":"add","params":[1,2],"id":1}"#, r#"{"id":[],"method":{}}"#);
        prop::sample::select(vec![
            good,
            bad,
            "null",
            "[[]]",
            r#"{"method":"add","params":{"a":1}}"#,
        ])
    };
    let batch =
        prop::collection::vec(call(), 0..4).prop_map(|calls| format!("[{}]", calls.join(",")));
    let text = prop_oneof![call().prop_map(str::to_owned), batch];
    let change = prop::option::of((any::<prop::sample::Index>(), any::<u8>()));
    (text, change).prop_map(|(text, change)| {
        let mut bytes = text.into_bytes();
        if let Some((at, byte)) = change {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

proptest! {
    #[test]
    fn every_body_has_answers_that_are_json_rpc(body in bodies()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let Some(text) = runtime.block_on(answer(&body, &Adder)) else { return Ok(()) };
        let answers: Value = serde_json::from_str(&text).expect("JSON");
        let answers = match answers {
            Value::Array(answers) => answers,
            single => vec![single],
        };
        prop_assert!(!answers.is_empty());
        for answer in answers {
            prop_assert_eq!(&answer["jsonrpc"], "2.0");
            let code = answer["error"]["code"].as_i64();
            prop_assert!(answer["result"].is_number() != code.is_some());
            prop_assert!(code.is_none_or(|code| (-32_768..=-32_000).contains(&code)));
        }
    }
}
