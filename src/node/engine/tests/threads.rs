use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use scape_aggregate::{Transaction, ValidTx, Verifier, VerifyError};
use scape_p2p::zone::{Ticket, Unverified};
use scape_pool::PeerId;

use super::super::{Outcome, Whose};
use super::corpus::{good, samples, verifier};
use super::{Bench, is_good};

/// A verifier that stops before every batch until it is let go on, and says how large it is. It has
/// to go before the engine does, whose end waits for the workers.
struct Gate {
    entered: Receiver<usize>,
    go: Sender<()>,
}

impl Gate {
    fn new(workers: usize) -> (Bench, Self) {
        let (enter, entered) = channel();
        let (go, gone) = channel();
        let (enter, gone, verifier) = (Mutex::new(enter), Mutex::new(gone), verifier());
        let bench = Bench::new(workers, move |txs| {
            // When the test lets go of the gate all may pass.
            let _ = enter.lock().unwrap().send(txs.len());
            let _ = gone.lock().unwrap().recv();
            verifier.verify_batch(txs)
        });
        (bench, Self { entered, go })
    }

    fn entered(&self) -> usize {
        self.entered.recv_timeout(Duration::from_secs(30)).expect("a batch")
    }

    fn open(&self) {
        self.go.send(()).unwrap();
    }
}

#[derive(Clone, Debug)]
struct Arrival {
    sample: Index,
    sender: Option<u64>,
    cancelled: bool,
}

fn arrival() -> impl Strategy<Value = Arrival> {
    let sender = prop::option::weighted(0.9, 0u64..5);
    (any::<Index>(), sender, prop::bool::weighted(0.1))
        .prop_map(|(sample, sender, cancelled)| Arrival { sample, sender, cancelled })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the batching, the order, the state of the cache and the number of workers, the
    /// verdicts are those on each transaction alone, and every ticket has exactly one report.
    #[test]
    fn verdicts_are_those_on_each_alone(
        arrivals in prop::collection::vec(arrival(), 1..60),
        warm in prop::collection::vec(any::<Index>(), 0..20),
        workers in 1usize..5,
        capacity in prop::sample::select(vec![1usize, 7, 10_000]),
    ) {
        let verifier = Verifier::new(NonZeroUsize::new(capacity).unwrap());
        verifier.verify_batch(warm.iter().map(|i| i.get(samples()).tx.clone()).collect());
        let mut bench = Bench::new(workers, move |txs| verifier.verify_batch(txs));
        let mut waiting = BTreeMap::new();
        for arrival in &arrivals {
            let sample = arrival.sample.get(samples());
            let ticket = bench.submit(arrival.sender, &sample.tx);
            waiting.insert(ticket, (sample, arrival.cancelled));
            if arrival.cancelled {
                bench.engine.cancel(ticket);
            }
        }
        for _ in 0..arrivals.len() {
            let (ticket, outcome) = bench.report();
            let (sample, cancelled) = waiting.remove(&ticket).expect("one report for a ticket");
            match outcome {
                Outcome::Verdict(verdict) => prop_assert_eq!(verdict.map(drop), sample.alone),
                Outcome::Unverified(why) => {
                    prop_assert!(cancelled);
                    prop_assert_eq!(why, Unverified::Cancelled);
                }
            }
        }
        bench.nothing_more();
    }
}

#[test]
fn every_kind_of_verdict_is_in_the_corpus() {
    let kinds = [
        Ok(()),
        Err(VerifyError::KernelSum),
        Err(VerifyError::Signature),
        Err(VerifyError::RangeProof),
    ];
    for kind in kinds {
        assert!(samples().iter().any(|sample| sample.alone == kind), "{kind:?}");
    }
}

#[test]
fn idle_engine_begins_at_once_and_a_busy_one_makes_batches() {
    let (mut bench, gate) = Gate::new(1);
    bench.submit(None, &good()[0]);
    assert_eq!(gate.entered(), 1, "a lone arrival waits for nobody");
    for tx in &good()[1..20] {
        bench.submit(None, tx);
    }
    gate.open();
    assert_eq!(gate.entered(), 19, "what came meanwhile is one batch");
    gate.open();
    assert!((0..20).all(|_| is_good(&bench.report().1)));
}

#[test]
fn workers_share_what_waits() {
    let (mut bench, gate) = Gate::new(2);
    bench.submit(None, &good()[0]);
    bench.submit(None, &good()[1]);
    assert_eq!((gate.entered(), gate.entered()), (1, 1));
    for _ in 0..10 {
        bench.submit(None, &good()[2]);
    }
    gate.open();
    assert_eq!(gate.entered(), 5);
    gate.open();
    gate.open();
}

#[test]
fn strangers_never_occupy_the_last_worker() {
    let (mut bench, gate) = Gate::new(2);
    for sybil in 1..10 {
        bench.submit(Some(sybil), &good()[0]);
    }
    assert_eq!(gate.entered(), 1);
    let own = bench.submit(None, &good()[1]);
    assert_eq!(gate.entered(), 1, "though a stranger's is still being verified");
    drop(gate);
    let tickets: Vec<_> = (0..10).map(|_| bench.report().0).collect();
    assert!(tickets.contains(&own));
}

