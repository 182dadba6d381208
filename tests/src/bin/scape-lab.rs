//! Plays networks of thousands of nodes and reports what an adversary learns of transactions.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use scape_tests::lab::report::{self, figures::figures};
use scape_tests::lab::{Flags, Results, Setup};

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
}

fn main() -> Result<()> {
    let args = Args::parse();
    match &args.command {
        Command::Run { file, flags } => run(&args, file.as_deref(), flags),
        Command::Merge { shards } => merge(&args, shards),
    }
}

fn run(args: &Args, file: Option<&Path>, flags: &Flags) -> Result<()> {
    let mut setup = match file {
        Some(file) => {
            let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
            Setup::from_toml(&text).with_context(|| file.display().to_string())?
        }
        None => Setup::default(),
    };
    flags.apply(&mut setup)?;
    let results = play(args, &setup)?;
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

/// Plays all seeds and shows how far it is.
fn play(args: &Args, setup: &Setup) -> Result<Results> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let bar = bar();
    let seeds = setup.seeds.0.end - setup.seeds.0.start;
    let results = Results::play(setup, args.threads.unwrap_or(cores), |progress| {
        bar.set_position((progress.share * STEPS) as u64);
        bar.set_message(format!("{} of {seeds} seeds", progress.done));
    })?;
    bar.finish_and_clear();
    Ok(results)
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
