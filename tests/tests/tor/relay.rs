//! The program `scape` with a zone on Tor and no other.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use scape::api::view::{StatusView, TransactionState, TransactionView};
use scape_aggregate::Transaction;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{Running, client, free_addr, scape, until};

/// What each coin of the chain is worth, and the seed of their keys.
pub(crate) const VALUE: u64 = 60_000_000_000;
pub(crate) const SEED: u64 = 1;

/// What one relay is told.
pub(crate) struct Settings<'a> {
    /// Where its Tor client listens for it.
    pub(crate) socks: SocketAddr,
    /// Where its onion service leads.
    pub(crate) listen: SocketAddr,
    pub(crate) own: &'a str,
    pub(crate) peer: &'a str,
    /// The share of transactions that go on as stem.
    pub(crate) stem_probability: f64,
}

pub(crate) struct Relay {
    // Before the folder that it writes to.
    process: Running,
    home: TempDir,
    foreign: SocketAddr,
    owner: SocketAddr,
}

impl Relay {
    pub(crate) fn start(settings: &Settings<'_>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let [foreign, owner] = [free_addr(), free_addr()];
        let Settings { socks, listen, own, peer, stem_probability } = settings;
        // Blocks are not exchanged, so none is made: each would have its own.
        let config = format!(
            "[chain]\ntype = \"autotest\"\n\
             [node]\ndata_dir = {:?}\n\
             [network]\nenabled = false\n\
             [tor]\nenabled = true\nproxy = \"{socks}\"\nlisten = \"{listen}\"\n\
             name = \"{own}\"\npeers = [\"{peer}\"]\n\
             [api]\nforeign = \"{foreign}\"\nowner = \"{owner}\"\n\
             [ledger]\nseed = {SEED}\nvalue = {VALUE}\nblock_secs = 100000\n\
             [dandelion]\npreset = \"grin-doc\"\nstem_probability = {stem_probability:?}\n\
             patience_secs = 2\n",
            home.path(),
        );
        let file = home.path().join("scape.toml");
        fs::write(&file, config).unwrap();
        let mut command = Command::new(scape());
        command.args(["run", "--config"]).arg(&file).env("RUST_LOG", "scape=debug,info");
        let process = Running::start(&mut command, &home.path().join("scape.txt"));
        Self { process, home, foreign, owner }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// As a wallet does it.
    pub(crate) async fn push(&self, tx: &Transaction) {
        let secret = self.home.path().join("autotest/.foreign_api_secret");
        let wallet = client(self.foreign, "/v2/foreign", &secret);
        wallet.call::<()>("push_transaction", json!([tx.to_json(), false])).await.unwrap();
    }

    /// Until it has reached its peer through an onion service.
    pub(crate) async fn until_connected(&self) {
        until("connected", 180, async || {
            let status: StatusView = self.try_ask("get_status", json!([])).await?;
            (!status.relays.is_empty()).then_some(())
        })
        .await;
    }

    /// Until nobody is left to whom its own transactions could go.
    pub(crate) async fn until_disconnected(&self) {
        until("disconnected", 180, async || self.status().await.relays.is_empty().then_some(()))
            .await;
    }

    pub(crate) async fn status(&self) -> StatusView {
        self.try_ask("get_status", json!([])).await.unwrap()
    }

    /// Until this holds of a transaction of the owner.
    pub(crate) async fn until_state(
        &self,
        tx: &Transaction,
        is_it: impl Fn(&TransactionState) -> bool,
    ) -> TransactionState {
        let excess = hex::encode(tx.kernels()[0].excess().as_bytes());
        until("in that state", 120, async || {
            let own: TransactionView = self.try_ask("get_transaction", json!([excess])).await?;
            is_it(&own.state).then_some(own.state)
        })
        .await
    }

    async fn try_ask<T: DeserializeOwned>(&self, method: &str, params: Value) -> Option<T> {
        let secret = self.home.path().join("autotest/.owner_api_secret");
        client(self.owner, "/v2/owner", &secret).call(method, params).await.ok()
    }
}
