//! Limits, floods and scores; property tests name the formula they check.

use proptest::prelude::*;

use super::*;

fn at(millis: u64) -> Instant {
    Instant::from_micros(millis * 1000)
}

#[test]
fn an_idle_link_may_burst_and_then_keeps_the_interval() {
    let mut pacer = Pacer::new();
    for _ in 0..Pacer::BURST {
        assert_eq!(pacer.poll(at(1000)), Ok(()));
    }
    assert_eq!(pacer.poll(at(1000)), Err(at(1150)));
    assert_eq!(pacer.poll(at(1149)), Err(at(1150)));
    assert_eq!(pacer.poll(at(1150)), Ok(()));
    assert_eq!(pacer.poll(at(1150)), Err(at(1300)));
}

#[test]
fn a_pacer_survives_a_clock_that_goes_back() {
    let mut pacer = Pacer::new();
    assert_eq!(pacer.poll(at(10_000)), Ok(()));
    let sent = (0..100).filter(|_| pacer.poll(at(5_000)).is_ok()).count();
    assert!(sent < Pacer::BURST as usize);
}

#[test]
fn a_greedy_sender_reaches_the_limit_and_no_more() {
    let mut pacer = Pacer::new();
    let sent = (0..=60_000).filter(|millis| pacer.poll(at(*millis)).is_ok()).count();
    assert_eq!(sent, Pacer::PER_MINUTE as usize);
}

proptest! {
    /// B + W/T <= 450 for every window, however the sender behaves.
    #[test]
    fn no_window_holds_more_than_the_limit(
        waits in prop::collection::vec((0u64..20_000_000, 1usize..200), 1..20),
    ) {
        let mut pacer = Pacer::new();
        let (mut now, mut sent) = (0, Vec::new());
        for (wait, tries) in waits {
            now += wait;
            for _ in 0..tries {
                match pacer.poll(Instant::from_micros(now)) {
                    Ok(()) => sent.push(now),
                    Err(next) => {
                        prop_assert!(next.as_micros() > now);
                        if wait % 2 == 0 {
                            now = next.as_micros();
                        }
                    }
                }
            }
        }
        for (i, start) in sent.iter().enumerate() {
            let end = sent.partition_point(|at| *at <= start + 60_000_000);
            prop_assert!(end - i <= Pacer::PER_MINUTE as usize);
        }
    }

    /// N in every 60 s <= limit implies a level of at most the limit.
    #[test]
    fn who_keeps_the_limit_is_never_flagged(
        steps in prop::collection::vec((0u64..90_000, 1usize..60), 1..30),
    ) {
        let limits = MeterLimits { messages_per_minute: 20, ..MeterLimits::default() };
        let mut meter = Meter::new(limits);
        let (mut now, mut sent) = (0u64, Vec::<u64>::new());
        for (wait, tries) in steps {
            now += wait;
            for _ in 0..tries {
                if sent.iter().filter(|at| *at + 60_000 >= now).count() < 20 {
                    sent.push(now);
                    prop_assert_eq!(meter.handle_message(at(now)), Ok(()));
                }
            }
        }
    }
}

#[test]
fn more_messages_than_allowed_are_a_flood() {
    let mut meter = Meter::new(MeterLimits::default());
    assert!((0..500).all(|_| meter.handle_message(at(0)).is_ok()));
    assert_eq!(meter.handle_message(at(0)), Err(Flood::Messages));
    assert_eq!(meter.handle_message(at(119)), Err(Flood::Messages));
    assert_eq!(meter.handle_message(at(240)), Ok(()));
}

#[test]
fn bytes_have_a_budget() {
    let limits = MeterLimits { messages_per_minute: 1, bytes_per_second: 1000, byte_burst: 5000 };
    let mut meter = Meter::new(limits);
    assert_eq!(meter.handle_bytes(6000, at(0)), Ok(()));
    assert_eq!(meter.handle_bytes(1, at(0)), Err(Flood::Bytes));
    assert_eq!(meter.handle_bytes(1000, at(1000)), Ok(()));
    assert_eq!(meter.handle_bytes(u64::MAX, at(u64::MAX / 1000)), Err(Flood::Bytes));
}

#[test]
fn every_offence_is_banned_by_its_weight() {
    let times = |offence| {
        let mut score = Score::new();
        (1..).find(|_| score.handle_offence(offence, at(0)) == Verdict::Ban).unwrap()
    };
    assert_eq!(times(Offence::InvalidProof), 1);
    assert_eq!(times(Offence::Flood), 1);
    assert_eq!(times(Offence::MalformedFrame), 2);
    assert_eq!(times(Offence::Protocol), 2);
    assert_eq!(times(Offence::BadTransaction), 2);
    assert_eq!(times(Offence::Unsolicited), 10);
    assert_eq!(times(Offence::Refused), 100);
}

#[test]
fn points_are_forgotten_one_a_minute() {
    let mut score = Score::new();
    assert_eq!(score.handle_offence(Offence::MalformedFrame, at(0)), Verdict::Tolerate);
    assert_eq!(score.handle_offence(Offence::MalformedFrame, at(60_000)), Verdict::Tolerate);
    assert_eq!(score.handle_offence(Offence::Refused, at(60_000)), Verdict::Ban);
}

#[test]
fn honest_faults_cost_nothing() {
    assert_eq!(Offence::of(Blame::Ours), None);
    assert_eq!(Offence::of(Blame::Incompatible), None);
    assert_eq!(Offence::of(Blame::Malformed), Some(Offence::MalformedFrame));
    assert_eq!(Offence::of(Blame::Misbehaved), Some(Offence::Protocol));
}
