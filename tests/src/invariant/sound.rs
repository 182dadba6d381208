use std::collections::HashMap;

use scape_aggregate::{Hash, Transaction};
use scape_p2p::wire::Message;

use super::{Breach, Invariant, Law, honest};
use crate::flow::{Mint, kernels};
use crate::net::{Happening, Network, NodeId};

/// Every transaction that leaves a node would be accepted by a Grin node: it keeps the rules, pays
/// for its weight, balances, and is not locked.
#[derive(Debug)]
pub struct Sound {
    mint: Mint,
    /// What was found sound last, by first kernel.
    checked: HashMap<Hash, Transaction>,
}

impl Sound {
    /// `mint` knows which transactions balance.
    pub fn new(mint: Mint) -> Self {
        Self { mint, checked: HashMap::new() }
    }

    fn check(&mut self, net: &Network, node: NodeId, tx: &Transaction) -> Result<(), String> {
        let Some(first) = tx.kernels().first() else { return Err("it is empty".to_owned()) };
        if self.checked.get(first.hash()) == Some(tx) {
            return Ok(());
        }
        let consensus = net.node(node).config().consensus;
        let parts = (tx.outputs().to_vec(), tx.kernels().to_vec());
        let inputs = tx.inputs_as_held().clone();
        Transaction::new(*tx.offset(), inputs, parts.0, parts.1, &consensus)
            .map_err(|error| error.to_string())?;
        if !tx.pays_relay_fee() {
            return Err(format!("pays {}, relaying costs {}", tx.shifted_fee(), tx.relay_fee()));
        }
        self.mint.check(tx).map_err(|error| error.to_string())?;
        self.checked.insert(*first.hash(), tx.clone());
        Ok(())
    }
}

fn check_lock(tx: &Transaction, height: u64) -> Result<(), String> {
    match tx.lock_height() > height + 1 {
        true => Err(format!("locked until {}, at height {height}", tx.lock_height())),
        false => Ok(()),
    }
}

impl Invariant for Sound {
    fn after(&mut self, net: &Network, what: &[Happening]) -> Result<(), Breach> {
        for happening in what {
            let Happening::Sent { from, to, height, message, .. } = happening else { continue };
            let (Message::StemTransaction(tx) | Message::Transaction(tx)) = message else {
                continue;
            };
            if honest(net, *from) {
                check_lock(tx, *height).and_then(|()| self.check(net, *from, tx)).map_err(
                    |fault| {
                        let fault = format!("{from} sends {to} a bad transaction: {fault}");
                        Breach::new(Law::Sound, net, fault, &kernels(tx))
                    },
                )?;
            }
        }
        Ok(())
    }
}
