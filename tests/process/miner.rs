//! Blocks out of what is public, and a reorg now and then.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use scape::aggregate::{Hash, Transaction, ValidTx, Verifier};
use scape::chain::DevLedger;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};

use super::drive::Site;
use super::flow::CONSENSUS;

const BLOCK_TIME: Duration = Duration::from_secs(1);

/// A miner that lasts, as somebody does in a real network.
///
/// A relay forgets its owner's transaction as soon as a peer has shown to have it in public. If all
/// who have it were killed at this moment it would be gone, however well each relay does: so the
/// miner also has what passes between relays in public, and keeps all of it.
pub(crate) struct Miner<'a> {
    site: &'a Site,
    verifier: Verifier,
    pool: BTreeMap<Hash, ValidTx>,
    salt: u64,
}

impl<'a> Miner<'a> {
    pub(crate) fn new(site: &'a Site) -> Self {
        let verifier = Verifier::new(NonZeroUsize::new(10_000).expect("not zero"));
        Self { site, verifier, pool: BTreeMap::new(), salt: 0 }
    }

    /// Mines until it is dropped.
    pub(crate) async fn run(mut self) {
        let mut blocks = interval(BLOCK_TIME);
        blocks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            blocks.tick().await;
            self.collect().await;
            self.salt += 10;
            match self.site.reorg.swap(0, Ordering::Relaxed) {
                0 => self.mine(),
                depth => self.mine_branch(depth),
            }
        }
    }

    /// What passed, and what relays that are up show to everyone.
    async fn collect(&mut self) {
        let mut public = self.site.wiretap.passed();
        for relay in &self.site.relays {
            let shown = relay.foreign::<Vec<Value>>("get_unconfirmed_transactions", json!([]));
            // It may be down, or going down.
            for mut entry in shown.await.unwrap_or_default() {
                let tx = Transaction::from_json_value(entry["tx"].take(), &CONSENSUS);
                public.push(tx.expect("relays show well-formed transactions"));
            }
        }
        for tx in public {
            self.site.wiretap.show(tx.kernels().iter().map(|kernel| *kernel.hash()));
            let tx = self.verifier.verify(tx).expect("relays show valid transactions");
            self.pool.insert(tx.hash(), tx);
        }
    }

    fn mine(&mut self) {
        let mut ledger = self.site.grin.ledger();
        let block = ledger.propose(self.open(&ledger), self.salt);
        ledger.accept(block).expect("a good block");
    }

    /// What is undone is not in the branch, but comes later.
    fn mine_branch(&mut self, depth: usize) {
        let mut ledger = self.site.grin.ledger();
        let open: Vec<_> = self.open(&ledger).collect();
        for block in ledger.propose_branch(depth, open, self.salt) {
            ledger.accept(block).expect("a good block");
        }
    }

    /// What no block holds.
    fn open(&self, ledger: &DevLedger) -> impl Iterator<Item = &ValidTx> {
        let is_open = |tx: &&ValidTx| {
            tx.kernels().iter().all(|kernel| ledger.kernel_height(kernel.hash()).is_none())
        };
        self.pool.values().filter(is_open)
    }
}
