//! Keys as text, one node a line, so that a node knows the sinks at once after a restart:
//!
//! ```text
//! scape-keys 1 <written>
//! proven <addr> <key> <height> <seen> <failures>
//! told <addr> <key> <height> <group>,<group>,<group>
//! ```
//!
//! It holds what any node of our kind may know, and nothing of transactions.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{Keys, Known, MAX_KNOWN, SinkKey, VOUCHERS};
use crate::addr::NetGroup;
use crate::book::UnixTime;

const FIRST_LINE: &str = "scape-keys 1";

/// The most bytes that [`Keys::to_text`] gives. A line has at most 400: an address of I2P has 58, a
/// group of IPv6 22, and numbers have 20.
pub const MAX_KEYS_TEXT: usize = 64 + 400 * MAX_KNOWN;

/// After so many seconds nothing that was written counts any more: many of the nodes are gone, and
/// who elects them elects others than everybody else.
const MAX_AGE: u64 = 24 * 3_600;

impl Keys {
    /// The keys that count, as text; [`Keys::from_text`] reads it back. `now` is written down.
    pub fn to_text(&self, now: UnixTime) -> String {
        let mut out = format!("{FIRST_LINE} {}\n", now.0);
        for (addr, known) in self.known.iter().filter(|(_, known)| known.counts()) {
            let Known { key, height, seen, failures, .. } = known;
            // Writing to a string does not fail.
            let _ = if known.proven {
                writeln!(out, "proven {addr} {key} {height} {seen} {failures}")
            } else {
                let groups: Vec<_> = known.told_by.iter().map(NetGroup::to_string).collect();
                writeln!(out, "told {addr} {key} {height} {}", groups.join(","))
            };
        }
        out
    }

    /// Reads what [`Keys::to_text`] wrote not more than a day ago, by the same bounds. Addresses
    /// that are not `allowed`, and lines that are not understood, are skipped; their number comes
    /// along. Of a text of another version, or an older one, all lines are.
    pub fn from_text(
        text: &str,
        now: UnixTime,
        allowed: impl Fn(&SinkKey) -> bool,
    ) -> (Self, usize) {
        let mut keys = Self::default();
        let mut lines = text.lines();
        let written = lines.next().and_then(|line| line.strip_prefix(FIRST_LINE));
        let written = written.and_then(|rest| rest.trim().parse::<u64>().ok());
        if written.is_none_or(|written| now.0.saturating_sub(written) > MAX_AGE) {
            return (keys, text.lines().count());
        }
        let lines = lines.filter(|line| !line.trim().is_empty());
        let skipped = lines.filter(|line| keys.take_line(line, &allowed).is_none()).count();
        (keys, skipped)
    }

