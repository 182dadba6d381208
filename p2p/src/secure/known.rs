//! The keys of peers that were dialled and encrypted, as SSH knows hosts: what a downgrade is
//! noticed by. As text, one peer a line, the one dialled last at the end:
//!
//! ```text
//! scape-known-keys 1
//! <addr> <key>
//! ```

use std::fmt::Write;
use std::num::NonZeroUsize;

use lru::LruCache;

use super::PublicKey;
use crate::addr::{Network, PeerAddr};

const FIRST_LINE: &str = "scape-known-keys 1";
/// Of how many addresses the key is remembered.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(4_096).expect("not zero");

/// Keys by the address that was dialled, the latest ones, of one network. A zone has its own: the
/// same in two would join them.
#[derive(Debug, Clone)]
pub struct KnownKeys(LruCache<PeerAddr, PublicKey>);

/// Why a text is not what [`KnownKeys::to_text`] wrote. Nothing is skipped: who could leave out a
/// line could hide a downgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KnownKeysError {
    /// The first line names the format.
    #[error("it does not begin with \"{FIRST_LINE}\": another version wrote it, or something else")]
    Version,
    /// Every other line is an address and a key.
    #[error("line {0} is not an address and a key")]
    Line(usize),
    /// Zones share nothing.
    #[error("line {0} has an address of another network")]
    OtherNetwork(usize),
    /// An address has one key.
    #[error("line {0} has an address that was there before")]
    Twice(usize),
    /// No more than a node remembers.
    #[error("it has more than {CAPACITY} addresses")]
    TooMany,
}

impl KnownKeys {
    /// The most bytes that [`KnownKeys::to_text`] gives. A line has at most 134: an onion service
    /// with its port 68, a key 64.
    pub const MAX_TEXT: usize = 64 + 140 * CAPACITY.get();

    /// The key of the peer at this address. It stays longer for having been asked for.
    pub fn get(&mut self, addr: &PeerAddr) -> Option<PublicKey> {
        self.0.get(addr).copied()
    }

    /// Remembers the key that a peer has shown, in place of the one it had before.
    pub fn put(&mut self, addr: PeerAddr, key: PublicKey) {
        self.0.put(addr, key);
    }

    /// How many are known.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them as text; [`KnownKeys::from_text`] reads it back.
    pub fn to_text(&self) -> String {
        let mut out = format!("{FIRST_LINE}\n");
        for (addr, key) in self.0.iter().rev() {
            // Writing to a string does not fail.
            let _ = writeln!(out, "{addr} {key}");
        }
        out
    }

    /// Reads what [`KnownKeys::to_text`] wrote in the zone of this network.
    ///
    /// # Errors
    ///
    /// One [`KnownKeysError`] per rule.
    pub fn from_text(text: &str, network: Network) -> Result<Self, KnownKeysError> {
        let mut known = Self::default();
        let mut lines = (1..).zip(text.lines());
        if lines.next().is_none_or(|(_, first)| first != FIRST_LINE) {
            return Err(KnownKeysError::Version);
        }
        for (number, line) in lines {
            let (addr, key) = take_line(line).ok_or(KnownKeysError::Line(number))?;
            if addr.network() != network {
                return Err(KnownKeysError::OtherNetwork(number));
            }
            if known.0.contains(&addr) {
                return Err(KnownKeysError::Twice(number));
            }
            if known.len() == CAPACITY.get() {
                return Err(KnownKeysError::TooMany);
            }
            known.put(addr, key);
        }
        Ok(known)
    }
}

impl Default for KnownKeys {
    fn default() -> Self {
        Self(LruCache::new(CAPACITY))
    }
}

