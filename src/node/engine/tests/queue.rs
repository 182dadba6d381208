use proptest::prelude::*;
use scape_p2p::zone::Ticket;
use scape_pool::PeerId;

use super::super::lane::Standing;
use super::super::queue::{Batch, Job, Limits, Overflow, Queue, TURN};

/// A transaction as wallets make them.
const USUAL: u64 = 46;
const MAX_COST: u64 = 3_000;
const ROOMY: Limits = Limits {
    transactions: 100_000,
    bytes: usize::MAX,
    share_transactions: 50_000,
    share_bytes: usize::MAX,
};
const TIGHT: Limits =
    Limits { transactions: 20, bytes: 2_000, share_transactions: 8, share_bytes: 900 };

struct Bench {
    queue: Queue<()>,
    last: u64,
}

impl Bench {
    fn new(limits: Limits) -> Self {
        Self { queue: Queue::new(limits), last: 0 }
    }

    fn push_job(
        &mut self,
        sender: Option<PeerId>,
        cost: u64,
        bytes: usize,
    ) -> (Ticket, Vec<(Ticket, Overflow)>) {
        self.last += 1;
        let ticket = Ticket(self.last);
        (ticket, self.queue.push(Job { ticket, sender, cost, bytes, load: () }))
    }

    fn push(&mut self, peer: u64, cost: u64) -> Ticket {
        let (ticket, refused) = self.push_job(Some(PeerId(peer)), cost, 100);
        assert_eq!(refused, []);
        ticket
    }

    fn push_own(&mut self, cost: u64) -> Ticket {
        self.push_job(None, cost, 100).0
    }

    fn take(&mut self) -> Option<Batch<()>> {
        self.queue.take_batch(MAX_COST, true)
    }

    fn settle(&mut self, batch: &Batch<()>, good: bool) {
        let verdicts = batch.jobs.iter().map(|job| (job.ticket, job.sender, good));
        self.queue.settle(batch.alone, verdicts);
        // As if the node had drawn its conclusions at once.
        for job in &batch.jobs {
            assert_eq!(self.queue.handled(job.ticket), !good && job.sender.is_some());
        }
    }

    /// Lets a peer send so much good that its probation ends.
    fn prove(&mut self, peer: u64) {
        for _ in 0..Standing::PROBATION {
            self.push(peer, 1);
            let batch = self.take().unwrap();
            self.settle(&batch, true);
        }
    }
}

fn tickets(batch: &Batch<()>) -> Vec<Ticket> {
    batch.jobs.iter().map(|job| job.ticket).collect()
}

fn cost(batch: &Batch<()>) -> u64 {
    batch.jobs.iter().map(|job| job.cost).sum()
}

fn cost_of(batch: &Batch<()>, peer: u64) -> u64 {
    let of_peer = batch.jobs.iter().filter(|job| job.sender == Some(PeerId(peer)));
    of_peer.map(|job| job.cost).sum()
}

#[test]
fn lone_arrival_is_a_batch() {
    let mut bench = Bench::new(ROOMY);
    assert_eq!(bench.take(), None);
    let ticket = bench.push(1, USUAL);
    assert_eq!(tickets(&bench.take().unwrap()), [ticket]);
    assert_eq!((bench.queue.len(), bench.queue.cost()), (0, 0));
}

#[test]
fn what_one_proven_sender_has_queued_is_a_full_batch_in_order() {
    let mut bench = Bench::new(ROOMY);
    bench.prove(1);
    let sent: Vec<_> = (0..100).map(|_| bench.push(1, USUAL)).collect();
    let full = (MAX_COST / USUAL) as usize;
    assert_eq!(tickets(&bench.take().unwrap()), sent[..full]);
    assert_eq!(tickets(&bench.take().unwrap()), sent[full..]);
}

#[test]
fn proven_sender_waits_for_one_turn_of_a_flooder() {
    let mut bench = Bench::new(ROOMY);
    bench.prove(1);
    bench.prove(2);
    for _ in 0..10_000 {
        bench.push(1, USUAL);
    }
    // One batch is being verified when the other comes.
    bench.take().unwrap();
    let ticket = bench.push(2, USUAL);
    let next = bench.take().unwrap();
    let before = next.jobs.iter().take_while(|job| job.ticket != ticket);
    assert!(before.map(|job| job.cost).sum::<u64>() <= TURN);
    assert!(tickets(&next).contains(&ticket));
}

#[test]
fn newcomer_waits_for_one_shared_batch() {
    let mut bench = Bench::new(ROOMY);
    bench.prove(1);
    for _ in 0..10_000 {
        bench.push(1, USUAL);
    }
    bench.take().unwrap();
    let ticket = bench.push(2, USUAL);
    let next = bench.take().unwrap();
    assert_eq!((tickets(&next), next.alone), (vec![ticket], Some(PeerId(2))));
}

