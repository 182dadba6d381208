//! A node: the one place where effects of zones meet sockets, threads, files and the clock.
//!
//! [`Node::start`] spawns a task that owns the zones and the chain, and carries out what the zones
//! want. The handle talks to it; everything it returns is for the owner of the node.
//!
//! # Zones
//!
//! A node has one zone, or several: each with its own sockets, peers, pools, routes, timers,
//! verifier, journal and address book. What they share is the chain, of which each hears at times of
//! its own, and the machine. Two things cross on purpose: the owner's transactions leave through
//! the zones that are named as their origin and wait while none of these is up, and what peers send
//! in an anonymity zone goes on in the public one after a random while.
//!
//! # Security
//! Who can send to one zone and watch another cannot ask the one about the other, but the machine
//! has one processor, one disk and one uptime: under load all zones are slow, while the chain is
//! away all refuse transactions, and all begin and end together.

mod clock;
mod core;
mod engine;
mod identity;
mod keeper;
mod known;
mod lag;
mod library;
mod own;
mod owner;
mod sinks;
mod site;
mod tally;
mod trail;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use scape_aggregate::{Hash, Transaction};
use scape_p2p::addr::{Network, PeerAddr};
use scape_p2p::book::BookConfig;
use scape_p2p::net::{NetConfig, NetError, WayState};
use scape_p2p::zone::{PeerStatus, PushError, ZoneConfig};
use scape_pool::{Accepted, Notice, PeerId, PoolCounts, Tip, WayOut};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::chain::{Block, BlockError, Chain, ChainAway, ChainStatus};
use crate::journal::JournalError;
use core::{Command, Core};
pub(crate) use library::warn_of_slow_library;
pub use library::{LibraryBuild, library_build};
pub use own::{OwnState, OwnTransaction};
pub use owner::{FluffError, KnownAddress};
pub use tally::Tally;

/// The parameters of a node.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Pools, routes and peers.
    pub zone: ZoneConfig,
    /// Sockets.
    pub net: NetConfig,
    /// The address book.
    pub book: BookConfig,
    /// Addresses to begin with, beside those that were saved.
    pub seeds: Vec<PeerAddr>,
    /// Where the address book and the [journal](crate::journal) are kept; nowhere if `None`.
    pub data_dir: Option<PathBuf>,
    /// Threads that verify; one for each core if zero.
    pub workers: usize,
    /// Seeds coins, routes and timers. Must be unpredictable outside of tests.
    pub seed: [u8; 32],
    /// What there is beside the main zone, which the fields above describe.
    pub zones: Zones,
}

/// More zones than one.
#[derive(Clone, Debug, Default)]
pub struct Zones {
    /// The other zones, each of another network.
    pub others: Vec<ZoneSetup>,
    /// Through which zones the owner's transactions leave, the preferred one first. Empty: through
    /// the main zone.
    pub origin: Vec<Network>,
}

/// The parameters of one zone.
#[derive(Clone, Debug)]
pub struct ZoneSetup {
    /// Pools, routes and peers.
    pub zone: ZoneConfig,
    /// Sockets. Nothing in it that peers see may be the same in two zones, unless many others have
    /// it as well.
    pub net: NetConfig,
    /// The address book.
    pub book: BookConfig,
    /// Addresses to begin with, beside those that were saved.
    pub seeds: Vec<PeerAddr>,
    /// How much later than the node the zone hears of the chain, on average.
    pub chain_lag: Duration,
    /// Seeds coins, routes and timers. Must be unpredictable outside of tests.
    pub seed: [u8; 32],
}

impl ZoneSetup {
    /// What is usual for [`ZoneSetup::chain_lag`]: longer than blocks take among most nodes, and
    /// much shorter than from one to the next.
    pub const CHAIN_LAG: Duration = Duration::from_secs(5);
    /// What is usual as [`NetConfig::user_agent`] of an anonymity zone: the same for all nodes.
    pub const USER_AGENT: &str = "MW/Scape";
}

