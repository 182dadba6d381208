//! A Grin node for development: its Foreign API over a ledger, as far as relays ask for it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use scape::aggregate::{Hash, KernelFeatures, TxKernel};
use scape::chain::{Block, ChainView, DevLedger};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::flow::{CONSENSUS, genesis};
use super::link::Link;

/// Clones are the same node.
#[derive(Clone)]
pub(crate) struct Grin {
    ledger: Arc<Mutex<DevLedger>>,
    /// The way to it, which may be gone for a while.
    link: Arc<Link>,
    target: SocketAddr,
}

impl Grin {
    pub(crate) async fn start() -> Self {
        let coins = genesis().into_iter().map(|coin| (coin.commitment(), coin.features()));
        let ledger = Arc::new(Mutex::new(DevLedger::new(CONSENSUS, coins)));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let target = listener.local_addr().expect("bound");
        let router = Router::new().route("/v2/foreign", post(serve)).with_state(ledger.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let link = Arc::new(Link::new(None).await);
        let grin = Self { ledger, link, target };
        grin.come_back();
        grin
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.link.addr())
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, DevLedger> {
        self.ledger.lock().expect("no panic")
    }

    pub(crate) fn go_away(&self) {
        self.link.lead_to(None);
        self.link.cut();
    }

    pub(crate) fn come_back(&self) {
        self.link.lead_to(Some(self.target));
    }
}

async fn serve(
    State(ledger): State<Arc<Mutex<DevLedger>>>,
    headers: HeaderMap,
    call: String,
) -> String {
    assert!(!headers.contains_key("authorization"), "it has no password");
    let call: Value = serde_json::from_str(&call).expect("JSON");
    let method = call["method"].as_str().expect("a method");
    let result = answer(&ledger.lock().expect("no panic"), method, &call["params"]);
    json!({ "jsonrpc": "2.0", "id": call["id"], "result": result }).to_string()
}

fn answer(ledger: &DevLedger, method: &str, params: &Value) -> Value {
    let number = |index: usize| params[index].as_u64().expect("a number");
    let block_at = |height: u64| ledger.blocks().find(|block| block.height() == height);
    let found = |shown: Option<Value>| match shown {
        Some(shown) => json!({ "Ok": shown }),
        None => json!({ "Err": "NotFound" }),
    };
    match method {
        "get_version" => {
            json!({ "Ok": { "node_version": "5.5.2", "block_header_version": 5 } })
        }
        "get_tip" => {
            let tip = ledger.tip();
            json!({ "Ok": {
                "height": tip.height,
                "last_block_pushed": name(tip.height, tip.hash),
                "prev_block_to_last": name(tip.height.saturating_sub(1), ledger.previous()),
                "total_difficulty": tip.total_difficulty,
            }})
        }
        "get_header" => found(block_at(number(0)).map(header)),
        "get_block" => found(block_at(number(0)).map(show)),
        // As Grin does before it has processed a block.
        "get_blocks" if ledger.tip().height == 0 => found(None),
        "get_blocks" => {
            let wanted = number(0)..=number(1);
            let blocks = ledger.blocks().filter(|block| wanted.contains(&block.height()));
            let blocks: Vec<_> = blocks.map(show).collect();
            json!({ "Ok": { "last_retrieved_height": number(1), "blocks": blocks } })
        }
        // The chain is so short that relays read all of its blocks instead of its outputs.
        _ => unreachable!("nobody should ask for {method}"),
    }
}

/// The hash of a block. The first one is that of the chain; the ledger's own begins after it.
fn name(height: u64, hash: Hash) -> String {
    match height {
        0 => CONSENSUS.chain.genesis().to_string(),
        _ => hash.to_string(),
    }
}

fn header(block: &Block) -> Value {
    json!({
        "hash": name(block.height(), block.hash()),
        "height": block.height(),
        "previous": name(block.height().saturating_sub(1), block.previous()),
        "total_difficulty": block.height() + 1,
    })
}

fn show(block: &Block) -> Value {
    let tx = block.tx();
    let mut outputs: Vec<_> = tx.outputs().iter().map(|output| output.commitment()).collect();
    if block.height() == 0 {
        outputs.extend(genesis().iter().map(|coin| coin.commitment()));
    }
    let outputs = outputs.iter().map(|commitment| {
        json!({
            "output_type": "Transaction",
            "commit": commitment.to_string(),
            "block_height": block.height(),
        })
    });
    let inputs = tx.inputs().iter().map(|input| input.commitment().to_string());
    json!({
        "header": header(block),
        "inputs": inputs.collect::<Vec<_>>(),
        "outputs": outputs.collect::<Vec<_>>(),
        "kernels": tx.kernels().iter().map(show_kernel).collect::<Vec<_>>(),
    })
}

fn show_kernel(kernel: &TxKernel) -> Value {
    let KernelFeatures::Plain { fee } = *kernel.features() else {
        unreachable!("payments have plain kernels")
    };
    json!({
        "features": "Plain",
        "fee_shift": fee.fee_shift(),
        "fee": fee.fee(),
        "lock_height": 0,
        "excess": kernel.excess().to_string(),
        "excess_sig": hex::encode(kernel.signature().0),
    })
}
