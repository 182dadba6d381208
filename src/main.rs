//! The command line of Scape.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use rand::Rng;
use rand_chacha::ChaCha12Rng;
use scape::devnet::{self, DevnetConfig};
use scape::p2p::dandelion::Preset;

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
    /// Let timers run as the preset says, not 20 times faster.
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

/// A seed from the operating system.
#[expect(clippy::disallowed_methods, reason = "the one place where randomness comes from outside")]
fn random_seed() -> u64 {
    rand::make_rng::<ChaCha12Rng>().next_u64()
}

fn parse_preset(name: &str) -> Result<Preset, String> {
    let names = || Preset::ALL.map(Preset::name).join(", ");
    name.parse().map_err(|()| format!("the presets are {}", names()))
}

fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match cli.command {
            Command::Devnet(args) => run_devnet(args).await,
        }
    })
}

async fn run_devnet(args: DevnetArgs) -> anyhow::Result<ExitCode> {
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
        seed: args.seed.unwrap_or_else(random_seed),
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
