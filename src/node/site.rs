//! One zone with all that it needs to act: sockets, threads, a journal, an address book.
//!
//! # Security
//! Nothing here is shared between zones: a cache of verified proofs, for example, would answer a
//! prober who sends the same transaction to both, by the time that the second takes.

mod effects;
mod events;
mod files;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use scape_aggregate::{Transaction, ValidTx, Verifier};
use scape_p2p::addr::{Host, Network};
use scape_p2p::book::Source;
use scape_p2p::net::{Net, NetEvent};
use scape_p2p::zone::{Ticket, Zone, ZoneConfig, ZoneContext};
use scape_pool::{Accepted, BlockSummary, ChainUpdate, Instant, Notice, Record, Tip};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tracing::warn;

pub(super) use self::files::file_name;
use self::files::load_book;
use super::clock::Clock;
use super::engine::{Engine, Limits, Outcome, REMEMBERED, Report};
use super::identity::load_or_create;
use super::keeper::Keeper;
use super::known::load_known_keys;
use super::lag::Lag;
use super::own::Owned;
use super::sinks::restore_keys;
use super::tally::Tally;
use super::{NodeError, PushFailed, ZoneSetup, ZoneStatus, trail};
use crate::chain::Chain;

/// Events of the network that may wait for the node.
const EVENTS: usize = 1_024;
/// Bytes of transactions that may wait for their verification: a dozen of the heaviest of one
/// sender, fifty of all.
const QUEUE_BYTES: usize = 64 << 20;
/// How many ends of embargoes the owner is told.
const EMBARGOES: usize = 32;

/// What all zones have in common: nothing that their peers could see.
pub(super) struct World {
    pub(super) chain: Chain,
    pub(super) clock: Clock,
    pub(super) notices: Option<mpsc::UnboundedSender<Notice>>,
}

/// Who waits for what becomes of a push.
pub(super) type Reply = oneshot::Sender<Result<Accepted, PushFailed>>;

/// One zone, and what it needs to act.
pub(super) struct Site {
    pub(super) network: Network,
    pub(super) zone: Zone,
    pub(super) net: Net,
    pub(super) events: mpsc::Receiver<NetEvent>,
    pub(super) engine: Engine,
    pub(super) reports: mpsc::UnboundedReceiver<Report>,
    pushes: HashMap<Ticket, (Transaction, Reply)>,
    /// What has happened and is not in `own` and `tally` yet.
    noted: Vec<Notice>,
    pub(super) own: Owned,
    tally: Tally,
    pub(super) keeper: Keeper,
    /// What was kept over a restart and waits for the chain.
    pub(super) kept: Vec<Record>,
    /// Whether there may be transactions of the owner that nobody was given.
    pub(super) may_have_unsent: bool,
    pub(super) verifier: Arc<Verifier>,
    lag: Lag,
    book_path: Option<PathBuf>,
    sinks_path: Option<PathBuf>,
    known_path: Option<PathBuf>,
    /// The last time that what is known of others was saved; it may still be under way.
    saving: Option<JoinHandle<()>>,
}

impl Site {
    pub(super) async fn start(
        mut setup: ZoneSetup,
        data_dir: Option<&Path>,
        workers: usize,
        clock: Clock,
    ) -> Result<Self, NodeError> {
        let network = setup.zone.network;
        if let Some(dir) = data_dir {
            // A key of this network alone: the same on two would join them.
            let path = dir.join(format!("identity-{network}"));
            setup.net.key = load_or_create(&path, setup.net.key.clone())
                .map_err(|error| NodeError::Identity { path, error })?;
        }
        let sink_key = setup.net.key.clone();
        let known_path = data_dir.map(|dir| dir.join(file_name("known-keys", network, "txt")));
        if let Some(path) = &known_path {
            setup.net.known_keys = load_known_keys(path, network)
                .map_err(|error| NodeError::KnownKeys { path: path.clone(), error })?;
        }
        let verifier = Arc::new(Verifier::new(REMEMBERED));
        let (keeper, kept) = match data_dir {
            Some(dir) => {
                let path = dir.join(file_name("journal", network, "redb"));
                Keeper::open(path, setup.zone.consensus, verifier.clone(), clock.moment()).await?
            }
            None => (Keeper::off(), Vec::new()),
        };
        let book_path = data_dir.map(|dir| dir.join(file_name("peers", network, "txt")));
        let mut book = load_book(setup.book, book_path.as_ref())?;
        for seed in &setup.seeds {
            if let Err(error) = book.add(*seed, Source::Trusted, clock.unix()) {
                warn!(%seed, %error, "seed address not used");
            }
        }
        let (event_sender, events) = mpsc::channel(EVENTS);
        let (report_sender, reports) = mpsc::unbounded_channel();
        let net = Net::start(setup.net, event_sender).await?;
        for (host, until) in book.bans() {
            let left = until.0.saturating_sub(clock.unix().0);
            if let Host::Ip(ip) = host {
                net.block(ip, Duration::from_secs(left));
            }
        }
        let limits = queue_limits(&setup.zone);
        let engine = Engine::start(workers, limits, verifier.clone(), report_sender);
        let mut seeds = ChaCha12Rng::from_seed(setup.seed);
        // The zone's seed as it is, so that one zone is what it always was.
        let lag = Lag::new(setup.chain_lag, seeds.random());
        let mut zone = Zone::new(setup.zone, book, setup.seed, clock.now());
        zone.set_sink_key(sink_key);
        let sinks_path = data_dir.map(|dir| dir.join(file_name("sinks", network, "txt")));
        if let Some(path) = &sinks_path {
            restore_keys(&mut zone, path, clock.unix());
        }
        Ok(Self {
            network,
            zone,
            net,
            events,
            engine: engine.map_err(NodeError::Thread)?,
            reports,
            pushes: HashMap::new(),
            noted: Vec::new(),
            own: Owned::default(),
            tally: Tally::default(),
            keeper,
            kept,
            may_have_unsent: false,
            verifier,
            lag,
            book_path,
            sinks_path,
            known_path,
            saving: None,
        })
    }

