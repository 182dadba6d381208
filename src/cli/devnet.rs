//! `scape devnet`.

use std::time::Duration;

use rand::Rng;
use scape::devnet::{self, DevnetConfig};
use scape::log::{self, LogConfig};

use super::args::{DevnetArgs, Global};
use super::output::remark;
use super::{CliError, entropy};

pub(super) async fn run(global: &Global, args: DevnetArgs) -> Result<(), CliError> {
    let _log = log::start(&LogConfig::stderr("warn"))?;
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
    let (relays, transactions, seed) = (config.relays, config.transactions, config.seed);
    remark(format_args!("{relays} relays, {transactions} transactions, seed {seed}"));
    let summary = devnet::run(&config).await?;
    global.show(&summary, |_| summary.to_string())?;
    match summary.all_mined_once(transactions) {
        true => Ok(()),
        false => Err(CliError::NotMined(seed)),
    }
}
