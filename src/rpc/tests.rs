use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;

const LIMITS: RpcLimits = RpcLimits { timeout: Duration::from_millis(300), answer: 1_000 };

/// A server that answers every call with this.
async fn server(status: StatusCode, body: String, delay: Duration) -> Url {
    let answer = move |headers: HeaderMap, call: String| async move {
        tokio::time::sleep(delay).await;
        assert_eq!(headers["authorization"], "Basic Z3JpbjpzZXNhbWU=");
        let call: Value = serde_json::from_str(&call).expect("JSON");
        assert_eq!((&call["method"], &call["params"]), (&json!("get_tip"), &json!([7])));
        (status, body)
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let router = Router::new().route("/v2/foreign", post(answer));
    tokio::spawn(async { axum::serve(listener, router).await });
    url.parse().expect("a URL")
}

async fn ask(url: &Url) -> Result<u64, RpcError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("secret");
    std::fs::write(&path, "sesame\n").expect("written");
    let secret = Secret::load(&path).expect("read");
    RpcClient::new(url, "/v2/foreign", Some(&secret), LIMITS).call("get_tip", json!([7])).await
}

async fn ask_server(status: StatusCode, body: &str) -> Result<u64, RpcError> {
    ask(&server(status, body.to_owned(), Duration::ZERO).await).await
}

#[tokio::test]
async fn a_result_is_unwrapped() {
    let answer = ask_server(StatusCode::OK, r#"{"id":1,"jsonrpc":"2.0","result":{"Ok":5}}"#).await;
    assert_eq!(answer.expect("a result"), 5);
}

#[tokio::test]
async fn each_failure_has_its_error() {
    let refused = ask_server(StatusCode::OK, r#"{"result":{"Err":"NotFound"}}"#).await;
    assert!(matches!(refused, Err(RpcError::Refused(why)) if why == "NotFound"));
    let call = ask_server(StatusCode::OK, r#"{"error":{"code":-32601,"message":"no"}}"#).await;
    assert!(matches!(call, Err(RpcError::Call { code: -32601, .. })));
    let shape = ask_server(StatusCode::OK, r#"{"result":{"Ok":"five"}}"#).await;
    assert!(matches!(shape, Err(RpcError::Shape(_))));
    let text = ask_server(StatusCode::OK, "<html>").await;
    assert!(matches!(text, Err(RpcError::Shape(_))));
    let unauthorized = ask_server(StatusCode::UNAUTHORIZED, "").await;
    assert!(matches!(unauthorized, Err(RpcError::Unauthorized)));
    let status = ask_server(StatusCode::BAD_GATEWAY, "").await;
    assert!(matches!(status, Err(RpcError::Status(502))));
    let long = ask_server(StatusCode::OK, &" ".repeat(1_001)).await;
    assert!(matches!(long, Err(RpcError::TooLong(1_000))));
}

#[tokio::test]
async fn who_is_slow_or_away_is_not_waited_for() {
    let slow = server(StatusCode::OK, String::new(), Duration::from_secs(5)).await;
    assert!(matches!(ask(&slow).await, Err(RpcError::Timeout(_))));
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("bound");
    let error = ask(&format!("http://{gone}").parse().expect("a URL")).await.expect_err("gone");
    assert!(!error.is_answer());
    assert!(error.to_string().contains("refused"), "{error}");
}

#[test]
fn a_secret_is_made_once_and_for_its_owner() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(".secret");
    let mut rng = ChaCha12Rng::seed_from_u64(1);
    let secret = Secret::load_or_create(&path, &mut rng).expect("made");
    assert_eq!(Secret::load_or_create(&path, &mut rng).expect("read"), secret);
    assert_eq!(format!("{secret:?}"), "Secret");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    std::fs::write(&path, "\n").expect("written");
    assert!(matches!(Secret::load(&path), Err(SecretError::Empty(_))));
}

#[test]
fn urls_are_those_of_http_servers() {
    let url: Url = "http://127.0.0.1:3413/".parse().expect("a URL");
    assert_eq!(url.to_string(), "http://127.0.0.1:3413");
    assert_eq!("http://[::1]:3413".parse::<Url>().expect("a URL").to_string(), "http://[::1]:3413");
    assert_eq!("https://grin.example".parse::<Url>(), Err(UrlError::Scheme));
    assert_eq!("http://a/v2/foreign".parse::<Url>(), Err(UrlError::Path));
    assert_eq!("http://a:b@c".parse::<Url>(), Err(UrlError::UserInfo));
    assert_eq!("127.0.0.1:3413".parse::<Url>(), Err(UrlError::Scheme));
    assert_eq!("http://".parse::<Url>(), Err(UrlError::Syntax));
}
