//! A node that is not one: it answers both APIs from a script, and notes what it was asked.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use scape::api::view::{AddressView, LinkView, PeerView, TransactionState, TransactionView};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::Home;
use super::view::status;

/// `grin:sesame`, as basic auth has it.
const AUTHORIZATION: &str = "Basic Z3JpbjpzZXNhbWU=";

/// Kernel excesses of the owner's transactions.
pub(super) const KERNELS: [&str; 3] = [
    "08f3b1c2a4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f80",
    "0911111111111111111111111111111111111111111111111111111111111111aa",
    "0822222222222222222222222222222222222222222222222222222222222222bb",
];

type Asked = Arc<Mutex<Vec<(String, Value)>>>;

/// It is there until it is dropped.
pub(super) struct FakeNode {
    pub(super) url: String,
    asked: Asked,
    _runtime: Runtime,
}

impl FakeNode {
    pub(super) fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let asked = Asked::default();
        let owner = handler(asked.clone(), owner);
        let foreign = handler(asked.clone(), foreign);
        let router = Router::new().route("/v2/owner", owner).route("/v2/foreign", foreign);
        runtime.spawn(async { axum::serve(listener, router).await });
        Self { url, asked, _runtime: runtime }
    }

    /// The methods that were called and their parameters, in their order.
    pub(super) fn asked(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.asked.lock().expect("no panic"))
    }
}

/// The file with the password.
pub(super) fn secret(home: &Home) -> PathBuf {
    home.file("secret", "sesame\n")
}

fn handler(asked: Asked, answer: fn(&str, &Value) -> Option<Value>) -> axum::routing::MethodRouter {
    post(move |headers: HeaderMap, body: String| async move {
        if headers.get("authorization").is_none_or(|sent| sent != AUTHORIZATION) {
            return (StatusCode::UNAUTHORIZED, String::new());
        }
        let call: Value = serde_json::from_str(&body).expect("JSON");
        let method = call["method"].as_str().expect("a method").to_owned();
        asked.lock().expect("no panic").push((method.clone(), call["params"].clone()));
        let answer = match answer(&method, &call["params"]) {
            Some(result) => json!({ "jsonrpc": "2.0", "id": call["id"], "result": result }),
            None => {
                let error = json!({ "code": -32601, "message": "Method not found" });
                json!({ "jsonrpc": "2.0", "id": call["id"], "error": error })
            }
        };
        (StatusCode::OK, answer.to_string())
    })
}

fn owner(method: &str, params: &Value) -> Option<Value> {
    let result = match method {
        "get_status" => json!(status()),
        "get_connected_peers" => json!(peers()),
        "get_peers" => json!(addresses()),
        "get_transactions" => json!(transactions()),
        "get_transaction" | "fluff_transaction" => {
            let of_kernel = |tx: &TransactionView| params[0] == tx.kernels[0].as_str();
            match transactions().into_iter().find(of_kernel) {
                None => return Some(json!({ "Err": "NotFound" })),
                Some(tx) if method == "get_transaction" => json!(tx),
                Some(tx) if matches!(tx.state, TransactionState::Mined { .. }) => {
                    return Some(json!({ "Err": { "Internal": "it is mined already" } }));
                }
                Some(_) => Value::Null,
            }
        }
        "unban_peer" if params[0] == "192.0.2.2" => return Some(json!({ "Err": "NotFound" })),
        "ban_peer" | "unban_peer" => Value::Null,
        "reload_config" => json!({
            "changed": ["dandelion.patience_secs"],
            "needs_restart": [],
        }),
        _ => return None,
    };
    Some(json!({ "Ok": result }))
}

fn foreign(method: &str, params: &Value) -> Option<Value> {
    match method {
        // It has something against those that are to be fluffed.
        "push_transaction" if params[1] == true => {
            Some(json!({ "Err": { "Internal": "already in the\u{1b}[31m pool" } }))
        }
        "push_transaction" => Some(json!({ "Ok": null })),
        _ => None,
    }
}

fn peers() -> Vec<PeerView> {
    let peer = |addr: &str, direction: &str, relay, height| PeerView {
        zone: "clearnet".to_owned(),
        addr: addr.to_owned(),
        direction: direction.to_owned(),
        user_agent: "MW/Grin 5.5.2".to_owned(),
        version: 1_000,
        capabilities: 15,
        link: if relay { LinkView::Encrypted } else { LinkView::Downgraded },
        height,
        total_difficulty: None,
        relay,
        connected_secs: 400.0,
    };
    let mut rude = peer("192.0.2.77:40123", "Inbound", false, None);
    rude.user_agent = "\u{1b}[2Jgotcha".to_owned();
    vec![peer("203.0.113.9:3414", "Outbound", true, Some(3_456_789)), rude]
}

fn addresses() -> Vec<AddressView> {
    let address = |addr: &str, flags: &str, ban_secs_left| AddressView {
        addr: addr.to_owned(),
        flags: flags.to_owned(),
        ban_secs_left,
    };
    vec![
        address("203.0.113.9:3414", "Healthy", None),
        address("192.0.2.66:3414", "Banned", Some(7_200.0)),
    ]
}

fn transactions() -> Vec<TransactionView> {
    let states = [
        TransactionState::InStem { parts: 3, embargo_secs_left: Some(1_400.0) },
        TransactionState::Mined { height: 3_456_780 },
        TransactionState::Conflicted { by: Some("0833".repeat(9)) },
    ];
    let tx = |(kernel, state): (&str, TransactionState)| TransactionView {
        kernels: vec![kernel.to_owned()],
        age_secs: 90.0,
        state,
    };
    KERNELS.into_iter().zip(states).map(tx).collect()
}
