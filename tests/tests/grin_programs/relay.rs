//! The program `scape`, between wallets and a Grin node.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use scape::api::view::{ChainSourceView, ChainStateView, StatusView};
use scape::rpc::RpcClient;
use scape_aggregate::Transaction;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::grin::Grin;
use crate::program::{Running, client, free_addr, scape, until};

/// How long transactions wait for others. Long enough to push several on a busy machine.
pub(crate) const PATIENCE: u64 = 10;

/// A relay whose chain is that of a Grin node.
pub(crate) struct Relay {
    // Before the folder that it writes to.
    _process: Running,
    home: TempDir,
    config: String,
    p2p: SocketAddr,
    foreign: SocketAddr,
    owner: SocketAddr,
}

impl Relay {
    /// Starts one that has the Grin node as a peer, too, and like on the main network tells nobody of
    /// addresses such as these. The node need not run yet.
    pub(crate) fn start(grin: &Grin) -> Self {
        let home = tempfile::tempdir().unwrap();
        let [p2p, foreign, owner] = [free_addr(), free_addr(), free_addr()];
        let config = format!(
            "[chain]\ntype = \"usernet\"\nnrd = true\n\
             [node]\ndata_dir = {:?}\n\
             [grin]\nurl = \"{}\"\nsecret_file = {:?}\n\
             [network]\nlisten = \"{p2p}\"\npeers = [\"{}\"]\nallow_private = false\n\
             [api]\nforeign = \"{foreign}\"\nowner = \"{owner}\"\n\
             [dandelion]\npreset = \"grin-doc\"\npatience_secs = {PATIENCE}\n",
            home.path(),
            grin.url(),
            grin.foreign_secret(),
            grin.p2p(),
        );
        let file = home.path().join("scape.toml");
        fs::write(&file, &config).unwrap();
        let mut command = Command::new(scape());
        command.args(["run", "--config"]).arg(&file).env("RUST_LOG", "scape=debug,info");
        let _process = Running::start(&mut command, &home.path().join("scape.txt"));
        Self { _process, home, config, p2p, foreign, owner }
    }

    pub(crate) fn p2p(&self) -> SocketAddr {
        self.p2p
    }

    /// Where wallets are served.
    pub(crate) fn wallets(&self) -> SocketAddr {
        self.foreign
    }

    pub(crate) fn wallets_secret(&self) -> PathBuf {
        self.home.path().join("usernet/.foreign_api_secret")
    }

    /// From now on, what the coin says.
    pub(crate) async fn set_stem_probability(&self, probability: f64) {
        let text = format!("{}stem_probability = {probability:?}\n", self.config);
        fs::write(self.home.path().join("scape.toml"), text).unwrap();
        let reloaded: Value = self.ask("reload_config", json!([])).await;
        assert_eq!(reloaded["changed"], json!(["dandelion.stem_probability"]), "{reloaded}");
    }

    /// As a wallet does it.
    pub(crate) async fn push(&self, tx: &Transaction) {
        let params = json!([tx.to_json(), false]);
        self.wallet_client().call("push_transaction", params).await.unwrap()
    }

    pub(crate) fn wallet_client(&self) -> RpcClient {
        client(self.foreign, "/v2/foreign", &self.wallets_secret())
    }

    pub(crate) async fn status(&self) -> StatusView {
        self.ask("get_status", json!([])).await
    }

    /// Until it has the chain of the Grin node, and it as a relay.
    pub(crate) async fn until_ready(&self) {
        until("ready", 120, async || {
            let status = self.try_ask::<StatusView>("get_status", json!([])).await?;
            let ChainSourceView::Grin { state, .. } = status.chain_source else { return None };
            (state == ChainStateView::Ready && !status.relays.is_empty()).then_some(())
        })
        .await;
    }

    /// Asks the owner API.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, method: &str, params: Value) -> T {
        self.try_ask(method, params).await.unwrap()
    }

    async fn try_ask<T: DeserializeOwned>(&self, method: &str, params: Value) -> Option<T> {
        let secret = self.home.path().join("usernet/.owner_api_secret");
        client(self.owner, "/v2/owner", &secret).call(method, params).await.ok()
    }
}
