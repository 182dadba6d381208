//! Bounds, backoff, diversity, and text there and back.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;

const NOW: UnixTime = UnixTime(1_000_000);

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(7)
}

fn host(text: &str) -> Host {
    text.parse().unwrap()
}

fn addr(text: &str) -> PeerAddr {
    text.parse().unwrap()
}

fn source(group: u8) -> Source {
    Source::Peer(NetGroup::Ip(Group::V4([group, 0])))
}

fn nth(n: u32) -> PeerAddr {
    let [_, a, b, c] = n.to_be_bytes();
    PeerAddr::Ip(([20 + a, b, c, 1], 3414).into())
}

fn book(addrs: &[&str]) -> Book {
    let mut book = Book::new(BookConfig::default());
    for text in addrs {
        assert_eq!(book.add(addr(text), Source::Trusted, NOW), Ok(true));
    }
    book
}

#[test]
fn unusable_addresses_are_refused() {
    let mut book = Book::new(BookConfig::default());
    let mut refused = |text: &str| {
        let addr: std::net::SocketAddr = text.parse().unwrap();
        book.add(addr, source(1), NOW).unwrap_err()
    };
    assert_eq!(refused("1.2.3.4:0"), AddError::NoPort);
    let nobody = ["0.0.0.0:1", "0.0.0.1:1", "224.0.0.1:1", "255.255.255.255:1", "250.1.1.1:1"];
    for text in nobody.into_iter().chain(["[::]:1", "[ff02::1]:1"]) {
        assert_eq!(refused(text), AddError::NoHost, "{text}");
    }
    let private = ["127.0.0.1:1", "10.1.1.1:1", "192.168.1.1:1", "169.254.0.1:1", "100.64.0.1:1"];
    for text in private.into_iter().chain(["[::1]:1", "[fc00::1]:1", "[fe80::1]:1"]) {
        assert_eq!(refused(text), AddError::NotPublic, "{text}");
    }
    assert_eq!(refused("[::ffff:127.0.0.1]:1"), AddError::NotPublic);
    let mut open = Book::new(BookConfig { allow_private: true, ..BookConfig::default() });
    assert_eq!(open.add(addr("127.0.0.1:1"), source(1), NOW), Ok(true));
}

#[test]
fn one_address_is_one_entry() {
    let mut book = book(&["1.2.3.4:5"]);
    assert_eq!(book.add(addr("[::ffff:1.2.3.4]:5"), source(1), NOW), Ok(false));
    assert_eq!(book.len(), 1);
    assert_eq!(book.get(addr("1.2.3.4:5")).unwrap().source, Source::Trusted);
}

#[test]
fn a_source_fills_only_its_share() {
    let mut book = Book::new(BookConfig { max_per_source: 10, ..BookConfig::default() });
    let added = (0..100).filter(|n| book.add(nth(n << 8), source(1), NOW).is_ok()).count();
    assert_eq!(added, 10);
    assert_eq!(book.add(nth(99 << 8), source(1), NOW), Err(AddError::SourceFull));
    assert_eq!(book.add(nth(99 << 8), source(2), NOW), Ok(true));
    (0..3).for_each(|_| book.handle_failed(nth(5 << 8), NOW));
    assert_eq!(book.add(nth(98 << 8), source(1), NOW), Ok(true));
    assert_eq!(book.get(nth(5 << 8)), None);
}

#[test]
fn a_group_has_only_a_few_entries() {
    let mut book = Book::new(BookConfig { max_per_group: 4, ..BookConfig::default() });
    let results: Vec<_> = (0..6).map(|n| book.add(nth(n), Source::Trusted, NOW)).collect();
    assert!(results[..4].iter().all(|result| *result == Ok(true)));
    assert_eq!(results[4], Err(AddError::GroupFull));
}

#[test]
fn a_full_book_gives_up_only_defunct_entries() {
    let mut book = Book::new(BookConfig { max_entries: 5, ..BookConfig::default() });
    (0..5).for_each(|n| assert_eq!(book.add(nth(n << 8), Source::Trusted, NOW), Ok(true)));
    assert_eq!(book.add(nth(9 << 8), Source::Trusted, NOW), Err(AddError::BookFull));
    for (n, at) in [(3, 50), (2, 40)] {
        (0..3).for_each(|_| book.handle_failed(nth(n << 8), UnixTime(at)));
    }
    assert_eq!(book.add(nth(9 << 8), Source::Trusted, NOW), Ok(true));
    assert!(book.get(nth(2 << 8)).is_none() && book.get(nth(3 << 8)).is_some());
}

