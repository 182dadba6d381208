//! What tests of real nodes share. Each of the other files here is for some of them.

use scape::aggregate::builder::{Built, Coin, Faucet, TxBuilder, seeded};
use scape::aggregate::{ChainType, Consensus};
use scape::chain::DevLedger;
use scape::node::{Node, NodeConfig, NodeError};
use scape::pool::Notice;
use tokio::sync::mpsc;

pub(crate) const CONSENSUS: Consensus = Consensus::of(ChainType::AutomatedTesting);
const COINS: usize = 20;
const VALUE: u64 = 60_000_000_000;

/// A node, and what it said that happened.
pub(crate) struct Relay {
    pub(crate) node: Node,
    pub(crate) notices: mpsc::UnboundedReceiver<Notice>,
}

/// Starts a node on a chain of its own.
pub(crate) async fn start(config: NodeConfig) -> Result<Relay, NodeError> {
    let coins = coins().into_iter().map(|coin| (coin.commitment(), coin.features()));
    let (sender, notices) = mpsc::unbounded_channel();
    let node = Node::start(config, DevLedger::new(CONSENSUS, coins), Some(sender)).await?;
    Ok(Relay { node, notices })
}

/// The coins that every chain begins with.
pub(crate) fn coins() -> Vec<Coin> {
    Faucet::new(1).coins(COINS, VALUE)
}

/// Spends a coin; `variant` makes different payments of the same coin.
pub(crate) fn spend(coin: Coin, variant: u64) -> Built {
    let built = TxBuilder::new().input(coin).split(1).build(&mut seeded(2, variant), &CONSENSUS);
    built.expect("a payment")
}
