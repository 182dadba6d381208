//! A relay: the binary as a process that is killed and started again, always with the same data.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scape::api::view::{JournalView, StatusView};
use scape::rpc::{RpcClient, RpcError, RpcLimits, Secret};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use super::flow::Payment;
use super::link::Link;
use super::log::{Log, Ports};
use super::wiretap::{Life, Wiretap};

const LIMITS: RpcLimits = RpcLimits { timeout: Duration::from_secs(20), answer: 64 << 20 };
/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Relay {
    pub(crate) index: usize,
    pub(crate) link: Link,
    wiretap: Wiretap,
    dir: TempDir,
    settings: Mutex<String>,
    /// Whoever holds it may kill and start the process.
    pub(crate) process: tokio::sync::Mutex<Process>,
    apis: Mutex<Option<Apis>>,
}

/// How a process is reached.
#[derive(Clone)]
struct Apis {
    foreign: RpcClient,
    owner: RpcClient,
}

/// The process, if it runs.
#[derive(Default)]
pub(crate) struct Process {
    child: Option<Child>,
    log: Log,
    lives: usize,
}

impl Relay {
    pub(crate) async fn new(index: usize, wiretap: Wiretap) -> Arc<Self> {
        Arc::new(Self {
            index,
            link: Link::new(Some((wiretap.clone(), index))).await,
            wiretap,
            dir: tempfile::tempdir().expect("a folder"),
            settings: Mutex::default(),
            process: tokio::sync::Mutex::default(),
            apis: Mutex::default(),
        })
    }

    /// What all of its lives have in common.
    pub(crate) fn configure(&self, grin: &str, peers: &[Arc<Self>]) {
        let others = peers.iter().filter(|peer| peer.index != self.index);
        let others: Vec<_> = others.map(|peer| format!("\"{}\"", peer.link.addr())).collect();
        let (own, peers) = (self.link.addr(), others.join(", "));
        *self.settings.lock().expect("no panic") = format!(
            "[chain]\ntype = \"testnet\"\n\
             [network]\nlisten = \"127.0.0.1:0\"\nadvertise = \"{own}\"\npeers = [{peers}]\n\
             outbound = 3\nmax_inbound_per_host = 64\nallow_private = true\n\
             encryption = \"off\"\n\
             [grin]\nurl = \"{grin}\"\npoll_secs = 1\n\
             [api]\nforeign = \"127.0.0.1:0\"\nforeign_secret_file = {:?}\n\
             owner = \"127.0.0.1:0\"\nowner_secret_file = {:?}\n\
             [dandelion]\npreset = \"grin-doc\"\nepoch_secs = 20\npatience_secs = 1\n\
             relay_max_lag = 100\n\
             embargo_base_secs = 5\nembargo_spread_secs = 3\nembargo_sweep_secs = 0.5\n\
             fluff_delay_secs = 0.2\n\
             [log]\njson = true\nfilter = \"info\"\n",
            self.foreign_secret(),
            self.owner_secret(),
        );
    }

    fn foreign_secret(&self) -> PathBuf {
        self.dir.path().join("foreign")
    }

    fn owner_secret(&self) -> PathBuf {
        self.dir.path().join("owner")
    }

