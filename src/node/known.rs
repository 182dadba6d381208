//! The file with the keys of peers that were dialled and encrypted, beside the address book.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use scape_p2p::addr::Network;
use scape_p2p::secure::KnownKeys;

/// Reads the keys that were saved; none if there is no file.
///
/// # Errors
/// The file cannot be read, or holds something else. To go on would be to forget who encrypted, and
/// whoever wants that can say so by deleting it.
pub(super) fn load_known_keys(path: &Path, network: Network) -> io::Result<KnownKeys> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(KnownKeys::default()),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    // What is cut off for being longer than was ever written breaks a rule before that.
    file.take(KnownKeys::MAX_TEXT as u64).read_to_string(&mut text)?;
    KnownKeys::from_text(&text, network)
        .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_no_list_of_keys_is_told_and_a_missing_one_is_empty() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("known-keys.txt");
        let load = || load_known_keys(&path, Network::Clearnet);
        assert!(load().expect("there is none yet").is_empty());
        let line = format!("scape-known-keys 1\n9.8.7.6:3414 {}\n", "0a".repeat(32));
        fs::write(&path, &line).expect("written");
        assert_eq!(load().expect("it is one").len(), 1);
        let endless = [line.as_bytes(), &b"x\n".repeat(KnownKeys::MAX_TEXT)].concat();
        for wrong in [b"scape-known-keys 2\n", &[0xff; 9][..], &endless] {
            fs::write(&path, wrong).expect("written");
            assert_eq!(load().expect_err("it is none").kind(), ErrorKind::InvalidData);
        }
        assert!(load_known_keys(dir.path(), Network::Clearnet).is_err(), "it is no file");
    }
}
