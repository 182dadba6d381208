//! An experiment on a command line: each flag puts one value into a [`Setup`].

use clap::Args;
use thiserror::Error;

use super::seeds::Seeds;
use super::setup::{Setup, SetupError};

/// What differs from the file, or from the defaults.
#[derive(Args, Clone, PartialEq, Debug, Default)]
pub struct Flags {
    /// What the report is called.
    #[arg(long)]
    pub title: Option<String>,
    /// Which seeds, as FROM..TO.
    #[arg(long)]
    pub seeds: Option<Seeds>,
    /// How many nodes there are.
    #[arg(long)]
    pub nodes: Option<usize>,
    /// Connections that each makes.
    #[arg(long)]
    pub outbound: Option<usize>,
    /// Half of all links are faster, in milliseconds one way.
    #[arg(long)]
    pub latency_ms: Option<f64>,
    /// The mean time in hours until a connection is replaced; 0: never.
    #[arg(long)]
    pub connection_hours: Option<f64>,
    /// The share of nodes that follow the parameters.
    #[arg(long)]
    pub speaking: Option<f64>,
    /// What the other nodes do: `plain`, or the name of a preset.
    #[arg(long)]
    pub others: Option<String>,
    /// The share of the keys of others that each node knows.
    #[arg(long)]
    pub view: Option<f64>,
    /// For how many hours there is traffic.
    #[arg(long)]
    pub hours: Option<f64>,
    /// Transactions a minute in the whole network.
    #[arg(long)]
    pub rate: Option<f64>,
    /// How unequal nodes are; 0: all alike.
    #[arg(long)]
    pub zipf: Option<f64>,
    /// The share of transactions that spend what their origin has just sent.
    #[arg(long)]
    pub chained: Option<f64>,
    /// How many transactions a sender sends at once, on average.
    #[arg(long)]
    pub burst: Option<f64>,
    /// How many nodes send at all; 0: all.
    #[arg(long)]
    pub senders: Option<usize>,
    /// The preset.
    #[arg(long)]
    pub preset: Option<String>,
    /// A parameter of Dandelion that differs from the preset, as in the file: KEY=VALUE.
    #[arg(long = "param", value_name = "KEY=VALUE")]
    pub params: Vec<String>,
    /// The share of nodes that spy.
    #[arg(long)]
    pub spies: Option<f64>,
    /// The share of connections that lead to spies.
    #[arg(long)]
    pub spy_slots: Option<f64>,
    /// The share of nodes that swallow.
    #[arg(long)]
    pub black_holes: Option<f64>,
    /// For how many seconds spies hold back what is sealed to others.
    #[arg(long)]
    pub hold_secs: Option<f64>,
    /// Transactions a minute of the adversary himself, sealed to sinks.
    #[arg(long)]
    pub flood: Option<f64>,
    /// To how many nodes a listener is connected.
    #[arg(long)]
    pub listened: Option<usize>,
}