#[test]
fn senders_on_probation_never_delay_a_proven_one_by_more_than_a_batch() {
    let mut bench = Bench::new(ROOMY);
    bench.prove(1);
    for peer in 2..50 {
        for _ in 0..100 {
            bench.push(peer, USUAL);
        }
    }
    let alone = bench.take().unwrap();
    assert!(alone.alone.is_some());
    let ticket = bench.push(1, USUAL);
    let next = [bench.take().unwrap(), bench.take().unwrap()];
    assert!(next.iter().any(|batch| tickets(batch) == [ticket]));
}

#[test]
fn owner_goes_first_and_alone() {
    let mut bench = Bench::new(ROOMY);
    bench.prove(1);
    bench.push(1, USUAL);
    bench.push(2, USUAL);
    let own = bench.push_own(USUAL);
    assert_eq!(tickets(&bench.take().unwrap()), [own]);
}

#[test]
fn batches_of_a_newcomer_are_its_own_and_grow() {
    let mut bench = Bench::new(ROOMY);
    for _ in 0..40 {
        bench.push(1, USUAL);
    }
    let mut sizes = Vec::new();
    while let Some(batch) = bench.take() {
        sizes.push(batch.jobs.len());
        assert_eq!(bench.take(), None, "one at a time while on probation");
        bench.settle(&batch, true);
    }
    assert_eq!(sizes, [1, 1, 2, 4, 32]);
}

#[test]
fn who_sent_something_bad_is_on_probation_again() {
    let mut bench = Bench::new(ROOMY);
    bench.prove(1);
    bench.prove(2);
    let (bad, good) = (bench.push(1, USUAL), bench.push(2, USUAL));
    let shared = bench.take().unwrap();
    assert_eq!((shared.jobs.len(), shared.alone), (2, None));
    for peer in [1, 2, 1, 2] {
        bench.push(peer, USUAL);
    }
    let verdicts = [(bad, Some(PeerId(1)), false), (good, Some(PeerId(2)), true)];
    bench.queue.settle(None, verdicts);
    let others = bench.take().unwrap();
    assert_eq!(others.jobs.len(), 2);
    assert!(others.jobs.iter().all(|job| job.sender == Some(PeerId(2))));
    assert_eq!(bench.take(), None, "before the node has drawn its conclusions");
    assert!(bench.queue.handled(bad) && !bench.queue.handled(bad) && !bench.queue.handled(good));
    let again = bench.take().unwrap();
    assert_eq!((again.jobs.len(), again.alone), (1, Some(PeerId(1))));
}

#[test]
fn heavy_job_goes_alone_and_only_delays_its_sender_turns() {
    let mut bench = Bench::new(ROOMY);
    bench.prove(1);
    bench.prove(2);
    let heavy = bench.push(1, 40_000);
    let others: Vec<_> = (0..1_000).map(|_| bench.push(2, USUAL)).collect();
    let mut seen = Vec::new();
    while let Some(batch) = bench.take() {
        assert!(cost(&batch) <= MAX_COST || tickets(&batch) == [heavy]);
        seen.extend(tickets(&batch));
    }
    let at = seen.iter().position(|ticket| *ticket == heavy).unwrap();
    assert!(at > 800, "it has to save up for it while others want to go");
    seen.remove(at);
    assert_eq!(seen, others);
}

#[test]
fn overflow_of_a_share_is_its_senders() {
    let mut bench = Bench::new(TIGHT);
    for _ in 0..8 {
        bench.push(1, USUAL);
    }
    let (ticket, refused) = bench.push_job(Some(PeerId(1)), USUAL, 1);
    assert_eq!(refused, [(ticket, Overflow::Share)]);
    let (ticket, refused) = bench.push_job(Some(PeerId(2)), USUAL, 901);
    assert_eq!(refused, [(ticket, Overflow::Share)]);
    bench.push(2, USUAL);
}

#[test]
fn overflow_of_all_takes_the_newest_of_who_has_most() {
    let mut bench = Bench::new(TIGHT);
    let flood: Vec<_> = (0..8).map(|_| bench.push(1, USUAL)).collect();
    for peer in [2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3] {
        bench.push(peer, USUAL);
    }
    let (_, refused) = bench.push_job(Some(PeerId(4)), USUAL, 1);
    assert_eq!(refused, [(flood[7], Overflow::Full)]);
    let (_, refused) = bench.push_job(Some(PeerId(4)), USUAL, 1);
    assert_eq!(refused, [(flood[6], Overflow::Full)]);
    let (ticket, refused) = bench.push_job(Some(PeerId(3)), USUAL, 1);
    assert_eq!(refused, [(ticket, Overflow::Full)], "among equals the one that came");
    let own = bench.push_own(USUAL);
    assert_eq!(tickets(&bench.take().unwrap()), [own], "the owner has a place of its own");
}

