//! What the owner API shows, as its server writes it and its clients read it.
//!
//! Where Grin's owner API has an answer of the same name, its fields are here under Grin's names,
//! so that tools for Grin nodes read them. Times are in seconds, hashes and commitments in hex.
//!
//! # Security
//! This shows what the stem hides. It is for the owner alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The answer to `get_status`. What is not said to be of the node is of its main zone, the first of
/// [`StatusView::zones`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StatusView {
    /// `mainnet` and so on.
    pub chain: String,
    /// The version of the program.
    pub version: String,
    /// The version of Grin's protocol that is spoken at most.
    pub protocol_version: u32,
    /// What the node calls itself.
    pub user_agent: String,
    /// How many connections there are.
    pub connections: u32,
    /// The end of the chain.
    pub tip: TipView,
    /// `no_sync` if the chain is up to date, as Grin says it.
    pub sync_status: String,
    /// Where the chain comes from and how that is.
    pub chain_source: ChainSourceView,
    /// How long the node runs.
    pub uptime_secs: f64,
    /// The preset that the parameters were made from.
    pub preset: String,
    /// How much is held.
    pub pools: PoolsView,
    /// The addresses of this epoch's relays.
    pub relays: Vec<String>,
    /// Until relays are chosen anew.
    pub epoch_secs_left: f64,
    /// How many addresses are known.
    pub addresses: usize,
    /// Whether the owner's transactions are safe.
    pub journal: JournalView,
    /// What the stem does.
    pub stem: StemView,
    /// All zones, the main one first.
    pub zones: Vec<ZoneView>,
    /// Through which zones the owner's transactions leave, the preferred one first.
    pub origin: Vec<String>,
}

/// One zone of the node.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ZoneView {
    /// `clearnet`, `tor` or `i2p`.
    pub zone: String,
    /// The name under which it is reached, if it is known.
    pub name: Option<String>,
    /// Whether its proxy or bridge works.
    pub way: WayView,
    /// Whether stem transactions, sealed or not, leave it in white noise alone.
    pub noise: bool,
    /// Whether transactions of the owner could leave through it now.
    pub open: bool,
    /// Connections that we opened.
    pub outbound: usize,
    /// Connections that were opened to us.
    pub inbound: usize,
    /// How much is held.
    pub pools: PoolsView,
    /// Transactions that are on their way to the public zone.
    pub held: usize,
    /// The addresses of this epoch's relays.
    pub relays: Vec<String>,
    /// Until relays are chosen anew.
    pub epoch_secs_left: f64,
    /// How many addresses are known.
    pub addresses: usize,
    /// What the stem does.
    pub stem: StemView,
}

/// Whether the way of a zone works.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum WayView {
    /// There is nothing between us and the peers.
    Direct,
    /// Nothing was tried yet.
    Untried,
    /// The proxy or the bridge does what it is asked.
    Working,
    /// It does not, and nobody is reached until it does.
    Failing {
        /// Why.
        reason: String,
    },
}

/// The end of a chain, in Grin's words.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TipView {
    /// The height of the last block.
    pub height: u64,
    /// The hash of the last block.
    pub last_block_pushed: String,
    /// The hash of the block before it. Empty if the node does not know it.
    pub prev_block_to_last: String,
    /// The work in the chain.
    pub total_difficulty: u64,
}

/// Where the chain comes from.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ChainSourceView {
    /// An embedded development ledger.
    Embedded,
    /// A Grin node.
    Grin {
        /// Its API.
        url: String,
        /// How it is.
        state: ChainStateView,
    },
}

/// How the Grin node is that the chain comes from.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ChainStateView {
    /// The chain is read from it; until that is done no transaction is accepted.
    Syncing {
        /// Outputs or blocks read.
        done: u64,
        /// Of how many.
        of: u64,
    },
    /// The chain is up to date.
    Ready,
    /// It does not answer, or is not usable; meanwhile no transaction is accepted.
    Away {
        /// Since when.
        secs: f64,
        /// Why, and what to do about it.
        reason: String,
    },
}

/// How much the pools hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PoolsView {
    /// Transactions in the stempool.
    pub stem: usize,
    /// Kernels in the stempool.
    pub stem_kernels: usize,
    /// Transactions in the txpool.
    pub public: usize,
    /// Kernels in the txpool.
    pub public_kernels: usize,
    /// Transactions whose parents are not there yet.
    pub orphans: usize,
}

