//! A whole network in one process: real transactions over real sockets on a development chain.
//!
//! It shows that the relay works, and is the first thing to try. Nothing needs to be installed.

mod flow;
mod progress;
mod stats;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use scape_aggregate::{ChainType, Consensus, Hash};
use scape_p2p::addr::PeerAddr;
use scape_p2p::book::BookConfig;
use scape_p2p::dandelion::Preset;
use scape_p2p::net::NetConfig;
use scape_p2p::zone::{PeersConfig, PushError, ZoneConfig};
use scape_pool::{EmbargoDelay, Notice, Refusal};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::chain::{ChainView, DevLedger};
use crate::node::{
    LedgerError, Node, NodeConfig, NodeError, PushFailed, Stopped, warn_of_slow_library,
};
use flow::{Flow, Kind, Payment};
use progress::Progress;
pub use stats::Summary;

/// What to run.
#[derive(Clone, PartialEq, Debug)]
pub struct DevnetConfig {
    /// How many relays.
    pub relays: usize,
    /// How many transactions.
    pub transactions: usize,
    /// The parameters of Dandelion.
    pub preset: Preset,
    /// How many times faster than the preset all timers run.
    pub speed: u32,
    /// The time between blocks.
    pub block_time: Duration,
    /// How many reorgs to make on the way.
    pub reorgs: usize,
    /// When to give up.
    pub deadline: Duration,
    /// Decides on all that is random but for the timing of threads and sockets.
    pub seed: u64,
}

