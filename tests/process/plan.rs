//! What happens when: drawn from a seed.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha12Rng;
use scape::aggregate::builder::seeded;

use super::flow::{Flow, Payment};

pub(crate) const RELAYS: usize = 4;
/// How long a round of everything lasts.
const ROUND_MILLIS: u64 = 18_000;

/// One thing that is done, to a relay or to all.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// One after the other, each until it is acknowledged.
    Push(Vec<(Arc<Payment>, usize)>),
    /// SIGKILL as soon as the payment is acknowledged.
    PushAndKill { payment: Arc<Payment>, relay: usize, down: Duration },
    /// SIGKILL while payments are pushed, which are not pushed again.
    KillWhilePushing { payments: Vec<Arc<Payment>>, relay: usize, after: Duration, down: Duration },
    /// SIGKILL.
    Kill { relay: usize, down: Duration },
    /// SIGTERM.
    Stop { relay: usize, down: Duration },
    /// All connections that others have to it break.
    Cut { relay: usize },
    /// It can write no file. In the end it can, or it is killed.
    FillDisk { payment: Arc<Payment>, relay: usize, lasting: Duration, is_killed: bool },
    /// The Grin node does not answer.
    LoseGrin { lasting: Duration },
    /// The last blocks are undone.
    Reorg { depth: usize },
}

/// When each act begins, in this order.
#[derive(Clone, Debug)]
pub(crate) struct Plan(pub(crate) Vec<(Duration, Act)>);

impl Plan {
    /// All payments of the flow, and so many rounds of everything that can go wrong.
    pub(crate) fn draw(seed: u64, rounds: u64, flow: &Flow) -> Self {
        let mut rng = seeded(seed, 0);
        let mut singles = flow.singles.clone();
        singles.shuffle(&mut rng);
        let mut acts = Vec::new();
        for _ in 0..rounds {
            disturb(&mut acts, &mut singles, &mut rng);
        }
        let groups = singles.into_iter().map(|single| vec![single]);
        let groups = groups.chain(flow.chains.iter().chain(&flow.rivals).cloned());
        acts.extend(groups.map(|group| {
            Act::Push(group.into_iter().map(|payment| (payment, relay(&mut rng))).collect())
        }));
        let mut timed: Vec<_> =
            acts.into_iter().map(|act| (millis(0..rounds * ROUND_MILLIS, &mut rng), act)).collect();
        timed.sort_by_key(|(at, _)| *at);
        Self(timed)
    }
}

fn disturb(acts: &mut Vec<Act>, singles: &mut Vec<Arc<Payment>>, rng: &mut ChaCha12Rng) {
    let mut take = || singles.pop().expect("there are enough");
    for _ in 0..2 {
        acts.push(Act::Kill { relay: relay(rng), down: down(rng) });
        acts.push(Act::PushAndKill { payment: take(), relay: relay(rng), down: down(rng) });
        acts.push(Act::Reorg { depth: rng.random_range(1..4) });
        acts.push(Act::Cut { relay: relay(rng) });
        acts.push(Act::Cut { relay: relay(rng) });
    }
    acts.push(Act::Stop { relay: relay(rng), down: down(rng) });
    acts.push(Act::KillWhilePushing {
        payments: (0..3).map(|_| take()).collect(),
        relay: relay(rng),
        after: millis(0..200, rng),
        down: down(rng),
    });
    acts.push(Act::FillDisk {
        payment: take(),
        relay: relay(rng),
        lasting: millis(500..3_000, rng),
        is_killed: rng.random_bool(0.3),
    });
    acts.push(Act::LoseGrin { lasting: millis(1_000..4_000, rng) });
}

fn relay(rng: &mut ChaCha12Rng) -> usize {
    rng.random_range(0..RELAYS)
}

/// How long a relay is not started again.
fn down(rng: &mut ChaCha12Rng) -> Duration {
    millis(0..2_000, rng)
}

fn millis(range: std::ops::Range<u64>, rng: &mut ChaCha12Rng) -> Duration {
    Duration::from_millis(rng.random_range(range))
}
