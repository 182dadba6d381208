use std::time::Duration;

use bytes::Bytes;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha12Rng;
use scape_aggregate::{ChainType, ProtocolVersion};
use scape_p2p::noise::{FrameSize, MAX_FRAGMENTS};
use scape_p2p::wire::{Message, Tip};

use super::{anyone, rest};
use crate::net::frames::write;
use crate::net::{Behaviour, Scope};

/// Sends frames of white noise that make no sense, and messages in them that do not belong there.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Garbler;

const PACE: Duration = Duration::from_secs(20);
const FULL: usize = FrameSize::DEFAULT.payload();

impl Behaviour for Garbler {
    fn begin(&mut self, scope: &mut Scope<'_>) {
        rest(scope, PACE);
    }

    fn wake(&mut self, scope: &mut Scope<'_>) {
        rest(scope, PACE);
        let Some(peer) = anyone(scope) else { return };
        for frame in garble(scope.rng) {
            scope.frame(peer, frame);
        }
    }
}

/// One way after the other to break the rules of frames, and some ways to keep them in vain.
fn garble(rng: &mut ChaCha12Rng) -> Vec<Bytes> {
    let (name, full) = (rng.random(), noise(FULL, rng));
    match rng.random_range(0..12) {
        0 => vec![noise(rng.random_range(0..2 * FrameSize::DEFAULT.bytes()), rng)],
        1 => vec![noise(FrameSize::DEFAULT.bytes(), rng)],
        2 => vec![with(write(name, 0, 1, &full[..9]), FrameSize::DEFAULT.bytes() - 1, 1)],
        3 => vec![write(name, 0, rng.random_range(MAX_FRAGMENTS + 1..=u8::MAX), &full)],
        4 => vec![write(name, rng.random_range(2..=u8::MAX), 2, &full)],
        // Longer than it is, in the middle not full, at the end empty.
        5 => vec![with(write(name, 0, 1, &full), 6, u8::MAX)],
        6 => vec![write(name, 0, 2, &full[..rng.random_range(0..FULL)])],
        7 => vec![write(name, 0, 2, &full), write(name, 1, 2, &[])],
        // The end of what did not begin, alone and after another beginning.
        8 => vec![write(name, 1, 2, &full[..9])],
        9 => vec![write(name, 0, 3, &full), write(name.wrapping_add(1), 1, 3, &full)],
        10 => vec![write(name, 0, 1, &misplaced(rng)), write(name, 0, 1, &full)],
        // Beginnings without an end, and as many frames with nothing in them.
        _ => (0..MAX_FRAGMENTS)
            .flat_map(|_| [write(rng.random(), 0, MAX_FRAGMENTS, &full), write(0, 0, 0, &[])])
            .collect(),
    }
}

fn noise(bytes: usize, rng: &mut impl Rng) -> Bytes {
    let mut noise = vec![0; bytes];
    rng.fill_bytes(&mut noise);
    noise.into()
}

fn with(frame: Bytes, place: usize, byte: u8) -> Bytes {
    let mut frame = frame.to_vec();
    frame[place] = byte;
    frame.into()
}

/// A message that is not for frames.
fn misplaced(rng: &mut impl Rng) -> Bytes {
    let ping = Message::Ping(Tip { total_difficulty: rng.random(), height: rng.random() });
    ping.encode(ProtocolVersion::LOCAL, ChainType::Mainnet.magic()).unwrap_or_default()
}
