//! The program `grin`, on a network of its own.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use scape::rpc::{RpcClient, RpcError, RpcLimits, Secret, Url};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::wallet::{Reward, Wallet};

const LIMITS: RpcLimits = RpcLimits { timeout: Duration::from_secs(30), answer: 32 << 20 };

/// A Grin node that mines.
pub(crate) struct Grin {
    program: PathBuf,
    home: TempDir,
    api: SocketAddr,
    p2p: SocketAddr,
    process: Option<Child>,
}

impl Grin {
    /// Starts a node whose rewards go to a wallet.
    pub(crate) async fn start(wallet: &str) -> Self {
        let program = std::env::var_os("SCAPE_GRIN").expect("SCAPE_GRIN names the program grin");
        let home = tempfile::tempdir().unwrap();
        let mut grin = Self {
            program: program.into(),
            home,
            api: free_addr(),
            p2p: free_addr(),
            process: None,
        };
        assert!(grin.command(&["server", "config"]).status().unwrap().success());
        grin.configure(wallet);
        grin.run().await;
        grin
    }

    fn configure(&self, wallet: &str) {
        let path = self.home.path().join("grin-server.toml");
        let config = fs::read_to_string(&path).unwrap();
        let (api, port) = (self.api.to_string(), self.p2p.port().to_string());
        let set = [
            ("api_http_addr", format!("\"{api}\"")),
            ("run_tui", "false".to_owned()),
            ("run_test_miner", "true".to_owned()),
            ("#test_miner_wallet_url", format!("\"{wallet}\"")),
            ("skip_sync_wait", "true".to_owned()),
            ("host", "\"127.0.0.1\"".to_owned()),
            ("port", port),
            ("aggregation_secs", "3".to_owned()),
            ("enable_stratum_server", "false".to_owned()),
        ];
        let lines = config.lines().map(|line| {
            let key = line.split('=').next().unwrap_or_default().trim();
            let value = set.iter().find(|(name, _)| *name == key);
            value.map_or(line.to_owned(), |(name, value)| {
                format!("{} = {value}", name.trim_start_matches('#'))
            })
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        assert!(text.contains("test_miner_wallet_url = "), "the key is where it was: {text}");
        fs::write(path, text).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["--usernet", "--no-tui"]).args(args);
        command.current_dir(self.home.path()).env("HOME", self.home.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Starts it without its chain.
    pub(crate) async fn start_over(&mut self) {
        fs::remove_dir_all(self.home.path().join("chain_data")).unwrap();
        self.run().await;
    }

    /// Starts it and waits until it answers.
    async fn run(&mut self) {
        self.process = Some(self.command(&["server", "run"]).spawn().unwrap());
        let search = async {
            while self.foreign("get_tip", json!([])).await.is_err() {
                sleep(Duration::from_millis(200)).await;
            }
        };
        timeout(Duration::from_secs(60), search).await.expect("it answers");
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
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

    pub(crate) async fn until_height(&self, height: u64) {
        let search = async {
            loop {
                let tip = self.foreign("get_tip", json!([])).await.unwrap();
                if tip["height"].as_u64().unwrap() >= height {
                    return;
                }
                sleep(Duration::from_millis(500)).await;
            }
        };
        timeout(Duration::from_secs(300), search).await.expect("it mines");
    }

    pub(crate) async fn hash_at(&self, height: u64) -> Option<String> {
        let header = self.foreign("get_header", json!([height, null, null])).await.ok()?;
        Some(header["hash"].as_str()?.to_owned())
    }

    /// Rewards in the chain, at least one more than `count` and so old that they can be spent.
    pub(crate) async fn unspent_rewards(&self, wallet: &Wallet, count: usize) -> Vec<Reward> {
        let rewards = wallet.rewards();
        let commitments: Vec<_> = rewards.iter().map(|reward| &reward.commitment).collect();
        let params = json!([commitments, null, null, false, false]);
        let outputs = self.foreign("get_outputs", params).await.unwrap();
        let tip = self.foreign("get_tip", json!([])).await.unwrap()["height"].as_u64().unwrap();
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
        let secret = self.home.path().join(".grin/user/.api_secret");
        let owner = self.client("/v2/owner", &secret);
        owner.call::<Value>("reset_chain_head", json!([hash])).await.unwrap();
    }

    async fn foreign(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        self.client("/v2/foreign", &self.foreign_secret()).call(method, params).await
    }

    fn client(&self, path: &'static str, secret: &Path) -> RpcClient {
        RpcClient::new(&self.url(), path, Secret::load(secret).ok().as_ref(), LIMITS)
    }
}

impl Drop for Grin {
    fn drop(&mut self) {
        self.stop();
    }
}

fn free_addr() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
