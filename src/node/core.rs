mod follow;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use scape_aggregate::{Transaction, Verifier};
use scape_p2p::addr::Host;
use scape_p2p::book::{Book, Source};
use scape_p2p::handshake::HandshakeError;
use scape_p2p::link::Offence;
use scape_p2p::net::{ConnectError, LinkError, Net, NetEvent, replace_file};
use scape_p2p::wire::Message;
use scape_p2p::zone::{Effect, Ticket, Zone, ZoneConfig, ZoneContext};
use scape_pool::{Accepted, ChainView, Instant, Notice, PeerId, Record};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tracing::{debug, error, warn};

use super::clock::Clock;
use super::engine::{Engine, Limits, Outcome, REMEMBERED, Report};
use super::keeper::Keeper;
use super::own::Owned;
use super::owner::Call;
use super::tally::Tally;
use super::{NodeConfig, NodeError, PushFailed, Status, trail};
use crate::chain::{Block, BlockError, Chain};
use crate::journal::make_folder;

/// Events of the network that may wait for the node.
const EVENTS: usize = 1_024;
/// Bytes of transactions that may wait for their verification: a dozen of the heaviest of one
/// sender, fifty of all.
const QUEUE_BYTES: usize = 64 << 20;
/// How many ends of embargoes the owner is told.
const EMBARGOES: usize = 32;
/// How often the address book is saved, and the journal is rid of what was erased.
const SAVE_INTERVAL: Duration = Duration::from_secs(60);

/// What the handle asks of the node.
#[derive(Debug)]
pub(super) enum Command {
    Push { tx: Transaction, fluff: bool, reply: oneshot::Sender<Result<Accepted, PushFailed>> },
    Propose { salt: u64, reply: oneshot::Sender<Option<Block>> },
    ProposeBranch { depth: usize, salt: u64, reply: oneshot::Sender<Option<Vec<Block>>> },
    Deliver { block: Box<Block>, reply: oneshot::Sender<Option<Result<(), BlockError>>> },
    Status { reply: oneshot::Sender<Status> },
    Call(Call),
    Shutdown,
}

/// The zone, and what it needs to act.
pub(super) struct Core {
    pub(super) zone: Zone,
    chain: Chain,
    net: Net,
    events: mpsc::Receiver<NetEvent>,
    engine: Engine,
    reports: mpsc::UnboundedReceiver<Report>,
    pushes: HashMap<Ticket, (Transaction, oneshot::Sender<Result<Accepted, PushFailed>>)>,
    notices: Option<mpsc::UnboundedSender<Notice>>,
    /// What has happened and is not in `own` and `tally` yet.
    noted: Vec<Notice>,
    pub(super) own: Owned,
    tally: Tally,
    keeper: Keeper,
    /// What was kept over a restart and waits for the chain.
    kept: Vec<Record>,
    pub(super) clock: Clock,
    book_path: Option<PathBuf>,
    /// The last time that the address book was saved; it may still be under way.
    saving: Option<JoinHandle<()>>,
}

