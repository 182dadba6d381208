//! What happened in an experiment, and who saw what of it.

use std::time::Duration;

use scape_p2p::dandelion::Params;
use scape_pool::{FluffReason, Instant};

use super::diffusion::NEVER;
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
    /// What adversaries saw. That of listeners is entered when it was fluffed, not when they heard.
    pub sights: Vec<Sight>,
    /// How many events were played.
    pub events: u64,
}

/// What became of a payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// When it was pushed, and by whom.
    pub payment: Payment,
    /// How often it was handed on along the stem.
    pub hops: u32,
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
    /// What it was merged from.
    pub payments: Vec<u32>,
    /// Until half of the nodes had it.
    pub half: Duration,
    /// Until 99% of the nodes had it.
    pub most: Duration,
}

/// Who saw something.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Observer {
    /// A relay on the stem, a spy or a black hole.
    Relay(u32),
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

impl Run {
    pub(super) fn new(payments: &[Payment], params: &Params) -> Self {
        let outcome = |payment: &Payment| Outcome {
            payment: *payment,
            hops: 0,
            fluffs: Vec::new(),
            mined: None,
        };
        Self {
            begin: Instant::ZERO + params.epoch + params.epoch_spread,
            outcomes: payments.iter().map(outcome).collect(),
            fluffs: Vec::new(),
            sights: Vec::new(),
            events: 0,
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