/// Why a node did not start.
#[derive(Debug, Error)]
pub enum NodeError {
    /// The network did not start.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The data folder cannot be made.
    #[error("cannot make the data folder {path}: {error}")]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The saved address book cannot be read.
    #[error("cannot read the address book {path}: {error}")]
    Book {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The key of the node cannot be read.
    #[error("cannot use the key in {path}: {error}; delete the file to get a new one")]
    Identity {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// What is known of the keys of others cannot be read. Without it a peer that was downgraded
    /// would not look so.
    #[error("cannot use the known keys in {path}: {error}; delete the file to know none")]
    KnownKeys {
        /// The file.
        path: PathBuf,
        /// What the system says, or what is wrong with it.
        error: io::Error,
    },
    /// The journal cannot be used. Without it a crash would lose the owner's transactions.
    #[error("cannot use the journal {path}: {error}")]
    Journal {
        /// The file.
        path: PathBuf,
        /// Why, and what to do about it.
        error: JournalError,
    },
    /// A thread cannot be started.
    #[error("cannot start a verification thread: {0}")]
    Thread(io::Error),
}

/// The node has stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the node has stopped")]
pub struct Stopped;

/// Why a node does not make or take a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum LedgerError {
    /// Only an embedded development ledger does.
    #[error("the node follows another node's chain and neither makes nor takes blocks")]
    NotEmbedded,
    /// The node has stopped.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// Why the owner's transaction was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum PushFailed {
    /// The node refused it.
    #[error(transparent)]
    Refused(#[from] PushError),
    /// It could not be written to the journal. If it is the first that could not be, the node sends
    /// it all the same, but a crash would lose it; the next ones are not taken at all. Push it again
    /// when the journal can be written.
    #[error("not accepted, since the journal cannot be written: {0}")]
    NotKept(JournalError),
    /// The chain is not known well enough to judge it. Push it again later.
    #[error(transparent)]
    ChainAway(#[from] ChainAway),
    /// The node has stopped.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// How the [journal](crate::journal) is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JournalState {
    /// There is none, since there is no data folder: a crash loses the owner's transactions.
    Off,
    /// All that was acknowledged is on the disk.
    Safe {
        /// How many of the owner's transactions are kept.
        records: usize,
        /// How many could not be read at the start. They stay in the file.
        unreadable: usize,
    },
    /// It cannot be written, and nothing of the owner is accepted. It is tried again all the time.
    Failing {
        /// How many of the owner's transactions are to be kept.
        records: usize,
        /// How many could not be read at the start. They stay in the file.
        unreadable: usize,
        /// How many changes may not be on the disk.
        unwritten: usize,
        /// Why, and what to do about it.
        error: JournalError,
    },
}

impl JournalState {
    /// That of several journals together: the first that fails, else all that is safe.
    fn of_all(states: impl IntoIterator<Item = Self>) -> Self {
        let join = |all: Self, one: Self| match (all, one) {
            (Self::Off, one) | (one, Self::Off) => one,
            (Self::Safe { records, unreadable }, Self::Safe { records: r, unreadable: u }) => {
                Self::Safe { records: records + r, unreadable: unreadable + u }
            }
            (failing @ Self::Failing { .. }, _) | (_, failing) => failing,
        };
        states.into_iter().fold(Self::Off, join)
    }
}

/// What the owner may know of one zone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ZoneStatus {
    /// The network.
    pub network: Network,
    /// The name under which it is reached, if it is known.
    pub name: Option<PeerAddr>,
    /// Whether its proxy or bridge works.
    pub way: WayState,
    /// Whether stem transactions, sealed or not, leave it in white noise alone.
    pub noise: bool,
    /// Whether transactions of the owner can leave through it now, or would wait.
    pub way_out: WayOut,
    /// How much is held.
    pub pools: PoolCounts,
    /// All connections.
    pub peers: Vec<PeerStatus>,
    /// The relays of this epoch.
    pub relays: Vec<PeerId>,
    /// Known addresses.
    pub addresses: usize,
    /// Transactions that are on their way to the public zone.
    pub held: usize,
    /// Until relays are chosen anew.
    pub epoch_left: Duration,
    /// Until patience runs out next, if anything waits for it.
    pub patience_left: Option<Duration>,
    /// Until the next embargoes are looked at, soonest first, at most 32 of them.
    pub embargoes_left: Vec<Duration>,
    /// What the stem has done.
    pub tally: Tally,
}

/// What the owner may know of a node. Where nothing else is said it is of the main zone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Status {
    /// The end of the chain.
    pub tip: Tip,
    /// Where the chain comes from, and how that is.
    pub chain: ChainStatus,
    /// How much is held.
    pub pools: PoolCounts,
    /// All connections.
    pub peers: Vec<PeerStatus>,
    /// The relays of this epoch.
    pub relays: Vec<PeerId>,
    /// Known addresses.
    pub addresses: usize,
    /// Whether the owner's transactions are safe.
    pub journal: JournalState,
    /// The hash of the last block but one.
    pub previous: Option<Hash>,
    /// How long the node runs.
    pub uptime: Duration,
    /// Until relays are chosen anew.
    pub epoch_left: Duration,
    /// Until patience runs out next, if anything waits for it.
    pub patience_left: Option<Duration>,
    /// Until the next embargoes are looked at, soonest first, at most 32 of them.
    pub embargoes_left: Vec<Duration>,
    /// What the stem has done.
    pub tally: Tally,
    /// All zones, the main one first.
    pub zones: Vec<ZoneStatus>,
}

/// A running node. Dropping it stops it; [`Node::shutdown`] also waits and saves.
#[derive(Debug)]
pub struct Node {
    commands: mpsc::Sender<Command>,
    handle: NodeHandle,
    task: JoinHandle<()>,
    local_addr: Option<SocketAddr>,
    local_addrs: Vec<(Network, SocketAddr)>,
}

/// Asks things of a running [`Node`]. Handles are cheap to clone and do not keep the node running.
#[derive(Clone, Debug)]
pub struct NodeHandle {
    commands: mpsc::WeakSender<Command>,
}

impl Node {
    /// Starts a node on a chain. `notices`, if given, gets everything that happens to its
    /// transactions: private, for the owner.
    ///
    /// # Errors
    /// What could not be started.
    pub async fn start(
        config: NodeConfig,
        chain: impl Into<Chain>,
        notices: Option<mpsc::UnboundedSender<Notice>>,
    ) -> Result<Self, NodeError> {
        let (commands, inbox) = mpsc::channel(64);
        let core = Core::start(config, chain.into(), notices).await?;
        let (local_addr, local_addrs) = (core.local_addr(), core.local_addrs());
        let task = tokio::spawn(core.run(inbox));
        let handle = NodeHandle { commands: commands.downgrade() };
        Ok(Self { commands, handle, task, local_addr, local_addrs })
    }

