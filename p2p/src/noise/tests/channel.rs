//! Times, restarts, and both channels together.

use std::time::Duration;

use proptest::prelude::*;
use scape_pool::Instant;

use super::*;

fn noise() -> ValidNoise {
    NoiseConfig::default().check().unwrap()
}

fn channel(seed: u8) -> Channel {
    Channel::new(&noise(), [seed; 32], Instant::ZERO)
}

/// Lets a channel send that many frames, each in time.
fn run(channel: &mut Channel, frames: usize) -> Vec<(Instant, Due)> {
    let mut next = || {
        let now = channel.poll_timeout();
        channel.handle_timeout(now).map(|due| (now, due))
    };
    (0..frames).filter_map(|_| next()).collect()
}

#[test]
fn frames_come_at_the_interval_whatever_waits() {
    let times = |messages: usize| -> Vec<Instant> {
        let mut channel = channel(1);
        channel.attach(PeerId(1));
        for ticket in 0..messages {
            channel.push(OWN, Ticket(ticket as u64), message(3, 1)).unwrap();
        }
        let frames = run(&mut channel, 200);
        let lead = NoiseConfig::default().lead;
        assert!(frames.iter().all(|(made, due)| due.at == *made + lead));
        frames.into_iter().map(|(_, due)| due.at).collect()
    };
    let silent = times(0);
    assert_eq!(times(10), silent, "to the microsecond");
    assert_eq!(silent.len(), 200);
    for pair in silent.windows(2) {
        let interval = pair[1].saturating_since(pair[0]);
        assert!((Duration::from_secs(10)..=Duration::from_secs(15)).contains(&interval));
    }
}

#[test]
fn nothing_but_time_makes_a_frame() {
    let mut channel = channel(2);
    let due = channel.poll_timeout();
    channel.attach(PeerId(1));
    channel.push(OWN, Ticket(1), message(1, 1)).unwrap();
    let early = Instant::from_micros(due.as_micros() - 1);
    assert_eq!(channel.handle_timeout(early), None);
    channel.attach(PeerId(2));
    channel.detach();
    channel.cancel(Ticket(1));
    assert_eq!(channel.poll_timeout(), due, "no call moves the next frame");
    assert_eq!(channel.handle_timeout(due), None, "nobody is there");
    assert!(channel.poll_timeout() > due, "and time goes on all the same");
}

proptest! {
    /// The times of frames are a grid: whenever it is called, a channel that is up to an hour late
    /// is on the grid that one in time is on.
    #[test]
    fn a_late_call_does_not_shift_what_follows(
        waits in prop::collection::vec(prop_oneof![0u64..4_000_000, 0u64..60_000_000], 1..60),
        seed: u8,
    ) {
        let (mut late, mut prompt) = (channel(seed), channel(seed));
        let mut now = 0;
        for wait in waits {
            now += wait;
            let at = Instant::from_micros(now);
            let made = late.poll_timeout();
            let sent = made + NoiseConfig::default().lead;
            late.attach(PeerId(1));
            let frame = late.handle_timeout(at);
            prop_assert_eq!(frame.map(|due| due.at), (made <= at && at <= sent).then_some(sent));
            prop_assert_eq!(late.handle_timeout(at), None, "missed frames are not made up for");
            while prompt.poll_timeout() <= at {
                prompt.handle_timeout(prompt.poll_timeout());
            }
            prop_assert_eq!(late.poll_timeout(), prompt.poll_timeout());
        }
    }
}

#[test]
fn a_clock_that_jumps_by_years_is_followed() {
    let mut channel = channel(3);
    channel.attach(PeerId(1));
    let far = Instant::from_secs(100 * 365 * 86_400);
    assert_eq!(channel.handle_timeout(far), None, "its time is long past");
    let wait = channel.poll_timeout().saturating_since(far);
    assert!((Duration::from_secs(10)..=Duration::from_secs(15)).contains(&wait));
    channel.handle_timeout(Instant::from_micros(u64::MAX - 100_000_000));
}

#[test]
fn messages_arrive_among_empty_frames() {
    let mut channel = channel(4);
    channel.attach(PeerId(7));
    let mut reassembler = Reassembler::new(SIZE);
    let mut hear = |channel: &mut Channel, frames| {
        let frames = run(channel, frames);
        assert!(frames.iter().all(|(_, due)| due.peer == PeerId(7)));
        assert!(frames.iter().all(|(_, due)| due.frame.len() == SIZE.bytes()));
        let sent: Vec<_> = frames.iter().filter_map(|(_, due)| due.sent).collect();
        let whole = frames.iter().map(|(_, due)| reassembler.handle_frame(&due.frame).unwrap());
        (whole.flatten().collect::<Vec<_>>(), sent)
    };
    assert_eq!(hear(&mut channel, 3), (vec![], vec![]));
    channel.push(OWN, Ticket(1), message(3, 1)).unwrap();
    channel.push(peer(2), Ticket(2), message(1, 2)).unwrap();
    assert_eq!(hear(&mut channel, 2), (vec![], vec![]));
    assert_eq!(channel.held(), 4 * SIZE.bytes());
    let (whole, sent) = hear(&mut channel, 5);
    assert_eq!(whole, [message(3, 1), message(1, 2)]);
    assert_eq!(sent, [Ticket(1), Ticket(2)]);
    assert_eq!(channel.held(), 0);
}

