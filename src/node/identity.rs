//! The key that others know this node by.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use scape_p2p::net::replace_file;
use scape_p2p::secure::StaticKey;
use tracing::warn;

/// Reads the key, or writes down the one that a new node has. A node that had another key after
/// each start would be elected as a sink by one that it no longer has.
///
/// # Errors
/// The file cannot be read, or holds something else.
pub(super) fn load_or_create(path: &Path, new: StaticKey) -> io::Result<StaticKey> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let mut secret = [0; 32];
            let wrong = |_| io::Error::new(ErrorKind::InvalidData, "it holds no key");
            hex::decode_to_slice(text.trim(), &mut secret).map_err(wrong)?;
            Ok(StaticKey::from_secret(secret))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // For its owner only. A full disk is no reason to stand still.
            if let Err(error) = replace_file(path, hex::encode(new.secret()).as_bytes()) {
                warn!(path = %path.display(), %error, "the key of the node was not kept");
            }
            Ok(new)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_keeps_its_key_and_nobody_else_reads_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("identity");
        let [one, other] = [[1; 32], [2; 32]].map(StaticKey::from_secret);
        let made = load_or_create(&path, one.clone()).expect("written");
        assert_eq!(made.public(), one.public());
        let read = load_or_create(&path, other).expect("read");
        assert_eq!((read.secret(), read.public()), (one.secret(), one.public()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).expect("it is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn what_is_no_key_is_told_and_left_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("identity");
        for text in ["", "no key", "0102", &"0".repeat(66)] {
            fs::write(&path, text).expect("written");
            let key = load_or_create(&path, StaticKey::from_secret([1; 32]));
            assert_eq!(key.expect_err(text).kind(), ErrorKind::InvalidData);
            assert_eq!(fs::read_to_string(&path).expect("it is there"), text);
        }
    }
}
