//! Plays a scenario and judges it.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::time::Duration;

use scape_aggregate::{ChainType, Commitment, Consensus, Hash, TxKernel, ValidTx};
use scape_p2p::addr::Network as AddrNetwork;
use scape_p2p::peer::Capabilities;
use scape_p2p::wire::Message;
use scape_p2p::zone::{Zone, ZoneConfig};
use scape_pool::Instant;

use super::met::{Hidden, Judge, Met};
use super::scenario::{Action, NodePlan, Role, Scenario};
use crate::flow::{Flow, Mint, build};
use crate::invariant::{Breach, Fates, Invariants, Law};
use crate::net::adversary::{self, Purse};
use crate::net::{Disk, LinkConfig, Network, NetworkConfig, NodeId, NodeSpec};

const CONSENSUS: Consensus = Consensus { nrd: true, ..Consensus::of(ChainType::Mainnet) };
/// How long the calm phase may take: longer than the longest embargo there is.
const CALM: Duration = Duration::from_secs(10 * 3_600);
/// How long it is waited for what nobody holds any more: for some blocks.
const HOPELESS: Duration = Duration::from_secs(900);
/// How many coins each adversary may spend.
const POCKET_MONEY: usize = 40;
/// Bytes a second of who is slow on purpose: a transaction takes half a minute.
const CRAWL: u64 = 50;
/// How often it is looked whether everything is settled: seldom just when a block was made.
const LOOK: Duration = Duration::from_secs(17);

/// How a run went.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    /// What was wrong, if anything was.
    pub breach: Option<Breach>,
    /// What became of what nodes answered for.
    pub fates: Fates,
    /// What met at sinks.
    pub met: Met,
    /// What went through anonymity networks and white noise.
    pub hidden: Hidden,
    /// How many events there were.
    pub events: u64,
    /// How long it took in virtual time.
    pub time: Duration,
    /// The hash of everything that happened.
    pub digest: Hash,
    /// How many transactions were made.
    pub txs: usize,
    /// How many kernels the chain holds in the end.
    pub kernels: usize,
    /// What was observed about the kernels of the breach, a line each.
    pub history: String,
}

impl Scenario {
    /// Plays the scenario, a panic included.
    pub fn run(&self) -> Outcome {
        self.play(false)
    }

    /// As [`Scenario::run`], and keeps what happened for [`Outcome::history`].
    pub fn run_with_history(&self) -> Outcome {
        self.play(true)
    }

    fn play(&self, log: bool) -> Outcome {
        note_panics();
        let played = catch_unwind(AssertUnwindSafe(|| Run::new(self, log).play()));
        QUIET.with_borrow_mut(|quiet| *quiet = false);
        played.unwrap_or_else(|_| {
            let what = PANIC.with_borrow_mut(std::mem::take);
            let breach = Breach { law: Law::Sane, at: Instant::ZERO, what, kernels: Vec::new() };
            Outcome {
                breach: Some(breach),
                fates: Fates::default(),
                met: Met::default(),
                hidden: Hidden::default(),
                events: 0,
                time: Duration::ZERO,
                digest: Hash::default(),
                txs: self.txs.len(),
                kernels: 0,
                history: String::new(),
            }
        })
    }
}

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
    static QUIET: RefCell<bool> = const { RefCell::new(false) };
}

/// Keeps what a panic says for the report, and off the screen.
fn note_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| match QUIET.with_borrow(|quiet| *quiet) {
            true => PANIC.with_borrow_mut(|text| *text = info.to_string()),
            false => usual(info),
        }));
    });
    QUIET.with_borrow_mut(|quiet| *quiet = true);
}

struct Run {
    net: Network,
    judge: Judge,
    honest: Vec<NodeId>,
    others: Vec<NodeId>,
    busy: Instant,
    txs: Vec<ValidTx>,
}

