//! Plays networks of thousands of nodes and reports what an adversary learns of transactions.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use scape_p2p::dandelion::Preset;
use scape_tests::lab::calibrate::{self, Calibration, Check, Effort};
use scape_tests::lab::election::{self, Elected};
use scape_tests::lab::report::{self, figures::figures};
use scape_tests::lab::risks::{self, Risk};
use scape_tests::lab::{Flags, Results, Setup, pareto, scale};

/// Plays networks of thousands of nodes and reports what an adversary learns of transactions.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(subcommand)]
    command: Command,
    /// On how many threads; all there are by default. A seed takes one.
    #[arg(long, global = true)]
    threads: Option<usize>,
    /// The folder that the report is written to.
    #[arg(long, global = true, default_value = "lab-report")]
    out: PathBuf,
}

impl Args {
    fn threads(&self) -> usize {
        self.threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from))
    }
}

#[derive(Subcommand)]
enum Command {
    /// Play an experiment.
    Run {
        /// The experiment, as TOML. Without one it is Grin's mainnet with the default parameters.
        file: Option<PathBuf>,
        #[command(flatten)]
        flags: Box<Flags>,
    },
    /// Put the results of shards together, as if they had been one run.
    Merge {
        /// Folders with reports.
        #[arg(required = true)]
        shards: Vec<PathBuf>,
    },
    /// Measure what others have measured, and fail where it comes out differently.
    Calibrate {
        /// Only what takes seconds and is not in the tests: four days of mainnet.
        #[arg(long)]
        quick: bool,
    },
    /// Play all presets, and draw the traced share against the time until the fluff.
    Pareto {
        /// The network and its traffic, as TOML.
        file: Option<PathBuf>,
        #[command(flatten)]
        flags: Box<Flags>,
    },
    /// Measure what each risk of sinks costs: who spies, swallows, floods or delays, and where few
    /// know the sinks.
    Risks {
        /// The network and its traffic, as TOML.
        file: Option<PathBuf>,
        #[command(flatten)]
        flags: Box<Flags>,
    },
    /// Measure how often an adversary is elected for a sink, by keys, groups and mined blocks.
    Election {
        /// In so many epochs.
        #[arg(long, default_value_t = 2_000)]
        epochs: u32,
    },
    /// Measure how long experiments take, and how much memory, by the size of the network.
    Scale,
}

fn main() -> Result<()> {
    let args = Args::parse();
    match &args.command {
        Command::Run { file, flags } => run(&args, &setup(file.as_deref(), flags)?),
        Command::Merge { shards } => merge(&args, shards),
        Command::Calibrate { quick } => calibrate(&args, *quick),
        Command::Pareto { file, flags } => pareto(&args, &setup(file.as_deref(), flags)?),
        Command::Risks { file, flags } => risks(&args, &setup(file.as_deref(), flags)?),
        Command::Election { epochs } => election(&args, *epochs),
        Command::Scale => measure(&args),
    }
}

fn setup(file: Option<&Path>, flags: &Flags) -> Result<Setup> {
    let mut setup = match file {
        Some(file) => {
            let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
            Setup::from_toml(&text).with_context(|| file.display().to_string())?
        }
        None => Setup::default(),
    };
    flags.apply(&mut setup)?;
    Ok(setup)
}

/// Plays all seeds, shows how far it is, and reports.
fn run(args: &Args, setup: &Setup) -> Result<()> {
    let bar = bar();
    let seeds = setup.seeds.0.end - setup.seeds.0.start;
    let results = Results::play(setup, args.threads(), |progress| {
        bar.set_position((progress.share * STEPS) as u64);
        bar.set_message(format!("{} of {seeds} seeds", progress.done));
    })?;
    bar.finish_and_clear();
    finish(args, &results)
}

fn merge(args: &Args, shards: &[PathBuf]) -> Result<()> {
    let read = |folder: &PathBuf| -> Result<Results> {
        let file = folder.join("results.json");
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        serde_json::from_str(&text).with_context(|| file.display().to_string())
    };
    let shards = shards.iter().map(read).collect::<Result<Vec<_>>>()?;
    finish(args, &Results::merge(shards)?)
}

fn calibrate(args: &Args, quick: bool) -> Result<()> {
    let effort = if quick { Effort::quick() } else { Effort::default() };
    let bar = bar();
    let show = |share| bar.set_position((share * STEPS) as u64);
    let calibrations = calibrate::calibrate(&effort, args.threads(), show)?;
    bar.finish_and_clear();
    write(&args.out, &calibrate::files(&calibrations))?;
    let mut off = 0;
    for Calibration { title, checks, .. } in &calibrations {
        println!("{title}");
        for check in checks {
            let Check { name, expected, found, .. } = check;
            println!("  {name:<50} {expected:.3} {found:.3}  {}", check.verdict());
            off += usize::from(!check.holds());
        }
    }
    ensure!(off == 0, "{off} figures are off");
    Ok(())
}

fn pareto(args: &Args, setup: &Setup) -> Result<()> {
    let bar = bar();
    let show = |share| bar.set_position((share * STEPS) as u64);
    let points = pareto::play(setup, &Preset::ALL, args.threads(), show)?;
    bar.finish_and_clear();
    let files = pareto::files(setup, &setup.seeds, &points)?;
    print!("{}", files["pareto.csv"]);
    write(&args.out, &files)
}

fn risks(args: &Args, setup: &Setup) -> Result<()> {
    let bar = bar();
    let show = |share| bar.set_position((share * STEPS) as u64);
    println!("{}", risks::HEAD);
    let tell = |risk: &Risk| bar.suspend(|| println!("{}", risk.row()));
    let risks = risks::play(setup, args.threads(), show, tell)?;
    bar.finish_and_clear();
    write(&args.out, &risks::files(&risks)?)
}

fn election(args: &Args, epochs: u32) -> Result<()> {
    let files = election::table(epochs, |name, elected| {
        let Elected { share, expected, thrown_away } = elected;
        println!("{name:<45} {share:.4}  expected {expected:.4}  thrown away {thrown_away:.2}");
    });
    write(&args.out, &files)
}

#[expect(clippy::disallowed_methods, reason = "how long it takes is measured in real time")]
fn measure(args: &Args) -> Result<()> {
    let begin = Instant::now();
    let costs = scale::measure(|| begin.elapsed(), memory, |cost| println!("{}", cost.line()));
    write(&args.out, &scale::files(&costs))
}

/// The most memory that this process has had, in bytes, as Linux tells.
fn memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib << 10)
}

/// Writes the report, and prints its figures.
fn finish(args: &Args, results: &Results) -> Result<()> {
    write(&args.out, &report::files(results)?)?;
    for group in figures(results).iter().filter(|group| !group.figures.is_empty()) {
        println!("{}", group.title);
        for figure in &group.figures {
            println!("  {:<64} {}", figure.name, figure.text());
        }
    }
    println!("\nwritten to {}", args.out.join("report.html").display());
    Ok(())
}

fn write(folder: &Path, files: &BTreeMap<&'static str, String>) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for (name, text) in files {
        let file = folder.join(name);
        fs::write(&file, text).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

/// Of the bar.
const STEPS: f64 = 10_000.0;

fn bar() -> ProgressBar {
    let style = "{bar:40} {percent}% in {elapsed}, {eta} left, {msg}";
    let style =
        ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(STEPS as u64).with_style(style)
}
