//! Transactions from files and from stdin, as JSON or hex.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use scape::aggregate::{Consensus, Inspection, ProtocolVersion, Transaction};

use super::CliError;

/// More than the heaviest transaction takes as JSON.
const MAX_BYTES: u64 = 16 << 20;

/// What was read, and how it is written.
pub(super) struct Source {
    name: String,
    text: Text,
}

enum Text {
    Json(String),
    Hex(Vec<u8>),
}

impl Source {
    /// Reads a file, or stdin if it is `-`.
    pub(super) fn read(file: &Path) -> Result<Self, CliError> {
        let failed = |error| CliError::File { action: "read", path: file.to_owned(), error };
        let (name, text) = match file.to_str() {
            Some("-") => ("stdin".to_owned(), read_text(io::stdin().lock())),
            _ => {
                let text = File::open(file).and_then(read_text);
                (file.display().to_string(), text)
            }
        };
        match Text::of(&text.map_err(failed)?) {
            Ok(text) => Ok(Self { name, text }),
            Err(reason) => Err(CliError::NotATransaction { name, reason }),
        }
    }

    /// Takes it apart as far as possible.
    pub(super) fn inspect(
        &self,
        protocol: Option<ProtocolVersion>,
        consensus: &Consensus,
    ) -> Result<Inspection, CliError> {
        match &self.text {
            Text::Json(json) => Inspection::of_json(json, consensus)
                .map_err(|error| self.no_transaction(error.to_string())),
            Text::Hex(bytes) => {
                let version = protocol.unwrap_or_else(|| fitting_version(bytes, consensus));
                Ok(Inspection::of_bytes(bytes, version, consensus))
            }
        }
    }

    /// The transaction, if it keeps the rules.
    pub(super) fn transaction(&self, consensus: &Consensus) -> Result<Transaction, CliError> {
        let not_sent = |reason| CliError::NotSent { reason };
        match &self.text {
            Text::Json(json) => {
                Transaction::from_json(json, consensus).map_err(|error| not_sent(error.to_string()))
            }
            Text::Hex(bytes) => {
                let version = fitting_version(bytes, consensus);
                Transaction::decode(bytes, version, consensus)
                    .map_err(|error| not_sent(error.to_string()))
            }
        }
    }

    fn no_transaction(&self, reason: String) -> CliError {
        CliError::NotATransaction { name: self.name.clone(), reason }
    }
}

impl Text {
    fn of(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.starts_with('{') {
            return Ok(Self::Json(text.to_owned()));
        }
        if text.starts_with("BEGINSLATEPACK") {
            let what = "a slatepack is a step on the way to one; let the wallet finalize it first";
            return Err(what.to_owned());
        }
        let digits: String = text.split_whitespace().collect();
        let digits = digits.strip_prefix("0x").unwrap_or(&digits);
        match hex::decode(digits) {
            Ok(bytes) if !bytes.is_empty() => Ok(Self::Hex(bytes)),
            Ok(_) => Err("there is nothing in it".to_owned()),
            Err(error) => Err(format!("neither JSON nor hex ({error})")),
        }
    }
}

fn read_text(source: impl Read) -> io::Result<String> {
    let mut text = String::new();
    source.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    match text.len() as u64 > MAX_BYTES {
        true => Err(io::Error::new(io::ErrorKind::FileTooLarge, "longer than any transaction")),
        false => Ok(text),
    }
}

/// The version in which the bytes make most sense; that of today if several do.
fn fitting_version(bytes: &[u8], consensus: &Consensus) -> ProtocolVersion {
    let sense = |version: &ProtocolVersion| {
        let read = Inspection::of_bytes(bytes, *version, consensus);
        let elements = read.inputs().len() + read.outputs().len() + read.kernels().len();
        (read.is_whole(), std::cmp::Reverse(read.malformed().len()), elements)
    };
    let versions = [ProtocolVersion::V1, ProtocolVersion::V2, ProtocolVersion::LOCAL];
    versions.into_iter().max_by_key(sense).unwrap_or(ProtocolVersion::LOCAL)
}