    /// Calls a method of the wallets' API.
    pub(crate) async fn foreign<T: DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
    ) -> Result<T, RpcError> {
        let foreign = self.apis().map(|apis| apis.foreign);
        foreign.ok_or_else(|| self.is_down())?.call(method, params).await
    }

    pub(crate) async fn push(&self, payment: &Payment) -> Result<(), RpcError> {
        self.foreign("push_transaction", json!([payment.tx.to_json(), false])).await
    }

    pub(crate) async fn status(&self) -> Result<StatusView, RpcError> {
        let owner = self.apis().map(|apis| apis.owner);
        owner.ok_or_else(|| self.is_down())?.call("get_status", json!([])).await
    }

    fn apis(&self) -> Option<Apis> {
        self.apis.lock().expect("no panic").clone()
    }

    fn is_down(&self) -> RpcError {
        RpcError::Unreachable { url: format!("relay {}", self.index), reason: "down".to_owned() }
    }

    /// Waits until its journal is as it should be.
    pub(crate) async fn until_journal(&self, what: &str, holds: impl Fn(&JournalView) -> bool) {
        let search = async {
            loop {
                match self.status().await {
                    Ok(status) if holds(&status.journal) => return,
                    _ => sleep(Duration::from_millis(50)).await,
                }
            }
        };
        let found = timeout(PATIENCE, search).await;
        assert!(found.is_ok(), "relay {}: {what}: {:?}", self.index, self.status().await);
    }

    /// Starts it, and waits until it serves. It is not killed when it writes beyond a limit.
    pub(crate) async fn start(&self, process: &mut Process) {
        let life = Life { relay: self.index, number: process.lives };
        process.lives += 1;
        self.wiretap.forget(self.index);
        let config = self.dir.path().join("scape.toml");
        let settings = self.settings.lock().expect("no panic").clone();
        let data = self.dir.path().join("data");
        let node = format!(
            "[node]\ndata_dir = {data:?}\nworkers = 1\nuser_agent = \"{}\"\n",
            life.user_agent()
        );
        std::fs::write(&config, settings + &node).expect("written");
        let ports = process.run(&binary(), &config).await;
        self.link.lead_to(Some(ports.peers));
        let client = |addr, path, secret: &Path| {
            let url = format!("http://{addr}").parse().expect("a URL");
            RpcClient::new(&url, path, Some(&Secret::load(secret).expect("a password")), LIMITS)
        };
        *self.apis.lock().expect("no panic") = Some(Apis {
            foreign: client(ports.foreign, "/v2/foreign", &self.foreign_secret()),
            owner: client(ports.owner, "/v2/owner", &self.owner_secret()),
        });
    }

    /// Kills it with SIGKILL.
    pub(crate) fn kill(&self, process: &mut Process) {
        process.still_runs();
        let child = process.child.as_mut().expect("it runs");
        child.kill().expect("killed");
        child.wait().expect("it is gone");
        process.child = None;
        self.forget();
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) async fn stop(&self, process: &mut Process) {
        process.still_runs();
        let mut child = process.child.take().expect("it runs");
        self.forget();
        let status = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
        let gone = async {
            loop {
                match child.try_wait().expect("a child") {
                    Some(status) => return status,
                    None => sleep(Duration::from_millis(20)).await,
                }
            }
        };
        let status = timeout(PATIENCE, gone).await;
        assert!(status.is_ok_and(|status| status.success()), "{}", process.log.tail());
    }

    fn forget(&self) {
        self.link.lead_to(None);
        *self.apis.lock().expect("no panic") = None;
    }
}

impl Process {
    /// The number of the current life.
    pub(crate) fn life(&self, relay: &Relay) -> Life {
        Life { relay: relay.index, number: self.lives - 1 }
    }

    async fn run(&mut self, binary: &str, config: &Path) -> Ports {
        let mut child = Command::new("sh");
        child.args(["-c", "trap '' XFSZ; exec \"$0\" run --config \"$1\"", binary]).arg(config);
        for name in ["RUST_LOG", "SCAPE_CONFIG"] {
            child.env_remove(name);
        }
        let mut child = child.stderr(std::process::Stdio::piped()).spawn().expect("sh runs");
        self.log = Log::follow(child.stderr.take().expect("piped"));
        self.child = Some(child);
        let ports = timeout(PATIENCE, self.log.ports()).await;
        ports.unwrap_or_else(|_| unreachable!("it does not start: {}", self.log.tail()))
    }

    /// Nothing but the test may end it.
    pub(crate) fn still_runs(&mut self) {
        let child = self.child.as_mut().expect("it was started");
        let ended = child.try_wait().expect("a child");
        assert!(ended.is_none(), "it ended by itself with {ended:?}: {}", self.log.tail());
    }

    /// What went wrong by its own account, in this life.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.log.complaints()
    }

    /// Limits its files to so many bytes, or not at all: a disk that is full.
    pub(crate) fn limit_files(&self, limit: &str) {
        let id = self.child.as_ref().expect("it runs").id().to_string();
        let limit = format!("--fsize={limit}:unlimited");
        let status = Command::new("prlimit").args(["--pid", &id, &limit]).status();
        assert!(status.expect("prlimit, of util-linux, runs").success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have gone.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The binary under test; `SCAPE_BIN` names another one.
fn binary() -> String {
    std::env::var("SCAPE_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_scape").to_owned())
}
