//! The chain of a Grin node, read over its Foreign API.
//!
//! ```text
//! Grin node --HTTP--> follower (a task: asks, pages, backs off) --Event--> GrinChain (the node's)
//!                        ^                                                     |
//!                        +----- hint: a peer tells of a block                  +-> Index -> pool
//! ```
//!
//! All unspent outputs are in memory, so the Grin node never learns which ones anybody here asks
//! for, and no answer takes longer for asking it. What cannot be true (blocks that do not follow on
//! each other, that spend what is not there, of another chain) makes the index no wiser: the chain
//! is read anew.

mod api;
mod backoff;
mod block;
mod error;
mod follow;
mod index;
mod nrd;
mod pages;
mod shape;
mod snapshot;
mod sync;
#[cfg(test)]
mod tests;
mod trail;

use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use scape_aggregate::{Commitment, Consensus, Hash};
use scape_pool::{BlockSummary, ChainUpdate, ChainView, Instant, Tip, Utxo};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::{ChainAway, ChainState, ChainStatus};
use crate::rpc::{Secret, Url};
use api::Api;
pub use error::{GrinError, IndexError};
use follow::{Event, Follower, Plan};
use index::Index;

/// Events that wait to be looked at.
const EVENTS: usize = 8;

/// Which Grin node's chain to follow, and how.
#[derive(Clone, Debug)]
pub struct GrinConfig {
    /// Its API.
    pub url: Url,
    /// The password of its Foreign API, if it has one.
    pub secret: Option<Secret>,
    /// The chain that it must be of, and its rules.
    pub consensus: Consensus,
    /// How many blocks can be undone at least.
    pub reorg_depth: u64,
    /// The time between two looks at its tip while no peer tells of a block.
    pub poll: Duration,
    /// How long the chain counts as known after the node has gone.
    pub grace: Duration,
    /// Seeds the time between attempts.
    pub seed: [u8; 32],
}

/// The chain of a Grin node.
#[derive(Debug)]
pub struct GrinChain {
    url: Url,
    genesis: Tip,
    /// The chain as it was known last.
    index: Option<Index>,
    state: State,
    /// Whether the index was right when the node was there last.
    is_settled: bool,
    grace: Duration,
    hint: Arc<Notify>,
    events: mpsc::Receiver<Event>,
    /// Dropping it ends the follower.
    _follower: JoinSet<()>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum State {
    Syncing { done: u64, of: u64 },
    Ready,
    Away { since: Instant, error: String },
}

/// Something that the follower has found out, to be given to [`GrinChain::handle`].
#[derive(Debug)]
pub(crate) struct GrinEvent(Event);

/// What has become of the chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum GrinChange {
    /// It is known now, and these are its last blocks.
    Found(Vec<BlockSummary>),
    /// It has moved.
    Moved(ChainUpdate),
}

impl GrinConfig {
    /// A minute: a block is not missed for longer than one takes to be made.
    pub const GRACE: Duration = Duration::from_secs(60);
}