impl Core {
    pub(super) async fn start(
        config: NodeConfig,
        chain: Chain,
        notices: Option<mpsc::UnboundedSender<Notice>>,
    ) -> Result<Self, NodeError> {
        let clock = Clock::start();
        make_data_folder(&config)?;
        let verifier = Arc::new(Verifier::new(REMEMBERED));
        let (keeper, records) = open_journal(&config, verifier.clone(), clock).await?;
        let book_path = config.data_dir.as_ref().map(|dir| dir.join("peers.txt"));
        let mut book = load_book(&config, book_path.as_ref())?;
        for seed in &config.seeds {
            if let Err(error) = book.add(*seed, Source::Trusted, clock.unix()) {
                warn!(%seed, %error, "seed address not used");
            }
        }
        let (event_sender, events) = mpsc::channel(EVENTS);
        let (report_sender, reports) = mpsc::unbounded_channel();
        let sink_key = config.net.key.clone();
        let net = Net::start(config.net, event_sender).await?;
        for (host, until) in book.bans() {
            let left = until.0.saturating_sub(clock.unix().0);
            if let Host::Ip(ip) = host {
                net.block(ip, Duration::from_secs(left));
            }
        }
        let limits = queue_limits(&config.zone);
        let engine = Engine::start(config.workers, limits, verifier, report_sender);
        let engine = engine.map_err(NodeError::Thread)?;
        let mut zone = Zone::new(config.zone, book, config.seed, clock.now());
        zone.set_sink_key(sink_key);
        let mut core = Self {
            zone,
            chain,
            net,
            events,
            engine,
            reports,
            pushes: HashMap::new(),
            notices,
            noted: Vec::new(),
            own: Owned::default(),
            tally: Tally::default(),
            keeper,
            kept: records,
            clock,
            book_path,
            saving: None,
        };
        // The owner sees them although they wait.
        core.kept.iter().for_each(|record| core.own.restored(record, clock.now()));
        core.show_tip();
        if core.chain.ledger().is_some() {
            // Before anything is let in: what was sent must not look new to anyone.
            let records = std::mem::take(&mut core.kept);
            core.restore(records, &[]);
        }
        Ok(core)
    }

    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        self.net.local_addr()
    }

    /// Runs until told to stop or until the handle is gone. Nothing that a peer does ends it; an
    /// error in the engine itself does.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut save = tokio::time::interval(SAVE_INTERVAL);
        self.carry_out().await;
        loop {
            let timeout = self.zone.poll_timeout();
            let timeout = self.keeper.retry_at().map_or(timeout, |retry| retry.min(timeout));
            let timeout = self.clock.sleep_until(timeout);
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::Shutdown) | None => break,
                    Some(command) => self.handle_command(command).await,
                },
                Some((ticket, outcome)) = self.reports.recv() => {
                    self.handle_outcome(ticket, outcome).await;
                }
                Some(event) = self.events.recv() => self.handle_event(event),
                event = self.chain.event() => self.handle_chain_event(event),
                () = timeout => {}
                _ = save.tick() => {
                    self.save_book();
                    self.keeper.tidy(self.clock.now()).await;
                }
            }
            self.with_zone(|zone, ctx| zone.handle_timeout(ctx));
            self.carry_out().await;
            if self.engine.is_broken() {
                error!("nothing can be verified any more: the node stops");
                break;
            }
        }
        self.finish_saving().await;
        self.save_book();
        self.finish_saving().await;
        self.net.shutdown().await;
        self.keeper.close().await;
    }

    pub(super) fn with_zone<R>(
        &mut self,
        call: impl FnOnce(&mut Zone, &ZoneContext<'_>) -> R,
    ) -> R {
        let (now, unix) = (self.clock.now(), self.clock.unix());
        call(&mut self.zone, &ZoneContext { now, unix, chain: &self.chain })
    }

    async fn handle_command(&mut self, command: Command) {
        // Whoever asked may have gone meanwhile; then the answer goes nowhere.
        match command {
            Command::Push { tx, fluff, reply } => {
                if let Err(away) = self.chain.check(self.clock.now()) {
                    let _ = reply.send(Err(away.into()));
                    return;
                }
                self.keeper.retry(self.clock.now()).await;
                if let Some(error) = self.keeper.failure() {
                    let _ = reply.send(Err(PushFailed::NotKept(error)));
                    return;
                }
                trail::pushed(&tx);
                let ticket = self.zone.push(tx.clone(), fluff);
                self.pushes.insert(ticket, (tx, reply));
            }
            Command::Propose { salt, reply } => {
                let ledger = self.chain.ledger();
                let _ = reply.send(ledger.map(|l| l.propose(self.zone.pool().public(), salt)));
            }
            Command::ProposeBranch { depth, salt, reply } => {
                let public: Vec<_> = self.zone.pool().public().cloned().collect();
                let ledger = self.chain.ledger();
                let _ = reply.send(ledger.map(|l| l.propose_branch(depth, &public, salt)));
            }
            Command::Deliver { block, reply } => {
                let _ = reply.send(self.handle_block(*block));
            }
            Command::Status { reply } => {
                let _ = reply.send(self.status());
            }
            Command::Call(call) => call.make(self),
            Command::Shutdown => {}
        }
    }

    /// Takes a block, if the chain is an embedded ledger.
    fn handle_block(&mut self, block: Block) -> Option<Result<(), BlockError>> {
        let accepted = self.chain.ledger_mut()?.accept(block);
        Some(accepted.map(|update| self.follow(&update)))
    }

    async fn handle_outcome(&mut self, ticket: Ticket, outcome: Outcome) {
        let good = matches!(outcome, Outcome::Verdict(Ok(_)));
        self.with_zone(|zone, ctx| match outcome {
            Outcome::Verdict(verdict) => zone.handle_verified(ticket, verdict, ctx),
            Outcome::Unverified(why) => zone.handle_unverified(ticket, why, ctx),
        });
        if !good {
            // What else its sender has sent may have to go.
            self.carry_out().await;
            self.engine.handled(ticket);
        }
    }

    fn handle_event(&mut self, event: NetEvent) {
        if !self.may_pass(&event) {
            return;
        }
        if let NetEvent::Disconnected { peer, .. } = &event {
            self.engine.forget(*peer);
        }
        if let NetEvent::Frame { peer, frame } = &event {
            // What was hidden in frames is a message like any other.
            let whole = self.with_zone(|zone, ctx| zone.handle_frame(*peer, frame, ctx));
            if let Some(message) = whole {
                self.handle_event(NetEvent::Message { peer: *peer, message });
            }
            return;
        }
        self.with_zone(|zone, ctx| match event {
            NetEvent::Connected { peer, addr, direction, info } => {
                zone.handle_connected(peer, addr, direction, info, ctx);
            }
            NetEvent::ConnectFailed { addr, error } => {
                debug!(%addr, %error, "connecting failed");
                let to_self = HandshakeError::ConnectedToSelf;
                let to_self = matches!(error, ConnectError::Handshake(e) if e == to_self);
                zone.handle_connect_failed(addr, to_self, ctx);
            }
            NetEvent::Message { peer, message } => {
                trail::received(zone, peer, &message);
                zone.handle_message(peer, message, ctx);
            }
            // See above.
            NetEvent::Frame { .. } => {}
            NetEvent::BadTransaction { peer, error } => {
                debug!(%peer, %error, "bad transaction");
                zone.handle_bad_transaction(peer, ctx);
            }
            NetEvent::Disconnected { peer, error, unsent } => {
                let offence = error.as_ref().and_then(offence);
                zone.handle_disconnected(peer, unsent, offence, ctx);
            }
        });
    }

    /// Does what the zone wants, until it wants nothing more. What is to be kept is safe before what
    /// comes after it is done.
    ///
    /// If it cannot be written, messages go out all the same: held back, a transaction would be
    /// fluffed by its owner in the end. After a crash it may then go out on the stem once more.
    ///
    /// Peers and wallets can measure how long the node waits for its disk. So it waits before every
    /// transaction on the stem, be it the owner's or not, and before every acknowledgement, be it
    /// new or not; and what is erased, often because of what a peer says, is written at another time.
    async fn carry_out(&mut self) {
        let mut due = false;
        let mut waited = false;
        while let Some(effect) = self.zone.poll_effect() {
            match effect {
                Effect::Keep(record) => {
                    self.keeper.keep(&record, self.clock.moment());
                    due = true;
                }
                Effect::Erase { key } => self.keeper.erase(key),
                effect => {
                    if due || (!waited && waits_for_disk(&effect)) {
                        self.keeper.write(self.clock.now()).await;
                        (due, waited) = (false, true);
                    }
                    self.carry_out_one(effect);
                }
            }
        }
        if due {
            self.keeper.write(self.clock.now()).await;
        }
        self.keeper.retry(self.clock.now()).await;
        // Only now: what was acknowledged just now is known to be the owner's.
        for notice in self.noted.drain(..) {
            self.own.handle_notice(&notice, self.clock.now());
            self.tally.handle_notice(&notice);
        }
        self.own.forget(self.clock.now());
    }

    fn carry_out_one(&mut self, effect: Effect) {
        match effect {
            Effect::Send { peer, message } => {
                trail::sent(&self.zone, peer, &message);
                if let Err(unsent) = self.net.send(peer, message) {
                    self.with_zone(|zone, ctx| zone.handle_unsent(peer, unsent.message, ctx));
                }
            }
            Effect::Frame { peer, at, frame } => self.send_frame(peer, at, frame),
            Effect::Connect { addr } => self.net.connect(addr),
            Effect::Disconnect { peer, reason } => self.net.disconnect(peer, reason),
            Effect::Block { ip, duration } => self.net.block(ip, duration),
            Effect::Unblock { ip } => self.net.unblock(ip),
            Effect::Verify { ticket, tx, sender } => self.engine.submit(ticket, sender, tx),
            Effect::Cancel { ticket } => self.engine.cancel(ticket),
            Effect::Pushed { ticket, verdict } => {
                if let Some((tx, reply)) = self.pushes.remove(&ticket) {
                    if verdict.is_ok() {
                        self.own.pushed(&tx, self.clock.now());
                    }
                    let verdict = match self.keeper.failure() {
                        Some(error) if verdict.is_ok() => Err(PushFailed::NotKept(error)),
                        _ => verdict.map_err(PushFailed::from),
                    };
                    let _ = reply.send(verdict);
                }
            }
            // See above.
            Effect::Keep(_) | Effect::Erase { .. } => {}
            Effect::Notice(notice) => {
                trail::noticed(&notice);
                if let Some(notices) = &self.notices {
                    let _ = notices.send(notice.clone());
                }
                self.noted.push(notice);
            }
        }
    }

    /// Schedules a frame of white noise. One that comes too late for that is not sent, and its link
    /// is as good as lost.
    fn send_frame(&mut self, peer: PeerId, at: Instant, frame: Bytes) {
        let now = self.clock.now();
        if at < now || self.net.send_noise(peer, frame, at.saturating_since(now)).is_err() {
            self.net.disconnect(peer, None);
        }
    }

    fn status(&self) -> Status {
        let now = self.clock.now();
        let clocks = self.zone.pool().clocks(EMBARGOES);
        Status {
            tip: self.chain.tip(),
            chain: self.chain.status(now),
            pools: self.zone.pool().counts(),
            peers: self.zone.peers().collect(),
            relays: self.zone.relays().to_vec(),
            addresses: self.zone.book().len(),
            journal: self.keeper.state(),
            previous: self.chain.previous(),
            uptime: now.saturating_since(Instant::ZERO),
            epoch_left: self.zone.epoch_end().saturating_since(now),
            patience_left: clocks.patience.map(|at| at.saturating_since(now)),
            embargoes_left: clocks.embargoes.iter().map(|at| at.saturating_since(now)).collect(),
            tally: self.tally.clone(),
        }
    }

    /// Begins to save the address book, on a thread that may wait for the disk, unless that is under
    /// way: two at once would take each other's temporary file away.
    fn save_book(&mut self) {
        let Some(path) = self.book_path.clone() else { return };
        if self.saving.as_ref().is_some_and(|saving| !saving.is_finished()) {
            return;
        }
        let text = self.zone.book().to_text();
        self.saving = Some(tokio::task::spawn_blocking(move || {
            if let Err(error) = replace_file(&path, text.as_bytes()) {
                warn!(path = %path.display(), %error, "the address book was not saved");
            }
        }));
    }

    async fn finish_saving(&mut self) {
        if let Some(saving) = self.saving.take() {
            // It can only be cancelled, when the runtime ends.
            let _ = saving.await;
        }
    }
}

