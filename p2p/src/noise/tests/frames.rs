//! Cutting and putting together.

use proptest::prelude::*;

use super::*;
use crate::wire::Blame;

fn cut(bytes: &[u8], message: u32) -> Vec<Vec<u8>> {
    let count = SIZE.fragments(bytes.len()).unwrap();
    let fragment = |index| Fragment::of(message, index, bytes, SIZE).unwrap();
    (0..count).map(|index| fragment(index).encode(SIZE)).collect()
}

fn hear(reassembler: &mut Reassembler, frames: &[&Vec<u8>]) -> Result<Option<Vec<u8>>, FrameError> {
    frames.iter().try_fold(None, |_, frame| reassembler.handle_frame(frame))
}

#[test]
fn the_default_is_moneros() {
    assert_eq!(SIZE.bytes(), 3_072);
    assert_eq!(usize::from(MAX_FRAGMENTS) * SIZE.bytes(), 61_440);
    assert_eq!(SIZE.max_message(), 61_280);
    assert_eq!(SIZE.fragments(0), None);
    assert_eq!(SIZE.fragments(3_064), Some(1));
    assert_eq!(SIZE.fragments(3_065), Some(2));
    assert_eq!(SIZE.fragments(61_280), Some(20));
    assert_eq!(SIZE.fragments(61_281), None);
    assert_eq!(SIZE.fragments(usize::MAX), None);
    assert!((NoiseConfig::default().bytes_per_second() - 491.52).abs() < 0.01);
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused() {
    let default = NoiseConfig::default();
    let often = NoiseConfig { interval: std::time::Duration::ZERO, ..default };
    let seldom = NoiseConfig { spread: std::time::Duration::MAX, ..default };
    let small = NoiseConfig { queue_bytes: 61_439, ..default };
    assert_eq!(*default.check().unwrap().config(), default);
    let early = NoiseConfig { lead: default.interval, ..default };
    assert!(matches!(early.check(), Err(NoiseConfigError::TooEarly { .. })));
    assert!(matches!(often.check(), Err(NoiseConfigError::TooOften(_))));
    assert!(matches!(seldom.check(), Err(NoiseConfigError::TooSeldom(_))));
    let needed = 61_440;
    assert_eq!(small.check(), Err(NoiseConfigError::QueueTooSmall { found: 61_439, needed }));
    assert_eq!((FrameSize::new(63), FrameSize::new(65_001)), (None, None));
}

proptest! {
    #[test]
    fn any_message_of_any_size_arrives(
        bytes in prop::collection::vec(any::<u8>(), 1..2_000),
        size in FrameSize::MIN..300,
        message: u32,
    ) {
        let size = FrameSize::new(size).unwrap();
        let Some(count) = size.fragments(bytes.len()) else {
            prop_assert!(bytes.len() > size.max_message());
            return Ok(());
        };
        let mut reassembler = Reassembler::new(size);
        for index in 0..count {
            let frame = Fragment::of(message, index, &bytes, size).unwrap().encode(size);
            prop_assert_eq!(frame.len(), size.bytes());
            let empty = Fragment::empty(7).encode(size);
            prop_assert_eq!(reassembler.handle_frame(&empty), Ok(None));
            let whole = (index + 1 == count).then(|| bytes.clone());
            prop_assert_eq!(reassembler.handle_frame(&frame), Ok(whole));
        }
        prop_assert_eq!(reassembler.held(), 0);
        prop_assert_eq!(Fragment::of(message, count, &bytes, size), None);
    }

    #[test]
    fn a_frame_of_a_stranger_is_read_in_one_way(frame in prop::collection::vec(any::<u8>(), 64..=64)) {
        let size = FrameSize::new(64).unwrap();
        let mut frame = frame;
        frame[5] %= 4;
        frame[6] = 0;
        if let Ok(fragment) = Fragment::decode(&frame, size) {
            prop_assert_eq!(fragment.encode(size), frame);
        }
    }
}

#[test]
fn every_rule_of_a_frame_has_its_error() {
    let decode = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut frame = cut(&message(2, 9), 1)[0].clone();
        edit(&mut frame);
        Fragment::decode(&frame, SIZE).map(|_| ())
    };
    assert_eq!(decode(&|_| {}), Ok(()));
    let short = FrameError::Size { found: 3_071, expected: 3_072 };
    assert_eq!(decode(&|frame| frame.truncate(3_071)), Err(short));
    assert_eq!(short.blame(), Blame::Incompatible);
    assert_eq!(decode(&|frame| frame[5] = 21), Err(FrameError::Count(21)));
    assert_eq!(decode(&|frame| frame[4] = 2), Err(FrameError::Index { index: 2, count: 2 }));
    let not_full = FrameError::Length { length: 3_063, index: 0, count: 2 };
    let shorten = |frame: &mut Vec<u8>| {
        frame[7] -= 1;
        frame[3_071] = 0;
    };
    assert_eq!(decode(&shorten), Err(not_full));
    assert_eq!(decode(&|frame| frame[7] -= 1), Err(FrameError::Padding));
    let too_long = FrameError::Length { length: u16::MAX, index: 0, count: 2 };
    assert_eq!(decode(&|frame| frame[6..8].fill(255)), Err(too_long));

    let empty = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut frame = Fragment::empty(1).encode(SIZE);
        edit(&mut frame);
        Fragment::decode(&frame, SIZE).map(|_| ())
    };
    assert_eq!(empty(&|_| {}), Ok(()));
    let full = FrameError::Length { length: 1, index: 0, count: 0 };
    assert_eq!(empty(&|frame| frame[7] = 1), Err(full));
    let last_is_empty = FrameError::Length { length: 0, index: 0, count: 1 };
    assert_eq!(empty(&|frame| frame[5] = 1), Err(last_is_empty));
    assert_eq!(empty(&|frame| frame[4] = 255), Err(FrameError::Index { index: 255, count: 0 }));
}