fn take_line(line: &str) -> Option<(PeerAddr, PublicKey)> {
    let (addr, key) = line.split_once(' ')?;
    Some((addr.parse().ok()?, key.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use proptest::prelude::*;

    use super::*;
    use crate::addr::{I2pAddr, OnionAddr};

    fn addr(n: u16) -> PeerAddr {
        let [a, b] = n.to_be_bytes();
        SocketAddr::from(([1, 2, a, b], 3_414)).into()
    }

    fn read(text: &str) -> Result<KnownKeys, KnownKeysError> {
        KnownKeys::from_text(text, Network::Clearnet)
    }

    #[test]
    fn what_was_known_is_known_again_and_the_oldest_goes_first() {
        let mut known = KnownKeys::default();
        (0..4_096).for_each(|n| known.put(addr(n), PublicKey([n as u8; 32])));
        known.put(addr(7), PublicKey([99; 32]));
        assert!(known.get(&addr(0)).is_some());
        let mut again = read(&known.to_text()).unwrap();
        assert_eq!((again.to_text(), again.len()), (known.to_text(), 4_096));
        again.put(addr(5_000), PublicKey([1; 32]));
        // The first was dialled once more, so that the second is the oldest.
        let known = [0, 1, 7].map(|n| again.get(&addr(n)));
        assert_eq!(known, [Some(PublicKey([0; 32])), None, Some(PublicKey([99; 32]))]);
    }

    #[test]
    fn one_zone_does_not_know_what_another_does() {
        let names = [
            addr(1),
            PeerAddr::Onion(OnionAddr::from_key([3; 32]), u16::MAX),
            PeerAddr::I2p(I2pAddr::from_hash([3; 32]), u16::MAX),
        ];
        for name in names {
            let mut known = KnownKeys::default();
            known.put(name, PublicKey([0xfa; 32]));
            let text = known.to_text();
            assert!(text.len() <= FIRST_LINE.len() + 1 + 134, "{}", text.len());
            for network in Network::ALL {
                let read = KnownKeys::from_text(&text, network).map(|known| known.to_text());
                let other = Err(KnownKeysError::OtherNetwork(2));
                assert_eq!(read, if network == name.network() { Ok(text.clone()) } else { other });
            }
        }
    }

    #[test]
    fn what_breaks_a_rule_is_told() {
        let key = "0a".repeat(32);
        let good = format!("{FIRST_LINE}\n1.2.3.4:5 {key}\n");
        assert_eq!(read(&good).unwrap().len(), 1);
        for (wrong, error) in [
            (String::new(), KnownKeysError::Version),
            (good.replace("keys 1", "keys 2"), KnownKeysError::Version),
            (format!("{good}\n"), KnownKeysError::Line(3)),
            (format!("{good}1.2.3.5:5\n"), KnownKeysError::Line(3)),
            (format!("{good}1.2.3.5 {key}\n"), KnownKeysError::Line(3)),
            (format!("{good}1.2.3.5:5 {key}00\n"), KnownKeysError::Line(3)),
            (format!("{good}1.2.3.5:5 {key} 1\n"), KnownKeysError::Line(3)),
            (format!("{good}1.2.3.5:5 {}\n", key.replace('0', "+")), KnownKeysError::Line(3)),
            (format!("{good}1.2.3.5:5 {}\n", "é".repeat(32)), KnownKeysError::Line(3)),
            (format!("{good}1.2.3.4:5 {key}\n"), KnownKeysError::Twice(3)),
        ] {
            assert_eq!(read(&wrong).err(), Some(error), "{wrong}");
        }
        let lines = |count: u16| (0..count).map(|n| format!("{} {key}\n", addr(n)));
        let text = |count| format!("{FIRST_LINE}\n{}", lines(count).collect::<String>());
        assert_eq!(read(&text(4_096)).unwrap().len(), 4_096);
        assert_eq!(read(&text(4_097)).err(), Some(KnownKeysError::TooMany));
    }

    proptest! {
        #[test]
        fn whatever_is_in_the_file_is_read_or_refused(text in "\\PC*", line in "[0-9.:]* [0-9a-f]*") {
            for text in [text, format!("{FIRST_LINE}\n{line}")] {
                if let Ok(known) = read(&text) {
                    prop_assert_eq!(read(&known.to_text()).unwrap().len(), known.len());
                }
            }
        }
    }
}