impl Run {
    fn new(scenario: &Scenario, log: bool) -> Self {
        let coins = scenario.coins + scenario.nodes.len() * POCKET_MONEY;
        let genesis = Flow::new(CONSENSUS, scenario.seed, coins).genesis();
        let coins: Vec<Commitment> = genesis.iter().map(|(coin, _)| *coin).collect();
        let txs = build(&scenario.txs, &coins, &CONSENSUS, scenario.seed);
        let mint = Mint::new();
        txs.iter().filter(|tx| tx.kernels().len() == 1).for_each(|tx| mint.add(tx));
        let mut config = NetworkConfig::new(CONSENSUS, scenario.seed)
            .genesis(genesis)
            .mining(scenario.blocks)
            .link(scenario.link);
        config.ping_interval = scenario.pings;
        config.verify_delay = scenario.verify;
        config.log = log;
        if scenario.codec {
            config = config.through_codec();
        }
        let mut net = Network::new(config, mint.clone());
        net.watch();
        for (a, b, link) in &scenario.links {
            net.set_link(NodeId(*a), NodeId(*b), *link);
        }
        let (mut honest, mut others) = (Vec::new(), Vec::new());
        for (index, plan) in scenario.nodes.iter().enumerate() {
            let first = scenario.coins + index * POCKET_MONEY;
            let money = coins[first..first + POCKET_MONEY].to_vec();
            let purse = Purse::new(CONSENSUS, mint.clone(), money);
            let id = net.add(cast(spec(scenario, plan), scenario, plan, purse));
            match plan.role {
                _ if plan.absent => net.crash(id),
                Role::Honest => honest.push(id),
                _ => others.push(id),
            }
        }
        let judge = Judge::new(Invariants::new(&mint));
        let busy = Instant::from_secs(scenario.minutes * 60);
        let run = Self { net, judge, honest, others, busy, txs };
        run.with_steps(scenario)
    }

    fn with_steps(mut self, scenario: &Scenario) -> Self {
        let here = |node: &usize| scenario.nodes.get(*node).is_some_and(|plan| !plan.absent);
        for step in &scenario.steps {
            let at = Instant::ZERO + step.at;
            let action = step.action.clone();
            match action {
                Action::Push { node, tx, fluff } if here(&node) => {
                    let Some(tx) = self.txs.get(tx).map(|tx| tx.as_transaction().clone()) else {
                        continue;
                    };
                    self.net.at(at, move |net| {
                        net.push(NodeId(node), tx, fluff);
                    });
                }
                Action::Tell { from, to, tx, fluff } if here(&from) && here(&to) => {
                    let Some(tx) = self.txs.get(tx).map(|tx| tx.as_transaction().clone()) else {
                        continue;
                    };
                    let message = match fluff {
                        true => Message::Transaction(tx),
                        false => Message::StemTransaction(tx),
                    };
                    self.net.at(at, move |net| {
                        net.send(NodeId(from), NodeId(to), message);
                    });
                }
                Action::Crash(node) => {
                    for zone in scenario.zones_of(node) {
                        self.net.at(at, move |net| net.crash(NodeId(zone)));
                    }
                }
                Action::Restart { node, disk } => {
                    for zone in scenario.zones_of(node) {
                        self.net.at(at, move |net| net.restart(NodeId(zone), disk));
                    }
                }
                Action::Cut(a, b) if here(&a) && here(&b) => {
                    self.net.at(at, move |net| net.disconnect(NodeId(a), NodeId(b)));
                }
                Action::Partition(side) => {
                    let side = side.into_iter().flat_map(|node| scenario.zones_of(node));
                    let side: Vec<NodeId> = side.map(NodeId).collect();
                    self.net.at(at, move |net| net.partition(side));
                }
                Action::Heal => self.net.at(at, Network::heal),
                Action::Reorg { node, depth } if here(&node) => {
                    self.net.at(at, move |net| net.reorg(NodeId(node), depth, &[]));
                }
                Action::Mine(node) if here(&node) => self.net.at(at, move |net| {
                    net.mine(NodeId(node));
                }),
                _ => {}
            }
        }
        self
    }

    fn play(mut self) -> Outcome {
        let judged = self.judge();
        let (breach, fates) = match judged {
            Ok(fates) => (None, fates),
            Err(breach) => (Some(breach), Fates::default()),
        };
        let about = breach.iter().flat_map(|breach| &breach.kernels);
        let history = about.map(|kernel| crate::audit::history(&self.net, kernel)).collect();
        Outcome {
            fates,
            met: self.judge.met(),
            hidden: self.judge.hidden(&self.net),
            events: self.net.events(),
            time: self.net.now().saturating_since(Instant::ZERO),
            digest: self.net.digest(),
            txs: self.txs.len(),
            kernels: self
                .honest
                .first()
                .map_or(0, |node| self.net.node(*node).ledger().kernel_count()),
            history,
            breach,
        }
    }

