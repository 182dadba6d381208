//! The node under attack, in a process of its own, and what it tells about itself.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use scape::chain::DevLedger;
use scape::node::{Node, NodeConfig};
use scape_aggregate::Hash;
use scape_aggregate::builder::{Coin, Faucet};
use scape_p2p::book::BookConfig;
use scape_p2p::dandelion::Preset;
use scape_p2p::net::NetConfig;
use scape_p2p::zone::ZoneConfig;
use scape_pool::{Capacity, Notice};
use tokio::sync::mpsc;

use super::{CONSENSUS, now};

/// Coins of the genesis, for the honest peer to spend.
const COINS: usize = 20_000;
const VALUE: u64 = 60_000_000_000;
const BLOCK_TIME: Duration = Duration::from_secs(10);
/// How long a node may take to make its coins, on a machine that has other things to do.
const START: Duration = Duration::from_secs(600);

/// The coins that the chain begins with.
pub(super) fn coins() -> Vec<Coin> {
    Faucet::new(0).coins(COINS, VALUE)
}

/// The node under attack: pools so small that floods fill them within minutes.
pub(super) fn config(seed: u64) -> NodeConfig {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    // Every stem transaction waits for a while.
    let mut zone = ZoneConfig { params: Preset::GrinDoc.params(), ..ZoneConfig::new(CONSENSUS) };
    zone.peers.outbound = 0;
    zone.capacity = Capacity {
        stem_bytes: 16 << 20,
        tx_bytes: 16 << 20,
        orphan_bytes: 8 << 20,
        ..Capacity::default()
    };
    let mut net = NetConfig::new(CONSENSUS, bytes);
    net.listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    net.max_inbound = 32;
    NodeConfig {
        zone,
        net,
        book: BookConfig { allow_private: true, ..BookConfig::default() },
        seeds: Vec::new(),
        zones: Default::default(),
        data_dir: None,
        workers: 0,
        seed: bytes,
    }
}

/// Runs the node until standard input ends, and writes what happens to standard output.
///
/// # Errors
/// If the node cannot be started or the output has gone.
pub fn serve(seed: u64) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new()));
    runtime.block_on(async {
        tokio::select! {
            outcome = attend(seed) => outcome,
            _ = ended => Ok(()),
        }
    })
}

async fn attend(seed: u64) -> io::Result<()> {
    let coins = coins();
    let ledger = DevLedger::new(CONSENSUS, coins.iter().map(|c| (c.commitment(), c.features())));
    let (sender, mut notices) = mpsc::unbounded_channel();
    let node = Node::start(config(seed), ledger, Some(sender)).await.map_err(io::Error::other)?;
    let addr = node.local_addr().ok_or(io::ErrorKind::AddrNotAvailable)?;
    writeln!(io::stdout(), "listen {addr}")?;
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let mut block = tokio::time::interval(BLOCK_TIME);
    let mut salt = 0;
    loop {
        tokio::select! {
            notice = notices.recv() => match notice {
                Some(Notice::Stemmed { kernels, .. }) => {
                    for kernel in kernels {
                        writeln!(io::stdout(), "stemmed {}", hex::encode(kernel.as_bytes()))?;
                    }
                }
                Some(_) => {}
                None => return Err(io::ErrorKind::BrokenPipe.into()),
            },
            _ = second.tick() => {
                let status = node.status().await.map_err(io::Error::other)?;
                let (pools, peers) = (status.pools, status.peers.len());
                let (stem, public, orphans) = (pools.stem, pools.public, pools.orphans);
                writeln!(io::stdout(), "counts {stem} {public} {orphans} {peers}")?;
            }
            _ = block.tick() => {
                salt += 1;
                let block = node.propose(salt).await.map_err(io::Error::other)?;
                let verdict = node.deliver(block).await.map_err(io::Error::other)?;
                verdict.map_err(io::Error::other)?;
            }
        }
    }
}

/// What is held: stempool, txpool, orphans, and how many peers there are.
pub(super) type Counts = [usize; 4];

/// What the node's process says.
pub(super) struct Told {
    lines: Receiver<(Instant, String)>,
    addr: Option<SocketAddr>,
    counts: Counts,
}

impl Told {
    /// Listens, and waits until the node says where it listens, or has ended.
    pub(super) fn listen<R: Read + Send + 'static>(output: R) -> io::Result<Self> {
        let (sender, lines) = channel();
        std::thread::Builder::new().name("told".to_owned()).spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send((now(), line)).is_err() {
                    return;
                }
            }
        })?;
        let addr = match lines.recv_timeout(START) {
            Ok((_, line)) => line.strip_prefix("listen ").and_then(|addr| addr.parse().ok()),
            Err(RecvTimeoutError::Timeout) => return Err(io::ErrorKind::TimedOut.into()),
            Err(RecvTimeoutError::Disconnected) => None,
        };
        Ok(Self { lines, addr, counts: Counts::default() })
    }

    pub(super) fn addr(&self) -> Option<SocketAddr> {
        self.addr
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// The kernels that reached the stempool since it was asked last, with when that was.
    pub(super) fn stemmed(&mut self) -> Vec<(Hash, Instant)> {
        let mut stemmed = Vec::new();
        while let Ok((at, line)) = self.lines.try_recv() {
            let mut words = line.split(' ');
            match words.next() {
                Some("stemmed") => {
                    let bytes = words.next().and_then(|hex| hex::decode(hex).ok());
                    let hash = bytes.and_then(|bytes| bytes.try_into().ok()).map(Hash);
                    stemmed.extend(hash.map(|hash| (hash, at)));
                }
                Some("counts") => {
                    let mut numbers = words.filter_map(|word| word.parse().ok());
                    self.counts = std::array::from_fn(|_| numbers.next().unwrap_or_default());
                }
                _ => {}
            }
        }
        stemmed
    }
}
