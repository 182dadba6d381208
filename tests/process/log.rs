//! What a relay writes to its log.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::ChildStderr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

/// Lines of JSON, as they came.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

/// Where a relay listens.
pub(crate) struct Ports {
    pub(crate) peers: SocketAddr,
    pub(crate) foreign: SocketAddr,
    pub(crate) owner: SocketAddr,
}

impl Log {
    /// Reads until the process has ended.
    pub(crate) fn follow(stderr: ChildStderr) -> Self {
        let log = Self::default();
        let lines = log.0.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                lines.lock().expect("no panic").push(line);
            }
        });
        log
    }

    /// Waits until it says where it listens.
    pub(crate) async fn ports(&self) -> Ports {
        loop {
            let said = self.addresses();
            let addr = |message: &str| said.get(message).copied();
            let (peers, foreign) = (addr("listening"), addr("serving wallets"));
            if let (Some(peers), Some(foreign), Some(owner)) =
                (peers, foreign, addr("serving the owner"))
            {
                return Ports { peers, foreign, owner };
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    fn addresses(&self) -> HashMap<String, SocketAddr> {
        let lines = self.0.lock().expect("no panic");
        let objects = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let said = objects.filter_map(|object| {
            let addr = object["addr"].as_str()?.parse().ok()?;
            Some((object["message"].as_str()?.to_owned(), addr))
        });
        said.collect()
    }

    /// The last lines.
    pub(crate) fn tail(&self) -> String {
        let lines = self.0.lock().expect("no panic");
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Panics and errors, but for those of a journal that cannot be written.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let lines = self.0.lock().expect("no panic");
        let is_complaint = |line: &&String| match serde_json::from_str::<Value>(line) {
            Ok(object) => {
                let message = object["message"].as_str().unwrap_or_default();
                object["level"] == "ERROR" && !message.starts_with("the journal cannot be written")
            }
            Err(_) => true,
        };
        lines.iter().filter(is_complaint).cloned().collect()
    }
}