#[test]
fn nothing_more_of_a_sender_is_verified_before_the_node_knows() {
    let bad = &samples().iter().find(|sample| sample.alone.is_err()).unwrap().tx;
    let (mut bench, gate) = Gate::new(1);
    for _ in 0..3 {
        bench.submit(Some(1), bad);
    }
    let other = bench.submit(Some(2), &good()[0]);
    assert_eq!(gate.entered(), 1);
    gate.open();
    assert_eq!(gate.entered(), 1);
    gate.open();
    let (first, _) = bench.reports.blocking_recv().unwrap();
    assert_eq!(bench.report().0, other, "another's goes on");
    assert!(gate.entered.recv_timeout(Duration::from_millis(50)).is_err());
    bench.engine.handled(first);
    assert_eq!(gate.entered(), 1);
    bench.engine.forget(PeerId(1));
    gate.open();
}

#[test]
fn panic_of_the_verifier_refuses_its_cause_and_nothing_else() {
    let cause = good()[3].clone();
    let verifier = verifier();
    let verify = move |txs: Vec<Transaction>| {
        assert!(!txs.contains(&cause), "a panic on purpose");
        verifier.verify_batch(txs)
    };
    let mut bench = Bench::new(2, verify);
    for _ in 0..3 {
        let tickets: Vec<_> = good()[..8].iter().map(|tx| bench.submit(None, tx)).collect();
        for _ in 0..8 {
            let (ticket, outcome) = bench.report();
            match ticket == tickets[3] {
                true => {
                    assert!(matches!(outcome, Outcome::Unverified(Unverified::Failed)));
                }
                false => assert!(is_good(&outcome)),
            }
        }
    }
    bench.nothing_more();
}

#[test]
fn death_of_a_worker_is_told() {
    /// What a panic carries is dropped where nothing catches the panic in that.
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a second panic on purpose");
        }
    }
    let mut bench = Bench::new(1, |_| std::panic::panic_any(Bomb));
    assert!(!bench.engine.is_broken());
    bench.submit(None, &good()[0]);
    for _ in 0..30_000 {
        if bench.engine.is_broken() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("nothing told");
}

#[test]
fn verifier_that_forgets_verdicts_loses_no_ticket() {
    let mut bench = Bench::new(1, |_| Vec::<Result<ValidTx, VerifyError>>::new());
    for tx in &good()[..5] {
        bench.submit(Some(1), tx);
    }
    for _ in 0..5 {
        assert!(matches!(bench.report().1, Outcome::Unverified(Unverified::Failed)));
    }
}

#[test]
fn shutdown_with_work_queued_loses_no_ticket() {
    let (mut bench, gate) = Gate::new(2);
    for tx in good() {
        bench.submit(Some(1), tx);
    }
    assert_eq!(gate.entered(), 1);
    drop(gate);
    let Bench { engine, mut reports, .. } = bench;
    drop(engine);
    let outcomes: Vec<_> = std::iter::from_fn(|| reports.try_recv().ok()).collect();
    assert_eq!(outcomes.len(), good().len());
    assert!(outcomes.iter().any(|(_, outcome)| is_good(outcome)), "what was begun is finished");
}

#[test]
fn what_is_begun_is_not_cancelled_and_what_is_not_is() {
    let (mut bench, gate) = Gate::new(1);
    let begun = bench.submit(Some(1), &good()[0]);
    gate.entered();
    let waiting = [bench.submit(Some(1), &good()[1]), bench.submit(Some(1), &good()[2])];
    let other = bench.submit(Some(2), &good()[3]);
    bench.engine.cancel(begun);
    bench.engine.cancel(waiting[0]);
    bench.engine.forget(PeerId(1));
    for ticket in waiting {
        let (cancelled, outcome) = bench.report();
        assert_eq!(cancelled, ticket);
        assert!(matches!(outcome, Outcome::Unverified(Unverified::Cancelled)));
    }
    drop(gate);
    let mut rest = [bench.report(), bench.report()];
    rest.sort_by_key(|(ticket, _)| *ticket);
    assert!(rest.iter().all(|(_, outcome)| is_good(outcome)));
    assert_eq!(rest.map(|(ticket, _)| ticket), [begun, other]);
    bench.nothing_more();
}

#[test]
fn default_is_a_worker_for_each_core() {
    let (sender, _reports) = tokio::sync::mpsc::unbounded_channel();
    let engine = super::Engine::start_with(0, super::ROOMY, sender, Arc::new(|_, _| Vec::new()));
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    assert_eq!(engine.unwrap().threads.len(), cores);
}

#[test]
fn the_owners_are_verified_apart_from_those_of_peers() {
    let (sender, mut reports) = tokio::sync::mpsc::unbounded_channel();
    let (enter, entered) = channel();
    let enter = Mutex::new(enter);
    let verify = move |whose, txs: Vec<Transaction>| {
        enter.lock().unwrap().send((whose, txs.len())).unwrap();
        verifier().verify_batch(txs)
    };
    let engine = super::Engine::start_with(1, super::ROOMY, sender, Arc::new(verify)).unwrap();
    for (ticket, peer) in [(1, None), (2, Some(PeerId(1)))] {
        engine.submit(Ticket(ticket), peer, good()[0].clone());
    }
    let whose: Vec<_> = (0..2).map(|_| entered.recv().unwrap()).collect();
    assert_eq!(whose, [(Whose::Owners, 1), (Whose::Peers, 1)]);
    for ticket in 1..=2 {
        assert_eq!(reports.blocking_recv().unwrap().0, Ticket(ticket));
    }
}