fn waits_for_disk(effect: &Effect) -> bool {
    match effect {
        Effect::Send { message, .. } => {
            matches!(message, Message::StemTransaction(_) | Message::SealedStem { .. })
        }
        Effect::Pushed { verdict, .. } => verdict.is_ok(),
        _ => false,
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

/// What a connection that ended so costs.
fn offence(error: &LinkError) -> Option<Offence> {
    match error {
        LinkError::Flood(_) => Some(Offence::Flood),
        error => Offence::of(error.blame()),
    }
}

fn make_data_folder(config: &NodeConfig) -> Result<(), NodeError> {
    let Some(path) = &config.data_dir else { return Ok(()) };
    make_folder(path).map_err(|error| NodeError::DataDir { path: path.clone(), error })
}

async fn open_journal(
    config: &NodeConfig,
    verifier: Arc<Verifier>,
    clock: Clock,
) -> Result<(Keeper, Vec<Record>), NodeError> {
    let Some(dir) = &config.data_dir else { return Ok((Keeper::off(), Vec::new())) };
    let path = dir.join("journal.redb");
    Keeper::open(path, config.zone.consensus, verifier, clock.moment()).await
}

fn load_book(config: &NodeConfig, path: Option<&PathBuf>) -> Result<Book, NodeError> {
    let Some(path) = path.filter(|path| path.exists()) else {
        return Ok(Book::new(config.book));
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| NodeError::Book { path: path.clone(), error })?;
    let (book, skipped) = Book::from_text(&text, config.book);
    if skipped > 0 {
        warn!(path = %path.display(), skipped, "unreadable lines in the address book");
    }
    Ok(book)
}
