use scape_aggregate::builder::{Faucet, TxBuilder, seeded};
use scape_aggregate::{ChainType, Consensus, ValidTx, Verifier};
use scape_pool::{PeerId, Source};

use super::*;

const CONSENSUS: Consensus = Consensus::of(ChainType::AutomatedTesting);

fn tx(seed: u64, kernels: usize) -> Transaction {
    let coin = Faucet::new(seed).coin(60_000_000_000);
    let built = TxBuilder::new().input(coin).split(1).kernels(kernels);
    built.build(&mut seeded(seed, 0), &CONSENSUS).expect("a transaction").tx
}

fn hashes(tx: &Transaction) -> Vec<Hash> {
    tx.kernels().iter().map(|kernel| *kernel.hash()).collect()
}

fn state(owned: &Owned, tx: &Transaction) -> Option<OwnState> {
    let own = owned.get(&tx.kernels()[0].excess(), Instant::ZERO, |_| None)?;
    Some(own.state)
}

/// Tells notices and returns the state after each.
fn states(
    owned: &mut Owned,
    tx: &Transaction,
    notices: impl IntoIterator<Item = Notice>,
) -> Vec<OwnState> {
    let mut states = Vec::new();
    for notice in notices {
        owned.handle_notice(&notice, Instant::ZERO);
        states.extend(state(owned, tx));
    }
    states
}

#[test]
fn a_transaction_is_followed_to_its_block_and_back() {
    let tx = tx(1, 1);
    let mut owned = Owned::default();
    owned.pushed(&tx, Instant::ZERO);
    assert_eq!(state(&owned, &tx), Some(OwnState::Waiting));
    let (kernels, source) = (hashes(&tx), Source::Own);
    let mut of_aggregate = kernels.clone();
    of_aggregate.push(Hash([7; 32]));
    let reason = FluffReason::Embargo;
    let notices = [
        Notice::Stemmed { kernels: kernels.clone(), source },
        Notice::Relayed { kernels: of_aggregate.clone(), parts: 2, cut_through: 0 },
        Notice::Fluffed { kernels: of_aggregate.clone(), parts: 2, cut_through: 0, reason },
        Notice::Mined { kernels: of_aggregate.clone(), height: 5 },
        Notice::Unmined { kernels: of_aggregate },
        Notice::Seen { kernels: vec![Hash([7; 32])] },
    ];
    let fluffed = OwnState::Fluffed { parts: 2, reason: Some(reason) };
    let expected = [
        OwnState::Accepted,
        OwnState::InStem { parts: 2 },
        fluffed,
        OwnState::Mined { height: 5 },
        fluffed,
        fluffed,
    ];
    assert_eq!(states(&mut owned, &tx, notices), expected);
}

#[test]
fn of_several_kernels_the_least_advanced_counts() {
    let tx = tx(2, 2);
    let [first, second] = [hashes(&tx)[0], hashes(&tx)[1]];
    let mut owned = Owned::default();
    owned.pushed(&tx, Instant::ZERO);
    let by = Some(Rival::Block(Hash([9; 32])));
    let notices = [
        Notice::Seen { kernels: vec![first, second] },
        Notice::Mined { kernels: vec![first], height: 3 },
        Notice::Mined { kernels: vec![second], height: 4 },
        Notice::Unmined { kernels: vec![second] },
        Notice::Conflicted { kernels: vec![second], by },
    ];
    let expected = [
        OwnState::Seen,
        OwnState::Seen,
        OwnState::Mined { height: 3 },
        OwnState::Seen,
        OwnState::Conflicted { by },
    ];
    assert_eq!(states(&mut owned, &tx, notices), expected);
}

#[test]
fn what_waits_because_it_was_given_up_stays_given_up() {
    let tx = tx(3, 1);
    let (kernels, by, source) = (hashes(&tx), None, Source::Own);
    let mut owned = Owned::default();
    owned.pushed(&tx, Instant::ZERO);
    let notices = [
        Notice::Orphaned { kernels: kernels.clone() },
        Notice::Conflicted { kernels: kernels.clone(), by },
        Notice::Orphaned { kernels: kernels.clone() },
        Notice::Stemmed { kernels, source },
    ];
    let conflicted = OwnState::Conflicted { by };
    let expected = [OwnState::Waiting, conflicted, conflicted, OwnState::Accepted];
    assert_eq!(states(&mut owned, &tx, notices), expected);
}