/// Why flags cannot be.
#[derive(Debug, Error)]
pub enum FlagsError {
    /// Not a key and a value.
    #[error("--param {0}: write KEY=VALUE, as patience_secs=5 or embargo=\"exponential\"")]
    Param(String),
    /// Not a command line.
    #[error("{0}")]
    Line(String),
    /// Not one of the parameters, or not a value of it.
    #[error("--param {key}: {source}")]
    Value {
        /// The key.
        key: String,
        /// Why.
        source: toml::de::Error,
    },
    /// The preset or another value cannot be.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// What was set before cannot be written down.
    #[error(transparent)]
    Write(#[from] toml::ser::Error),
}

impl Flags {
    /// Puts all flags into a setup, and checks what came of it.
    ///
    /// # Errors
    /// The first flag that cannot be.
    pub fn apply(&self, setup: &mut Setup) -> Result<(), FlagsError> {
        put(&mut setup.title, &self.title);
        put(&mut setup.seeds, &self.seeds);
        let network = &mut setup.network;
        put(&mut network.nodes, &self.nodes);
        put(&mut network.outbound, &self.outbound);
        put(&mut network.latency.median_ms, &self.latency_ms);
        put(&mut network.connection_hours, &self.connection_hours);
        put(&mut network.speaking, &self.speaking);
        put(&mut network.others, &self.others);
        put(&mut network.view, &self.view);
        put(&mut network.hours, &self.hours);
        let traffic = &mut setup.traffic;
        put(&mut traffic.per_minute, &self.rate);
        put(&mut traffic.zipf, &self.zipf);
        put(&mut traffic.chained, &self.chained);
        put(&mut traffic.burst, &self.burst);
        put(&mut traffic.senders, &self.senders);
        let adversary = &mut setup.adversary;
        put(&mut adversary.spies, &self.spies);
        put(&mut adversary.spy_slots, &self.spy_slots.map(Some));
        put(&mut adversary.black_holes, &self.black_holes);
        put(&mut adversary.hold_secs, &self.hold_secs);
        put(&mut adversary.flood, &self.flood);
        put(&mut adversary.listened, &self.listened);
        if let Some(preset) = &self.preset {
            set(setup, "preset", &format!("\"{preset}\""))?;
        }
        for param in &self.params {
            let (key, value) =
                param.split_once('=').ok_or_else(|| FlagsError::Param(param.clone()))?;
            set(setup, key.trim(), value.trim())?;
        }
        setup.experiment()?;
        Ok(())
    }
}

fn put<T: Clone>(place: &mut T, value: &Option<T>) {
    if let Some(value) = value {
        *place = value.clone();
    }
}

/// Sets a parameter as its line in a file would. A word needs no quotes.
fn set(setup: &mut Setup, key: &str, value: &str) -> Result<(), FlagsError> {
    let line = |value: &str| toml::from_str::<toml::Table>(&format!("{key} = {value}"));
    let refuse = |source| FlagsError::Value { key: key.to_owned(), source };
    let new = line(value).or_else(|_| line(&format!("\"{value}\""))).map_err(refuse)?;
    let mut table = toml::Table::try_from(&setup.dandelion)?;
    table.extend(new);
    setup.dandelion = table.try_into().map_err(refuse)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(flags: &Flags) -> Result<Setup, FlagsError> {
        let mut setup = Setup::default();
        flags.apply(&mut setup).map(|()| setup)
    }

    #[test]
    fn a_flag_is_a_line_of_the_file() {
        let flags = Flags {
            nodes: Some(50),
            rate: Some(9.0),
            preset: Some("grin-5".to_owned()),
            params: vec!["patience_secs=5".to_owned(), "patience_mode=every-hop".to_owned()],
            spies: Some(0.2),
            seeds: Some(Seeds(5..6)),
            ..Flags::default()
        };
        let text = "seeds = \"5..6\"\n[network]\nnodes = 50\n[traffic]\nper_minute = 9.0\n\
                    [dandelion]\npreset = \"grin-5\"\npatience_secs = 5\n\
                    patience_mode = \"every-hop\"\n[adversary]\nspies = 0.2";
        let setup = apply(&flags).expect("nothing is wrong");
        assert_eq!(setup, Setup::from_toml(text).expect("nothing is wrong"));
    }

    #[test]
    fn a_refusal_names_the_flag() {
        let param = |param: &str| Flags { params: vec![param.to_owned()], ..Flags::default() };
        for (flags, named) in [
            (param("patience"), "KEY=VALUE"),
            (param("patiense_secs=5"), "patiense_secs"),
            (param("patience_secs=long"), "patience_secs"),
            (Flags { preset: Some("grim".to_owned()), ..Flags::default() }, "preset"),
            (Flags { spies: Some(2.0), ..Flags::default() }, "adversary.spies"),
        ] {
            let error = apply(&flags).expect_err(named).to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