#[test]
fn a_message_starts_again_for_another_peer() {
    let mut channel = channel(5);
    channel.push(OWN, Ticket(1), message(4, 1)).unwrap();
    for (id, frames) in [(1, 3), (2, 1), (2, 3)] {
        channel.attach(PeerId(id));
        let mut reassembler = Reassembler::new(SIZE);
        for (_, due) in run(&mut channel, frames) {
            assert_eq!((due.peer, due.sent), (PeerId(id), None));
            assert_eq!(reassembler.handle_frame(&due.frame), Ok(None), "from its beginning");
        }
    }
    channel.detach();
    assert!(run(&mut channel, 5).is_empty());
    channel.attach(PeerId(3));
    let mut reassembler = Reassembler::new(SIZE);
    let frames = run(&mut channel, 4);
    assert_eq!(frames[3].1.sent, Some(Ticket(1)));
    let last = frames.iter().map(|(_, due)| reassembler.handle_frame(&due.frame)).last();
    assert_eq!(last, Some(Ok(Some(message(4, 1).to_vec()))));
}

#[test]
fn an_epoch_that_keeps_the_peer_does_not_confuse_it() {
    let mut channel = channel(6);
    let mut reassembler = Reassembler::new(SIZE);
    channel.push(OWN, Ticket(1), message(3, 1)).unwrap();
    channel.attach(PeerId(1));
    let mut frames = run(&mut channel, 2);
    channel.attach(PeerId(1));
    frames.extend(run(&mut channel, 2));
    assert!(channel.cancel(Ticket(1)), "half of it is out");
    channel.push(OWN, Ticket(2), message(2, 2)).unwrap();
    frames.extend(run(&mut channel, 3));
    let whole = frames.iter().map(|(_, due)| reassembler.handle_frame(&due.frame).unwrap());
    assert_eq!(whole.flatten().collect::<Vec<_>>(), [message(2, 2)]);
}

#[test]
fn a_message_goes_to_whom_it_is_for_and_both_channels_look_alike() {
    let mut channels = Channels::new(&noise(), [7; 32], Instant::ZERO);
    assert_eq!(channels.assign(&[PeerId(1), PeerId(2)]), []);
    assert_eq!(channels.push(PeerId(2), OWN, Ticket(1), message(2, 1)), Ok(vec![]));
    let nobody = channels.push(PeerId(3), OWN, Ticket(2), message(1, 2));
    assert_eq!(nobody, Err(QueueError::NoChannel));
    let mut sent = Vec::new();
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..40 {
        let now = channels.poll_timeout();
        for due in channels.handle_timeout(now).into_iter().flatten() {
            times[due.peer.0 as usize - 1].push(due.at);
            sent.extend(due.sent.map(|ticket| (due.peer, ticket)));
        }
    }
    assert_eq!(sent, [(PeerId(2), Ticket(1))]);
    assert!(times.iter().all(|times| times.len() > 10));
    assert!(times[0].iter().all(|at| !times[1].contains(at)), "their times differ");
}

#[test]
fn what_waited_for_a_peer_that_is_gone_is_given_back() {
    let mut channels = Channels::new(&noise(), [8; 32], Instant::ZERO);
    let peers = |channels: &Channels| [0, 1].map(|i| channels.get(i).unwrap().peer());
    channels.assign(&[PeerId(1), PeerId(2)]);
    for ticket in 0..3 {
        let relay = PeerId(1 + ticket % 2);
        channels.push(relay, OWN, Ticket(ticket), message(3, 1)).unwrap();
    }
    // One of each is half way.
    (0..4).for_each(|_| drop(channels.handle_timeout(channels.poll_timeout())));
    assert_eq!(channels.assign(&[PeerId(3), PeerId(2)]), [Ticket(0), Ticket(2)]);
    assert_eq!(peers(&channels), [Some(PeerId(3)), Some(PeerId(2))]);
    assert!(channels.get(1).unwrap().held() > 0, "whoever stays is not disturbed");
    assert_eq!(channels.assign(&[PeerId(2), PeerId(3)]), [], "whatever their order");
    assert_eq!(peers(&channels), [Some(PeerId(3)), Some(PeerId(2))], "nor do channels");
    assert_eq!(channels.assign(&[PeerId(4)]), [Ticket(1)]);
    assert_eq!(peers(&channels), [Some(PeerId(4)), None]);
    assert_eq!(channels.push(PeerId(2), OWN, Ticket(9), message(1, 1)), Err(QueueError::NoChannel));
}

#[test]
fn a_message_that_is_not_needed_any_more_is_not_sent() {
    let mut channels = Channels::new(&noise(), [9; 32], Instant::ZERO);
    channels.assign(&[PeerId(1)]);
    for ticket in 0..2 {
        channels.push(PeerId(1), OWN, Ticket(ticket), message(20, 1)).unwrap();
    }
    let third = |channels: &mut Channels| channels.push(PeerId(1), OWN, Ticket(2), message(20, 1));
    assert_eq!(third(&mut channels), Err(QueueError::Full));
    channels.cancel(Ticket(0));
    assert_eq!(third(&mut channels), Ok(vec![]));
    channels.cancel(Ticket(1));
    channels.cancel(Ticket(2));
    assert_eq!(channels.get(0).unwrap().held(), 0);
}
