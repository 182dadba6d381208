//! As much of a wallet as mining and spending rewards needs, so that a test has the keys.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use grin_core::core::KernelFeatures;
use grin_core::global::{self, ChainTypes};
use grin_core::libtx::{ProofBuilder, build, reward};
use grin_core::ser;
use grin_keychain::{ExtKeychain, Identifier, Keychain};
use scape_aggregate::{ProtocolVersion, Transaction};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::CONSENSUS;

/// What a block pays its miner, without fees.
const REWARD: u64 = 60_000_000_000;
const FEE: u64 = 50_000_000;
/// How transactions travel between today's nodes.
const VERSION: u32 = 3;

/// The reward of a block, which may or may not have been mined.
#[derive(Clone, Debug)]
pub(crate) struct Reward {
    key: u32,
    value: u64,
    /// In hex.
    pub(crate) commitment: String,
}

/// What a Grin node asks for the outputs of its rewards, as it does a wallet.
pub(crate) struct Keys {
    held: Arc<Held>,
    addr: SocketAddr,
}

struct Held {
    keychain: ExtKeychain,
    rewards: Mutex<Vec<Reward>>,
}

impl Keys {
    pub(crate) async fn start() -> Self {
        // The same for all tests, so that it does not matter which of them is the first.
        global::init_global_chain_type(ChainTypes::UserTesting);
        let keychain = ExtKeychain::from_seed(&[7; 32], false).unwrap();
        let held = Arc::new(Held { keychain, rewards: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let router = Router::new().route("/v2/foreign", post(answer)).with_state(held.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { held, addr }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// All that the node has asked for, the first one first.
    pub(crate) fn rewards(&self) -> Vec<Reward> {
        self.held.rewards.lock().unwrap().clone()
    }

    /// Spends a reward into two outputs.
    pub(crate) fn spend(&self, reward: &Reward) -> Transaction {
        let keychain = &self.held.keychain;
        let half = (reward.value - FEE) / 2;
        let change = reward.value - FEE - half;
        let elements = [
            build::coinbase_input(reward.value, key(reward.key)),
            build::output(half, key(1_000_000 + 2 * reward.key)),
            build::output(change, key(1_000_001 + 2 * reward.key)),
        ];
        let features = KernelFeatures::Plain { fee: FEE.try_into().unwrap() };
        let proofs = ProofBuilder::new(keychain);
        let tx = build::transaction(features, &elements, keychain, &proofs).unwrap();
        let bytes = Bytes::from(ser::ser_vec(&tx, ser::ProtocolVersion(VERSION)).unwrap());
        Transaction::decode(&bytes, ProtocolVersion(VERSION), &CONSENSUS).unwrap()
    }
}

fn key(number: u32) -> Identifier {
    ExtKeychain::derive_key_id(1, number, 0, 0, 0)
}

async fn answer(State(held): State<Arc<Held>>, call: String) -> String {
    let call: Value = serde_json::from_str(&call).unwrap();
    assert_eq!(call["method"], "build_coinbase");
    let fees = &call["params"]["block_fees"]["fees"];
    let fees = fees.as_u64().or_else(|| fees.as_str()?.parse().ok()).unwrap();
    let mut rewards = held.rewards.lock().unwrap();
    let number = rewards.len() as u32;
    let proofs = ProofBuilder::new(&held.keychain);
    let made = reward::output(&held.keychain, &proofs, &key(number), fees, false);
    let (output, kernel) = made.unwrap();
    let commitment = hex::encode(output.commitment().0);
    rewards.push(Reward { key: number, value: REWARD + fees, commitment });
    let data = json!({ "output": output, "kernel": kernel, "key_id": key(number) });
    json!({ "jsonrpc": "2.0", "id": 1, "result": { "Ok": data } }).to_string()
}
