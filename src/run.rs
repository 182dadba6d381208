//! The daemon: one node with its APIs, beside a Grin node or on an embedded development chain, until
//! it is told to stop.

use std::future::Future;

use rand::Rng;
use rand_chacha::ChaCha12Rng;
use scape_aggregate::builder::Faucet;
use thiserror::Error;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use crate::api::{ApiError, Apis, Origin, grin_secret};
use crate::chain::{Chain, DevLedger, GrinChain, GrinConfig};
use crate::config::{Config, ConfigError};
use crate::node::{LedgerError, Node, NodeConfig, NodeError, Zones, warn_of_slow_library};

/// Why the daemon did not run.
#[derive(Debug, Error)]
pub enum RunError {
    /// The configuration is impossible.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The node did not start.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The APIs did not start, or the password of the Grin node's cannot be read.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The node has stopped by itself.
    #[error(transparent)]
    Stopped(#[from] LedgerError),
}

/// Runs a node and its APIs until `stop` resolves, then ends its connections and saves its address
/// book. `origin` says where the configuration came from.
///
/// # Errors
/// If it could not be started, or stopped by itself.
pub async fn run(
    config: &Config,
    origin: Origin,
    mut rng: ChaCha12Rng,
    stop: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let checked = config.check()?;
    info!("{}", checked.implied);
    for warning in &checked.warnings {
        warn!("{warning}");
    }
    tokio::task::spawn_blocking(warn_of_slow_library);
    let node = node_config(config, &mut rng)?;
    let node = Node::start(node, chain(config, &mut rng)?, None).await?;
    for (network, addr) in node.local_addrs() {
        info!(%addr, chain = %config.consensus().chain, zone = %network, "listening");
    }
    if node.local_addrs().is_empty() {
        info!(chain = %config.consensus().chain, "started without a listener");
    }
    let apis = match Apis::start(config, origin, node.handle(), &mut rng).await {
        Ok(apis) => apis,
        Err(error) => {
            node.shutdown().await;
            return Err(error.into());
        }
    };
    say_where(config, &apis)?;
    let ended = keep_mining(config, &node, &mut rng, stop).await;
    info!("stopping");
    apis.stop().await;
    node.shutdown().await;
    ended
}

/// Makes a block now and then, until `stop` resolves.
async fn keep_mining(
    config: &Config,
    node: &Node,
    rng: &mut ChaCha12Rng,
    stop: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let mut blocks = interval(config.ledger.block_secs.0);
    blocks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return Ok(()),
            _ = blocks.tick(), if config.grin.url.is_none() => {
                let block = node.propose(rng.next_u64()).await?;
                if let Err(error) = node.deliver(block).await? {
                    warn!(%error, "a block of our own is invalid");
                }
            }
        }
    }
}

fn say_where(config: &Config, apis: &Apis) -> Result<(), ConfigError> {
    if let Some(addr) = apis.foreign_addr() {
        let secret = config.foreign_secret_file()?;
        info!(%addr, secret = %secret.display(), "serving wallets");
    }
    if let Some(addr) = apis.owner_addr() {
        let secret = config.owner_secret_file()?;
        info!(%addr, secret = %secret.display(), "serving the owner");
    }
    Ok(())
}

/// The chain of the Grin node, if there is one, and else one of our own.
fn chain(config: &Config, rng: &mut impl Rng) -> Result<Chain, RunError> {
    let Some(url) = config.grin.url.clone() else { return Ok(ledger(config).into()) };
    info!(%url, "following the chain of a Grin node");
    let secret = grin_secret(config)?;
    let mut seed = [0; 32];
    rng.fill_bytes(&mut seed);
    let chain = GrinChain::start(GrinConfig {
        url,
        secret,
        consensus: config.consensus(),
        reorg_depth: config.pool.reorg_depth,
        poll: config.grin.poll_secs.0,
        grace: GrinConfig::GRACE,
        seed,
    });
    Ok(chain.into())
}

/// A chain that begins with coins whose keys follow from a seed, for wallets of development.
fn ledger(config: &Config) -> DevLedger {
    let mut faucet = Faucet::new(config.ledger.seed);
    let coins = (0..config.ledger.outputs).map(|_| faucet.coin(config.ledger.value));
    let outputs = coins.map(|coin| (coin.commitment(), coin.features()));
    DevLedger::new(config.consensus(), outputs)
}

fn node_config(config: &Config, rng: &mut impl Rng) -> Result<NodeConfig, ConfigError> {
    let mut setups = config.zone_setups(rng)?;
    if setups.is_empty() {
        return Err(ConfigError::NoZone);
    }
    let main = setups.remove(0);
    Ok(NodeConfig {
        zone: main.zone,
        net: main.net,
        book: main.book,
        seeds: main.seeds,
        data_dir: Some(config.data_dir()?),
        workers: config.node.workers,
        seed: main.seed,
        zones: Zones { others: setups, origin: config.origin() },
    })
}
