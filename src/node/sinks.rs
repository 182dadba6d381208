//! The file with the keys of nodes that may be sinks, beside the address book.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use scape_p2p::book::UnixTime;
use scape_p2p::dandelion::rendezvous::MAX_KEYS_TEXT;
use scape_p2p::zone::Zone;
use tracing::warn;

/// Lets a zone know the keys again that were saved. What cannot be read is asked for anew: that
/// takes an hour, and is no reason to stand still.
pub(super) fn restore_keys(zone: &mut Zone, path: &Path, now: UnixTime) {
    match read(path) {
        Ok(text) => {
            let skipped = zone.restore_sink_keys(&text, now);
            if skipped > 0 {
                warn!(path = %path.display(), skipped, "old or unreadable lines among the keys of sinks");
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => {
            warn!(path = %path.display(), %error, "the keys of sinks are not known again")
        }
    }
}

/// No more than was ever written.
fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_KEYS_TEXT as u64).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use scape_aggregate::{ChainType, Consensus};
    use scape_p2p::book::{Book, BookConfig};
    use scape_p2p::zone::ZoneConfig;
    use scape_pool::Instant;

    use super::*;

    fn known(path: &Path) -> usize {
        let config = ZoneConfig::new(Consensus::of(ChainType::Mainnet));
        let book = Book::new(BookConfig::default());
        let mut zone = Zone::new(config, book, [1; 32], Instant::ZERO);
        restore_keys(&mut zone, path, UnixTime(1_000));
        zone.known_keys()
    }

    #[test]
    fn what_was_saved_is_known_and_nothing_else_stops_the_node() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("sinks.txt");
        assert_eq!(known(&path), 0, "there is none yet");
        assert_eq!(known(dir.path()), 0, "it is no file");
        let line = format!("scape-keys 1 900\nproven 9.8.7.6:3414 {} 5 9 0\n", "0a".repeat(32));
        fs::write(&path, &line).expect("written");
        assert_eq!(known(&path), 1);
        fs::write(&path, [line.as_bytes(), &[0xff; 9]].concat()).expect("written");
        assert_eq!(known(&path), 0, "it is no text");
        let endless = format!("{line}{}", "x\n".repeat(MAX_KEYS_TEXT));
        fs::write(&path, endless).expect("written");
        assert_eq!(known(&path), 1);
    }
}
