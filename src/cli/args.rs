//! What can be asked. The texts here are also the manual pages.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use scape::aggregate::Commitment;
use scape::p2p::addr::{Host, PeerAddr};
use scape::p2p::dandelion::Preset;
use scape::rpc::Url;

use super::help;

/// The stem of a Mimblewimble network: merges transactions before anyone sees them.
#[derive(Parser)]
#[command(name = "scape", version, propagate_version = true, after_help = help::EXIT_CODES)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What holds for all commands.
#[derive(Args)]
#[command(next_help_heading = "For all commands")]
pub(super) struct Global {
    /// The configuration.
    ///
    /// If not given, that of SCAPE_CONFIG, or ~/.scape/scape.toml if there is one, or the defaults.
    #[arg(long, global = true, value_name = "FILE", env = "SCAPE_CONFIG", hide_env_values = true)]
    pub(super) config: Option<PathBuf>,
    /// The API of a node, if not as the configuration says.
    ///
    /// As http://127.0.0.1:3419: that of the owner, or for `push` that of wallets. It is not
    /// encrypted: reach a node elsewhere through a tunnel.
    #[arg(long, global = true, value_name = "URL")]
    pub(super) api: Option<Url>,
    /// The file with its password, if not as the configuration says.
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) secret_file: Option<PathBuf>,
    /// Print JSON.
    ///
    /// Where a node is asked, that is what its API answers.
    #[arg(long, global = true)]
    pub(super) json: bool,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Runs one relay until SIGINT or SIGTERM.
    #[command(after_help = help::RUN)]
    Run,
    /// Runs a whole network in this process and shows that it works.
    ///
    /// Relays talk over loopback TCP; real transactions are made, pushed into random relays,
    /// merged along the stem, fluffed and mined. Succeeds if every one is mined exactly once.
    #[command(after_help = help::DEVNET)]
    Devnet(DevnetArgs),
    /// Says how a running node is: chain, pools, relays, clocks, journal.
    #[command(after_help = help::STATUS)]
    Status,
    /// Lists the peers of a running node, or bans them.
    #[command(args_conflicts_with_subcommands = true, after_help = help::PEERS)]
    Peers(PeersArgs),
    /// Says where the owner's transactions are, or one of them.
    #[command(after_help = help::TX)]
    Tx {
        /// The excess of one of its kernels, 66 digits of hex; all of the owner's if not given.
        #[arg(value_name = "KERNEL EXCESS")]
        kernel: Option<Excess>,
    },
    /// Gives a transaction to a running node, as a wallet does.
    #[command(after_help = help::PUSH)]
    Push {
        /// JSON as wallets post it, or hex; - reads stdin.
        file: PathBuf,
        /// Tell everyone at once, without the stem: what it hides is lost.
        #[arg(long)]
        fluff: bool,
    },
    /// Shows what is in a transaction, and which rules it breaks.
    ///
    /// It is taken apart as far as it can be read, whatever is wrong with it. Range proofs,
    /// signatures and sums are verified too. Nothing is sent, and no node is asked: whether its
    /// inputs exist is not known.
    #[command(after_help = help::DECODE)]
    Decode(DecodeArgs),
    /// Fluffs one of the owner's transactions now, with those that it depends on.
    #[command(after_help = help::FLUFF)]
    Fluff {
        /// The excess of one of its kernels, 66 digits of hex.
        #[arg(value_name = "KERNEL EXCESS")]
        kernel: Excess,
    },
    /// Lets a running node read its configuration again.
    ///
    /// An invalid file changes nothing. What needs a restart is said.
    #[command(after_help = help::RELOAD)]
    Reload,
    /// Shows a running node, live and full-screen.
    #[command(after_help = help::TOP)]
    Top(TopArgs),
    /// Makes, checks and shows configuration files.
    #[command(after_help = help::CONFIG)]
    Config {
        #[command(subcommand)]
        action: ConfigAction,
    },
    /// Prints a script that completes commands in a shell.
    #[command(after_help = help::COMPLETIONS)]
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Prints the manual page, or writes those of all commands.
    #[command(after_help = help::MAN)]
    Man {
        /// Write a page for each command into this folder.
        #[arg(long)]
        dir: Option<PathBuf>,
    },
}

