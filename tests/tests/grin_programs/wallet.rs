//! The program `grin-wallet`, as it is.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use crate::installed::{named_by, set_key};
use crate::program::{Running, free_addr, until};
use crate::relay::Relay;

/// A wallet whose node is a relay.
pub(crate) struct Wallet {
    program: PathBuf,
    // Before the folder that it writes to.
    listener: Option<Running>,
    home: TempDir,
    addr: SocketAddr,
}

impl Wallet {
    /// Makes a wallet. The relay has to run.
    pub(crate) async fn init(relay: &Relay) -> Self {
        let wallet = Self {
            program: named_by("SCAPE_GRIN_WALLET"),
            listener: None,
            home: tempfile::tempdir().unwrap(),
            addr: free_addr(),
        };
        wallet.run(&["init"]).await;
        let config = wallet.home.path().join(".grin/user/grin-wallet.toml");
        let node = format!("http://{}", relay.wallets());
        set_key(&config, "check_node_api_http_addr", &json!(node).to_string());
        let secret = json!(relay.wallets_secret()).to_string();
        set_key(&config, "node_api_secret_path", &secret);
        set_key(&config, "api_listen_port", &wallet.addr.port().to_string());
        wallet
    }

    /// Lets it make the rewards of a node that mines.
    pub(crate) fn listen(&mut self) {
        let output = self.home.path().join("listener.txt");
        self.listener = Some(Running::start(&mut self.command(&["listen", "-n"]), &output));
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Where it keeps a file.
    pub(crate) fn file(&self, name: &str) -> String {
        self.home.path().join(name).to_str().unwrap().to_owned()
    }

    /// How much it can spend after one block, in grin.
    pub(crate) async fn spendable(&self) -> f64 {
        let said = self.run(&["info", "-c", "1"]).await;
        let line = said.lines().find(|line| line.contains("Currently Spendable")).unwrap();
        line.split('|').nth(1).unwrap().trim().parse().unwrap()
    }

    /// Whether it knows a transaction with this kernel, and since when it is in a block.
    pub(crate) async fn has_confirmed(&self, kernel: &str) -> bool {
        let said = self.run(&["txs"]).await;
        let line = said.lines().find(|line| line.contains(kernel)).unwrap();
        line.split('|').nth(4).unwrap().trim() != "None"
    }

    /// Runs a command of it that succeeds, and returns what it said.
    pub(crate) async fn run(&self, args: &[&str]) -> String {
        let output = self.home.path().join("said.txt");
        let _ = fs::remove_file(&output);
        let mut running = Running::start(&mut self.command(args), &output);
        let ended = until("done", 120, async || running.child.try_wait().unwrap()).await;
        let said = fs::read_to_string(&output).unwrap();
        assert!(ended.success() && said.contains("completed successfully"), "{args:?}: {said}");
        said
    }

    fn command(&self, args: &[&str]) -> Command {
        let home: &Path = self.home.path();
        let mut command = Command::new(&self.program);
        command.args(["--usernet", "-p", "open sesame"]).args(args);
        command.current_dir(home).env("HOME", home);
        command
    }
}
