//! What a zone makes of the frames of others.

use scape_aggregate::ProtocolVersion;
use scape_p2p::noise::NoiseConfig;
use scape_p2p::wire::{Message, Tip};
use scape_p2p::zone::Effect;
use scape_pool::PeerId;

use crate::host::{Host, stem};
use crate::kit::CONSENSUS;
use crate::seals::seal;

impl Host {
    /// Peer 1 sends a frame; the message that it completes.
    fn take(&mut self, frame: &[u8]) -> Option<Message> {
        self.call(|zone, ctx| zone.handle_frame(PeerId(1), frame, ctx))
    }
}

#[test]
fn a_zone_takes_frames_apart_as_another_makes_them() {
    let (mut alice, mut bob) = (Host::with_peers(2, 0), Host::with_peers(2, 0));
    let tx = alice.tx(9);
    bob.coins.unspent.clone_from(&alice.coins.unspent);
    alice.push(&tx);
    alice.run(100);
    let frames = alice.frames(alice.relay());
    let mut heard: Vec<_> = frames.filter_map(|frame| bob.take(frame)).collect();
    assert_eq!(heard, [stem(&tx)]);
    bob.say(1, heard.remove(0));
    assert_eq!(bob.zone.pool().counts().stem, 1);
}

#[test]
fn frames_that_make_no_sense_cost_their_sender() {
    let banned = |frames: &[Vec<u8>]| {
        let mut host = Host::with_peers(1, 0);
        for frame in frames {
            assert_eq!(host.take(frame), None);
        }
        host.seen.iter().any(|effect| matches!(effect, Effect::Disconnect { .. }))
    };
    let encode = |message: &Message| {
        message.encode(ProtocolVersion::LOCAL, CONSENSUS.chain.magic()).unwrap()
    };
    let frame = |index: u8, count: u8, payload: &[u8]| {
        let mut frame = vec![0, 0, 0, 1, index, count];
        frame.extend((payload.len() as u16).to_be_bytes());
        frame.extend(payload);
        frame.resize(NoiseConfig::default().frame.bytes(), 0);
        frame
    };
    assert!(!banned(&vec![frame(0, 0, &[]); 500]), "empty ones are what noise is");
    assert!(banned(&[frame(1, 2, &[1]), frame(1, 2, &[1])]), "the middle of nothing, twice");
    let ping = encode(&Message::Ping(Tip::default()));
    assert!(banned(&[frame(0, 1, &ping), frame(0, 1, &ping)]), "only the stem is hidden");
    let sealed = encode(&seal(9, 1));
    let mut host = Host::with_peers(1, 0);
    assert_eq!(host.take(&frame(0, 1, &sealed)), Some(seal(9, 1)), "sealed or not");
    assert!(banned(&[frame(0, 1, b"noise"), frame(0, 1, &[0x61, 61, 14])]), "no message");
}
