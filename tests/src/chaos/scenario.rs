use std::collections::BTreeSet;
use std::time::Duration;

use scape_p2p::addr::Network as AddrNetwork;
use scape_p2p::dandelion::Preset;
use scape_p2p::noise::{NoiseConfig, ValidNoise};

use crate::flow::TxPlan;
use crate::net::{Clock, Disk, LinkConfig};

/// Everything that happens in a run but for what its seed decides.
#[derive(Clone, PartialEq, Debug)]
pub struct Scenario {
    /// Decides everything that is random.
    pub seed: u64,
    /// How long it is busy; after it everything is healed, and it runs until nothing is left to
    /// wait for.
    pub minutes: u64,
    /// How many coins the genesis has.
    pub coins: usize,
    /// How often nodes tell their height.
    pub pings: Duration,
    /// How often a block is made.
    pub blocks: Duration,
    /// How long a verification takes.
    pub verify: Duration,
    /// Whether messages go through the real codec.
    pub codec: bool,
    /// What links are like.
    pub link: LinkConfig,
    /// Links between two nodes that are not like the others.
    pub links: Vec<(usize, usize, LinkConfig)>,
    /// The nodes.
    pub nodes: Vec<NodePlan>,
    /// The transactions.
    pub txs: Vec<TxPlan>,
    /// What happens, in the order of time.
    pub steps: Vec<Step>,
}

/// A node of a scenario, or another zone of one.
#[derive(Clone, PartialEq, Debug)]
pub struct NodePlan {
    /// How it routes.
    pub preset: Preset,
    /// How it deviates.
    pub role: Role,
    /// Whom it stays connected to.
    pub dials: Vec<usize>,
    /// Whose addresses it knows.
    pub knows: Vec<usize>,
    /// How many connections to these it keeps up.
    pub outbound: usize,
    /// Its clock.
    pub clock: Clock,
    /// How many transactions its pools hold; zero: as many as by default.
    pub room: usize,
    /// The network that it is on.
    pub network: AddrNetwork,
    /// The node in the clear, added before, of which it is another zone: they crash together, and
    /// what comes here is handed over to it.
    pub beside: Option<usize>,
    /// The shortest time between two frames of its white noise; zero: it has none.
    pub noise: Duration,
    /// Whether it does not exist: others keep their numbers when a scenario shrinks.
    pub absent: bool,
}

/// How a node deviates from the protocol.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// Not at all.
    Honest,
    /// Swallows stem transactions.
    BlackHole,
    /// Hears stem transactions late.
    Delayer,
    /// Changes what it passes on.
    Tamperer,
    /// Makes aggregates that overlap.
    OverlapMaker,
    /// Says again what it heard.
    Replayer,
    /// Sends stem transactions back.
    LoopMaker,
    /// Looks for stem transactions.
    Prober,
    /// Sends more than anybody wants.
    Flooder,
    /// Fills address books.
    Poisoner,
    /// Surrounds the first node.
    Eclipser,
    /// Takes what is sent to it slowly.
    SlowReader,
    /// Sends slowly.
    SlowWriter,
    /// Sends frames of white noise that make no sense.
    Garbler,
}

impl NodePlan {
    /// A node that does not exist.
    pub fn absent() -> Self {
        Self {
            preset: Preset::Scape,
            role: Role::Honest,
            dials: Vec::new(),
            knows: Vec::new(),
            outbound: 0,
            clock: Clock::default(),
            room: 0,
            network: AddrNetwork::Clearnet,
            beside: None,
            noise: Duration::ZERO,
            absent: true,
        }
    }
}

impl Scenario {
    /// The honest nodes on a network.
    pub fn honest_on(&self, network: AddrNetwork) -> impl Iterator<Item = usize> {
        (0..self.nodes.len()).filter(move |node| self.is_honest_on(*node, network))
    }

    fn is_honest_on(&self, node: usize, network: AddrNetwork) -> bool {
        let fits =
            |plan: &NodePlan| !plan.absent && plan.role == Role::Honest && plan.network == network;
        self.nodes.get(node).is_some_and(fits)
    }

