//! What the log of a relay gives away: at `info` nothing of the stem, whatever happens there.

#[path = "kit/config.rs"]
mod config;
mod kit;
#[path = "kit/zone.rs"]
mod zone;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use scape::aggregate::Transaction;
use scape::aggregate::builder::{Built, Coin};
use scape::log::{LogConfig, LogFiles, set_filter, start};
use scape::node::Node;
use scape::p2p::zone::ZoneConfig;
use scape::pool::{FluffReason, Notice};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use config::config;
use kit::{CONSENSUS, coins, spend};
use zone::{params, peers};

/// How to be a relay: the probability to stem, patience and embargo.
type Way = (f64, Duration, Duration);
const SHORT: Duration = Duration::from_millis(100);
const AGES: Duration = Duration::from_secs(100_000);
const STEM: Way = (1.0, SHORT, Duration::from_secs(2));
const FLUFF: Way = (0.0, SHORT, AGES);
const SWALLOW: Way = (1.0, AGES, AGES);

/// A relay, and what it said that happened.
struct Relay {
    node: Node,
    notices: mpsc::UnboundedReceiver<Notice>,
    seen: Vec<Notice>,
}

async fn relay(
    data: Option<&Path>,
    (stem, patience, embargo): Way,
    relays: &[SocketAddr],
) -> Relay {
    let zone = ZoneConfig {
        params: params(stem, patience, embargo),
        peers: peers(relays.iter().copied()),
        ..ZoneConfig::new(CONSENSUS)
    };
    let mut config = config(zone, relays.len() as u8);
    config.data_dir = data.map(Path::to_owned);
    let kit::Relay { node, notices } = kit::start(config).await.expect("started");
    Relay { node, notices, seen: Vec::new() }
}

impl Relay {
    /// Waits until something has happened, or finds that it has.
    async fn until(&mut self, what: &str, is_it: impl Fn(&Notice) -> bool) {
        let search = async {
            while !self.seen.iter().any(&is_it) {
                self.seen.push(self.notices.recv().await.expect("the node runs"));
            }
        };
        timeout(Duration::from_secs(60), search).await.expect(what);
    }

