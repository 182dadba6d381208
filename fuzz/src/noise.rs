//! Frames of white noise, and the encrypted links that carry them.

use scape_aggregate::builder::seeded;
use scape_p2p::noise::{Fragment, FrameSize, HEADER_LEN, Reassembler};
use scape_p2p::secure::{Greetings, Handshake, Record, SecureError, SecureLink, StaticKey};

use crate::seeds::Seed;

/// The smallest, so that a fuzzer can fill messages.
const SIZE: FrameSize = FrameSize::new(FrameSize::MIN).expect("the smallest");

/// `([message] [index] [count] [length] [fault] [payload])*`: frames come in any order, and what is
/// put together was sent so, piece by piece, and is never more than one message.
pub fn reassemble(data: &[u8]) {
    let mut reassembler = Reassembler::new(SIZE);
    // Payloads since a message began, with its name and number of fragments.
    let mut begun: Option<(u32, u8, Vec<Vec<u8>>)> = None;
    let mut rest = data;
    while let Some((head, after)) = rest.split_first_chunk::<5>() {
        let (frame, left) = frame(head, after);
        rest = left;
        let outcome = reassembler.handle_frame(&frame);
        assert!(reassembler.held() <= SIZE.max_message());
        let Ok(whole) = outcome else {
            begun = None;
            assert_eq!(reassembler.held(), 0);
            continue;
        };
        let fragment = Fragment::decode(&frame, SIZE).expect("was taken");
        if fragment.is_empty() {
            assert_eq!(whole, None);
            continue;
        }
        if fragment.index == 0 {
            begun = Some((fragment.message, fragment.count, Vec::new()));
        }
        let (message, count, parts) = begun.as_mut().expect("a message begins with its beginning");
        assert_eq!((fragment.message, fragment.count), (*message, *count));
        assert_eq!(usize::from(fragment.index), parts.len());
        parts.push(fragment.payload.to_vec());
        let complete = parts.len() == usize::from(*count);
        assert_eq!(whole, complete.then(|| parts.concat()));
        if complete {
            begun = None;
        }
    }
}

/// A frame from its description, and what is left of the input.
fn frame<'a>(head: &[u8; 5], rest: &'a [u8]) -> (Vec<u8>, &'a [u8]) {
    let [message, index, count, length, fault] = *head;
    let mut frame = vec![0; SIZE.bytes()];
    frame[3] = message;
    frame[4] = index;
    frame[5] = count;
    frame[7] = length;
    let (payload, rest) = rest.split_at(usize::from(length).min(rest.len()).min(SIZE.payload()));
    frame[HEADER_LEN..HEADER_LEN + payload.len()].copy_from_slice(payload);
    match fault {
        0xfd => *frame.last_mut().expect("not empty") ^= 1,
        0xfe => frame.push(0),
        0xff => frame[6] = 1,
        _ => {}
    }
    (frame, rest)
}

const GREETINGS: Greetings<'_> = Greetings { hand: b"hand", shake: b"shake" };

fn sides() -> (Handshake, Handshake) {
    let rng = &mut seeded(1, 0);
    let (alice, bob) = (StaticKey::generate(rng), StaticKey::generate(rng));
    (
        Handshake::initiate(&alice, GREETINGS, rng).expect("never fails"),
        Handshake::respond(&bob, GREETINGS, rng).expect("never fails"),
    )
}

/// `[mode] [rest]`. Mode 0 and 1: a stranger says `rest` to either side. Others: two sides shake
/// hands, in pieces; then `([operation] [argument])*` makes them talk with somebody in between.
pub fn shake_hands(data: &[u8]) {
    let Some((&mode, rest)) = data.split_first() else { return };
    let (mut alice, mut bob) = sides();
    match mode {
        0 => greet_a_stranger(alice, rest),
        1 => greet_a_stranger(bob, rest),
        piece => {
            while !(alice.is_done() && bob.is_done()) {
                pass(&mut alice, &mut bob, piece.into());
                pass(&mut bob, &mut alice, piece.into());
            }
            let (alice, bob) = (alice.finish().expect("done"), bob.finish().expect("done"));
            talk(alice, bob, rest);
        }
    }
}

fn pass(from: &mut Handshake, to: &mut Handshake, piece: usize) {
    let Some(message) = from.poll_transmit().expect("never fails") else { return };
    for piece in message.chunks(piece) {
        assert_eq!(to.handle_bytes(piece), Ok(piece.len()));
    }
}

/// Whoever does not have the keys gets nowhere.
fn greet_a_stranger(mut side: Handshake, mut rest: &[u8]) {
    while !rest.is_empty() {
        side.poll_transmit().expect("never fails");
        match side.handle_bytes(rest) {
            Ok(0) => break,
            Ok(taken) => rest = &rest[taken..],
            Err(error) => {
                assert!(matches!(error, SecureError::Handshake(_)));
                break;
            }
        }
    }
    assert!(!side.is_done());
    assert_eq!(side.finish().map(|_| ()), Err(SecureError::NotDone));
}

