mod follow;
mod origin;

use std::net::SocketAddr;
use std::path::Path;
use std::task::Poll;
use std::time::Duration;

use scape_aggregate::{Transaction, ValidTx};
use scape_p2p::addr::Network;
use scape_p2p::net::NetEvent;
use scape_pool::{ChainView, Instant, Notice};
use tokio::sync::{mpsc, oneshot};
use tracing::{error, info, warn};

use super::clock::Clock;
use super::engine::Report;
use super::owner::Call;
use super::site::{Reply, Site, World, file_name};
use super::{JournalState, NodeConfig, NodeError, Status, ZoneSetup};
use crate::chain::{Block, BlockError, Chain};
use crate::journal::make_folder;

/// How often the address book is saved, and the journal is rid of what was erased.
const SAVE_INTERVAL: Duration = Duration::from_secs(60);

/// What the handle asks of the node.
#[derive(Debug)]
pub(super) enum Command {
    Push { tx: Transaction, fluff: bool, reply: Reply },
    Propose { salt: u64, reply: oneshot::Sender<Option<Block>> },
    ProposeBranch { depth: usize, salt: u64, reply: oneshot::Sender<Option<Vec<Block>>> },
    Deliver { block: Box<Block>, reply: oneshot::Sender<Option<Result<(), BlockError>>> },
    Status { reply: oneshot::Sender<Status> },
    Call(Call),
    Shutdown,
}

/// What happens in a zone.
enum Happening {
    Event(NetEvent),
    Report(Report),
}

/// The zones, and the chain that all of them follow.
pub(super) struct Core {
    /// The first one is the main zone: what wallets see and miners choose from is its pool's.
    pub(super) sites: Vec<Site>,
    pub(super) world: World,
    /// Through which zones the owner's transactions leave, the preferred one first.
    origin: Vec<Network>,
    /// Whose turn it is to be looked at first.
    turn: usize,
}

impl Core {
    pub(super) async fn start(
        config: NodeConfig,
        chain: Chain,
        notices: Option<mpsc::UnboundedSender<Notice>>,
    ) -> Result<Self, NodeError> {
        let clock = Clock::start();
        let dir = config.data_dir.clone();
        make_data_folder(dir.as_deref())?;
        let workers = config.workers;
        let (setups, origin) = setups(config);
        let mut sites: Vec<Site> = Vec::with_capacity(setups.len());
        for setup in setups {
            sites.push(Site::start(setup, dir.as_deref(), workers, clock).await?);
        }
        tell_of_other_journals(dir.as_deref(), &sites);
        let mut core = Self { sites, world: World { chain, clock, notices }, origin, turn: 0 };
        core.settle_kept(dir.as_deref()).await?;
        let Self { sites, world, .. } = &mut core;
        for site in sites {
            site.show_kept(clock.now());
            site.show_tip(world.chain.tip());
            if world.chain.ledger().is_some() {
                // Before anything is let in: what was sent must not look new to anyone.
                site.restore(&[], world);
            }
        }
        Ok(core)
    }

