//! The program `scape` with a zone on an anonymity network and no other.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use scape::api::view::{StatusView, TransactionState, TransactionView};
use scape_aggregate::Transaction;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::program::{Running, client, free_addr, scape, until};

/// What each coin of the chain is worth, and the seed of their keys.
pub(crate) const VALUE: u64 = 60_000_000_000;
pub(crate) const SEED: u64 = 1;

pub(crate) struct Relay {
    // Before the folder that it writes to.
    process: Running,
    home: TempDir,
    foreign: SocketAddr,
    owner: SocketAddr,
}

impl Relay {
    /// Starts it, with the section of its zone, and the share of transactions that go on as stem.
    pub(crate) fn start(zone: &str, stem_probability: f64) -> Self {
        let home = tempfile::tempdir().unwrap();
        let [foreign, owner] = [free_addr(), free_addr()];
        // Blocks are not exchanged, so none is made: each would have its own.
        let config = format!(
            "[chain]\ntype = \"autotest\"\n\
             [node]\ndata_dir = {:?}\n\
             [network]\nenabled = false\n\
             {zone}\n\
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

    /// Until it has reached its peer.
    pub(crate) async fn until_connected(&self) {
        self.until_status("connected", |status| (!status.relays.is_empty()).then_some(())).await;
    }

    /// Until nobody is left to whom its own transactions could go.
    pub(crate) async fn until_disconnected(&self) {
        self.until_status("disconnected", |status| status.relays.is_empty().then_some(())).await;
    }

    /// Until its status says this.
    pub(crate) async fn until_status<T>(
        &self,
        what: &str,
        says: impl Fn(StatusView) -> Option<T>,
    ) -> T {
        until(what, 180, async || says(self.try_ask("get_status", json!([])).await?)).await
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
        until("in that state", 240, async || {
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