/// What is heard is always the beginning of what was said, and all of it if nobody meddles.
fn talk(mut alice: SecureLink, mut bob: SecureLink, operations: &[u8]) {
    let (mut said, mut heard) = (Vec::new(), Vec::new());
    let (mut wire, mut meddled, mut closed) = (Vec::new(), false, false);
    for operation in operations.chunks_exact(2) {
        let argument = usize::from(operation[1]);
        let bytes = vec![operation[1]; argument * 21 + 1];
        match operation[0] % 8 {
            0 | 1 if alice.seal_data(&bytes, &mut wire).is_ok() => said.push((b'd', bytes)),
            2 if alice.seal_noise(&bytes, &mut wire).is_ok() => said.push((b'n', bytes)),
            3 if argument < 8 && alice.seal_close(&mut wire).is_ok() => {
                said.push((b'c', Vec::new()));
                closed = true;
            }
            4 if !wire.is_empty() => {
                let place = argument * 97 % wire.len();
                wire[place] ^= 1 << (argument % 8);
                meddled = true;
            }
            5 if argument < wire.len() && argument > 0 => {
                wire.drain(..argument);
                meddled = true;
            }
            6 if !wire.is_empty() => {
                wire.extend_from_within(..argument.min(wire.len()));
                meddled |= argument > 0;
            }
            _ => {
                let piece: Vec<u8> = wire.drain(..(argument * 31).min(wire.len())).collect();
                hear(&mut bob, &piece, &mut heard);
            }
        }
    }
    hear(&mut bob, &wire, &mut heard);
    assert!(said.starts_with(&heard), "what was not said was heard");
    if !meddled {
        assert_eq!(heard, said);
        assert_eq!(bob.handle_eof().is_ok(), closed);
        assert_eq!(bob.buffered(), 0);
    }
}

fn hear(link: &mut SecureLink, bytes: &[u8], heard: &mut Vec<(u8, Vec<u8>)>) {
    link.push(bytes);
    loop {
        match link.next() {
            Ok(Some(Record::Data(bytes))) => heard.push((b'd', bytes.to_vec())),
            Ok(Some(Record::Noise(bytes))) => heard.push((b'n', bytes.to_vec())),
            Ok(Some(Record::Close)) => heard.push((b'c', Vec::new())),
            Ok(None) | Err(_) => return,
        }
    }
}

pub(crate) fn seeds(seeds: &mut Vec<Seed>) {
    let full = SIZE.payload() as u8;
    let part = |message: u8, index: u8, count: u8, length: u8, fault: u8| {
        [&[message, index, count, length, fault], &vec![message; length.into()][..]].concat()
    };
    let whole = [part(1, 0, 3, full, 0), part(1, 1, 3, full, 0), part(1, 2, 3, 7, 0)].concat();
    let empty = part(9, 0, 0, 0, 0);
    let mixed = [part(1, 0, 2, full, 0), part(2, 1, 2, 5, 0), part(1, 1, 2, 5, 0)].concat();
    let longest: Vec<u8> = (0..20).flat_map(|index| part(3, index, 20, full, 0)).collect();
    let faults = [0xfd, 0xfe, 0xff].map(|fault| part(4, 0, 2, full, fault)).concat();
    for frames in [&whole, &[&whole[..], &empty, &whole].concat(), &mixed, &longest, &faults] {
        seeds.push(("noise_frames", frames.clone()));
        seeds.push(("noise_frames", [&whole[..70], frames, &empty].concat()));
    }
    let (mut alice, mut bob) = sides();
    let first = alice.poll_transmit().ok().flatten().unwrap_or_default();
    bob.handle_bytes(&first).expect("genuine");
    let second = bob.poll_transmit().ok().flatten().unwrap_or_default();
    seeds.push(("noise_handshake", [&[1], &first[..], &[0; 96]].concat()));
    // One bit off, or it would be the right answer.
    seeds.push(("noise_handshake", [&[0, second[0] ^ 1], &second[1..]].concat()));
    for said in [
        &[0, 1, 2, 146, 0, 200, 3, 0, 7, 20][..],
        &[0, 1, 4, 3, 0, 2, 7, 255],
        &[0, 1, 0, 2, 5, 146, 3, 1],
        &[0, 0, 6, 255, 7, 2, 7, 3, 2, 9],
        &[2, 9, 2, 9, 7, 1, 3, 3, 0, 1],
    ] {
        seeds.push(("noise_handshake", [&[255], said].concat()));
        seeds.push(("noise_handshake", [&[2], said, said].concat()));
    }
}