/// Why a development network could not run.
#[derive(Debug, Error)]
pub enum DevnetError {
    /// Too few relays for a stem.
    #[error("a stem needs at least 2 relays, not {0}")]
    TooFewRelays(usize),
    /// The relays did not find each other in time.
    #[error("not every relay has found another one in time")]
    NoRelays,
    /// A relay did not start.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// A relay has stopped.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// A relay makes no blocks.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A relay refused a transaction for good.
    #[error("a transaction was refused: {0}")]
    Refused(#[from] PushFailed),
    /// A transaction could not be made.
    #[error("a transaction could not be made: {0}")]
    Build(#[from] scape_aggregate::builder::BuildError),
}

/// Testnet's rules: blocks in which many transactions fit.
const CONSENSUS: Consensus = Consensus::of(ChainType::Testnet);
/// Peers that each relay connects to.
const OUTBOUND: usize = 3;
/// The embargo where timers are shortened: a few times what a stem takes.
const SHORT_EMBARGO: EmbargoDelay =
    EmbargoDelay::Uniform { base: Duration::from_secs(10), spread: Duration::from_secs(4) };
/// How often the network is looked at.
const TICK: Duration = Duration::from_millis(100);

/// Runs a network until all its transactions are mined or the deadline has come.
///
/// # Errors
/// If it cannot be run at all. Whether it did well says [`Summary::all_mined_once`].
pub async fn run(config: &DevnetConfig) -> Result<Summary, DevnetError> {
    if config.relays < 2 {
        return Err(DevnetError::TooFewRelays(config.relays));
    }
    tokio::task::spawn_blocking(warn_of_slow_library);
    let mut network = Network::start(config).await?;
    let outcome = network.drive(config).await;
    let Network { relays, .. } = &mut network;
    for relay in relays.drain(..) {
        relay.shutdown().await;
    }
    outcome.map(|()| network.progress.finish(&network.ledger))
}

/// The relays, and what is done to them.
struct Network {
    flow: Flow,
    relays: Vec<Node>,
    /// The chain as an onlooker has it.
    ledger: DevLedger,
    notices: mpsc::UnboundedReceiver<Notice>,
    progress: Progress,
    rng: ChaCha12Rng,
    /// Where the last payment went that could choose.
    last_relay: usize,
}

impl Network {
    async fn start(config: &DevnetConfig) -> Result<Self, DevnetError> {
        let mut rng = ChaCha12Rng::seed_from_u64(config.seed);
        let flow = Flow { seed: config.seed, count: config.transactions };
        let ledger = DevLedger::new(CONSENSUS, flow.genesis());
        let (notice_sender, notices) = mpsc::unbounded_channel();
        let mut relays: Vec<Node> = Vec::with_capacity(config.relays);
        for _ in 0..config.relays {
            // Each knows the one before it; the others they find by themselves.
            let known = relays.last().and_then(Node::local_addr).into_iter().collect();
            let node = node_config(config, known, &mut rng);
            relays.push(Node::start(node, ledger.clone(), Some(notice_sender.clone())).await?);
        }
        let progress = Progress::new(config.transactions);
        Ok(Self { flow, relays, ledger, notices, progress, rng, last_relay: 0 })
    }

    async fn drive(&mut self, config: &DevnetConfig) -> Result<(), DevnetError> {
        let deadline = sleep(config.deadline);
        tokio::pin!(deadline);
        tokio::select! {
            ready = self.wait_for_relays() => ready?,
            () = &mut deadline => return Err(DevnetError::NoRelays),
        }
        let mut payments = self.flow.spawn();
        let mut locked: Vec<Payment> = Vec::new();
        let mut blocks = interval(config.block_time);
        let mut ticks = interval(TICK);
        blocks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut made_all = false;
        while !self.progress.is_done(&self.ledger) {
            tokio::select! {
                payment = payments.recv(), if !made_all => match payment.transpose()? {
                    Some(payment) if payment.kind == Kind::Locked => {
                        let height = self.ledger.tip().height;
                        locked.extend(self.push(self.flow.lock(&payment, height)?).await?);
                    }
                    Some(payment) => locked.extend(self.push(payment).await?),
                    None => made_all = true,
                },
                _ = blocks.tick() => {
                    self.mine(config).await?;
                    for payment in std::mem::take(&mut locked) {
                        locked.extend(self.push(payment).await?);
                    }
                }
                _ = ticks.tick() => self.look(),
                () = &mut deadline => break,
            }
        }
        self.look();
        Ok(())
    }

    /// A node without a relay fluffs: wait until all have one.
    async fn wait_for_relays(&self) -> Result<(), DevnetError> {
        for relay in &self.relays {
            while relay.status().await?.relays.is_empty() {
                sleep(TICK).await;
            }
        }
        Ok(())
    }

    /// Pushes a payment into a relay; gives it back if its time has not come yet.
    async fn push(&mut self, payment: Payment) -> Result<Option<Payment>, DevnetError> {
        if payment.kind != Kind::Child {
            self.last_relay = self.rng.random_range(0..self.relays.len());
        }
        match self.relays[self.last_relay].push(payment.tx.clone(), false).await {
            Ok(_) => {
                self.progress.pushed(&payment.tx);
                Ok(None)
            }
            Err(PushFailed::Refused(PushError::Refused(Refusal::LockHeight { .. }))) => {
                Ok(Some(payment))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// One relay makes a block, or a branch, and all relays get it.
    async fn mine(&mut self, config: &DevnetConfig) -> Result<(), DevnetError> {
        let relay = &self.relays[self.rng.random_range(0..self.relays.len())];
        let salt = self.rng.next_u64();
        let (share, reorgs) = (self.progress.share_mined(&self.ledger), self.progress.reorgs());
        let due =
            reorgs < config.reorgs && share > (reorgs + 1) as f64 / (config.reorgs + 2) as f64;
        let blocks = match due {
            true => relay.propose_branch(2, salt).await?,
            false => vec![relay.propose(salt).await?],
        };
        for block in blocks {
            for relay in &self.relays {
                // A relay that has another block of this height may not take it; the next decides.
                let _ = relay.deliver(block.clone()).await?;
            }
            if let Ok(update) = self.ledger.accept(block) {
                self.progress.block(&update);
            }
        }
        Ok(())
    }

    fn look(&mut self) {
        while let Ok(notice) = self.notices.try_recv() {
            self.progress.notice(&notice);
        }
        self.progress.show(&self.ledger);
    }
}

fn node_config(
    config: &DevnetConfig,
    known: BTreeSet<SocketAddr>,
    rng: &mut impl Rng,
) -> NodeConfig {
    let mut params = config.preset.params().faster(config.speed);
    if config.speed > 1 {
        // Short ones would end before the stem does, and memoryless ones have a tail that would
        // outlast the demonstration.
        params.embargo.delay = SHORT_EMBARGO;
    }
    let zone = ZoneConfig {
        params,
        peers: PeersConfig {
            outbound: OUTBOUND,
            fixed: known.into_iter().map(PeerAddr::from).collect(),
            dial_interval: Duration::from_millis(100),
            ..PeersConfig::default()
        },
        ..ZoneConfig::new(CONSENSUS)
    };
    let mut net = NetConfig::new(CONSENSUS, rng.random());
    net.listen = Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0));
    net.genesis = Hash::of(&[b"scape devnet"]);
    net.timeouts.ping = Duration::from_secs(1);
    net.max_inbound_per_host = net.max_inbound;
    NodeConfig {
        zone,
        net,
        book: BookConfig { allow_private: true, ..BookConfig::default() },
        seeds: Vec::new(),
        zones: Default::default(),
        data_dir: None,
        workers: 1,
        seed: rng.random(),
    }
}