    fn take_line(&mut self, line: &str, allowed: impl Fn(&SinkKey) -> bool) -> Option<()> {
        let words: Vec<&str> = line.split_whitespace().take(7).collect();
        let known = match words[..] {
            ["proven", _, key, height, seen, failures] => Known {
                key: key.parse().ok()?,
                height: height.parse().ok()?,
                proven: true,
                told_by: BTreeSet::new(),
                first: None,
                failures: failures.parse().ok()?,
                seen: seen.parse().ok()?,
            },
            ["told", _, key, height, groups] => {
                let told_by: BTreeSet<NetGroup> =
                    groups.split(',').map(|group| group.parse().ok()).collect::<Option<_>>()?;
                let first = *told_by.first().filter(|_| told_by.len() == VOUCHERS)?;
                Known {
                    key: key.parse().ok()?,
                    height: height.parse().ok()?,
                    proven: false,
                    told_by,
                    first: Some(first),
                    failures: 0,
                    seen: 0,
                }
            }
            _ => return None,
        };
        let addr = words[1].parse().ok()?;
        let fits = allowed(&SinkKey { addr, key: known.key }) && !self.known.contains_key(&addr);
        let has_room = self.has_room(addr.group()) && self.has_share(&known);
        (fits && has_room && self.insert(addr, known)).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use proptest::prelude::*;

    use super::*;
    use crate::addr::PeerAddr;
    use crate::secure::PublicKey;

    const NOW: UnixTime = UnixTime(1_000_000);

    fn sink(group: u16, host: u16, key: u8) -> SinkKey {
        let ([a, b], [c, d]) = (group.to_be_bytes(), host.to_be_bytes());
        let addr = PeerAddr::from(SocketAddr::from(([a, b, c, d], 3_414)));
        SinkKey { addr, key: PublicKey([key; 32]) }
    }

    fn keys() -> Keys {
        let mut keys = Keys::default();
        (0..50).for_each(|n| keys.prove(sink(n, n, n as u8), 100 + u64::from(n)));
        for by in [7, 8, 9] {
            keys.learn(sink(60, 1, 60), sink(by, 1, 0).addr.group(), 70 + u64::from(by));
        }
        keys.learn(sink(61, 1, 61), sink(7, 1, 0).addr.group(), 70);
        keys.fail(sink(3, 3, 3).addr);
        keys
    }

    fn read(text: &str, now: u64) -> (Keys, usize) {
        Keys::from_text(text, UnixTime(now), |_| true)
    }

    #[test]
    fn who_may_be_a_sink_is_known_again_and_what_was_only_heard_is_not() {
        let before = keys();
        let text = before.to_text(NOW);
        let (after, skipped) = read(&text, NOW.0 + 600);
        assert_eq!((after.len(), after.known.len(), skipped), (51, 51, 0));
        assert!(after.nominees().eq(before.nominees()));
        assert_eq!(after.to_text(NOW), text);
        // Two failures more, and it is gone, as it would have been.
        let mut after = after;
        (0..2).for_each(|_| after.fail(sink(3, 3, 3).addr));
        assert_eq!(after.len(), 50);
    }

    #[test]
    fn what_is_a_day_old_or_of_another_version_does_not_count() {
        let text = keys().to_text(NOW);
        assert_eq!(read(&text, NOW.0 + MAX_AGE).0.len(), 51);
        assert_eq!(read(&text, 0).0.len(), 51, "a clock that was set back");
        let all = (0, 52);
        let counts = |(keys, skipped): (Keys, usize)| (keys.len(), skipped);
        assert_eq!(counts(read(&text, NOW.0 + MAX_AGE + 1)), all);
        assert_eq!(counts(read(&text.replace("keys 1", "keys 2"), NOW.0)), all);
        assert_eq!(counts(read("", NOW.0)), (0, 0));
    }

    #[test]
    fn what_breaks_a_rule_is_skipped() {
        let (addr, key) = ("1.2.3.4:3414", "0a".repeat(32));
        let line = |line: &str| {
            let (keys, skipped) = read(&format!("{FIRST_LINE} 5\n{line}\n"), 5);
            assert_eq!(keys.len() + skipped, 1, "{line}");
            keys.len() == 1
        };
        assert!(line(&format!("proven {addr} {key} 5 9 0")));
        assert!(line(&format!("told {addr} {key} 5 1.2.0.0/16,1.3.0.0/16,1.4.0.0/16")));
        for wrong in [
            format!("proven {addr} {key} 5 9"),
            format!("proven {addr} {key} 5 9 0 0"),
            format!("proven {addr} {key} 5 9 -1"),
            format!("proven {addr} {key}00 5 9 0"),
            format!("proven {addr} {} 5 9 0", &key[2..]),
            format!("proven {addr} {} 5 9 0", key.replace('0', "g")),
            format!("proven 1.2.3.4 {key} 5 9 0"),
            format!("told {addr} {key} 5 1.2.0.0/16,1.3.0.0/16"),
            format!("told {addr} {key} 5 1.2.0.0/16,1.2.0.0/16,1.2.0.0/16"),
            format!("told {addr} {key} 5 1.2.0.0/16,1.3.0.0/16,1.4.0.0/16,1.5.0.0/16"),
            format!("heard {addr} {key} 5"),
        ] {
            assert!(!line(&wrong), "{wrong}");
        }
        let text = keys().to_text(NOW);
        let (none, skipped) = Keys::from_text(&text, NOW, |_| false);
        assert_eq!((none.len(), skipped), (0, 51));
        let (once, skipped) = read(&format!("{text}{}", &text[text.find('\n').unwrap()..]), NOW.0);
        assert_eq!((once.len(), skipped), (51, 51), "each is known once");
    }

    #[test]
    fn a_text_that_never_ends_is_bounded_like_all_else() {
        let key = PublicKey([1; 32]);
        let mut text = format!("{FIRST_LINE} 5\n");
        for n in 0..40_000u16 {
            let addr = sink(n / 3, n, 1).addr;
            text += &format!("proven {addr} {key} {} {} 0\n", u64::MAX, u64::MAX);
        }
        let (keys, skipped) = read(&text, 5);
        assert_eq!((keys.len(), skipped), (MAX_KNOWN, 40_000 - MAX_KNOWN));
        assert!(keys.to_text(NOW).len() <= MAX_KEYS_TEXT);
    }

    proptest! {
        #[test]
        fn whatever_is_in_the_file_is_read_or_skipped(text in "\\PC*", line in "(proven|told) [0-9.: /,a]*") {
            for text in [text, format!("{FIRST_LINE} 5\n{line}")] {
                let (keys, _) = read(&text, 5);
                prop_assert!(keys.len() <= MAX_KNOWN);
            }
        }
    }
}