#[test]
fn what_was_sent_before_a_restart_is_on_the_stem_after_it() {
    let verifier = Verifier::new(10.try_into().expect("not zero"));
    let [sent, public] = [tx(4, 1), tx(5, 1)].map(|tx| verifier.verify(tx).expect("valid"));
    let record = |tx: &ValidTx, stage| Record { tx: tx.clone(), confirmed: vec![], stage };
    let mut owned = Owned::default();
    let embargo = Instant::from_secs(9);
    owned.restored(&record(&sent, RecordStage::Sent { embargo }), Instant::ZERO);
    owned.restored(&record(&public, RecordStage::Public), Instant::ZERO);
    let fluffed = OwnState::Fluffed { parts: 0, reason: None };
    assert_eq!(state(&owned, &public), Some(fluffed));
    let (kernels, source) = (hashes(&sent), Source::Own);
    let stemmed = || Notice::Stemmed { kernels: kernels.clone(), source };
    let told = states(&mut owned, &sent, [stemmed(), stemmed()]);
    assert_eq!(told, [OwnState::InStem { parts: 0 }, OwnState::Accepted]);
    let end = owned.all(Instant::ZERO, |_| Some(embargo));
    assert!(end.iter().all(|own| own.embargo_left == Some(Duration::from_secs(9))));
}

#[test]
fn what_goes_over_to_another_zone_is_as_old_and_as_far_there() {
    let tx = tx(7, 2);
    let [mut from, mut to] = [Owned::default(), Owned::default()];
    from.pushed(&tx, Instant::ZERO);
    from.handle_notice(&Notice::Held { kernels: hashes(&tx) }, Instant::ZERO);
    let entry = from.take(&tx).expect("it is there");
    assert!(from.take(&tx).is_none() && from.all(Instant::ZERO, |_| None).is_empty());
    to.put(entry);
    let all = to.all(Instant::from_secs(9), |_| None);
    let shown: Vec<_> = all.iter().map(|own| (own.age.as_secs(), own.state)).collect();
    assert_eq!(shown, [(9, OwnState::Held)]);
    let source = Source::Own;
    to.handle_notice(&Notice::Stemmed { kernels: hashes(&tx), source }, Instant::ZERO);
    assert_eq!(state(&to, &tx), Some(OwnState::Accepted));
}

#[test]
fn others_are_none_of_its_business_and_the_same_is_there_once() {
    let tx = tx(6, 1);
    let mut owned = Owned::default();
    let (kernels, source) = (hashes(&tx), Source::Peer(PeerId(1)));
    owned.handle_notice(&Notice::Stemmed { kernels, source }, Instant::ZERO);
    assert_eq!(owned.all(Instant::ZERO, |_| None), []);
    owned.pushed(&tx, Instant::ZERO);
    owned.pushed(&tx, Instant::from_secs(5));
    let all = owned.all(Instant::from_secs(9), |_| None);
    assert_eq!((all.len(), all[0].age), (1, Duration::from_secs(9)));
}

#[test]
fn the_finished_are_forgotten_after_a_while_and_first_when_room_is_short() {
    let (finished, open) = (tx(7, 1), tx(8, 1));
    let mut owned = Owned::default();
    owned.pushed(&open, Instant::ZERO);
    owned.pushed(&finished, Instant::ZERO);
    let mined = Notice::Mined { kernels: hashes(&finished), height: 1 };
    owned.handle_notice(&mined, Instant::from_secs(10));
    let day = Instant::from_secs(10) + MEMORY;
    owned.forget(Instant::from_micros(day.as_micros() - 1));
    assert!(state(&owned, &finished).is_some());
    owned.forget(day);
    assert_eq!((state(&owned, &finished), owned.finished.len()), (None, 0));
    assert!(state(&owned, &open).is_some(), "it is not over");

    owned.pushed(&finished, Instant::ZERO);
    owned.handle_notice(&mined, Instant::ZERO);
    let built = tx(9, 1);
    for number in 0..CAPACITY as u64 {
        let kernel = built.kernels()[0];
        let mut excess = kernel.excess();
        excess.0[1..9].copy_from_slice(&number.to_be_bytes());
        let kernel = TxKernel::new(*kernel.features(), excess, *kernel.signature());
        let (offset, inputs) = (*built.offset(), built.inputs_as_held().clone());
        let outputs = built.outputs().to_vec();
        let many = Transaction::new(offset, inputs, outputs, vec![kernel], &CONSENSUS);
        owned.pushed(&many.expect("a transaction"), Instant::ZERO);
    }
    assert_eq!((owned.entries.len(), owned.by_hash.len()), (CAPACITY, CAPACITY));
    assert_eq!((state(&owned, &finished), state(&owned, &open)), (None, None));
}