    async fn until_connected(&self) {
        while self.node.status().await.expect("it runs").relays.is_empty() {
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Everything that a log must not hold, in the forms in which it could.
#[derive(Default)]
struct Secrets {
    kernels: Vec<String>,
    excesses: Vec<String>,
    commitments: Vec<String>,
    transactions: Vec<String>,
    addrs: Vec<String>,
}

/// As much as is told where it is cut; the first byte of a commitment says nothing.
fn needle(bytes: &[u8]) -> String {
    hex::encode(&bytes[1..6])
}

impl Secrets {
    fn add(&mut self, tx: &Transaction) {
        self.transactions.push(needle(tx.hash().as_bytes()));
        for kernel in tx.kernels() {
            self.kernels.push(needle(kernel.hash().as_bytes()));
            self.excesses.push(needle(kernel.excess().as_bytes()));
        }
        let inputs = tx.inputs().iter().map(|input| input.commitment());
        let commitments = inputs.chain(tx.outputs().iter().map(|output| output.commitment()));
        self.commitments.extend(commitments.map(|commitment| needle(commitment.as_bytes())));
    }

    async fn add_addrs(&mut self, relay: &Relay) {
        self.addrs.extend(relay.node.local_addr().map(|addr| addr.to_string()));
        let status = relay.node.status().await.expect("it runs");
        self.addrs
            .extend(status.peers.iter().filter_map(|peer| peer.addr).map(|addr| addr.to_string()));
    }

    fn kinds(&self) -> [(&str, &[String]); 5] {
        [
            ("kernel hash", &self.kernels),
            ("kernel excess", &self.excesses),
            ("commitment", &self.commitments),
            ("transaction hash", &self.transactions),
            ("peer address", &self.addrs),
        ]
    }
}

struct World {
    secrets: Secrets,
    coins: Vec<Coin>,
    made: u64,
}

impl World {
    fn pay(&mut self, coin: Coin) -> Built {
        self.made += 1;
        let built = spend(coin, self.made);
        self.secrets.add(&built.tx);
        built
    }

    fn coin(&mut self) -> Coin {
        self.coins.pop().expect("there are enough")
    }

    /// All that can happen to stem transactions, on the way over two relays.
    async fn happen(&mut self, data: &Path) {
        let mut last = relay(None, FLUFF, &[]).await;
        let mut black_hole = relay(None, SWALLOW, &[]).await;
        let miner = relay(None, STEM, &[]).await;
        let next = [last.node.local_addr().expect("it listens")];
        let mut middle = relay(None, STEM, &next).await;
        let next = [middle.node.local_addr().expect("it listens")];
        let mut first = relay(Some(data), STEM, &next).await;
        middle.until_connected().await;
        first.until_connected().await;

        // Stemmed twice, merged on the way, fluffed by a coin, seen by all.
        for _ in 0..3 {
            let coin = self.coin();
            let tx = self.pay(coin).tx;
            first.node.push(tx, false).await.expect("accepted");
        }
        middle.until("relayed", |notice| matches!(notice, Notice::Relayed { .. })).await;
        // The last relay has nobody to stem to, whatever its coins say.
        last.until("fluffed", |notice| matches!(notice, Notice::Fluffed { .. })).await;
        first.until("seen", |notice| matches!(notice, Notice::Seen { .. })).await;

        // Pushed again, spent twice, without its parent, with a wrong signature.
        let coin = self.coin();
        let (tx, rival) = (self.pay(coin), self.pay(coin));
        first.node.push(tx.tx.clone(), false).await.expect("accepted");
        first.node.push(tx.tx.clone(), false).await.expect("it is there already");
        // Whether it is refused matters elsewhere.
        let _ = first.node.push(rival.tx.clone(), false).await;
        let coin = self.coin();
        let parent = self.pay(coin);
        let child = self.pay(parent.coins[0]);
        first.node.push(child.tx, false).await.expect("it waits");
        first.until("orphaned", |notice| matches!(notice, Notice::Orphaned { .. })).await;
        first.node.push(parent.tx, false).await.expect("accepted");
        let mut json = tx.tx.to_json();
        json["offset"] = "11".repeat(32).into();
        let forged = Transaction::from_json_value(json, &CONSENSUS).expect("its shape");
        first.node.push(forged, false).await.expect_err("it does not balance");

        // A block settles it the other way.
        miner.node.push(rival.tx, true).await.expect("accepted");
        let block = miner.node.propose(1).await.expect("it runs");
        for relay in [&first, &middle, &last, &miner] {
            relay.node.deliver(block.clone()).await.expect("it runs").expect("a good block");
        }
        first.until("conflicted", |notice| matches!(notice, Notice::Conflicted { .. })).await;

        // Mined, and undone.
        let block = last.node.propose(2).await.expect("it runs");
        first.node.deliver(block).await.expect("it runs").expect("a good block");
        first.until("mined", |notice| matches!(notice, Notice::Mined { .. })).await;
        for block in first.node.propose_branch(1, 3).await.expect("it runs") {
            first.node.deliver(block).await.expect("it runs").expect("a good block");
        }
        first.until("unmined", |notice| matches!(notice, Notice::Unmined { .. })).await;

        // Swallowed: an embargo ends. And a restart in between.
        for relay in [&first, &middle, &last] {
            self.secrets.add_addrs(relay).await;
        }
        first.node.shutdown().await;
        let next = [black_hole.node.local_addr().expect("it listens")];
        let mut first = relay(Some(data), STEM, &next).await;
        first.until_connected().await;
        let coin = self.coin();
        let tx = self.pay(coin).tx;
        first.node.push(tx, false).await.expect("accepted");
        let is_embargo = |notice: &Notice| {
            matches!(notice, Notice::Fluffed { reason: FluffReason::Embargo, .. })
        };
        black_hole.until("stemmed", |notice| matches!(notice, Notice::Stemmed { .. })).await;
        first.until("the end of an embargo", is_embargo).await;
        self.secrets.add_addrs(&first).await;
        let coin = self.coin();
        let tx = self.pay(coin).tx;
        first.node.push(tx, false).await.expect("accepted");
        first.node.shutdown().await;
        relay(Some(data), STEM, &[]).await.node.shutdown().await;
    }
}

/// What was logged up to now.
async fn logged(dir: &Path, marker: &str) -> String {
    tracing::warn!("{marker}");
    loop {
        let files = fs::read_dir(dir).expect("a folder").map(|file| file.expect("a file").path());
        let text: String =
            files.map(|file| fs::read_to_string(file).expect("it can be read")).collect();
        if text.contains(marker) {
            return text;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// The log is that of the whole process: it needs one of its own, in which `RUST_LOG` is not set.
#[tokio::test]
#[ignore = "a part of the next test"]
async fn in_a_process_of_its_own() {
    if std::env::var_os(ALONE).is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (dir, data) = (folder.path().join("log"), folder.path().join("data"));
    let files = Some(LogFiles { dir: dir.clone(), keep: 9 });
    let config = LogConfig { filter: "info".to_owned(), json: false, files };
    let _guard = start(&config).expect("started");
    let mut world = World { secrets: Secrets::default(), coins: coins(), made: 0 };

    world.happen(&data).await;
    let log = logged(&dir, "up to here at info").await;
    assert!(log.contains("going on with the owner's transactions"), "{log}");
    for (kind, needles) in world.secrets.kinds() {
        assert!(!needles.is_empty(), "no {kind}");
        for needle in needles {
            assert!(!log.contains(needle), "the {kind} {needle} is in\n{log}");
        }
    }

    // The same again with more told: were it told above, it would have been found.
    set_filter("trace").expect("changed");
    world.secrets = Secrets::default();
    world.happen(&data).await;
    let all = logged(&dir, "up to here at trace").await;
    let log = &all[log.len()..];
    for (kind, needles) in world.secrets.kinds() {
        assert!(needles.iter().any(|needle| log.contains(needle)), "no {kind} is found");
    }
}

const ALONE: &str = "SCAPE_TEST_ALONE";

#[test]
fn nothing_of_the_stem_is_told_at_info() {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "--nocapture", "in_a_process_of_its_own"])
        .env(ALONE, "1")
        .env_remove("RUST_LOG")
        .stderr(Stdio::piped())
        .output()
        .expect("it runs");
    let (out, err) = (output.stdout, output.stderr);
    let (out, err) = (String::from_utf8_lossy(&out), String::from_utf8_lossy(&err));
    let end = err.len().saturating_sub(4_000);
    assert!(out.contains("1 passed"), "{out}{}", &err[err.ceil_char_boundary(end)..]);
}
