//! An experiment as a file, or as settings on a command line.

use std::time::Duration;

use scape::config::{Config, ConfigError, DandelionSection};
use scape_p2p::dandelion::Preset;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::experiment::Experiment;
use super::latency::Latency;
use super::seeds::Seeds;
use super::traffic::Traffic;

/// An experiment as it is written down. What is not written has its default: Grin's mainnet of May
/// 2019 with the default parameters of Scape, three listeners of 200 peers each, and no spies.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Setup {
    /// What the report is called.
    pub title: String,
    /// Which seeds are played. They are no part of what is tried out: shards have others.
    #[serde(skip_serializing)]
    pub seeds: Seeds,
    /// Nodes and links.
    pub network: Network,
    /// Who pays when.
    pub traffic: Traffic,
    /// The parameters of Dandelion: a preset and what differs from it, as in the file of the node.
    pub dandelion: DandelionSection,
    /// Who watches.
    pub adversary: Adversary,
}

/// Nodes and links.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// How many nodes there are.
    pub nodes: usize,
    /// Connections that each makes.
    pub outbound: usize,
    /// The mean time in hours until a connection is replaced by another one; zero: never.
    pub connection_hours: f64,
    /// The share of nodes that follow the parameters.
    pub speaking: f64,
    /// What the other nodes do: `plain`, to fluff at once whatever comes on the stem, or the name
    /// of a preset.
    pub others: String,
    /// The share of the keys of others that each node knows, where transactions meet at sinks.
    pub view: f64,
    /// Of links.
    pub latency: Latency,
    /// For how many hours there is traffic.
    pub hours: f64,
    /// Seconds from one block to the next.
    pub block_secs: f64,
}

/// Who watches.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adversary {
    /// The share of nodes that follow the rules and tell all that they see.
    pub spies: f64,
    /// The share of connections that lead to them; their share of the nodes unless it is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spy_slots: Option<f64>,
    /// The share of nodes that swallow stem transactions, and tell.
    pub black_holes: f64,
    /// For how many seconds spies hold back what is sealed to others before they carry it on.
    pub hold_secs: f64,
    /// Transactions a minute of the adversary himself, sealed to sinks, which he tells apart from
    /// those of others.
    pub flood: f64,
    /// To how many nodes a listener is connected who sees only what is fluffed.
    pub listened: usize,
}

