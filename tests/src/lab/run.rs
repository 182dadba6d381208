//! What happened in an experiment, and who saw what of it.

use std::time::Duration;

use scape_pool::{FluffReason, Instant};

use super::diffusion::NEVER;
use super::graph::Graph;
use super::traffic::Payment;

/// Everything that metrics and adversaries are told of one run.
#[derive(Clone, PartialEq, Debug)]
pub struct Run {
    /// When traffic begins.
    pub begin: Instant,
    /// Of each payment, in the order in which they were pushed.
    pub outcomes: Vec<Outcome>,
    /// In the order of time.
    pub fluffs: Vec<Fluff>,
    /// What adversaries saw. What was fluffed is entered when it was, not
    /// when they heard of it.
    pub sights: Vec<Sight>,
    /// What spies carried without being able to read it, in the order of time.
    pub passages: Vec<Passage>,
    /// All that was sent on the stem, in the order of time.
    pub messages: Vec<StemMessage>,
    /// How many events were played: what pools were told, and the nodes that floods came to.
    pub events: u64,
    /// Bytes of all messages on the stem.
    pub stem_bytes: u64,
    /// Bytes of all floods: one announcement on each connection, one request and one transaction
    /// for each node.
    pub fluff_bytes: u64,
    /// Who was connected to whom in the beginning.
    pub graph: Graph,
    /// Whether each node is a spy or a black hole.
    pub is_spy: Vec<bool>,
}

/// What became of a payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// When it was pushed, and by whom.
    pub payment: Payment,
    /// How often it was handed on along the stem.
    pub hops: u32,
    /// Whether a black hole swallowed it.
    pub swallowed: bool,
    /// In which fluffs it was; mostly in one.
    pub fluffs: Vec<u32>,
    /// When it was mined.
    pub mined: Option<Instant>,
}

/// A transaction that became public.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fluff {
    /// When.
    pub at: Instant,
    /// Who fluffed it.
    pub node: u32,
    /// Why.
    pub reason: Option<FluffReason>,
    /// The size of the message.
    pub bytes: u64,
    /// What it was merged from.
    pub payments: Vec<u32>,
    /// Until half of the nodes had it.
    pub half: Duration,
    /// Until 99% of the nodes had it.
    pub most: Duration,
}

/// Something that was sent on the stem.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StemMessage {
    /// When it was sent.
    pub at: Instant,
    /// By whom.
    pub from: u32,
    /// To whom.
    pub to: u32,
    /// Its size.
    pub bytes: u64,
    /// What it was merged from, in ascending order.
    pub payments: Vec<u32>,
}

/// Who saw something.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Observer {
    /// A relay on the stem, a spy or a black hole.
    Relay(u32),
    /// The first of spies and black holes that is told of what was fluffed.
    Spies,
    /// The listener, who sees what is fluffed.
    Listener,
}

/// Something that an adversary saw: transactions merged to one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sight {
    /// When.
    pub at: Instant,
    /// Who.
    pub observer: Observer,
    /// Who sent it.
    pub from: Option<u32>,
    /// What it was merged from, in ascending order.
    pub payments: Vec<u32>,
}

/// Something sealed that a spy carried, or got as its sink.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Passage {
    /// When.
    pub at: Instant,
    /// Which spy or black hole.
    pub spy: u32,
    /// Who sent it.
    pub from: u32,
    /// To whom it is sealed.
    pub sink: u32,
    /// Names what is the same on all links.
    pub parcel: u32,
    /// Whether it ended there.
    pub swallowed: bool,
}

impl Run {
    pub(super) fn new(
        payments: &[Payment],
        begin: Instant,
        graph: Graph,
        is_spy: Vec<bool>,
    ) -> Self {
        let outcome = |payment: &Payment| Outcome {
            payment: *payment,
            hops: 0,
            swallowed: false,
            fluffs: Vec::new(),
            mined: None,
        };
        Self {
            begin,
            outcomes: payments.iter().map(outcome).collect(),
            fluffs: Vec::new(),
            sights: Vec::new(),
            passages: Vec::new(),
            messages: Vec::new(),
            events: 0,
            stem_bytes: 0,
            fluff_bytes: 0,
            graph,
            is_spy,
        }
    }

    /// Until half, and 99%, of the nodes have something.
    pub(super) fn reach(arrivals: &[u32]) -> (Duration, Duration) {
        let mut arrivals: Vec<u32> = arrivals.iter().copied().filter(|at| *at != NEVER).collect();
        let mut after = |share: f64| {
            let place = ((arrivals.len() as f64 * share) as usize).min(arrivals.len() - 1);
            let (_, at, _) = arrivals.select_nth_unstable(place);
            Duration::from_millis(u64::from(*at))
        };
        (after(0.5), after(0.99))
    }
}
