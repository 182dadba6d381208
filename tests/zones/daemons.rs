//! The binary itself, on Tor alone: whatever it is told, it dials the proxy and nothing else, and asks
//! no name server.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use scape::api::view::{StatusView, WayView};
use scape::p2p::addr::PeerAddr;
use scape::p2p::wire::Message;
use scape::rpc::{RpcClient, RpcLimits, Secret};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use super::onions::{Onions, onion};
use super::prober::Prober;
use super::relay::payment;
use super::sockets::Watch;
use log::{Log, Ports};

#[path = "../process/log.rs"]
mod log;

const LIMITS: RpcLimits = RpcLimits { timeout: Duration::from_secs(20), answer: 64 << 20 };
const PATIENCE: Duration = Duration::from_secs(60);

struct Daemon {
    child: Child,
    watch: Watch,
    log: Log,
    ports: Ports,
    foreign: RpcClient,
    owner: RpcClient,
    _dir: TempDir,
}

impl Daemon {
    async fn start(proxy: SocketAddr, own: u8, peers: &[u8], stem: f64) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let path = |name: &str| dir.path().join(name);
        let peers: Vec<_> = peers.iter().map(|peer| format!("\"{}\"", onion(*peer))).collect();
        let text = format!(
            "[chain]\ntype = \"autotest\"\n\
             [ledger]\noutputs = 8\nvalue = 60000000000\nblock_secs = 3600\n\
             [node]\ndata_dir = {:?}\nworkers = 1\n\
             [network]\nenabled = false\nallow_private = true\n\
             [tor]\nenabled = true\nproxy = \"{proxy}\"\nlisten = \"127.0.0.1:0\"\nname = \"{}\"\n\
             peers = [{}]\noutbound = 2\n\
             [api]\nforeign = \"127.0.0.1:0\"\nforeign_secret_file = {:?}\n\
             owner = \"127.0.0.1:0\"\nowner_secret_file = {:?}\n\
             [dandelion]\npreset = \"grin-doc\"\nstem_probability = {stem}\npatience_secs = 0.2\n\
             relay_max_lag = 100\n[log]\njson = true\nfilter = \"info\"\n",
            path("data"),
            onion(own),
            peers.join(", "),
            path("foreign"),
            path("owner"),
        );
        std::fs::write(path("scape.toml"), text).expect("written");
        let mut child = Command::new(env!("CARGO_BIN_EXE_scape"));
        child.args(["run", "--config"]).arg(path("scape.toml"));
        for name in ["RUST_LOG", "SCAPE_CONFIG"] {
            child.env_remove(name);
        }
        let mut child = child.stderr(Stdio::piped()).spawn().expect("the binary runs");
        let watch = Watch::start(child.id());
        let log = Log::follow(child.stderr.take().expect("piped"));
        let ports = timeout(PATIENCE, log.ports()).await;
        let ports = ports.unwrap_or_else(|_| unreachable!("it does not start: {}", log.tail()));
        let foreign = client(ports.foreign, "/v2/foreign", &path("foreign"));
        let owner = client(ports.owner, "/v2/owner", &path("owner"));
        Self { child, watch, log, ports, foreign, owner, _dir: dir }
    }

    async fn until(&self, what: &str, holds: impl Fn(&StatusView) -> bool) {
        let search = async {
            loop {
                let status: StatusView =
                    self.owner.call("get_status", json!([])).await.expect("it runs");
                if holds(&status) {
                    return;
                }
                sleep(Duration::from_millis(50)).await;
            }
        };
        let found = timeout(PATIENCE, search).await;
        assert!(found.is_ok(), "{what}: {}", self.log.tail());
    }

    /// It has talked to nobody but the proxy.
    fn prove(&self, proxy: SocketAddr) {
        let seen = self.watch.seen();
        assert_eq!(seen.dialled.into_iter().collect::<Vec<_>>(), [proxy]);
        assert!(seen.others.is_empty(), "{:?}", seen.others);
        assert!(seen.listened.iter().all(|addr| addr.ip().is_loopback()), "{:?}", seen.listened);
        assert_eq!(self.log.complaints(), Vec::<String>::new());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn client(addr: SocketAddr, path: &'static str, secret: &Path) -> RpcClient {
    let url = format!("http://{addr}").parse().expect("a URL");
    RpcClient::new(&url, path, Some(&Secret::load(secret).expect("a password")), LIMITS)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_but_the_proxy_is_dialled_and_no_name_server_is_asked() {
    let onions = Onions::start().await;
    let first = Daemon::start(onions.at, 1, &[2, 3], 1.0).await;
    let second = Daemon::start(onions.at, 2, &[1], 0.0).await;
    onions.lead(1, first.ports.peers);
    onions.lead(2, second.ports.peers);

    // Somebody who is dialled by name tells of addresses in the clear, one of which could be reached.
    let (bait, liar) =
        (TcpListener::bind("127.0.0.1:0").await, TcpListener::bind("127.0.0.1:0").await);
    let (bait, liar) = (bait.expect("a port"), liar.expect("a port"));
    let clear: Vec<SocketAddr> =
        vec![bait.local_addr().expect("bound"), "203.0.113.7:3414".parse().expect("an address")];
    onions.lead(3, liar.local_addr().expect("bound"));
    let (mut liar, _) = Prober::answer(&liar).await;
    liar.until(|m| matches!(m, Message::GetPeerAddrs(_))).await;
    liar.say(&Message::PeerAddrs(clear.clone())).await;
    let names = clear.iter().map(|addr| PeerAddr::from(*addr)).collect();
    liar.say(&Message::PeerNames(names)).await;

    let has_relay = |status: &StatusView| {
        let zone = &status.zones[0];
        zone.zone == "tor" && zone.way == WayView::Working && zone.open && !zone.relays.is_empty()
    };
    first.until("a relay", has_relay).await;
    second.until("a relay", has_relay).await;
    let tx = payment(0);
    let pushed =
        first.foreign.call::<Value>("push_transaction", json!([tx.to_json(), false])).await;
    pushed.expect("taken");
    second.until("fluffed", |status| status.stem.fluffed.values().sum::<u64>() == 1).await;
    first.until("seen", |status| status.pools.public == 1 && status.pools.stem == 0).await;

    for daemon in [&first, &second] {
        daemon.prove(onions.at);
    }
    let bitten = timeout(Duration::from_millis(1), bait.accept()).await;
    assert!(bitten.is_err(), "nobody came");
    let onions_alone = onions.asked().iter().all(|(name, _)| name.ends_with(".onion:3414"));
    assert!(onions_alone, "{:?}", onions.asked());
}
