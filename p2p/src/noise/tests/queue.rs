//! Whose turn it is, and who gives way.

use proptest::prelude::*;

use super::*;

fn queue(frames: usize) -> Queue {
    Queue::new(SIZE, frames * SIZE.bytes())
}

fn push(queue: &mut Queue, source: Source, ticket: u64, frames: usize) -> Vec<u64> {
    let displaced = queue.push(source, Ticket(ticket), message(frames, 0)).unwrap();
    displaced.into_iter().map(|ticket| ticket.0).collect()
}

fn drain(queue: &mut Queue) -> Vec<u64> {
    std::iter::from_fn(|| queue.pop()).map(|(ticket, _)| ticket.0).collect()
}

#[test]
fn one_source_is_first_come_first_served() {
    let mut queue = queue(40);
    (0..5).for_each(|ticket| drop(push(&mut queue, OWN, ticket, 1 + ticket as usize)));
    assert_eq!(queue.held(), 15 * SIZE.bytes());
    assert_eq!(drain(&mut queue), [0, 1, 2, 3, 4]);
    assert!(queue.is_empty());
}

#[test]
fn sources_take_turns_by_frames() {
    let mut queue = queue(40);
    (0..2).for_each(|ticket| drop(push(&mut queue, peer(1), ticket, 6)));
    (10..16).for_each(|ticket| drop(push(&mut queue, OWN, ticket, 2)));
    // Two sources, six frames of one against three times two of the other.
    assert_eq!(drain(&mut queue), [0, 10, 11, 12, 1, 13, 14, 15]);
}

#[test]
fn who_comes_back_at_once_does_not_go_first_again() {
    let mut queue = queue(40);
    (0..3).for_each(|ticket| drop(push(&mut queue, OWN, ticket, 4)));
    let mut order = Vec::new();
    for ticket in 10..16 {
        push(&mut queue, peer(1), ticket, 4);
        order.extend(queue.pop().map(|(ticket, _)| ticket.0));
    }
    assert_eq!(order, [0, 10, 1, 11, 2, 12]);
}

/// Nobody learns from the order which source is the owner.
#[test]
fn the_owner_is_one_source_among_others() {
    let story = |owner: Source, others: [Source; 2]| {
        let [first, second] = others;
        let mut queue = queue(30);
        let mut heard = Vec::new();
        for round in 0..8 {
            for (offset, source) in [(0, first), (1, owner), (2, second)] {
                let frames = 1 + (round + offset) % 5;
                if let Ok(displaced) =
                    queue.push(source, Ticket((round * 3 + offset) as u64), message(frames, 0))
                {
                    heard.extend(displaced);
                }
            }
            heard.extend(queue.pop().map(|(ticket, _)| ticket));
        }
        heard.extend(std::iter::from_fn(|| queue.pop()).map(|(ticket, _)| ticket));
        heard
    };
    let as_owner = story(OWN, [peer(1), peer(2)]);
    assert_eq!(story(peer(3), [peer(1), peer(2)]), as_owner);
    assert_eq!(story(peer(1), [OWN, peer(2)]), as_owner);
    assert_eq!(story(peer(2), [peer(1), OWN]), as_owner);
}

#[test]
fn the_largest_holder_makes_room() {
    let mut queue = queue(20);
    (0..10).for_each(|ticket| drop(push(&mut queue, peer(1), ticket, 2)));
    assert_eq!(push(&mut queue, OWN, 100, 3), [9, 8], "the latest of the flood go");
    assert_eq!(push(&mut queue, peer(2), 200, 1), [] as [u64; 0]);
    assert_eq!(queue.push(peer(1), Ticket(10), message(2, 0)), Err(QueueError::Full));
    assert_eq!(push(&mut queue, OWN, 101, 4), [7, 6]);
    let held = queue.held();
    assert_eq!(queue.push(OWN, Ticket(102), message(20, 0)), Err(QueueError::Full));
    assert_eq!(queue.held(), held);
}

#[test]
fn what_does_not_fit_is_told_to_the_owner() {
    let mut queue = queue(40);
    assert_eq!(queue.push(OWN, Ticket(1), Bytes::new()), Err(QueueError::Empty));
    let too_long = QueueError::TooLong { length: 61_281, limit: 61_280 };
    assert_eq!(queue.push(OWN, Ticket(1), vec![0; 61_281].into()), Err(too_long));
    assert!(queue.push(OWN, Ticket(1), vec![0; 61_280].into()).is_ok());
}

#[test]
fn what_is_cancelled_leaves_no_trace() {
    let mut queue = queue(40);
    (0..3).for_each(|ticket| drop(push(&mut queue, OWN, ticket, 2)));
    assert!(queue.cancel(Ticket(1)));
    assert!(!queue.cancel(Ticket(1)));
    assert_eq!(queue.held(), 4 * SIZE.bytes());
    assert_eq!(drain(&mut queue), [0, 2]);
    assert!(!queue.cancel(Ticket(0)));
}

proptest! {
    /// Bytes held <= limit, every message is popped, displaced, refused or cancelled exactly once,
    /// and messages of one source keep their order.
    #[test]
    fn every_message_has_one_end(
        ops in prop::collection::vec((0u8..4, 0u64..5, 1usize..=20), 1..120),
    ) {
        let (mut queue, limit) = (queue(30), 30 * SIZE.bytes());
        let mut ends = std::collections::BTreeMap::new();
        let mut last = std::collections::BTreeMap::new();
        let mut end = |ticket: Ticket| *ends.entry(ticket).or_insert(0) += 1;
        let mut sources = Vec::new();
        for (index, (op, source, frames)) in ops.iter().enumerate() {
            let ticket = Ticket(sources.len() as u64);
            match op {
                0 => if let Some((ticket, _)) = queue.pop() {
                    let source: Source = sources[ticket.0 as usize];
                    prop_assert!(last.insert(source, ticket) < Some(ticket));
                    end(ticket);
                },
                1 if index % 3 == 0 => {
                    let ticket = Ticket(*source);
                    if queue.cancel(ticket) { end(ticket) }
                }
                _ => {
                    let source = if *source == 0 { OWN } else { peer(*source) };
                    sources.push(source);
                    match queue.push(source, ticket, message(*frames, 0)) {
                        Ok(displaced) => displaced.into_iter().for_each(&mut end),
                        Err(error) => {
                            prop_assert_eq!(error, QueueError::Full);
                            end(ticket);
                        }
                    }
                }
            }
            prop_assert!(queue.held() <= limit);
        }
        while let Some((ticket, _)) = queue.pop() {
            end(ticket);
        }
        prop_assert_eq!(queue.held(), 0);
        let ends: Vec<_> = ends.into_values().collect();
        prop_assert_eq!(ends, vec![1; sources.len()]);
    }
}
