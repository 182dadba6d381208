//! What any client can do to the servers, and what it gets for it.

use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use scape::api::{Apis, Origin};
use scape::config::{Config, Listen};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use crate::http::{basic, raw, read, request};
use crate::site::{Site, WAITING, payment};

const TIP: &str = r#"{"jsonrpc":"2.0","id":1,"method":"get_tip","params":[]}"#;
const STATUS: &str = r#"{"jsonrpc":"2.0","id":1,"method":"get_status","params":[]}"#;

#[tokio::test]
async fn each_api_has_its_own_password() {
    let site = Site::start(WAITING).await;
    let (foreign, owner) = (site.foreign_addr(), site.owner_addr());
    let (wallets, owners) = (site.foreign_password(), site.owner_password());
    assert_ne!(wallets, owners);
    let apis = [
        (foreign, "/v2/foreign", TIP, &wallets, &owners, "Basic realm=GrinForeignAPI"),
        (owner, "/v2/owner", STATUS, &owners, &wallets, "Basic realm=GrinAPI"),
    ];
    for (addr, path, call, right, wrong, realm) in apis {
        let post = format!("POST {path}");
        let refused = [
            String::new(),
            basic("grin", wrong),
            basic("grin", ""),
            basic("grin", &right[1..]),
            basic("grin", &format!("{right}0")),
            basic("Grin", right),
            format!("Authorization: Bearer {right}\r\n"),
        ];
        for headers in refused {
            let answer = request(addr, &post, &headers, call).await;
            assert_eq!((answer.status, answer.body.as_str()), (401, ""), "{headers}");
            assert_eq!(answer.header("www-authenticate"), Some(realm));
        }
        let headers = basic("grin", right);
        let answer = request(addr, &post, &headers, call).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert!(answer.body.contains(r#""Ok""#), "{}", answer.body);
        // Grin has nothing there either.
        for line in [format!("GET {path}"), format!("PUT {path}"), "POST /v2/nothing".to_owned()] {
            assert_eq!(request(addr, &line, &headers, "").await.status, 404, "{line}");
        }
        assert_eq!(request(addr, &format!("GET {path}"), "", "").await.status, 401);
    }
    // One API is not behind the other.
    let headers = basic("grin", &wallets);
    assert_eq!(request(foreign, "POST /v2/owner", &headers, STATUS).await.status, 404);
}

#[tokio::test]
async fn no_page_of_a_browser_is_served() {
    let site = Site::start(WAITING).await;
    let headers = basic("grin", &site.foreign_password()) + "Origin: http://evil.example\r\n";
    for line in ["OPTIONS /v2/foreign", "POST /v2/foreign"] {
        let answer = request(site.foreign_addr(), line, &headers, TIP).await;
        assert!(!answer.head.to_ascii_lowercase().contains("access-control"), "{}", answer.head);
    }
}

async fn ask(site: &Site, body: &str) -> (u16, Value) {
    let headers = basic("grin", &site.foreign_password());
    let answer = request(site.foreign_addr(), "POST /v2/foreign", &headers, body).await;
    (answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn calls_that_are_none_get_the_errors_of_json_rpc() {
    let site = Site::start(WAITING).await;
    let code = async |body: Value| ask(&site, &body.to_string()).await.1["error"]["code"].clone();
    let call = |method: &str, params: Value| json!({ "id": 1, "method": method, "params": params });
    assert_eq!(ask(&site, "{ not JSON").await.1["error"]["code"], -32_700);
    assert_eq!(ask(&site, "").await.1["error"]["code"], -32_700);
    assert_eq!(code(json!({ "id": 1 })).await, -32_600);
    assert_eq!(code(json!([])).await, -32_600);
    assert_eq!(code(call("push_transactions", json!([]))).await, -32_601);
    // The owner's methods are not here.
    assert_eq!(code(call("get_status", json!([]))).await, -32_601);
    let tx = payment(0).to_json();
    let mut short = tx.clone();
    short["offset"] = json!("00");
    for params in [
        json!([]),
        json!([7, false]),
        json!([{}, false]),
        json!([short, false]),
        json!([tx, "yes"]),
        json!([tx, false, 1]),
        json!({ "transaction": tx }),
        json!({ "fluff": false }),
    ] {
        assert_eq!(code(call("push_transaction", params.clone())).await, -32_602, "{params}");
    }
    assert_eq!(code(call("get_tip", json!([1]))).await, -32_602);
    let named = json!({ "id": 1, "method": "push_transaction", "params": { "tx": tx } });
    assert_eq!(ask(&site, &named.to_string()).await.1["result"], json!({ "Ok": null }));
}

#[tokio::test]
async fn a_batch_is_answered_and_a_notification_is_not() {
    let site = Site::start(WAITING).await;
    let batch = json!([
        { "jsonrpc": "2.0", "id": "a", "method": "get_pool_size" },
        { "jsonrpc": "2.0", "method": "get_pool_size" },
        { "jsonrpc": "2.0", "id": "b", "method": "push_transaction",
          "params": [payment(0).to_json(), true] },
        { "jsonrpc": "2.0", "id": "c", "method": "get_pool_size" },
    ]);
    let (_, answers) = ask(&site, &batch.to_string()).await;
    let answer = |id: &str, result: Value| json!({ "jsonrpc": "2.0", "id": id, "result": result });
    let expected = json!([
        answer("a", json!({ "Ok": 0 })),
        answer("b", json!({ "Ok": null })),
        answer("c", json!({ "Ok": 1 })),
    ]);
    assert_eq!(answers, expected);
    let notification = json!({ "jsonrpc": "2.0", "method": "get_pool_size" });
    assert_eq!(ask(&site, &notification.to_string()).await, (204, Value::Null));
}

#[tokio::test]
async fn a_body_that_is_too_long_is_not_read() {
    let site = Site::start(WAITING).await;
    let addr = site.foreign_addr();
    let headers = basic("grin", &site.foreign_password());
    let long = " ".repeat(200_000);
    assert_eq!(request(addr, "POST /v2/foreign", &headers, &long).await.status, 413);
    // Said to be long, and not even sent.
    let head = format!(
        "POST /v2/foreign HTTP/1.1\r\nHost: test\r\nContent-Length: 99999999999\r\n{headers}\r\n"
    );
    assert_eq!(raw(addr, head.as_bytes()).await.status, 413);
    // Its length is not said.
    let chunked = format!(
        "POST /v2/foreign HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n{headers}\r\n\
         30d40\r\n{long}\r\n0\r\n\r\n"
    );
    assert_eq!(raw(addr, chunked.as_bytes()).await.status, 413);
    // Without the password nothing is read, however long.
    assert_eq!(request(addr, "POST /v2/foreign", "", &long).await.status, 401);
}

#[tokio::test]
async fn who_is_slow_loses_the_connection_and_who_is_many_waits() {
    let settings = format!("{WAITING}[api]\nconnections = 2\n");
    let site = Site::start(&settings).await;
    let addr = site.foreign_addr();
    let headers = basic("grin", &site.foreign_password());
    let mut silent = TcpStream::connect(addr).await.expect("connected");
    let mut slow = TcpStream::connect(addr).await.expect("connected");
    let head =
        format!("POST /v2/foreign HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n{headers}\r\n");
    slow.write_all(head.as_bytes()).await.expect("sent");
    slow.write_all(b"{").await.expect("sent");
    sleep(Duration::from_millis(100)).await;
    // Both places are taken, but not for long.
    let third = request(addr, "POST /v2/foreign", &headers, TIP);
    tokio::pin!(third);
    assert!(timeout(Duration::from_secs(1), &mut third).await.is_err());
    assert_eq!(timeout(Duration::from_secs(20), third).await.expect("its turn").status, 200);
    // A head that never comes is worth no answer, or that it took too long.
    assert!([0, 408].contains(&read(&mut silent).await.status));
    assert_eq!(read(&mut slow).await.status, 408);
}

#[tokio::test]
async fn what_cannot_be_served_is_an_error_and_nothing_is_served() {
    let site = Site::start(WAITING).await;
    let taken = site.owner_addr();
    let mut config = site.config.clone();
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("bound");
    config.api.foreign = Some(Listen::At(free));
    config.api.owner = Some(Listen::At(taken));
    let start = async |config: &Config| {
        let mut rng = ChaCha12Rng::seed_from_u64(6);
        Apis::start(config, Origin::default(), site.node.handle(), &mut rng).await
    };
    let error = start(&config).await.expect_err("the port is taken").to_string();
    assert!(error.contains(&taken.to_string()) && error.contains("api.owner"), "{error}");
    assert!(TcpStream::connect(free).await.is_err(), "the other one is served");
    config.api.owner = Some(Listen::Off);
    config.api.foreign_secret_file = Some("/nowhere/at/all".into());
    let error = start(&config).await.expect_err("no password").to_string();
    assert!(error.contains("/nowhere/at/all"), "{error}");
    config.api.foreign = Some(Listen::Off);
    let none = start(&config).await.expect("both are off");
    assert_eq!((none.foreign_addr(), none.owner_addr()), (None, None));
}

#[tokio::test]
async fn health_is_for_everyone_and_metrics_are_for_the_owner() {
    let site = Site::start(WAITING).await;
    let addr = site.owner_addr();
    let health = request(addr, "GET /health", "", "").await;
    assert_eq!((health.status, health.body.as_str()), (200, "ok\n"));
    assert_eq!(request(addr, "GET /metrics", "", "").await.status, 401);
    let wallets = basic("grin", &site.foreign_password());
    assert_eq!(request(addr, "GET /metrics", &wallets, "").await.status, 401);
    let metrics = request(addr, "GET /metrics", &basic("grin", &site.owner_password()), "").await;
    assert_eq!(metrics.status, 200);
    for line in ["scape_healthy 1", "scape_chain_height 0", "scape_peers{direction=\"inbound\"} 0"]
    {
        assert!(metrics.body.lines().any(|found| found == line), "{}", metrics.body);
    }
    site.node.shutdown().await;
    let stopped = async {
        while request(addr, "GET /health", "", "").await.body != "stopped\n" {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(Duration::from_secs(10), stopped).await.expect("it is noticed");
    assert_eq!(request(addr, "GET /health", "", "").await.status, 503);
    let answer = request(
        addr,
        "POST /v2/owner",
        &basic("grin", &{
            std::fs::read_to_string(site.config.owner_secret_file().expect("a path"))
                .expect("there")
        }),
        STATUS,
    )
    .await;
    assert!(answer.body.contains("the node has stopped"), "{}", answer.body);
    site.apis.stop().await;
    assert!(TcpStream::connect(addr).await.is_err(), "it listens on");
}
