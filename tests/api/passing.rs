//! What is asked of the chain goes on to the Grin node.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::http::{basic, request};
use crate::site::{Site, WAITING, payment};

/// A Grin node that says what it was asked, with numbers and spaces of its own.
async fn grin() -> SocketAddr {
    let answer = |headers: HeaderMap, body: String| async move {
        let call: Value = serde_json::from_str(&body).expect("JSON");
        let method = call["method"].as_str().expect("a method").to_owned();
        if headers.get("authorization").is_none_or(|given| given != "Basic Z3JpbjpzZXNhbWU=") {
            return (StatusCode::UNAUTHORIZED, String::new());
        }
        let result = match method.as_str() {
            "get_tip" => r#""result": {"Ok":  {"height": 18446744073709551615, "x": 1.50}}"#.into(),
            "get_kernel" => r#""result":{"Err":"NotFound"}"#.to_owned(),
            "get_block" => {
                r#""error":{"code":-32602,"message":"WrongNumberOfArgs","data":[1]}"#.to_owned()
            }
            "get_version" => return (StatusCode::INTERNAL_SERVER_ERROR, "no".to_owned()),
            "get_header" => return (StatusCode::OK, "<html>".to_owned()),
            _ => format!(r#""result":{{"Ok":{}}}"#, call["params"]),
        };
        (StatusCode::OK, format!(r#"{{"id":{},"jsonrpc":"2.0",{result}}}"#, call["id"]))
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("bound");
    let router = Router::new().route("/v2/foreign", post(answer));
    tokio::spawn(async { axum::serve(listener, router).await });
    addr
}

async fn site(grin: SocketAddr, password: &str) -> (Site, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a folder");
    let secret = dir.path().join("secret");
    std::fs::write(&secret, password).expect("written");
    let settings = format!(
        "{WAITING}[grin]\nurl = \"http://{grin}\"\nsecret_file = {:?}\n",
        secret.display().to_string()
    );
    (Site::start(&settings).await, dir)
}

async fn ask(site: &Site, method: &str, params: Value) -> String {
    let headers = basic("grin", &site.foreign_password());
    let call = json!({ "jsonrpc": "2.0", "id": "a", "method": method, "params": params });
    request(site.foreign_addr(), "POST /v2/foreign", &headers, call.to_string()).await.body
}

#[tokio::test]
async fn questions_and_answers_are_passed_on_as_they_are() {
    let (site, _dir) = site(grin().await, "sesame\n").await;
    let answer = |rest: &str| format!(r#"{{"id":"a","jsonrpc":"2.0",{rest}}}"#);
    let tip = r#""result":{"Ok":  {"height": 18446744073709551615, "x": 1.50}}"#;
    for none in [json!([]), Value::Null] {
        assert_eq!(ask(&site, "get_tip", none).await, answer(tip));
    }
    let missing = r#""result":{"Err":"NotFound"}"#;
    assert_eq!(ask(&site, "get_kernel", json!(["09", null, 7])).await, answer(missing));
    let wrong = r#""error":{"code":-32602,"message":"WrongNumberOfArgs","data":[1]}"#;
    assert_eq!(ask(&site, "get_block", json!([])).await, answer(wrong));
    for params in [json!([["09aa", "08bb"], null, 1, true]), json!({ "commits": ["09"] })] {
        let echo = format!(r#""result":{{"Ok":{params}}}"#);
        assert_eq!(ask(&site, "get_outputs", params).await, answer(&echo));
    }
    // What is ours is not asked of it.
    for (method, result) in [("get_stempool_size", "0"), ("get_pool_size", "0")] {
        assert_eq!(
            ask(&site, method, json!([])).await,
            answer(&format!(r#""result":{{"Ok":{result}}}"#))
        );
    }
    assert!(ask(&site, "invalidate_header", json!([])).await.contains("-32601"));
    site.push(&payment(0), false).await.expect("taken");
}

#[tokio::test]
async fn a_grin_node_that_is_no_help_is_told_so() {
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("bound");
    let (away, _dir) = site(gone, "sesame").await;
    let answer = ask(&away, "get_tip", json!([])).await;
    assert!(answer.contains("Err") && answer.contains(&gone.to_string()), "{answer}");
    assert!(answer.contains("refused"), "{answer}");
    away.push(&payment(0), false).await.expect("what is embedded goes on");

    let grin = grin().await;
    let (refused, _dir) = site(grin, "wrong").await;
    let answer = ask(&refused, "get_tip", json!([])).await;
    assert!(answer.contains("Err") && answer.contains("password"), "{answer}");
    let (odd, _dir) = site(grin, "sesame").await;
    assert!(ask(&odd, "get_version", json!([])).await.contains("HTTP status 500"));
    assert!(ask(&odd, "get_header", json!([])).await.contains("not understood"));
    tokio::time::timeout(Duration::from_secs(5), ask(&odd, "get_tip", json!([])))
        .await
        .expect("up");
}