#[test]
fn what_is_missing_repeated_or_mixed_is_noticed() {
    let (one, two) = (cut(&message(3, 1), 1), cut(&message(3, 2), 2));
    let (short, mut new) = (cut(&message(2, 3), 1), Reassembler::new(SIZE));
    for (frames, error) in [
        (vec![&one[1]], FrameError::NotBegun(1)),
        (vec![&one[0], &one[2]], FrameError::OutOfOrder { expected: 1, found: 2 }),
        (vec![&one[0], &one[1], &one[1]], FrameError::OutOfOrder { expected: 2, found: 1 }),
        (vec![&one[0], &two[1]], FrameError::OutOfOrder { expected: 1, found: 1 }),
        (vec![&one[0], &short[1]], FrameError::OutOfOrder { expected: 1, found: 1 }),
        (vec![&one[0], &two[0], &one[1]], FrameError::OutOfOrder { expected: 1, found: 1 }),
    ] {
        assert_eq!(hear(&mut new, &frames), Err(error));
        assert_eq!(error.blame(), Blame::Misbehaved);
        assert_eq!(new.held(), 0, "a message with a fault is dropped");
    }
    let begun_again = [&one[0], &one[1], &one[0], &one[1], &one[2]];
    assert_eq!(hear(&mut new, &begun_again), Ok(Some(message(3, 1).to_vec())));
}

#[test]
fn who_never_ends_a_message_costs_one_message_of_memory() {
    let endless = cut(&message(20, 1), 1);
    let mut reassembler = Reassembler::new(SIZE);
    for round in 0..1_000 {
        let index = round % 20;
        // The last fragment never comes.
        if index < 19 {
            assert_eq!(reassembler.handle_frame(&endless[index]), Ok(None));
        }
        assert!(reassembler.held() <= SIZE.max_message());
    }
}