#[derive(Args)]
pub(super) struct DevnetArgs {
    /// How many relays.
    #[arg(long, default_value_t = 6)]
    pub(super) relays: usize,
    /// How many transactions.
    #[arg(long, default_value_t = 64)]
    pub(super) transactions: usize,
    /// Parameters of Dandelion.
    #[arg(long, default_value = "grin-doc", value_parser = presets())]
    pub(super) preset: Preset,
    /// Let timers run as the preset says, not 20 times faster with an embargo of 10 to 14 s.
    #[arg(long)]
    pub(super) real_time: bool,
    /// Seconds between blocks.
    #[arg(long, default_value_t = 2)]
    pub(super) block_time: u64,
    /// How many reorgs to make on the way.
    #[arg(long, default_value_t = 0)]
    pub(super) reorgs: usize,
    /// Seed of everything random but the timing of threads and sockets; random if not given.
    #[arg(long)]
    pub(super) seed: Option<u64>,
}

#[derive(Args)]
pub(super) struct PeersArgs {
    /// Known addresses instead of connections.
    #[arg(long)]
    pub(super) all: bool,
    #[command(subcommand)]
    pub(super) action: Option<PeersAction>,
}

#[derive(Subcommand)]
pub(super) enum PeersAction {
    /// Bans a host, and ends its connections.
    Ban {
        /// Its address, with or without a port.
        #[arg(value_parser = parse_host)]
        addr: Host,
    },
    /// Ends the ban of a host.
    Unban {
        /// Its address, with or without a port.
        #[arg(value_parser = parse_host)]
        addr: Host,
    },
}

#[derive(Args)]
pub(super) struct DecodeArgs {
    /// JSON as wallets post it, or hex; - reads stdin.
    pub(super) file: PathBuf,
    /// Do not verify range proofs, signatures and sums.
    #[arg(long)]
    pub(super) no_verify: bool,
    /// The protocol version that hex is written in; the one that fits best if not given.
    #[arg(long, value_name = "VERSION")]
    pub(super) protocol: Option<u32>,
}

#[derive(Args)]
pub(super) struct TopArgs {
    /// Seconds from one look at the node to the next.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = parse_interval)]
    pub(super) interval: f64,
}

#[derive(Subcommand)]
pub(super) enum ConfigAction {
    /// Writes a file with every key, its meaning and its default. Overwrites nothing.
    Init {
        /// The file; --config or ~/.scape/scape.toml if not given.
        file: Option<PathBuf>,
    },
    /// Checks the configuration, and says what its parameters imply.
    Check,
    /// Prints the configuration: every key with its meaning, and what is set.
    Show,
}

/// The excess of a kernel, in hex.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Excess(pub(super) Commitment);

impl std::str::FromStr for Excess {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut bytes = [0; Commitment::SIZE];
        hex::decode_to_slice(text, &mut bytes)
            .map(|()| Self(Commitment(bytes)))
            .map_err(|_| format!("an excess has {} digits of hex", 2 * Commitment::SIZE))
    }
}

fn presets() -> impl TypedValueParser<Value = Preset> {
    PossibleValuesParser::new(Preset::ALL.map(Preset::name))
        .try_map(|name| name.parse::<Preset>().map_err(|()| "no such preset"))
}

/// Bans are for hosts, and addresses are listed with their ports.
fn parse_host(text: &str) -> Result<Host, String> {
    let addr = text.parse::<PeerAddr>().map(|addr| addr.host()).or_else(|_| text.parse());
    addr.map_err(|_| {
        "an address is as 192.0.2.1, 192.0.2.1:3414, [2001:db8::1]:3414 or a name in .onion or \
         .b32.i2p"
            .to_owned()
    })
}

fn parse_interval(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(secs) if (0.1..=3_600.0).contains(&secs) => Ok(secs),
        _ => Err("a number of seconds from 0.1 to 3600".to_owned()),
    }
}
