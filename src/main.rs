//! The command line of Scape.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use rand::Rng;
use rand_chacha::ChaCha12Rng;
use scape::api::Origin;
use scape::config::Config;
use scape::devnet::{self, DevnetConfig};
use scape::p2p::dandelion::Preset;
use tracing_subscriber::EnvFilter;

/// The stem of a Mimblewimble network: merges transactions before anyone sees them.
#[derive(Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a whole network in this process and shows that it works.
    ///
    /// Relays talk over loopback TCP; real transactions are made, pushed into random relays,
    /// merged along the stem, fluffed and mined. Succeeds if every one is mined exactly once.
    Devnet(DevnetArgs),
    /// Runs one relay on an embedded development chain until SIGINT or SIGTERM.
    Run {
        /// The configuration; the defaults if not given.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Prints a configuration file with every key, its meaning and its default.
    Config,
}

#[derive(Args)]
struct DevnetArgs {
    /// How many relays.
    #[arg(long, default_value_t = 6)]
    relays: usize,
    /// How many transactions.
    #[arg(long, default_value_t = 64)]
    transactions: usize,
    /// Parameters of Dandelion: grin-doc, grin-5, dandelion++, monero or scape.
    #[arg(long, default_value = "scape", value_parser = parse_preset)]
    preset: Preset,
    /// Let timers run as the preset says, not 20 times faster with an embargo of 10 to 14 s.
    #[arg(long)]
    real_time: bool,
    /// Seconds between blocks.
    #[arg(long, default_value_t = 2)]
    block_time: u64,
    /// How many reorgs to make on the way.
    #[arg(long, default_value_t = 0)]
    reorgs: usize,
    /// Seed of everything random but the timing of threads and sockets; random if not given.
    #[arg(long)]
    seed: Option<u64>,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match cli.command {
            Command::Devnet(args) => run_devnet(args).await,
            Command::Run { config } => run(config).await,
            Command::Config => {
                print!("{}", Config::documented());
                Ok(ExitCode::SUCCESS)
            }
        }
    })
}

async fn run_devnet(args: DevnetArgs) -> anyhow::Result<ExitCode> {
    start_log("warn");
    let (speed, deadline) = match args.real_time {
        true => (1, Duration::from_secs(4 * 3600)),
        false => (20, Duration::from_secs(55)),
    };
    let config = DevnetConfig {
        relays: args.relays,
        transactions: args.transactions,
        preset: args.preset,
        speed,
        block_time: Duration::from_secs(args.block_time.max(1)),
        reorgs: args.reorgs,
        deadline,
        seed: args.seed.unwrap_or_else(|| entropy().next_u64()),
    };
    eprintln!(
        "{} relays, {} transactions, seed {}",
        config.relays, config.transactions, config.seed
    );
    let summary = devnet::run(&config).await?;
    match args.json {
        true => println!("{}", serde_json::to_string_pretty(&summary)?),
        false => println!("{summary}"),
    }
    if summary.all_mined_once(config.transactions) {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("not every transaction was mined exactly once; --seed {} repeats it", config.seed);
    Ok(ExitCode::FAILURE)
}

async fn run(path: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let config = match &path {
        Some(path) => Config::load(path)
            .with_context(|| format!("the configuration {} is not usable", path.display()))?,
        None => Config::default(),
    };
    start_log(&config.log.filter);
    let origin = Origin { path, set_filter: None };
    scape::run::run(&config, origin, entropy(), stop_signal()?).await?;
    Ok(ExitCode::SUCCESS)
}

/// Resolves on SIGINT or SIGTERM.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Logs to stderr. `RUST_LOG` goes before the filter of the configuration.
fn start_log(filter: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(filter));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// A generator seeded by the operating system.
#[expect(clippy::disallowed_methods, reason = "the one place where randomness comes from outside")]
fn entropy() -> ChaCha12Rng {
    rand::make_rng()
}

fn parse_preset(name: &str) -> Result<Preset, String> {
    let names = || Preset::ALL.map(Preset::name).join(", ");
    name.parse().map_err(|()| format!("the presets are {}", names()))
}