    /// A node in all of its zones, one of which this is.
    pub fn zones_of(&self, zone: usize) -> impl Iterator<Item = usize> {
        let node = self.nodes.get(zone).and_then(|plan| plan.beside).unwrap_or(zone);
        let is_zone = move |plan: &NodePlan, index| {
            !plan.absent && (index == node || plan.beside == Some(node))
        };
        let all = self.nodes.iter().enumerate();
        all.filter(move |(index, plan)| is_zone(plan, *index)).map(|(index, _)| index)
    }

    /// Whether all that owners hand in can reach the clear: along the links of honest nodes it gets
    /// to one that hands it over, which is not where it began. What cannot is lost, and nobody's fault.
    pub fn leads_out(&self) -> bool {
        self.steps.iter().all(|step| match step.action {
            Action::Push { node, .. } => self.is_led_out(node),
            _ => true,
        })
    }

    fn is_led_out(&self, from: usize) -> bool {
        let Some(NodePlan { network, .. }) = self.nodes.get(from) else { return true };
        let (mut open, mut seen) = (vec![from], BTreeSet::from([from]));
        while let Some(plan) = open.pop().map(|node| &self.nodes[node]) {
            let next = plan.dials.iter().chain(&plan.knows);
            open.extend(
                next.filter(|next| self.is_honest_on(**next, *network) && seen.insert(**next)),
            );
        }
        let hands_over = |node: &usize| {
            let public = self.nodes[*node].beside;
            *node != from && public.is_some_and(|to| self.is_honest_on(to, AddrNetwork::Clearnet))
        };
        !network.is_anonymous() || seen.iter().any(hands_over)
    }
}

impl NodePlan {
    /// Its noise, if it has any.
    pub fn noise(&self) -> Option<ValidNoise> {
        let interval = self.noise;
        let (spread, lead) = (interval / 2, interval / 5);
        NoiseConfig { interval, spread, lead, ..NoiseConfig::DEFAULT }.check().ok()
    }
}

impl Role {
    /// Those that deviate where links are not encrypted, too.
    pub fn in_the_clear() -> &'static [Self] {
        const { Self::ALL.split_at(Self::ALL.len() - 1).0.split_at(1).1 }
    }

    /// All of them, the honest one first.
    pub const ALL: [Self; 14] = [
        Self::Honest,
        Self::BlackHole,
        Self::Delayer,
        Self::Tamperer,
        Self::OverlapMaker,
        Self::Replayer,
        Self::LoopMaker,
        Self::Prober,
        Self::Flooder,
        Self::Poisoner,
        Self::Eclipser,
        Self::SlowReader,
        Self::SlowWriter,
        Self::Garbler,
    ];

    /// The name in text files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Honest => "honest",
            Self::BlackHole => "black-hole",
            Self::Delayer => "delayer",
            Self::Tamperer => "tamperer",
            Self::OverlapMaker => "overlap-maker",
            Self::Replayer => "replayer",
            Self::LoopMaker => "loop-maker",
            Self::Prober => "prober",
            Self::Flooder => "flooder",
            Self::Poisoner => "poisoner",
            Self::Eclipser => "eclipser",
            Self::SlowReader => "slow-reader",
            Self::SlowWriter => "slow-writer",
            Self::Garbler => "garbler",
        }
    }
}

/// Something that happens at a time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// When, from the beginning.
    pub at: Duration,
    /// What.
    pub action: Action,
}

/// What can happen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// The owner of a node hands in a transaction.
    Push {
        /// The node.
        node: usize,
        /// The transaction.
        tx: usize,
        /// Whether it is to be fluffed at once.
        fluff: bool,
    },
    /// A node sends a transaction to a peer of its own accord.
    Tell {
        /// The node.
        from: usize,
        /// The peer.
        to: usize,
        /// The transaction.
        tx: usize,
        /// Whether it is fluffed, or sent along the stem.
        fluff: bool,
    },
    /// A node stops in all of its zones, and forgets everything but its chain, and what is on its
    /// disk.
    Crash(usize),
    /// A node begins anew.
    Restart {
        /// The node.
        node: usize,
        /// What it finds.
        disk: Disk,
    },
    /// All links between two nodes break.
    Cut(usize, usize),
    /// These nodes are cut off from the others, in all of their zones.
    Partition(Vec<usize>),
    /// The partition ends.
    Heal,
    /// A node makes a longer branch without the last blocks.
    Reorg {
        /// The node.
        node: usize,
        /// How many blocks are undone.
        depth: usize,
    },
    /// A node makes a block.
    Mine(usize),
}
