//! What is stemmed: in which frames it leaves, what it waits for, and what becomes of the rest.

use std::time::Duration;

use scape_aggregate::{ValidTx, aggregate};
use scape_p2p::wire::Message;
use scape_p2p::zone::Effect;
use scape_pool::{FluffReason, Instant, WayOut};

use crate::host::{Host, params, stem};

fn public(tx: &ValidTx) -> Message {
    Message::Transaction(tx.as_transaction().clone())
}

impl Host {
    /// Merges what comes within half a minute. Peers 1 and 2 encrypt, 3 and 4 do not.
    fn merging() -> Self {
        let mut host = Self::with_peers(2, 2);
        let mut waits = params();
        waits.patience.interval = Duration::from_secs(30);
        host.call(|zone, ctx| zone.set_params(waits, ctx));
        host
    }

    /// Until the next frame is made for a peer; when it is to be sent.
    fn run_to_frame(&mut self, peer: u64) -> Instant {
        loop {
            let seen = self.seen.len();
            self.wake();
            let frames = self.seen[seen..].iter().find_map(|effect| match effect {
                Effect::Frame { peer: to, at, .. } if to.0 == peer => Some(*at),
                _ => None,
            });
            if let Some(at) = frames {
                return at;
            }
        }
    }

    /// The other one of the two peers.
    fn cover(&self) -> u64 {
        3 - self.relay()
    }

    fn is_stemmed_plainly(&self) -> bool {
        let plainly = |effect: &Effect| {
            matches!(effect, Effect::Send { message: Message::StemTransaction(_), .. })
        };
        self.seen.iter().any(plainly)
    }
}

#[test]
fn what_is_stemmed_leaves_in_frames_to_the_relay_alone() {
    let mut host = Host::with_peers(2, 3);
    let (small, large) = (host.tx(2), host.tx(20));
    host.push(&small);
    host.push(&large);
    host.run(200);
    assert_eq!(host.heard(host.relay()), [stem(&small), stem(&large)]);
    assert_eq!(host.heard(host.cover()), []);
    assert!(!host.is_stemmed_plainly() && host.fluffed().is_empty());
    let to = |peer| host.frames(peer).count();
    // One in 12.5 s each, whoever is the relay, and none to those who do not encrypt.
    assert!((13..=20).contains(&to(1)) && (13..=20).contains(&to(2)), "{}, {}", to(1), to(2));
    assert_eq!([to(3), to(4), to(5)], [0; 3]);
}

#[test]
fn without_anybody_who_encrypts_there_is_no_relay() {
    let mut host = Host::with_peers(0, 4);
    let (own, other) = (host.tx(2), host.tx(2));
    host.push(&own);
    host.run(1_000);
    assert!(host.fluffed().is_empty(), "the owner's waits as long as it takes");
    host.say(1, stem(&other));
    host.run(100);
    assert_eq!(host.fluffed(), [FluffReason::NoRelay], "what others sent is theirs to hide");
    assert!(!host.seen.iter().any(|effect| matches!(effect, Effect::Frame { .. })));
}

#[test]
fn what_waits_for_a_relay_that_is_lost_goes_to_the_next_at_once() {
    let mut host = Host::with_peers(2, 0);
    let (lost, other) = (host.relay(), host.cover());
    let (begun, waiting) = (host.tx(20), host.tx(2));
    host.push(&begun);
    host.push(&waiting);
    host.run_to_frame(lost);
    host.lose(lost);
    assert_eq!(host.relay(), other);
    host.run(200);
    let mut heard = host.heard(other);
    heard.sort_by_key(|message| message != &stem(&begun));
    assert_eq!(heard, [stem(&begun), stem(&waiting)]);
    assert!(host.fluffed().is_empty());
    host.lose(other);
    assert!(host.fluffed().is_empty(), "what was sent is under embargo");
    let last = host.tx(2);
    host.push(&last);
    assert!(
        host.fluffed().is_empty() && host.zone.way_out() == WayOut::Shut,
        "it waits for somebody"
    );
}