    fn judge(&mut self) -> Result<Fates, Breach> {
        self.net.run_watched(self.busy, &mut self.judge)?;
        self.calm();
        let (end, mut held) = (self.busy + CALM, self.busy);
        loop {
            self.net.run_watched(self.net.now() + LOOK, &mut self.judge)?;
            match self.judge.laws.settled(&self.net) {
                Ok(fates) => return Ok(fates),
                Err(breach) if self.net.now() >= end.min(held + HOPELESS) => return Err(breach),
                Err(breach) if breach.kernels.is_empty() || self.holds(&breach.kernels) => {
                    held = self.net.now();
                }
                Err(_) => {}
            }
        }
    }

    /// Whether anybody has any of these, or something that cannot be looked at.
    fn holds(&self, kernels: &[Hash]) -> bool {
        let pools = self.honest.iter().filter_map(|node| self.net.node(*node).zone());
        pools.map(Zone::pool).any(|pool| {
            let is_one = |kernel: &TxKernel| kernels.contains(kernel.hash());
            pool.counts().orphans > 0
                || kernels.iter().any(|kernel| pool.public_by_kernel(kernel).is_some())
                || pool.stem().any(|(tx, ..)| tx.kernels().iter().any(is_one))
        })
    }

    /// Links are good, honest nodes are up, and the others leave.
    fn calm(&mut self) {
        self.net.mend(LinkConfig::default());
        self.net.heal();
        for node in &self.others {
            self.net.crash(*node);
        }
        for node in &self.honest {
            if self.net.node(*node).zone().is_none() {
                self.net.restart(*node, Disk::Kept);
            }
        }
    }
}

fn spec(scenario: &Scenario, plan: &NodePlan) -> NodeSpec {
    let dials = plan.dials.iter().copied().map(NodeId);
    let knows = plan.knows.iter().copied().map(NodeId);
    let mut spec = NodeSpec::new(CONSENSUS)
        .params(plan.preset.params())
        .dials(dials)
        .knows(knows, plan.outbound)
        .clock(plan.clock)
        .on(plan.network);
    if plan.network.is_anonymous() {
        // What is there is mined when it has come out.
        spec = NodeSpec { mines: false, ..spec }.encrypts();
    }
    let is_there = |public: &usize| scenario.nodes.get(*public).is_some_and(|plan| !plan.absent);
    if let Some(public) = plan.beside.filter(is_there) {
        spec = spec.beside(NodeId(public));
    }
    if let Some(noise) = plan.noise() {
        spec = spec.noisy(noise);
    }
    if let Some(rendezvous) = &mut spec.zone.params.rendezvous {
        // There are few nodes, and those of another preset have no keys.
        rendezvous.least_known = 2;
        spec.capabilities = spec.capabilities | Capabilities::ENCRYPTED;
    }
    if plan.room > 0 {
        small(&mut spec.zone, plan.room);
    }
    spec
}

/// Gives a node its role.
fn cast(spec: NodeSpec, scenario: &Scenario, plan: &NodePlan, purse: Purse) -> NodeSpec {
    match plan.role {
        Role::Honest => spec,
        Role::BlackHole => spec.behaves(adversary::BlackHole),
        Role::Delayer => spec.behaves(adversary::Delayer::new(Duration::from_secs(120))),
        Role::Tamperer => spec.behaves(adversary::Tamperer::new(CONSENSUS)),
        Role::OverlapMaker => spec.behaves(adversary::OverlapMaker::new(purse)),
        Role::Replayer => spec.behaves(adversary::Replayer::default()),
        Role::LoopMaker => spec.behaves(adversary::LoopMaker),
        Role::Prober => spec.behaves(adversary::Prober::new(purse)),
        Role::Flooder => spec.behaves(adversary::Flooder::new(purse)),
        Role::Poisoner => spec.behaves(adversary::Poisoner),
        Role::Eclipser => spec.behaves(eclipser(scenario, plan.network)),
        Role::Garbler => spec.behaves(adversary::Garbler),
        Role::SlowReader => spec.reads(CRAWL),
        Role::SlowWriter => spec.writes(CRAWL),
    }
}

/// All who surround the first node of a network know of each other.
fn eclipser(scenario: &Scenario, network: AddrNetwork) -> adversary::Eclipser {
    let victim = scenario.honest_on(network).next().unwrap_or(0);
    let nodes = scenario.nodes.iter().enumerate();
    let ours = nodes.filter(|(_, plan)| plan.role == Role::Eclipser && plan.network == network);
    adversary::Eclipser::new(NodeId(victim), ours.map(|(index, _)| NodeId(index)).collect())
}

/// Pools that hold few transactions.
fn small(zone: &mut ZoneConfig, room: usize) {
    zone.capacity.stem_entries = room;
    zone.capacity.tx_entries = room;
    zone.capacity.orphan_entries = room;
}