/// Whether what the owner pushed would survive a crash.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum JournalView {
    /// There is no journal.
    Off,
    /// All that was acknowledged is on the disk.
    Safe {
        /// How many transactions are kept.
        records: usize,
        /// How many could not be read at the start.
        unreadable: usize,
    },
    /// It cannot be written.
    Failing {
        /// How many transactions are to be kept.
        records: usize,
        /// How many could not be read at the start.
        unreadable: usize,
        /// How many changes may not be on the disk.
        unwritten: usize,
        /// Why, and what to do about it.
        reason: String,
    },
}

/// What the stem does, for the owner to watch.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct StemView {
    /// Until patience runs out next. `None` if nothing waits for it.
    pub patience_secs_left: Option<f64>,
    /// Until the next embargoes end, soonest first, at most 32 of them.
    pub embargo_secs_left: Vec<f64>,
    /// Aggregates that were handed to a relay since the start, by how many parts they had.
    pub relayed: BTreeMap<usize, u64>,
    /// Aggregates that were fluffed here since the start, by how many parts they had.
    pub fluffed: BTreeMap<usize, u64>,
    /// The same by reason: `coin`, `embargo`, `no relay`, `loop`, `family`, `asked`.
    pub fluff_reasons: BTreeMap<String, u64>,
    /// Outputs cut through since the start.
    pub cut_through: u64,
}

/// A connection: an answer of `get_connected_peers`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PeerView {
    /// The zone of the connection.
    pub zone: String,
    /// The address at the other end; `hidden` for a peer that came to our onion service.
    pub addr: String,
    /// `Outbound` or `Inbound`, as Grin says it.
    pub direction: String,
    /// What the peer calls itself.
    pub user_agent: String,
    /// The protocol version of the link.
    pub version: u32,
    /// The bits of what it can do.
    pub capabilities: u32,
    /// How the link is protected.
    pub link: LinkView,
    /// The height that it says it is at.
    pub height: Option<u64>,
    /// The work that it says its chain has.
    pub total_difficulty: Option<u64>,
    /// Whether it is a relay of this epoch.
    pub relay: bool,
    /// How long the connection stands.
    pub connected_secs: f64,
}

/// How a link is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkView {
    /// In the clear, as with every Grin node.
    Plain,
    /// In the clear, though the peer at this address has encrypted before: it was replaced, or
    /// somebody in between keeps both sides from encrypting.
    Downgraded,
    /// Encrypted.
    Encrypted,
    /// Encrypted, with another key than the peer at this address had before: it has a new one, or
    /// somebody answers in its place.
    KeyChanged,
}

/// A known address: an answer of `get_peers`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AddressView {
    /// The address.
    pub addr: String,
    /// `Healthy`, `Banned` or `Defunct`, as Grin says it.
    pub flags: String,
    /// Until its ban ends, if it is banned.
    pub ban_secs_left: Option<f64>,
}

/// One of the owner's transactions: an answer of `get_transaction` and `get_transactions`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TransactionView {
    /// The excesses of its kernels.
    pub kernels: Vec<String>,
    /// How long ago it was pushed. After a restart of the node: how long ago that was.
    pub age_secs: f64,
    /// Where it is.
    pub state: TransactionState,
}

/// Where one of the owner's transactions is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TransactionState {
    /// Accepted, and waits for its parent or for a height.
    Waiting,
    /// Accepted, and waits for a peer that the node has dialled in a zone that it may leave by; in
    /// the clear, without white noise, no longer than its embargo.
    WaitingForPeer,
    /// Accepted, and waits for patience to run out.
    Accepted,
    /// Handed to a relay, merged with others or alone.
    InStem {
        /// How many transactions were merged; 0 if that was before a restart.
        parts: usize,
        /// Until it is fluffed here if nobody else does.
        embargo_secs_left: Option<f64>,
    },
    /// Fluffed by this node.
    Fluffed {
        /// How many transactions were merged; 0 if that was before a restart.
        parts: usize,
        /// `coin`, `embargo`, `no relay`, `loop`, `family` or `asked`; `restart` if that was before
        /// one.
        reason: String,
    },
    /// Seen in public, fluffed by another node.
    Seen,
    /// In a block.
    Mined {
        /// The height of the block.
        height: u64,
    },
    /// It cannot be mined any more; if something in the stempool excludes it, not as long as that is
    /// there.
    Conflicted {
        /// The excess of a transaction's first kernel, or the hash of a block, that spends what it
        /// spends, if that is known.
        by: Option<String>,
    },
    /// Given up for another reason.
    Dropped {
        /// Why.
        reason: String,
    },
}