#[test]
fn a_frame_that_is_made_has_left_only_at_its_time() {
    for gone in [false, true] {
        let mut host = Host::with_peers(2, 0);
        let (relay, other) = (host.relay(), host.cover());
        let tx = host.tx(2);
        host.push(&tx);
        let leaves = host.run_to_frame(relay);
        assert_eq!(host.heard(relay), [stem(&tx)]);
        host.now = if gone { leaves } else { Instant::from_micros(leaves.as_micros() - 1) };
        host.lose(relay);
        host.run(60);
        assert_eq!(host.heard(other).is_empty(), gone);
    }
}

/// Whoever sends a parent and lets another one send the child would else see it overtake.
#[test]
fn a_child_waits_behind_its_parent_whoever_sends_it() {
    let mut host = Host::with_peers(2, 2);
    let (first, parent) = (host.tx(60), host.tx(2));
    let child = host.child(&parent);
    for (peer, tx) in [(3, &first), (3, &parent), (4, &child)] {
        host.say(peer, stem(tx));
    }
    host.run(600);
    assert_eq!(host.heard(host.relay()), [stem(&first), stem(&parent), stem(&child)]);
}

#[test]
fn what_is_public_before_its_turn_is_not_sent() {
    let mut host = Host::with_peers(2, 2);
    let (first, second) = (host.tx(60), host.tx(2));
    host.push(&first);
    host.push(&second);
    host.say(3, public(&second));
    host.run(600);
    assert_eq!(host.heard(host.relay()), [stem(&first)]);
}

/// The whole would be refused by the relay, and another way would be to tell everybody.
#[test]
fn what_is_left_of_an_aggregate_whose_part_is_public_goes_to_the_same_relay() {
    let mut host = Host::merging();
    let (own, other) = (host.tx(10), host.tx(20));
    host.push(&own);
    host.say(3, stem(&other));
    // Some of its frames are sent.
    host.run(70);
    assert_eq!(host.heard(host.relay()), []);
    host.say(3, public(&other));
    host.run(600);
    assert_eq!(host.heard(host.relay()), [stem(&own)]);
    assert_eq!(host.fluffed(), []);
}

/// Its parent would else be queued anew behind it.
#[test]
fn a_child_that_waits_behind_what_breaks_goes_with_what_is_left_of_that() {
    let mut host = Host::merging();
    let (parent, other) = (host.tx(10), host.tx(20));
    let child = host.child(&parent);
    host.push(&parent);
    host.say(3, stem(&other));
    // Merged, they take eight frames, a minute and a half.
    host.run(31);
    host.push(&child);
    host.run(39);
    assert_eq!((host.heard(host.relay()), host.zone.pool().counts().stem), (vec![], 3));
    host.say(3, public(&other));
    host.run(600);
    let rest = aggregate(&[parent, child]).unwrap();
    assert_eq!(host.heard(host.relay()), [stem(&rest)]);
    assert_eq!(host.fluffed(), []);
}

/// What does not fit goes another way, and there is none but to tell everybody.
#[test]
fn what_peers_send_and_frames_do_not_hold_is_fluffed() {
    let mut host = Host::with_peers(2, 2);
    let long = host.tx(90);
    host.say(3, stem(&long));
    assert_eq!(host.fluffed(), [FluffReason::NoRelay]);
}

#[test]
fn what_is_merged_still_fits_and_the_owner_waits_until_there_is_room() {
    let mut host = Host::merging();
    let parts: Vec<_> = (0..100).map(|_| host.tx(2)).collect();
    parts.iter().for_each(|tx| host.push(tx));
    host.run(3_000);
    let heard = host.heard(host.relay());
    // More than the queue holds: it takes ten minutes and more.
    assert!(host.fluffed().is_empty() && heard.len() > 2, "{}", heard.len());
    let kernels = heard.iter().map(|message| match message {
        Message::StemTransaction(tx) => tx.kernels().len(),
        other => panic!("{other:?}"),
    });
    assert_eq!(kernels.sum::<usize>(), 100);
}