    /// Where the main zone listens.
    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        self.sites.first()?.net.local_addr()
    }

    /// Where each zone listens.
    pub(super) fn local_addrs(&self) -> Vec<(Network, SocketAddr)> {
        let addr = |site: &Site| Some((site.network, site.net.local_addr()?));
        self.sites.iter().filter_map(addr).collect()
    }

    /// Runs until told to stop or until the handle is gone. Nothing that a peer does ends it; an
    /// error in an engine itself does.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut save = tokio::time::interval(SAVE_INTERVAL);
        self.carry_out().await;
        loop {
            let timeouts = self.sites.iter().map(Site::poll_timeout);
            let timeout = timeouts.min().unwrap_or(Instant::ZERO);
            let timeout = self.world.clock.sleep_until(timeout);
            self.turn = self.turn.wrapping_add(1);
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::Shutdown) | None => break,
                    Some(command) => self.handle_command(command).await,
                },
                (index, happening) = next(&mut self.sites, self.turn) => {
                    self.handle(index, happening).await;
                }
                event = self.world.chain.event() => self.handle_chain_event(event),
                () = timeout => {}
                _ = save.tick() => {
                    for site in &mut self.sites {
                        site.save_book(self.world.clock);
                        site.keeper.tidy(self.world.clock.now()).await;
                    }
                }
            }
            self.sites.iter_mut().for_each(|site| site.handle_timeout(&self.world));
            self.carry_out().await;
            if self.reroute().await {
                self.carry_out().await;
            }
            if self.sites.iter().any(|site| site.engine.is_broken()) {
                error!("nothing can be verified any more: the node stops");
                break;
            }
        }
        for site in self.sites {
            site.shutdown(self.world.clock).await;
        }
    }

    async fn handle(&mut self, index: usize, happening: Happening) {
        match happening {
            Happening::Event(event) => {
                let mut next = Some(event);
                while let Some(event) = next.take().filter(|event| self.may_pass(index, event)) {
                    next = self.sites[index].handle_event(event, &self.world);
                }
            }
            Happening::Report((ticket, outcome)) => {
                let site = &mut self.sites[index];
                let handed_over = site.handle_outcome(ticket, outcome, &self.world).await;
                self.hand_over(handed_over);
            }
        }
    }

    async fn handle_command(&mut self, command: Command) {
        // Whoever asked may have gone meanwhile; then the answer goes nowhere.
        match command {
            Command::Push { tx, fluff, reply } => {
                if let Err(away) = self.world.chain.check(self.world.clock.now()) {
                    let _ = reply.send(Err(away.into()));
                    return;
                }
                let origin = self.origin(&tx);
                self.sites[origin].push(tx, fluff, reply, &self.world).await;
            }
            Command::Propose { salt, reply } => {
                let public = self.main().zone.pool().public();
                let ledger = self.world.chain.ledger();
                let _ = reply.send(ledger.map(|ledger| ledger.propose(public, salt)));
            }
            Command::ProposeBranch { depth, salt, reply } => {
                let public: Vec<_> = self.main().zone.pool().public().cloned().collect();
                let ledger = self.world.chain.ledger();
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

    pub(super) fn main(&self) -> &Site {
        // There is one at least, see `setups`.
        &self.sites[0]
    }

    /// Takes a block, if the chain is an embedded ledger.
    fn handle_block(&mut self, block: Block) -> Option<Result<(), BlockError>> {
        let accepted = self.world.chain.ledger_mut()?.accept(block);
        Some(accepted.map(|update| self.follow(&update)))
    }

    /// Does what the zones want.
    async fn carry_out(&mut self) {
        let mut handed_over = Vec::new();
        for site in &mut self.sites {
            handed_over.extend(site.carry_out(&self.world).await);
        }
        self.hand_over(handed_over);
        if let Some(public) = self.public() {
            // It hands nothing over itself.
            self.sites[public].carry_out(&self.world).await;
        }
    }

    fn public(&self) -> Option<usize> {
        self.sites.iter().position(|site| !site.network.is_anonymous())
    }

    fn hand_over(&mut self, txs: Vec<ValidTx>) {
        let Some(public) = self.public() else { return };
        for tx in txs {
            // If it is not taken it is there already, or does not fit: others have it as well.
            let _ = self.sites[public].with_zone(&self.world, |zone, ctx| zone.take_over(tx, ctx));
        }
    }

    fn status(&self) -> Status {
        let now = self.world.clock.now();
        let main = self.main().status(now);
        Status {
            tip: self.world.chain.tip(),
            chain: self.world.chain.status(now),
            journal: JournalState::of_all(self.sites.iter().map(|site| site.keeper.state())),
            previous: self.world.chain.previous(),
            uptime: now.saturating_since(Instant::ZERO),
            pools: main.pools,
            peers: main.peers,
            relays: main.relays,
            addresses: main.addresses,
            epoch_left: main.epoch_left,
            patience_left: main.patience_left,
            embargoes_left: main.embargoes_left,
            tally: main.tally,
            zones: self.sites.iter().map(|site| site.status(now)).collect(),
        }
    }
}

/// What happens next in any of the zones, and in which.
async fn next(sites: &mut [Site], turn: usize) -> (usize, Happening) {
    std::future::poll_fn(|ctx| {
        for step in 0..sites.len() {
            let index = turn.wrapping_add(step) % sites.len();
            let site = &mut sites[index];
            // A channel that has ended says nothing any more.
            if let Poll::Ready(Some(report)) = site.reports.poll_recv(ctx) {
                return Poll::Ready((index, Happening::Report(report)));
            }
            if let Poll::Ready(Some(event)) = site.events.poll_recv(ctx) {
                return Poll::Ready((index, Happening::Event(event)));
            }
        }
        Poll::Pending
    })
    .await
}

/// All zones, the main one first, and through which of them the owner's transactions leave.
fn setups(config: NodeConfig) -> (Vec<ZoneSetup>, Vec<Network>) {
    let NodeConfig { zone, net, book, seeds, seed, zones, .. } = config;
    let main = ZoneSetup { zone, net, book, seeds, chain_lag: Duration::ZERO, seed };
    (std::iter::once(main).chain(zones.others).collect(), zones.origin)
}

fn make_data_folder(path: Option<&Path>) -> Result<(), NodeError> {
    let Some(path) = path else { return Ok(()) };
    make_folder(path).map_err(|error| NodeError::DataDir { path: path.to_owned(), error })
}

/// What waits for a zone that is off now must not be forgotten, nor leave by another way.
fn tell_of_other_journals(dir: Option<&Path>, sites: &[Site]) {
    let Some(dir) = dir else { return };
    for network in Network::ALL {
        let path = dir.join(file_name("journal", network, "redb"));
        if path.exists() && sites.iter().all(|site| site.network != network) {
            warn!(%network, path = %path.display(), "this zone is off: what waits for it waits on");
        }
    }
    if sites.len() > 1 {
        info!(zones = sites.len(), "each zone has peers, pools and routes of its own");
    }
}
