//! What a zone knows of others is saved.

use std::path::PathBuf;

use scape_p2p::addr::Network;
use scape_p2p::book::{Book, BookConfig};
use scape_p2p::net::replace_file;
use tracing::warn;

use super::Site;
use crate::node::NodeError;
use crate::node::clock::Clock;

impl Site {
    /// Begins to save the address book and the keys of others, on a thread that may wait for the disk,
    /// unless that is under way: two at once would take each other's temporary file away.
    pub(in crate::node) fn save_book(&mut self, clock: Clock) {
        let is_saving = self.saving.as_ref().is_some_and(|saving| !saving.is_finished());
        if is_saving || self.book_path.is_none() {
            return;
        }
        let files = [
            (self.book_path.clone(), self.zone.book().to_text()),
            (self.sinks_path.clone(), self.zone.sink_keys(clock.unix())),
            (self.known_path.clone(), self.net.known_keys().to_text()),
        ];
        self.saving = Some(tokio::task::spawn_blocking(move || {
            for (path, text) in files {
                let Some(path) = path else { continue };
                if let Err(error) = replace_file(&path, text.as_bytes()) {
                    warn!(path = %path.display(), %error, "what is known of others was not saved");
                }
            }
        }));
    }

    pub(super) async fn finish_saving(&mut self) {
        if let Some(saving) = self.saving.take() {
            // It can only be cancelled, when the runtime ends.
            let _ = saving.await;
        }
    }
}

/// The file of a zone: clearnet's has the name that the file of a node with one zone has.
pub(in crate::node) fn file_name(what: &str, network: Network, ending: &str) -> String {
    match network {
        Network::Clearnet => format!("{what}.{ending}"),
        network => format!("{what}-{network}.{ending}"),
    }
}

pub(super) fn load_book(config: BookConfig, path: Option<&PathBuf>) -> Result<Book, NodeError> {
    let Some(path) = path.filter(|path| path.exists()) else {
        return Ok(Book::new(config));
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| NodeError::Book { path: path.clone(), error })?;
    let (book, skipped) = Book::from_text(&text, config);
    if skipped > 0 {
        warn!(path = %path.display(), skipped, "unreadable lines in the address book");
    }
    Ok(book)
}