#[test]
fn backoff_doubles_up_to_its_limit() {
    let mut book = book(&["1.2.3.4:5"]);
    let it = addr("1.2.3.4:5");
    book.handle_attempt(it, NOW);
    let mut waits = Vec::new();
    for _ in 0..14 {
        waits.push(book.get(it).unwrap().next_attempt().0 - NOW.0);
        book.handle_failed(it, NOW);
    }
    assert_eq!(waits[..6], [30, 30, 60, 120, 240, 480]);
    assert_eq!(waits[13], Book::BACKOFF_MAX);
    let due = book.get(it).unwrap().next_attempt();
    assert_eq!(book.pick(UnixTime(due.0 - 1), &mut rng(), &[], &[]), None);
    assert_eq!(book.pick(due, &mut rng(), &[], &[]), Some(it));
    book.handle_connected(it, Capabilities::RELAY, due);
    assert_eq!(book.get(it).unwrap().failures, 0);
}

#[test]
fn a_clock_set_back_does_not_lock_entries_away() {
    let mut book = book(&["1.2.3.4:5"]);
    book.handle_failed(addr("1.2.3.4:5"), UnixTime(NOW.0 * 2));
    assert_eq!(book.pick(NOW, &mut rng(), &[], &[]), Some(addr("1.2.3.4:5")));
}

#[test]
fn states_follow_what_happens() {
    let it = addr("1.2.3.4:5");
    let mut book = book(&["1.2.3.4:5"]);
    let state = |book: &Book| book.get(it).unwrap().state;
    assert_eq!(state(&book), State::Unknown);
    book.handle_connected(it, Capabilities::RELAY, NOW);
    book.handle_failed(it, NOW);
    book.handle_failed(it, NOW);
    assert_eq!(state(&book), State::Healthy);
    book.handle_failed(it, NOW);
    assert_eq!(state(&book), State::Defunct);
    book.handle_connected(it, Capabilities::RELAY, NOW);
    assert_eq!(state(&book), State::Healthy);
}

#[test]
fn pick_prefers_other_groups_and_keeps_to_exclusions() {
    let book = book(&["1.2.3.4:5", "1.2.9.9:5", "7.7.7.7:5"]);
    let near = [NetGroup::Ip(Group::V4([1, 2]))];
    for seed in 0..50 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        assert_eq!(book.pick(NOW, &mut rng, &near, &[]), Some(addr("7.7.7.7:5")));
        let left = book.pick(NOW, &mut rng, &near, &[addr("7.7.7.7:5"), addr("1.2.3.4:5")]);
        assert_eq!(left, Some(addr("1.2.9.9:5")));
    }
    let all = [addr("1.2.3.4:5"), addr("1.2.9.9:5"), addr("[::ffff:7.7.7.7]:5")];
    assert_eq!(book.pick(NOW, &mut rng(), &[], &all), None);
}

#[test]
fn groups_weigh_the_same_however_many_addresses_they_have() {
    let mut book = Book::new(BookConfig::default());
    (0..60).for_each(|n| assert_eq!(book.add(nth(n), Source::Trusted, NOW), Ok(true)));
    book.add(addr("99.1.1.1:1"), Source::Trusted, NOW).unwrap();
    let mut rng = rng();
    let picks = (0..1000).filter_map(|_| book.pick(NOW, &mut rng, &[], &[]));
    let single = picks.filter(|pick| *pick == addr("99.1.1.1:1")).count();
    assert!((400..600).contains(&single), "{single}");
}

#[test]
fn healthy_entries_are_picked_three_in_four_times_and_defunct_ones_last() {
    let mut book = book(&["1.1.1.1:1", "2.2.2.2:2", "3.3.3.3:3"]);
    book.handle_connected(addr("1.1.1.1:1"), Capabilities::RELAY, NOW);
    (0..3).for_each(|_| book.handle_failed(addr("3.3.3.3:3"), UnixTime(1)));
    let (mut rng, mut counts) = (rng(), BTreeMap::new());
    for _ in 0..1000 {
        *counts.entry(book.pick(NOW, &mut rng, &[], &[]).unwrap()).or_insert(0) += 1;
    }
    assert!((700..800).contains(&counts[&addr("1.1.1.1:1")]));
    assert_eq!(counts.get(&addr("3.3.3.3:3")), None);
}

