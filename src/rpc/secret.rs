use std::fmt;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rand::Rng;
use thiserror::Error;

/// The password of an API. Its user is always `grin`, as a Grin node has it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Why there is no secret.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The file cannot be read or made.
    #[error("cannot use the secret file {path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// There is nothing in it.
    #[error("the secret file {0} is empty; delete it to get a new one")]
    Empty(PathBuf),
}

impl Secret {
    /// Reads the first line of a file, as Grin does.
    ///
    /// # Errors
    /// If it cannot be read or is empty.
    pub fn load(path: &Path) -> Result<Self, SecretError> {
        let text = fs::read_to_string(path)
            .map_err(|error| SecretError::File { path: path.to_owned(), error })?;
        match text.lines().next().map(str::trim) {
            None | Some("") => Err(SecretError::Empty(path.to_owned())),
            Some(line) => Ok(Self(line.to_owned())),
        }
    }

    /// Reads the file, or makes it, for its owner only, with 160 random bits as hex.
    ///
    /// # Errors
    /// If it cannot be read or made, or is empty.
    pub fn load_or_create(path: &Path, rng: &mut impl Rng) -> Result<Self, SecretError> {
        match Self::load(path) {
            Err(SecretError::File { error, .. }) if error.kind() == ErrorKind::NotFound => {
                let mut bytes = [0; 20];
                rng.fill_bytes(&mut bytes);
                let secret = Self(hex::encode(bytes));
                secret
                    .save(path)
                    .map_err(|error| SecretError::File { path: path.to_owned(), error })?;
                Ok(secret)
            }
            loaded => loaded,
        }
    }

    fn save(&self, path: &Path) -> io::Result<()> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)?.write_all(self.0.as_bytes())
    }

    /// The value of the header `Authorization` (RFC 7617).
    pub fn authorization(&self) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(format!("grin:{}", self.0)))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
