//! What is pushed: made once, for all plans.

use std::fmt;
use std::sync::{Arc, OnceLock};

use scape::aggregate::builder::{Built, Coin, Faucet, TxBuilder, parallel};
use scape::aggregate::{ChainType, Consensus, Hash, Transaction};

/// Testnet's rules: blocks and aggregates in which many transactions fit.
pub(crate) const CONSENSUS: Consensus = Consensus::of(ChainType::Testnet);
const VALUE: u64 = 60_000_000_000;
const SINGLES: usize = 30;
const CHAINS: usize = 5;
const LENGTH: usize = 3;
const RIVALS: usize = 4;

/// A transaction with one kernel.
pub(crate) struct Payment {
    name: String,
    pub(crate) tx: Transaction,
}

/// All of them, in groups. Each group spends a coin of the genesis.
pub(crate) struct Flow {
    /// They have nothing to do with each other.
    pub(crate) singles: Vec<Arc<Payment>>,
    /// Each spends what the one before it creates.
    pub(crate) chains: Vec<Vec<Arc<Payment>>>,
    /// Both spend the same.
    pub(crate) rivals: Vec<Vec<Arc<Payment>>>,
}

impl Payment {
    pub(crate) fn kernel(&self) -> Hash {
        *self.tx.kernels()[0].hash()
    }
}

impl fmt::Debug for Payment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The coins of the genesis.
pub(crate) fn genesis() -> Vec<Coin> {
    Faucet::new(1).coins(SINGLES + CHAINS + RIVALS, VALUE)
}

/// The flow, which takes a second or two to make.
pub(crate) fn flow() -> &'static Flow {
    static FLOW: OnceLock<Flow> = OnceLock::new();
    FLOW.get_or_init(make)
}

fn make() -> Flow {
    let coins = genesis();
    let mut groups = parallel(1, coins.len(), |index, rng| {
        let mut spend = |coin: Coin| -> Built {
            let built = TxBuilder::new().input(coin).split(1).build(rng, &CONSENSUS);
            built.expect("a payment")
        };
        let first = spend(coins[index]);
        let mut group = vec![first];
        if (SINGLES..SINGLES + CHAINS).contains(&index) {
            while group.len() < LENGTH {
                let coin = group[group.len() - 1].coins[0];
                group.push(spend(coin));
            }
        } else if index >= SINGLES + CHAINS {
            group.push(spend(coins[index]));
        }
        name(index, group)
    });
    let rivals = groups.split_off(SINGLES + CHAINS);
    let chains = groups.split_off(SINGLES);
    Flow { singles: groups.into_iter().flatten().collect(), chains, rivals }
}

fn name(coin: usize, group: Vec<Built>) -> Vec<Arc<Payment>> {
    let named = group.into_iter().enumerate().map(|(place, built)| {
        Arc::new(Payment { name: format!("payment {coin}.{place}"), tx: built.tx })
    });
    named.collect()
}
