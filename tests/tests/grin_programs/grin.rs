//! The program `grin`.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use scape::rpc::{RpcClient, RpcError, Url};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::installed::{named_by, set_key};
use crate::keys::{Keys, Reward};
use crate::program::{Running, client, free_addr, until};

/// A Grin node.
pub(crate) struct Grin {
    program: PathBuf,
    // Before the folder that it writes to.
    process: Option<Running>,
    home: TempDir,
    api: SocketAddr,
    p2p: SocketAddr,
}

impl Grin {
    /// Starts a node that mines, and whose rewards go to a wallet.
    pub(crate) async fn start(wallet: &str) -> Self {
        let mut grin = Self::configured();
        grin.mine_for(wallet);
        grin.run().await;
        grin
    }

    /// A node that does not run yet and knows nobody.
    pub(crate) fn configured() -> Self {
        let grin = Self {
            program: named_by("SCAPE_GRIN"),
            process: None,
            home: tempfile::tempdir().unwrap(),
            api: free_addr(),
            p2p: free_addr(),
        };
        let mut command = grin.command(&["server", "config"]);
        let silent = command.stdout(Stdio::null()).stderr(Stdio::null());
        assert!(silent.status().unwrap().success());
        grin.set("api_http_addr", json!(grin.api));
        // Where they are not it asks nobody for a password.
        fs::create_dir_all(grin.home.path().join(".grin/user")).unwrap();
        fs::write(grin.owner_secret(), "of the owner").unwrap();
        fs::write(grin.foreign_secret(), "of wallets").unwrap();
        grin.set("api_secret_path", json!(grin.owner_secret()));
        grin.set("foreign_api_secret_path", json!(grin.foreign_secret()));
        grin.set("run_tui", json!(false));
        grin.set("skip_sync_wait", json!(true));
        grin.set("host", json!("127.0.0.1"));
        grin.set("port", json!(grin.p2p.port()));
        grin.set("aggregation_secs", json!(3));
        grin
    }

    pub(crate) fn mine_for(&self, wallet: &str) {
        self.set("run_test_miner", json!(true));
        self.set("test_miner_wallet_url", json!(wallet));
    }

    /// Whom it connects to.
    pub(crate) fn dial(&self, peer: SocketAddr) {
        self.set("peers_preferred", json!([peer]));
    }

    /// How likely it hands on what it gets in the stem, in percent; else it fluffs it.
    pub(crate) fn stem(&self, percent: u8) {
        self.set("stem_probability", json!(percent));
    }

    fn set(&self, key: &str, value: Value) {
        set_key(&self.home.path().join("grin-server.toml"), key, &value.to_string());
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["--usernet", "--no-tui"]).args(args);
        command.current_dir(self.home.path()).env("HOME", self.home.path());
        command
    }

    /// Starts it without its chain.
    pub(crate) async fn start_over(&mut self) {
        fs::remove_dir_all(self.home.path().join("chain_data")).unwrap();
        self.run().await;
    }

    /// Starts it and waits until it answers.
    pub(crate) async fn run(&mut self) {
        let output = self.home.path().join("grin.txt");
        self.process = Some(Running::start(&mut self.command(&["server", "run"]), &output));
        until("answering", 120, async || self.foreign("get_tip", json!([])).await.ok()).await;
    }

    pub(crate) fn stop(&mut self) {
        self.process = None;
    }

    pub(crate) fn url(&self) -> Url {
        format!("http://{}", self.api).parse().unwrap()
    }

    pub(crate) fn p2p(&self) -> SocketAddr {
        self.p2p
    }

    pub(crate) fn foreign_secret(&self) -> PathBuf {
        self.home.path().join(".grin/user/.foreign_api_secret")
    }

    fn owner_secret(&self) -> PathBuf {
        self.home.path().join(".grin/user/.api_secret")
    }

    pub(crate) async fn height(&self) -> u64 {
        let tip = self.foreign("get_tip", json!([])).await.unwrap();
        tip["height"].as_u64().unwrap()
    }

    pub(crate) async fn until_height(&self, height: u64) {
        until("mined", 300, async || (self.height().await >= height).then_some(())).await;
    }

    pub(crate) async fn hash_at(&self, height: u64) -> Option<String> {
        let header = self.foreign("get_header", json!([height, null, null])).await.ok()?;
        Some(header["hash"].as_str()?.to_owned())
    }

    /// Rewards in the chain, at least one more than `count` and so old that they can be spent.
    pub(crate) async fn unspent_rewards(&self, keys: &Keys, count: usize) -> Vec<Reward> {
        let rewards = keys.rewards();
        let commitments: Vec<_> = rewards.iter().map(|reward| &reward.commitment).collect();
        let params = json!([commitments, null, null, false, false]);
        let outputs = self.foreign("get_outputs", params).await.unwrap();
        let tip = self.height().await;
        let outputs = outputs.as_array().unwrap().iter();
        let mature = outputs.filter(|o| o["block_height"].as_u64().unwrap() + 3 <= tip + 1);
        let mature: Vec<_> = mature.map(|output| output["commit"].as_str().unwrap()).collect();
        let found = rewards.iter().filter(|reward| mature.contains(&&*reward.commitment));
        let found: Vec<_> = found.cloned().collect();
        assert!(found.len() > count, "{found:?}");
        found
    }

    /// Lets it forget all blocks above a height.
    pub(crate) async fn reset_to(&self, height: u64) {
        let hash = self.hash_at(height).await.unwrap();
        self.owner().call::<Value>("reset_chain_head", json!([hash])).await.unwrap();
    }

    /// The addresses of the peers that it has connected to.
    pub(crate) async fn outbound(&self) -> Vec<String> {
        let peers: Value = self.owner().call("get_connected_peers", json!([])).await.unwrap();
        let outbound = peers.as_array().unwrap().iter().filter(|p| p["direction"] == "Outbound");
        outbound.map(|peer| peer["addr"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn foreign(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        self.foreign_client().call(method, params).await
    }

    pub(crate) fn foreign_client(&self) -> RpcClient {
        client(self.api, "/v2/foreign", &self.foreign_secret())
    }

    fn owner(&self) -> RpcClient {
        client(self.api, "/v2/owner", &self.owner_secret())
    }
}