#[test]
fn bans_cover_the_host_and_end() {
    let mut book = book(&["1.2.3.4:5"]);
    book.ban(addr("1.2.3.4:1"), UnixTime(NOW.0 + 10));
    book.ban(host("2001:db8::1"), UnixTime(NOW.0 + 10));
    book.ban(addr("1.2.3.4:1"), UnixTime(NOW.0 + 5));
    let banned = |ip: &str, at| book.is_banned(host(ip), UnixTime(NOW.0 + at));
    assert!(banned("1.2.3.4", 9) && banned("::ffff:1.2.3.4", 9) && !banned("1.2.3.4", 10));
    assert!(banned("2001:db8::ffff", 0) && !banned("2001:db8:0:1::1", 0));
    assert_eq!(book.pick(NOW, &mut rng(), &[], &[]), None);
    assert_eq!(book.add(addr("1.2.3.4:9"), Source::Trusted, NOW), Err(AddError::Banned));
    book.forget_ended_bans(UnixTime(NOW.0 + 10));
    assert_eq!(book.bans().count(), 0);
}

#[test]
fn bans_are_bounded_and_the_first_to_end_goes() {
    let mut book = Book::new(BookConfig::default());
    for n in 0..5000u32 {
        book.ban(nth(n), UnixTime(NOW.0 + u64::from(n)));
    }
    assert_eq!(book.bans().count(), Bans::CAPACITY);
    assert!(book.is_banned(nth(4999), NOW) && !book.is_banned(nth(500), NOW));
    assert!(book.unban(nth(4999)) && !book.unban(nth(4999)));
}

#[test]
fn samples_are_healthy_capable_and_at_most_256() {
    let mut book = Book::new(BookConfig::default());
    for n in 0..400 {
        book.add(nth(n << 4), Source::Trusted, NOW).unwrap();
        match n {
            0..300 => book.handle_connected(nth(n << 4), Capabilities::RELAY, NOW),
            300..350 => book.handle_connected(nth(n << 4), Capabilities::NONE, NOW),
            _ => {}
        }
    }
    let sample = book.sample(NOW, &mut rng(), Capabilities::PEER_LIST);
    assert_eq!(sample.len(), 256);
    assert!(sample.iter().all(|addr| book.get(*addr).unwrap().capabilities == Capabilities::RELAY));
    assert!(!sample.is_sorted());
    assert_eq!(sample, book.sample(NOW, &mut rng(), Capabilities::PEER_LIST));
}

#[test]
fn text_is_plain_and_garbage_is_skipped() {
    let mut book = book(&["1.2.3.4:5"]);
    book.handle_connected(addr("1.2.3.4:5"), Capabilities::RELAY, UnixTime(7));
    book.ban(addr("9.9.9.9:1"), UnixTime(99));
    let text = book.to_text();
    assert_eq!(text, "scape-book 1\nban 9.9.9.9 99\npeer 1.2.3.4:5 healthy 7 0 0 12 trusted\n");
    let garbage = "peer\nfoo bar\npeer 1.2.3.4:5 healthy 7 0 0 12 trusted\n\
                   peer 1.2.3.4:0 healthy 7 0 0 12 trusted\nban x 9\nban 1.1.1.1 9 9\n";
    let (read, skipped) = Book::from_text(&(text + garbage), BookConfig::default());
    assert_eq!(skipped, 6);
    assert_eq!(read, book);
    let (other, skipped) = Book::from_text("scape-book 2\nban 1.1.1.1 9\n", BookConfig::default());
    assert_eq!((other.is_empty(), skipped), (true, 2));
}

proptest! {
    /// from_text(to_text(book)) == book, and counts never exceed their limits.
    #[test]
    fn whatever_happens_the_book_keeps_its_bounds_and_survives_text(
        steps in prop::collection::vec((0u8..6, 0u32..600, 0u8..4), 0..200),
    ) {
        let config =
            BookConfig { max_entries: 40, max_per_source: 15, max_per_group: 6, ..BookConfig::default() };
        let mut book = Book::new(config);
        for (at, (step, n, from)) in (1u64..).zip(steps) {
            let (addr, now) = (nth(n), UnixTime(at));
            match step {
                0..=2 => drop(book.add(addr, source(from), now)),
                3 => book.handle_connected(addr, Capabilities::RELAY, now),
                4 => (0..3).for_each(|_| book.handle_failed(addr, now)),
                _ => book.ban(addr, UnixTime(at + 5)),
            }
        }
        prop_assert!(book.len() <= 40);
        prop_assert!(book.per_source.values().all(|count| *count <= 15));
        prop_assert!(book.per_group.values().all(|count| *count <= 6));
        prop_assert_eq!(book.per_group.values().sum::<usize>(), book.len());
        prop_assert_eq!(Book::from_text(&book.to_text(), config), (book, 0));
    }

    /// No text makes reading panic.
    #[test]
    fn any_text_can_be_read(text in "(scape-book 1\n)?(\\PC{0,40}\n){0,9}") {
        Book::from_text(&text, BookConfig::default());
    }
}
