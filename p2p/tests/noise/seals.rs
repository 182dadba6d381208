//! What is sealed to others: which peers carry it on, and when.

use std::collections::BTreeSet;

use scape_p2p::dandelion::rendezvous::SIZES;
use scape_p2p::dandelion::{Params, Preset, RendezvousParams};
use scape_p2p::noise::NoiseConfig;
use scape_p2p::secure::PublicKey;
use scape_p2p::wire::Message;
use scape_p2p::zone::Effect;

use crate::host::{Host, params, stem};

/// Something sealed to a node; another one for each number.
pub(crate) fn seal(sink: u64, number: u16) -> Message {
    let mut sealed = vec![0; SIZES[0]];
    sealed[..2].copy_from_slice(&number.to_be_bytes());
    let sink = PublicKey([u8::try_from(sink).unwrap(); 32]);
    Message::SealedStem { sink, sealed: sealed.into() }
}

impl Host {
    /// Three peers encrypt, and what is sealed is handed on with this probability.
    fn carrying(forward: f64) -> Self {
        let mut host = Self::with_peers(3, 1);
        let rendezvous = Preset::Scape.params().rendezvous.unwrap();
        let rendezvous = Some(RendezvousParams { forward, ..rendezvous });
        host.call(|zone, ctx| zone.set_params(Params { rendezvous, ..params() }, ctx));
        host
    }

    /// The peer that encrypts and has no channel.
    fn uncovered(&mut self) -> u64 {
        self.run(60);
        let is_uncovered = |peer: &u64| self.frames(*peer).next().is_none();
        (1..=3).find(is_uncovered).expect("two of three are covered")
    }

    /// Until a message is in frames that have not left; whose they are.
    fn run_to_message(&mut self, message: &Message) -> u64 {
        loop {
            self.wake();
            let told = (1..=3).find(|peer| self.heard(*peer).contains(message));
            if let Some(peer) = told {
                return peer;
            }
        }
    }

    /// What is sealed and leaves outside of frames, and to whom.
    fn bare(&self) -> Vec<(u64, Message)> {
        let bare = |effect: &Effect| match effect {
            Effect::Send { peer, message: message @ Message::SealedStem { .. } } => {
                Some((peer.0, message.clone()))
            }
            _ => None,
        };
        self.seen.iter().filter_map(bare).collect()
    }
}

#[test]
fn what_others_seal_waits_for_frames_to_a_carrier() {
    let mut host = Host::carrying(0.999_999);
    let from = host.uncovered();
    let seals: Vec<_> = (0..3).map(|number| seal(9, number)).collect();
    seals.iter().for_each(|message| host.say(from, message.clone()));
    // Who does not encrypt may hand over none.
    host.say(4, seal(9, 3));
    host.run(120);
    assert!(host.bare().is_empty());
    let heard: Vec<_> = (1..=3).map(|peer| host.heard(peer)).filter(|h| !h.is_empty()).collect();
    assert_eq!(heard, [seals], "all to one");
}

#[test]
fn what_others_seal_and_there_is_no_room_for_is_dropped_and_nothing_else() {
    let mut host = Host::carrying(0.999_999);
    let from = host.uncovered();
    let own = host.tx(2);
    (0..50).for_each(|number| host.say(from, seal(9, number)));
    host.push(&own);
    host.run(1_200);
    let mut heard: Vec<_> = (1..=3).flat_map(|peer| host.heard(peer)).collect();
    let place = heard.iter().position(|message| *message == stem(&own)).expect("it was sent");
    assert!(place < 3, "each has its turn, and who floods waits for himself: {place}");
    heard.remove(place);
    // As many as may wait, one frame each; the owner's had room or took that of the last.
    assert!((39..=40).contains(&heard.len()), "{}", heard.len());
    let first: Vec<_> = (0..39).map(|number| seal(9, number)).collect();
    assert_eq!(heard[..39], first);
    assert!(host.bare().is_empty() && host.fluffed().is_empty());
}

#[test]
fn what_others_seal_goes_to_the_other_carrier_when_one_is_lost() {
    let mut host = Host::carrying(0.999_999);
    let from = host.uncovered();
    let message = seal(9, 1);
    host.say(from, message.clone());
    let lost = host.run_to_message(&message);
    host.lose(lost);
    host.seen.clear();
    host.run(60);
    let heard: Vec<_> = (1..=3).filter(|peer| host.heard(*peer) == [message.clone()]).collect();
    assert!(heard.len() == 1 && heard[0] != lost && heard[0] != from, "{heard:?}");
    assert!(host.bare().is_empty());
}

/// What is seen to leave for a sink says nothing of when it came.
#[test]
fn a_delivery_outside_of_frames_is_held_and_one_in_frames_is_not() {
    let mut held = BTreeSet::new();
    let mut host = Host::carrying(0.0);
    let sink = host.uncovered();
    let covered = if sink == 1 { 2 } else { 1 };
    for number in 0..20 {
        host.seen.clear();
        let message = seal(sink, number);
        let came = host.now;
        host.say(covered, message.clone());
        assert!(host.bare().is_empty(), "not at once");
        while host.bare().is_empty() {
            host.wake();
        }
        assert_eq!(host.bare(), [(sink, message)]);
        let hold = host.now.saturating_since(came);
        assert!(hold <= NoiseConfig::default().hold(), "{hold:?}");
        held.insert(hold.as_secs() / 10);
        // Who has a channel gets it there.
        let message = seal(covered, 100 + number);
        host.say(sink, message.clone());
        host.run(60);
        assert_eq!((host.heard(covered), host.bare().len()), (vec![message], 1));
    }
    assert_eq!(held, BTreeSet::from([0, 1, 2]), "tens of seconds that it took");
}