/// Why an experiment cannot be.
#[derive(Debug, Error)]
pub enum SetupError {
    /// No TOML, an unknown key, or a value of another type.
    #[error(transparent)]
    Form(#[from] toml::de::Error),
    /// A number that is out of bounds.
    #[error("{key} is {found}, but must be {allowed}")]
    Value {
        /// As in the file.
        key: &'static str,
        /// What was found.
        found: String,
        /// What may be there.
        allowed: &'static str,
    },
    /// The parameters cannot be.
    #[error("[dandelion]: {0}")]
    Dandelion(#[from] ConfigError),
}

impl Default for Seeds {
    fn default() -> Self {
        Self(0..4)
    }
}

impl Default for Network {
    fn default() -> Self {
        Self {
            nodes: 3_000,
            outbound: 8,
            connection_hours: 0.0,
            speaking: 1.0,
            others: PLAIN.to_owned(),
            view: 1.0,
            latency: Latency::default(),
            hours: 24.0,
            block_secs: 60.0,
        }
    }
}

impl Default for Adversary {
    fn default() -> Self {
        Self {
            spies: 0.0,
            spy_slots: None,
            black_holes: 0.0,
            hold_secs: 0.0,
            flood: 0.0,
            listened: 600,
        }
    }
}

/// What nodes do that fluff at once.
const PLAIN: &str = "plain";

impl Setup {
    /// Reads an experiment.
    ///
    /// # Errors
    /// The first rule that the text breaks, with its key.
    pub fn from_toml(text: &str) -> Result<Self, SetupError> {
        let setup: Self = toml::from_str(text)?;
        setup.experiment()?;
        Ok(setup)
    }

    /// The experiment that this is.
    ///
    /// # Errors
    /// The first value that cannot be, with its key.
    pub fn experiment(&self) -> Result<Experiment, SetupError> {
        self.check()?;
        let Network { nodes, outbound, connection_hours, speaking, latency, .. } = self.network;
        let hours = |hours: f64| Duration::from_secs_f64(3_600.0 * hours);
        Ok(Experiment {
            nodes,
            outbound,
            latency,
            connection_life: (connection_hours > 0.0).then(|| hours(connection_hours)),
            params: self.config().params()?,
            speaking,
            others: self.others()?.map(Preset::params),
            traffic: self.traffic,
            length: hours(self.network.hours),
            grace: hours(6.0),
            block_time: Duration::from_secs_f64(self.network.block_secs),
            spies: self.adversary.spies,
            spy_slots: self.adversary.spy_slots,
            black_holes: self.adversary.black_holes,
            hold: Duration::from_secs_f64(self.adversary.hold_secs),
            flood: self.adversary.flood,
            view: self.network.view,
            listened: self.adversary.listened,
        })
    }

    /// The same with the seeds that hold if none are named.
    pub(super) fn without_seeds(&self) -> Self {
        Self { seeds: Seeds::default(), ..self.clone() }
    }

    fn config(&self) -> Config {
        Config { dandelion: self.dandelion.clone(), ..Config::default() }
    }

    fn others(&self) -> Result<Option<Preset>, SetupError> {
        let name = &self.network.others;
        let unknown = || value("network.others", name, "plain or the name of a preset");
        if name == PLAIN { Ok(None) } else { Ok(Some(name.parse().map_err(|()| unknown())?)) }
    }

    fn check(&self) -> Result<(), SetupError> {
        self.config().check()?;
        self.others()?;
        let Self { network, traffic, adversary, .. } = self;
        let nodes = network.nodes;
        within("network.nodes", nodes as f64, 2.0..=1e6, "from 2 to a million")?;
        let peers = 1.0..=(nodes - 1) as f64;
        within("network.outbound", network.outbound as f64, peers, "from 1 to all other nodes")?;
        within("network.speaking", network.speaking, SHARE, A_SHARE)?;
        within("network.view", network.view, SHARE, A_SHARE)?;
        within("network.hours", network.hours, 0.01..=1e4, "from 0.01 to 10,000")?;
        within("network.block_secs", network.block_secs, 1.0..=1e4, "from 1 to 10,000")?;
        within("network.connection_hours", network.connection_hours, 0.0..=1e6, NOT_NEGATIVE)?;
        within("network.latency.median_ms", network.latency.median_ms, 0.0..=1e5, NOT_NEGATIVE)?;
        within("network.latency.sigma", network.latency.sigma, 0.0..=3.0, "from 0 to 3")?;
        within("traffic.per_minute", traffic.per_minute, 0.0..=1e4, "from 0 to 10,000")?;
        within("traffic.zipf", traffic.zipf, 0.0..=10.0, "from 0 to 10")?;
        within("traffic.chained", traffic.chained, SHARE, A_SHARE)?;
        within("traffic.burst", traffic.burst, 1.0..=100.0, "from 1 to 100")?;
        within("adversary.spies", adversary.spies, SHARE, A_SHARE)?;
        within("adversary.spy_slots", adversary.spy_slots.unwrap_or(0.0), SHARE, A_SHARE)?;
        within("adversary.black_holes", adversary.black_holes, SHARE, A_SHARE)?;
        within("adversary.hold_secs", adversary.hold_secs, 0.0..=1e5, NOT_NEGATIVE)?;
        within("adversary.flood", adversary.flood, 0.0..=1e4, "from 0 to 10,000")?;
        let corrupt = adversary.spies + adversary.black_holes;
        let most = (nodes - 1) as f64 / nodes as f64;
        within("adversary.spies", corrupt, 0.0..=most, "with black_holes less than all nodes")?;
        self.check_slots(corrupt)
    }

    /// Whom connections shall lead to must be there, more often than one node connects.
    fn check_slots(&self, corrupt: f64) -> Result<(), SetupError> {
        let (nodes, enough) = (self.network.nodes as f64, self.network.outbound as f64 + 1.0);
        let few = (corrupt * nodes).round().min(((1.0 - corrupt) * nodes).round());
        match self.adversary.spy_slots {
            Some(slots) if few < enough => {
                let allowed = "set only with more spies, and more honest nodes, than outbound";
                Err(value("adversary.spy_slots", slots, allowed))
            }
            _ => Ok(()),
        }
    }
}

const SHARE: std::ops::RangeInclusive<f64> = 0.0..=1.0;
const A_SHARE: &str = "from 0 to 1";
const NOT_NEGATIVE: &str = "zero or more";

fn within(
    key: &'static str,
    found: f64,
    range: std::ops::RangeInclusive<f64>,
    allowed: &'static str,
) -> Result<(), SetupError> {
    if range.contains(&found) { Ok(()) } else { Err(value(key, found, allowed)) }
}

fn value(key: &'static str, found: impl ToString, allowed: &'static str) -> SetupError {
    SetupError::Value { key, found: found.to_string(), allowed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_written_is_mainnet_with_the_default_parameters() {
        let setup = Setup::from_toml("").expect("nothing is wrong");
        let experiment = setup.experiment().expect("possible");
        assert_eq!(experiment, Experiment::mainnet(Preset::Scape));
        assert_eq!(setup.seeds, Seeds(0..4));
    }

    #[test]
    fn the_example_has_every_key_with_its_default() {
        let text = include_str!("../../lab/setup.toml");
        assert_eq!(Setup::from_toml(text).expect("nothing is wrong"), Setup::default());
        let written = toml::to_string(&Setup::default()).expect("TOML can hold it");
        let keys = written.lines().filter_map(|line| line.split_once(" = "));
        for (key, _) in keys {
            assert!(text.lines().any(|line| line.starts_with(&format!("{key} = "))), "{key}");
        }
    }

    #[test]
    fn what_is_written_down_reads_as_it_was() {
        let text = "title = \"t\"\nseeds = \"3..9\"\n[network]\nnodes = 50\nothers = \"grin-5\"\n\
                    [dandelion]\npreset = \"grin-doc\"\npatience_secs = 5\n\
                    [adversary]\nspies = 0.25\nspy_slots = 0.5";
        let setup = Setup::from_toml(text).expect("nothing is wrong");
        assert_eq!(setup.experiment().expect("possible").params.patience.interval.as_secs(), 5);
        let written = toml::to_string(&setup).expect("TOML can hold it");
        let read = Setup::from_toml(&written).expect("nothing is wrong");
        assert_eq!(Setup { seeds: Seeds(3..9), ..read }, setup);
    }

    #[test]
    fn a_refusal_names_the_key() {
        for (text, named) in [
            ("[network]\nnodess = 3", "nodess"),
            ("[network]\nnodes = \"many\"", "nodes"),
            ("[network]\noutbound = 3000", "network.outbound is 3000"),
            ("[network]\nothers = \"grin-6\"", "network.others is grin-6"),
            ("[traffic]\nburst = 0.5", "traffic.burst is 0.5"),
            ("[adversary]\nspies = 1.5", "adversary.spies is 1.5"),
            ("[adversary]\nspies = 0.6\nblack_holes = 0.6", "adversary.spies is 1.2"),
            ("[adversary]\nspy_slots = 0.6", "adversary.spy_slots is 0.6"),
            ("[dandelion]\npreset = \"grim\"", "grim"),
            ("[dandelion]\nstem_probability = 7.0", "stem_probability"),
            ("seeds = \"9\"", "FROM..TO"),
        ] {
            let error = Setup::from_toml(text).expect_err(text).to_string();
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