impl GrinChain {
    /// Begins to follow. Has to be called inside of a tokio runtime.
    pub fn start(config: GrinConfig) -> Self {
        let GrinConfig { url, secret, consensus, reorg_depth, poll, grace, seed } = config;
        let (sender, events) = mpsc::channel(EVENTS);
        let hint = Arc::new(Notify::new());
        let genesis = consensus.chain.genesis();
        let follower = Follower {
            api: Api::new(&url, secret.as_ref()),
            plan: Plan {
                genesis,
                nrd: consensus.nrd,
                depth: usize::try_from(reorg_depth).unwrap_or(usize::MAX),
                poll,
            },
            events: sender,
            hint: hint.clone(),
            rng: ChaCha12Rng::from_seed(seed),
            trail: None,
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(follower.run());
        Self {
            url,
            genesis: Tip { hash: genesis, ..Tip::default() },
            index: None,
            state: State::Syncing { done: 0, of: 0 },
            is_settled: false,
            grace,
            hint,
            events,
            _follower: tasks,
        }
    }

    /// Waits for the next thing to [`GrinChain::handle`]. May be dropped and called again.
    pub(crate) async fn event(&mut self) -> GrinEvent {
        match self.events.recv().await {
            Some(event) => GrinEvent(event),
            // The follower ends with the runtime.
            None => std::future::pending().await,
        }
    }

    /// A peer tells of a block that is not in the chain.
    pub(crate) fn hint(&self) {
        self.hint.notify_one();
    }

    /// Takes in what the follower has found out, and shows the new end of the chain.
    pub(crate) fn handle(&mut self, event: GrinEvent, now: Instant) -> Option<GrinChange> {
        match event.0 {
            Event::Syncing { done, of } => {
                self.is_settled = false;
                self.state = State::Syncing { done, of };
                None
            }
            Event::Synced(index) => Some(self.replace(*index)),
            Event::Step { step, fits } => {
                let (update, verdict) = self.index.as_mut()?.advance(step);
                if let Err(error) = verdict {
                    warn!(%error, "the Grin node's chain does not fit: it is read anew");
                    self.is_settled = false;
                    self.state = State::Syncing { done: 0, of: 0 };
                }
                // If it has gone, there is nobody to tell.
                let _ = fits.send(verdict.is_ok());
                Some(GrinChange::Moved(update))
            }
            Event::Current => {
                if self.state != State::Ready {
                    info!("the Grin node is back");
                    self.state = State::Ready;
                }
                None
            }
            Event::Failed(error) => {
                self.on_failure(&error, now);
                None
            }
        }
    }

    fn replace(&mut self, index: Index) -> GrinChange {
        let tip = index.tip();
        info!(height = tip.height, outputs = index.len(), "the Grin node's chain is read");
        self.state = State::Ready;
        self.is_settled = true;
        let change = match &self.index {
            None => GrinChange::Found(index.blocks().cloned().collect()),
            Some(before) => GrinChange::Moved(index.since(before)),
        };
        self.index = Some(index);
        change
    }

    fn on_failure(&mut self, error: &GrinError, now: Instant) {
        let error = error.to_string();
        match &mut self.state {
            State::Away { error: before, .. } if *before == error => {}
            State::Away { error: before, .. } => {
                warn!(%error, "the Grin node is still away");
                *before = error;
            }
            State::Syncing { .. } | State::Ready => {
                warn!(%error, "the Grin node is away");
                self.state = State::Away { since: now, error };
            }
        }
    }

    pub(super) fn status(&self, now: Instant) -> ChainStatus {
        let state = match &self.state {
            State::Syncing { done, of } => ChainState::Syncing { done: *done, of: *of },
            State::Ready => ChainState::Ready,
            State::Away { since, error } => {
                let lasting = now.saturating_since(*since);
                ChainState::Away { lasting, error: error.clone() }
            }
        };
        ChainStatus::Grin { url: self.url.clone(), state }
    }

    pub(super) fn check(&self, now: Instant) -> Result<(), ChainAway> {
        match self.state {
            State::Ready => Ok(()),
            State::Syncing { done, of } => Err(ChainAway::Syncing { done, of }),
            State::Away { since, .. } => match now.saturating_since(since) {
                lasting if self.is_settled && lasting < self.grace => Ok(()),
                lasting => Err(ChainAway::Away { lasting }),
            },
        }
    }
}

impl GrinChain {
    /// The hash of the block before the last one, if it is known.
    pub(super) fn previous(&self) -> Option<Hash> {
        self.index.as_ref()?.previous()
    }
}

impl ChainView for GrinChain {
    fn tip(&self) -> Tip {
        self.index.as_ref().map_or(self.genesis, Index::tip)
    }

    fn utxo(&self, commitment: &Commitment) -> Option<Utxo> {
        self.index.as_ref()?.utxo(commitment)
    }

    fn last_nrd(&self, excess: &Commitment) -> Option<u64> {
        self.index.as_ref()?.last_nrd(excess)
    }
}