    pub(super) fn with_zone<R>(
        &mut self,
        world: &World,
        call: impl FnOnce(&mut Zone, &ZoneContext<'_>) -> R,
    ) -> R {
        let (now, unix) = (world.clock.now(), world.clock.unix());
        call(&mut self.zone, &ZoneContext { now, unix, chain: &world.chain })
    }

    pub(super) fn poll_timeout(&self) -> Instant {
        let others = [self.keeper.retry_at(), self.lag.poll_timeout()];
        others.into_iter().flatten().fold(self.zone.poll_timeout(), Ord::min)
    }

    /// Does what is due.
    pub(super) fn handle_timeout(&mut self, world: &World) {
        while let Some((update, tip)) = self.lag.take_due(world.clock.now()) {
            self.show_tip(tip);
            self.with_zone(world, |zone, ctx| zone.handle_chain(&update, ctx));
        }
        self.with_zone(world, |zone, ctx| zone.handle_timeout(ctx));
    }

    /// The chain has moved; the zone hears of it when its time comes.
    pub(super) fn handle_chain(&mut self, update: &ChainUpdate, tip: Tip, world: &World) {
        // What bound something to this zone may be settled by it.
        self.may_have_unsent = true;
        self.lag.push(update.clone(), tip, world.clock.now());
        self.handle_timeout(world);
    }

    /// Goes on with the owner's transactions that were kept, as soon as the chain is known by which
    /// they are judged; `recent` are its last blocks.
    pub(super) fn restore(&mut self, recent: &[BlockSummary], world: &World) {
        let records = std::mem::take(&mut self.kept);
        self.with_zone(world, |zone, ctx| zone.restore(records, recent, ctx));
    }

    /// The owner sees what was kept although it waits for the chain.
    pub(super) fn show_kept(&mut self, now: Instant) {
        self.kept.iter().for_each(|record| self.own.restored(record, now));
    }

    /// Tells peers the tip that we have.
    pub(super) fn show_tip(&self, tip: Tip) {
        self.net.set_tip(tip.total_difficulty, tip.height);
    }

    /// Takes a transaction of the owner, if it can be kept.
    pub(super) async fn push(&mut self, tx: Transaction, fluff: bool, reply: Reply, world: &World) {
        self.keeper.retry(world.clock.now()).await;
        if let Some(error) = self.keeper.failure() {
            // Whoever asked may have gone meanwhile; then the answer goes nowhere.
            let _ = reply.send(Err(PushFailed::NotKept(error)));
            return;
        }
        trail::pushed(&tx);
        let ticket = self.zone.push(tx.clone(), fluff);
        self.pushes.insert(ticket, (tx, reply));
    }

    pub(super) async fn handle_outcome(
        &mut self,
        ticket: Ticket,
        outcome: Outcome,
        world: &World,
    ) -> Vec<ValidTx> {
        let good = matches!(outcome, Outcome::Verdict(Ok(_)));
        self.with_zone(world, |zone, ctx| match outcome {
            Outcome::Verdict(verdict) => zone.handle_verified(ticket, verdict, ctx),
            Outcome::Unverified(why) => zone.handle_unverified(ticket, why, ctx),
        });
        if good {
            return Vec::new();
        }
        // What else its sender has sent may have to go.
        let handed_over = self.carry_out(world).await;
        self.engine.handled(ticket);
        handed_over
    }

    pub(super) fn status(&self, now: Instant) -> ZoneStatus {
        let clocks = self.zone.pool().clocks(EMBARGOES);
        ZoneStatus {
            network: self.network,
            name: self.net.name().or(self.zone.peers_config().own_name),
            way: self.net.way_state(),
            noise: self.zone.is_noisy(),
            way_out: self.zone.way_out(),
            pools: self.zone.pool().counts(),
            peers: self.zone.peers().collect(),
            relays: self.zone.relays().to_vec(),
            addresses: self.zone.book().len(),
            held: self.zone.held(),
            epoch_left: self.zone.epoch_end().saturating_since(now),
            patience_left: clocks.patience.map(|at| at.saturating_since(now)),
            embargoes_left: clocks.embargoes.iter().map(|at| at.saturating_since(now)).collect(),
            tally: self.tally.clone(),
        }
    }

    /// Saves what there is to save, and ends all connections.
    pub(super) async fn shutdown(mut self, clock: Clock) {
        self.finish_saving().await;
        self.save_book(clock);
        self.finish_saving().await;
        self.net.shutdown().await;
        self.keeper.close().await;
    }
}

/// The queue is full before the zone has to refuse what it does not even queue.
fn queue_limits(zone: &ZoneConfig) -> Limits {
    Limits {
        transactions: zone.verifications / 2,
        bytes: QUEUE_BYTES,
        share_transactions: zone.verifications_per_peer,
        share_bytes: QUEUE_BYTES / 4,
    }
}
