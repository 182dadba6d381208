//! Another configuration for a running node.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use tokio::sync::{Mutex, MutexGuard};
use tracing::{info, warn};

use crate::config::{Config, ConfigError};
use crate::node::{NodeHandle, Stopped};

/// Makes the log follow other directives.
pub type SetFilter = Arc<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// Reads the configuration anew and lets the node follow what it can.
pub(super) struct Reloader {
    path: Option<PathBuf>,
    set_filter: Option<SetFilter>,
    /// What is in force.
    running: Mutex<Config>,
}

/// What came of reading the configuration anew: the answer to `reload_config`.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Reloaded {
    /// Keys, each with its section, that are different and in force now.
    pub changed: Vec<String>,
    /// Keys that are different and take effect when the node is started the next time.
    pub needs_restart: Vec<String>,
}

/// Why the old configuration stays in force.
#[derive(Debug, Error)]
pub(super) enum ReloadError {
    #[error("the node was started without a configuration file")]
    NoFile,
    #[error("the old configuration stays in force: {0}")]
    Config(#[from] ConfigError),
    #[error("the old configuration stays in force: log.filter: {0}")]
    Filter(String),
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl Reloader {
    pub(super) fn new(
        running: Config,
        path: Option<PathBuf>,
        set_filter: Option<SetFilter>,
    ) -> Self {
        Self { path, set_filter, running: Mutex::new(running) }
    }

    /// What is in force.
    pub(super) async fn running(&self) -> MutexGuard<'_, Config> {
        self.running.lock().await
    }

    /// Reads the file again. If anything in it is wrong, everything stays as it is.
    pub(super) async fn reload(&self, node: &NodeHandle) -> Result<Reloaded, ReloadError> {
        let path = self.path.clone().ok_or(ReloadError::NoFile)?;
        let mut running = self.running.lock().await;
        let read = tokio::task::spawn_blocking(move || Config::load(&path));
        let wanted = read.await.map_err(|_| Stopped)??;
        let next = adopt(&running, &wanted, self.set_filter.is_some());
        let changes = next.changes()?;
        let checked = next.check()?;
        if let Some(set_filter) = self.set_filter.as_ref().filter(|_| next.log != running.log) {
            set_filter(&next.log.filter).map_err(ReloadError::Filter)?;
        }
        node.configure(changes).await?;
        let reloaded = Reloaded {
            changed: differences(&running, &next),
            needs_restart: differences(&next, &wanted),
        };
        info!(changed = %List(&reloaded.changed), "configuration read again: {}", checked.implied);
        for warning in &checked.warnings {
            warn!("{warning}");
        }
        *running = next;
        Ok(reloaded)
    }
}

/// What is in force with as much of another configuration as can be without a restart.
fn adopt(running: &Config, wanted: &Config, log: bool) -> Config {
    let mut next = running.clone();
    next.dandelion = wanted.dandelion.clone();
    next.network.peers.clone_from(&wanted.network.peers);
    next.network.whitelist.clone_from(&wanted.network.whitelist);
    next.network.outbound = wanted.network.outbound;
    next.network.ban_secs = wanted.network.ban_secs;
    next.tor.peers.clone_from(&wanted.tor.peers);
    next.tor.outbound = wanted.tor.outbound;
    next.tor.preset = wanted.tor.preset;
    next.i2p.peers.clone_from(&wanted.i2p.peers);
    next.i2p.outbound = wanted.i2p.outbound;
    next.i2p.preset = wanted.i2p.preset;
    if log {
        next.log.filter.clone_from(&wanted.log.filter);
    }
    next
}

/// The keys whose values differ, with their sections.
fn differences(a: &Config, b: &Config) -> Vec<String> {
    let sections = |config| match serde_json::to_value(config) {
        Ok(Value::Object(sections)) => sections,
        _ => unreachable!("a configuration has sections"),
    };
    let (a, b) = (sections(a), sections(b));
    let mut keys = Vec::new();
    for (name, section) in &a {
        for (key, value) in section.as_object().into_iter().flatten() {
            if b[name][key] != *value {
                keys.push(format!("{name}.{key}"));
            }
        }
    }
    keys
}

struct List<'a>(&'a [String]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Config {
        Config::from_toml(text).expect("a configuration")
    }

    #[test]
    fn what_can_be_is_adopted_and_the_rest_waits() {
        let running = read("[node]\nworkers = 1\n[dandelion]\npatience_secs = 5");
        let wanted = read(
            "[node]\nworkers = 2\n[dandelion]\npatience_secs = 6\nrelays = 2\n\
             [network]\nwhitelist = [\"10.1.2.3\"]\n[log]\nfilter = \"debug\"",
        );
        let next = adopt(&running, &wanted, false);
        let changed = ["dandelion.patience_secs", "dandelion.relays", "network.whitelist"];
        assert_eq!(differences(&running, &next), changed);
        assert_eq!(differences(&next, &wanted), ["log.filter", "node.workers"]);
        let next = adopt(&running, &wanted, true);
        assert_eq!(differences(&next, &wanted), ["node.workers"]);
        assert_eq!(differences(&wanted, &wanted), [""; 0]);
    }
}