    /// Where the main zone listens.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local_addr
    }

    /// Where each zone listens, if it does.
    pub fn local_addrs(&self) -> &[(Network, SocketAddr)] {
        &self.local_addrs
    }

    /// To ask things of it from elsewhere.
    pub fn handle(&self) -> &NodeHandle {
        &self.handle
    }

    /// Stops the node: ends its connections, saves its address book, closes its journal.
    pub async fn shutdown(self) {
        // If it has stopped already there is nothing to tell it.
        let _ = self.commands.send(Command::Shutdown).await;
        let _ = self.task.await;
    }
}

impl std::ops::Deref for Node {
    type Target = NodeHandle;

    fn deref(&self) -> &NodeHandle {
        &self.handle
    }
}

impl NodeHandle {
    /// Gives a transaction of the owner to the stem, or to everyone at once if `fluff`. With a data
    /// folder it is on the disk when this returns, and a crash does not lose it.
    ///
    /// # Errors
    /// Why it is not taken.
    pub async fn push(&self, tx: Transaction, fluff: bool) -> Result<Accepted, PushFailed> {
        self.ask(|reply| Command::Push { tx, fluff, reply }).await?
    }

    /// Makes the next block out of what is public, without taking it.
    ///
    /// # Errors
    /// If the chain is not an embedded ledger, or the node has stopped.
    pub async fn propose(&self, salt: u64) -> Result<Block, LedgerError> {
        self.ask(|reply| Command::Propose { salt, reply }).await?.ok_or(LedgerError::NotEmbedded)
    }

    /// Makes a longer branch without the last `depth` blocks, without taking it.
    ///
    /// # Errors
    /// As [`NodeHandle::propose`].
    pub async fn propose_branch(&self, depth: usize, salt: u64) -> Result<Vec<Block>, LedgerError> {
        let branch = self.ask(|reply| Command::ProposeBranch { depth, salt, reply }).await?;
        branch.ok_or(LedgerError::NotEmbedded)
    }

    /// Hands a block to the node. The inner error says why the block is invalid.
    ///
    /// # Errors
    /// As [`NodeHandle::propose`].
    pub async fn deliver(&self, block: Block) -> Result<Result<(), BlockError>, LedgerError> {
        let verdict = self.ask(|reply| Command::Deliver { block: Box::new(block), reply }).await?;
        verdict.ok_or(LedgerError::NotEmbedded)
    }

    /// How the node is.
    ///
    /// # Errors
    /// If the node has stopped.
    pub async fn status(&self) -> Result<Status, Stopped> {
        self.ask(|reply| Command::Status { reply }).await
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, Stopped> {
        let (reply, answer) = oneshot::channel();
        let commands = self.commands.upgrade().ok_or(Stopped)?;
        commands.send(command(reply)).await.map_err(|_| Stopped)?;
        answer.await.map_err(|_| Stopped)
    }
}
