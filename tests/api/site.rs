//! A node with its APIs, on a development chain.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use scape::aggregate::builder::{Built, Coin, Faucet, TxBuilder, seeded};
use scape::aggregate::{ChainType, Consensus, Transaction};
use scape::api::view::{TransactionState, TransactionView};
use scape::api::{Apis, Origin, SetFilter};
use scape::chain::DevLedger;
use scape::config::Config;
use scape::node::{Node, NodeConfig};
use scape::rpc::{RpcClient, RpcError, RpcLimits, Secret};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

pub(crate) const CONSENSUS: Consensus = Consensus::of(ChainType::AutomatedTesting);
pub(crate) const VALUE: u64 = 60_000_000_000;
/// Patience that never ends, so that what is on the stem stays there.
pub(crate) const WAITING: &str = "[dandelion]\npreset = \"grin-doc\"\nepoch_secs = 200000\n\
    patience_secs = 100000\nembargo = \"exponential\"\nembargo_mean_secs = 100000\n";
/// Whatever is asked, not more than that.
const LIMITS: RpcLimits = RpcLimits { timeout: Duration::from_secs(30), answer: 64 << 20 };

pub(crate) struct Site {
    pub(crate) node: Node,
    pub(crate) apis: Apis,
    pub(crate) config: Config,
    /// What the log was told to follow.
    pub(crate) filters: Arc<Mutex<Vec<String>>>,
    dir: TempDir,
}

/// A coin of the genesis.
pub(crate) fn coin(index: usize) -> Coin {
    Faucet::new(1).coins(index + 1, VALUE)[index]
}

/// Spends a coin; `variant` makes different transactions of the same coin.
pub(crate) fn spend(coin: Coin, variant: u64) -> Built {
    let built = TxBuilder::new().input(coin).split(2).build(&mut seeded(2, variant), &CONSENSUS);
    built.expect("a transaction")
}

pub(crate) fn payment(index: usize) -> Transaction {
    spend(coin(index), index as u64).tx
}

pub(crate) fn excess(tx: &Transaction) -> String {
    hex::encode(tx.kernels()[0].excess().as_bytes())
}

impl Site {
    /// Starts one whose configuration is this and what a test needs.
    pub(crate) async fn start(settings: &str) -> Self {
        Self::start_on(settings, 20).await
    }

    /// The same, with so many coins in the genesis.
    pub(crate) async fn start_on(settings: &str, coins: usize) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let text = format!(
            "{settings}\n[chain]\ntype = \"autotest\"\n[node]\ndata_dir = {:?}\nworkers = 1\n",
            dir.path().join("data").display().to_string(),
        );
        let path = dir.path().join("scape.toml");
        fs::write(&path, text).expect("written");
        let mut config = Config::load(&path).expect("a configuration");
        config.api.foreign.get_or_insert("127.0.0.1:0".parse().expect("an address"));
        config.api.owner.get_or_insert("127.0.0.1:0".parse().expect("an address"));
        config.network.listen.get_or_insert("127.0.0.1:0".parse().expect("an address"));
        let genesis = Faucet::new(1).coins(coins, VALUE).into_iter();
        let genesis = genesis.map(|coin| (coin.commitment(), coin.features()));
        let ledger = DevLedger::new(CONSENSUS, genesis);
        let mut zone = config.zone_config().expect("a zone");
        zone.peers.dial_interval = Duration::from_millis(50);
        let node_config = NodeConfig {
            zone,
            net: config.net_config([3; 32]),
            book: config.book_config(),
            seeds: Vec::new(),
            zones: Default::default(),
            data_dir: Some(config.data_dir().expect("a folder")),
            workers: 1,
            seed: [7; 32],
        };
        let node = Node::start(node_config, ledger, None).await.expect("started");
        let filters = Arc::new(Mutex::new(Vec::new()));
        let set_filter: SetFilter = {
            let filters = filters.clone();
            Arc::new(move |filter| {
                filters.lock().expect("no panic").push(filter.to_owned());
                Ok(())
            })
        };
        let origin = Origin { path: Some(path), set_filter: Some(set_filter) };
        let mut rng = ChaCha12Rng::seed_from_u64(5);
        let apis = Apis::start(&config, origin, node.handle(), &mut rng).await.expect("started");
        Self { node, apis, config, filters, dir }
    }

    pub(crate) fn config_file(&self) -> PathBuf {
        self.dir.path().join("scape.toml")
    }

    pub(crate) fn journal_file(&self) -> PathBuf {
        self.config.data_dir().expect("a folder").join("journal.redb")
    }

    pub(crate) fn foreign_addr(&self) -> SocketAddr {
        self.apis.foreign_addr().expect("it listens")
    }

    pub(crate) fn owner_addr(&self) -> SocketAddr {
        self.apis.owner_addr().expect("it listens")
    }

    pub(crate) fn foreign_password(&self) -> String {
        let path = self.config.foreign_secret_file().expect("a path");
        fs::read_to_string(path).expect("a password")
    }

    pub(crate) fn owner_password(&self) -> String {
        let path = self.config.owner_secret_file().expect("a path");
        fs::read_to_string(path).expect("a password")
    }

    pub(crate) fn foreign(&self) -> RpcClient {
        let path = self.config.foreign_secret_file().expect("a path");
        client(self.foreign_addr(), "/v2/foreign", path)
    }

    pub(crate) fn owner(&self) -> RpcClient {
        client(self.owner_addr(), "/v2/owner", self.config.owner_secret_file().expect("a path"))
    }

    pub(crate) async fn ask<T: DeserializeOwned>(&self, method: &str, params: Value) -> T {
        self.owner().call(method, params).await.expect("an answer")
    }

    /// Pushes as a wallet does.
    pub(crate) async fn push(&self, tx: &Transaction, fluff: bool) -> Result<(), RpcError> {
        self.foreign().call("push_transaction", json!([tx.to_json(), fluff])).await
    }

    pub(crate) async fn state(&self, tx: &Transaction) -> TransactionState {
        let view: TransactionView = self.ask("get_transaction", json!([excess(tx)])).await;
        view.state
    }

    /// Waits until the owner is told so of a transaction.
    pub(crate) async fn until(
        &self,
        tx: &Transaction,
        holds: impl Fn(&TransactionState) -> bool,
    ) -> TransactionState {
        let search = async {
            loop {
                let state = self.state(tx).await;
                if holds(&state) {
                    return state;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        match timeout(Duration::from_secs(30), search).await {
            Ok(state) => state,
            Err(_) => unreachable!("it stays {:?}", self.state(tx).await),
        }
    }

    /// Mines what is public.
    pub(crate) async fn mine(&self, salt: u64) {
        let block = self.node.propose(salt).await.expect("the node runs");
        self.node.deliver(block).await.expect("the node runs").expect("a good block");
    }
}

fn client(addr: SocketAddr, api: &'static str, secret: PathBuf) -> RpcClient {
    let secret = Secret::load(&secret).expect("a password");
    RpcClient::new(&format!("http://{addr}").parse().expect("a URL"), api, Some(&secret), LIMITS)
}

/// Settings of a node that stays connected to another one.
pub(crate) fn connected_to(addr: SocketAddr) -> String {
    format!("[network]\npeers = [\"{addr}\"]\noutbound = 1\n")
}