#[test]
fn forgotten_sender_leaves_nothing_behind() {
    let mut bench = Bench::new(ROOMY);
    bench.prove(1);
    let sent = [bench.push(1, USUAL), bench.push(1, USUAL)];
    let kept = bench.push(2, USUAL);
    assert_eq!(bench.queue.forget(PeerId(1)), sent);
    bench.queue.settle(None, [(sent[0], Some(PeerId(1)), true)]);
    assert_eq!(tickets(&bench.take().unwrap()), [kept]);
    assert_eq!((bench.queue.len(), bench.queue.cost()), (0, 0));
}

/// What can be done to a queue.
#[derive(Clone, Debug)]
enum Step {
    Push { sender: Option<PeerId>, cost: u64, bytes: usize },
    Cancel { back: u64 },
    Forget(PeerId),
    Take { max_cost: u64, strangers: bool },
    Settle { good: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let peer = || (1u64..6).prop_map(PeerId);
    prop_oneof![
        8 => (prop::option::weighted(0.9, peer()), 1u64..5_000, 1usize..300)
            .prop_map(|(sender, cost, bytes)| Step::Push { sender, cost, bytes }),
        2 => (0u64..30).prop_map(|back| Step::Cancel { back }),
        1 => peer().prop_map(Step::Forget),
        4 => (1u64..5_000, any::<bool>())
            .prop_map(|(max_cost, strangers)| Step::Take { max_cost, strangers }),
        3 => any::<bool>().prop_map(|good| Step::Settle { good }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever is done: every ticket leaves exactly once, memory is bounded, each sender's jobs
    /// leave in order, batches keep their bound, and who is on probation is verified apart.
    #[test]
    fn no_ticket_is_lost(steps in prop::collection::vec(step(), 1..200)) {
        let mut bench = Bench::new(TIGHT);
        let mut waiting = std::collections::BTreeMap::new();
        let mut flying: Vec<Batch<()>> = Vec::new();
        for step in steps.into_iter().chain(std::iter::repeat_n(
            Step::Take { max_cost: 1, strangers: true }, 60,
        )) {
            match step {
                Step::Push { sender, cost, bytes } => {
                    let (ticket, refused) = bench.push_job(sender, cost, bytes);
                    waiting.insert(ticket, sender);
                    for (ticket, _) in refused {
                        prop_assert!(waiting.remove(&ticket).is_some());
                    }
                }
                Step::Cancel { back } => {
                    let ticket = Ticket(bench.last.saturating_sub(back));
                    prop_assert_eq!(bench.queue.cancel(ticket), waiting.remove(&ticket).is_some());
                }
                Step::Forget(peer) => {
                    for ticket in bench.queue.forget(peer) {
                        prop_assert_eq!(waiting.remove(&ticket), Some(Some(peer)));
                    }
                    prop_assert!(!waiting.values().any(|sender| *sender == Some(peer)));
                }
                Step::Take { max_cost, strangers } => {
                    let Some(batch) = bench.queue.take_batch(max_cost, strangers) else { continue };
                    prop_assert!(cost(&batch) <= max_cost || batch.jobs.len() == 1);
                    prop_assert!(strangers || batch.alone.is_none());
                    if let Some(peer) = batch.alone {
                        prop_assert_eq!(cost_of(&batch, peer.0), cost(&batch));
                    }
                    for job in &batch.jobs {
                        let oldest = waiting.iter().find(|(_, sender)| **sender == job.sender);
                        prop_assert_eq!(oldest, Some((&job.ticket, &job.sender)));
                        waiting.remove(&job.ticket);
                    }
                    flying.push(batch);
                }
                Step::Settle { good } => {
                    if let Some(batch) = flying.pop() {
                        bench.settle(&batch, good);
                    }
                }
            }
            prop_assert_eq!(bench.queue.len(), waiting.len());
            prop_assert!(waiting.len() <= 2 * TIGHT.transactions);
            if flying.len() > 6 {
                for batch in flying.drain(..) {
                    bench.settle(&batch, true);
                }
            }
        }
        for batch in &flying {
            bench.settle(batch, true);
        }
        while let Some(batch) = bench.queue.take_batch(1, true) {
            batch.jobs.iter().for_each(|job| { waiting.remove(&job.ticket); });
            bench.settle(&batch, true);
        }
        prop_assert!(waiting.is_empty(), "left: {:?}", waiting);
        prop_assert_eq!(bench.queue.cost(), 0);
    }
}
