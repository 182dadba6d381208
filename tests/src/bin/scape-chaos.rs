//! Plays random networks in virtual time, by the thousand, until something is wrong.

use std::fs;
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use scape_tests::chaos::{Hunt, Outcome, Scenario, Size, generate, hunt, shrink};
use scape_tests::invariant::{Breach, Law};

/// Plays random networks in virtual time and judges every event by the invariants of the design.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Which seeds, as `FROM..TO`.
    #[arg(long, default_value = "0..1000", value_parser = range)]
    seeds: Range<u64>,
    /// How many nodes each network has.
    #[arg(long, default_value_t = 50)]
    nodes: usize,
    /// How many virtual minutes each network is busy. Then it is healed and runs until all is
    /// settled.
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// On how many threads; all there are by default.
    #[arg(long)]
    threads: Option<usize>,
    /// Play every so manieth seed twice and compare the traces; 0: none.
    #[arg(long, default_value_t = 50)]
    twice: u64,
    /// How many seconds to look for a smaller scenario that fails in the same way.
    #[arg(long, default_value_t = 120)]
    shrink: u64,
    /// Play the scenario in this file instead.
    #[arg(long)]
    replay: Option<PathBuf>,
    /// Where scenarios that fail are written.
    #[arg(long, default_value = ".")]
    out: PathBuf,
    /// Go on after a failure, and report all of them without shrinking.
    #[arg(long)]
    keep_going: bool,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    match &args.replay {
        Some(file) => {
            let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
            let scenario: Scenario = text.parse().with_context(|| file.display().to_string())?;
            replay(&scenario)
        }
        None => search(&args),
    }
}

fn replay(scenario: &Scenario) -> Result<ExitCode> {
    let outcome = scenario.run_with_history();
    print!("{}", outcome.history);
    println!("{} events, digest {}", outcome.events, outcome.digest);
    Ok(match outcome.breach {
        Some(breach) => {
            println!("{breach}");
            ExitCode::FAILURE
        }
        None => {
            println!("nothing is wrong");
            ExitCode::SUCCESS
        }
    })
}

fn search(args: &Args) -> Result<ExitCode> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let plan = Hunt {
        seeds: args.seeds.clone(),
        size: Size { nodes: args.nodes, minutes: args.minutes },
        threads: args.threads.unwrap_or(cores),
        twice: args.twice,
    };
    let bar = bar(plan.seeds.end.saturating_sub(plan.seeds.start));
    let (begin, mut total, mut failed) = (now(), Total::default(), Vec::new());
    hunt(&plan, |progress| {
        bar.inc(1);
        total.add(&progress.outcome);
        if let Some(breach) = progress.outcome.breach {
            bar.suspend(|| println!("seed {}: {breach}", progress.seed));
            failed.push((progress.seed, breach));
        }
        bar.set_message(format!("{} failed", failed.len()));
        failed.is_empty() || args.keep_going
    });
    bar.finish_and_clear();
    total.print(begin.elapsed(), plan.threads);
    let Some((seed, breach)) = failed.first() else { return Ok(ExitCode::SUCCESS) };
    println!("{} failed", failed.len());
    if !args.keep_going {
        explain(args, *seed, breach)?;
    }
    Ok(ExitCode::FAILURE)
}

/// Finds the smallest scenario, writes it down, and says what happens in it.
fn explain(args: &Args, seed: u64, breach: &Breach) -> Result<()> {
    let scenario = generate(seed, Size { nodes: args.nodes, minutes: args.minutes });
    let end = now() + Duration::from_secs(args.shrink);
    let small = match breach.law {
        // One run cannot show it.
        Law::Repeatable => scenario,
        law => shrink(&scenario, |candidate| {
            let fails = || candidate.run().breach.is_some_and(|breach| breach.law == law);
            (now() < end).then(fails)
        }),
    };
    let outcome = small.run_with_history();
    let file = args.out.join(format!("chaos-{seed}.txt"));
    fs::write(&file, small.to_string()).with_context(|| file.display().to_string())?;
    println!("\nseed {seed} breaks `{}`; the smallest scenario found:\n\n{small}", breach.law);
    print!("{}", outcome.history);
    if let Some(breach) = outcome.breach {
        println!("{breach}");
    }
    let (nodes, minutes, next) = (args.nodes, args.minutes, seed + 1);
    println!("\nscape-chaos --replay {}", file.display());
    println!("scape-chaos --seeds {seed}..{next} --nodes {nodes} --minutes {minutes}");
    Ok(())
}

/// What all runs came to.
#[derive(Default)]
struct Total {
    runs: u64,
    events: u64,
    time: Duration,
    txs: usize,
    kernels: usize,
    mined: usize,
    conflicted: usize,
    crashed: usize,
    sealed: usize,
    gathered: usize,
    aggregates: usize,
    met: u64,
    zoned: u64,
    noisy: u64,
    handed_over: usize,
    messages: usize,
    frames: u64,
}

impl Total {
    fn add(&mut self, outcome: &Outcome) {
        self.runs += 1;
        self.events += outcome.events;
        self.time += outcome.time;
        self.txs += outcome.txs;
        self.kernels += outcome.kernels;
        self.mined += outcome.fates.mined;
        self.conflicted += outcome.fates.conflicted;
        self.crashed += outcome.fates.crashed;
        self.sealed += outcome.met.sealed;
        self.gathered += outcome.met.gathered;
        self.aggregates += outcome.met.aggregates;
        self.met += u64::from(outcome.met.gathered > 0);
        self.zoned += u64::from(outcome.hidden.zones > 0);
        self.noisy += u64::from(outcome.hidden.noisy > 0);
        self.handed_over += outcome.hidden.handed_over;
        self.messages += outcome.hidden.messages;
        self.frames += outcome.hidden.frames;
    }

    fn print(&self, took: Duration, threads: usize) {
        let hours = self.time.as_secs() / 3_600;
        println!("networks             {}", self.runs);
        println!("virtual time         {hours} h");
        println!("events               {}", self.events);
        println!("transactions         {}", self.txs);
        println!("  mined              {}", self.kernels);
        println!("duties               {}", self.mined + self.conflicted + self.crashed);
        println!("  mined              {}", self.mined);
        println!("  conflicted         {}", self.conflicted);
        println!("  ended by a crash   {}", self.crashed);
        println!("sealed               {} in {} networks with sinks", self.sealed, self.met);
        println!("  gathered           {} in {} aggregates", self.gathered, self.aggregates);
        println!("handed over          {} in {} networks with zones", self.handed_over, self.zoned);
        println!("hidden               {} in {} networks with noise", self.messages, self.noisy);
        println!("  frames             {}", self.frames);
        println!("took                 {:.1} s on {threads} threads", took.as_secs_f64());
    }
}

fn bar(seeds: u64) -> ProgressBar {
    let style = "{bar:40} {pos}/{len} in {elapsed}, {eta} left, {msg}";
    let style =
        ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(seeds).with_style(style)
}

#[expect(clippy::disallowed_methods, reason = "progress is shown in real time")]
fn now() -> Instant {
    Instant::now()
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let (from, to) = text.split_once("..").ok_or("write FROM..TO")?;
    let number = |text: &str| text.parse::<u64>().map_err(|error| error.to_string());
    Ok(number(from)?..number(to)?)
}
