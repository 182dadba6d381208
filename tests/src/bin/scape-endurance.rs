//! Floods a node for a set time: `scape-endurance --minutes 5`.

use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use scape_tests::endurance::{Attack, Endurance, Sample, serve};

/// Floods a real node over loopback with everything that hostile peers can send.
///
/// Prints resident memory over time, how long an honest peer's transactions took, and who was thrown out. Exit
/// code 1 if memory passed its bound or the honest peer did not get through.
#[derive(Parser)]
struct Options {
    /// For how long.
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// Which attacks, all without any.
    #[arg(long, value_delimiter = ',')]
    attacks: Vec<String>,
    /// Flooders of each kind at a time.
    #[arg(long, default_value_t = 1)]
    flooders: usize,
    /// Seconds between two transactions of the honest peer.
    #[arg(long, default_value_t = 0.5)]
    pace: f64,
    /// Decides on all transactions.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Is the node under attack.
    #[arg(long, hide = true)]
    serve: bool,
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    if options.serve {
        serve(options.seed)?;
        return Ok(ExitCode::SUCCESS);
    }
    let named = |name: &String| {
        let found = Attack::ALL.into_iter().find(|attack| attack.name() == name);
        let names = || Attack::ALL.map(Attack::name).join(", ");
        found.with_context(|| format!("no attack is called {name}; there are {}", names()))
    };
    let attacks: Vec<_> = options.attacks.iter().map(named).collect::<Result<_>>()?;
    let endurance = Endurance {
        duration: Duration::try_from_secs_f64(options.minutes * 60.0)?,
        attacks: if attacks.is_empty() { Attack::ALL.to_vec() } else { attacks },
        flooders: options.flooders,
        pace: Duration::try_from_secs_f64(options.pace)?,
        seed: options.seed,
    };
    let mut node = Command::new(std::env::current_exe()?);
    node.args(["--serve", "--seed", &options.seed.to_string()]);
    println!("seconds  resident MiB  stem  public  orphans  peers  honest");
    let report = endurance.run(node, |sample| print_sample(sample, endurance.duration))?;
    println!("{report}");
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A line now and then: some fifty in all.
fn print_sample(sample: &Sample, duration: Duration) {
    let second = sample.at.as_secs();
    if second.is_multiple_of((duration.as_secs() / 50).max(1)) {
        let mib = sample.resident as f64 / f64::from(1 << 20);
        let [stem, public, orphans, peers] = sample.counts;
        let arrived = sample.arrived;
        println!(
            "{second:>7} {mib:>13.1} {stem:>5} {public:>7} {orphans:>8} {peers:>6} {arrived:>7}"
        );
    }
}
