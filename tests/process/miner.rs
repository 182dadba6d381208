//! Blocks out of what relays show as public, and a reorg now and then.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use scape::aggregate::{Hash, Transaction, ValidTx, Verifier};
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};

use super::drive::Site;
use super::flow::{CONSENSUS, Payment};
use super::grin::Grin;
use super::relay::Relay;
use super::wiretap::Wiretap;

const BLOCK_TIME: Duration = Duration::from_secs(1);

pub(crate) struct Miner {
    grin: Grin,
    relays: Vec<Arc<Relay>>,
    wiretap: Wiretap,
    verifier: Verifier,
    payments: Vec<Arc<Payment>>,
    /// How many blocks the next branch undoes.
    reorg: Arc<AtomicUsize>,
    /// Of undone blocks: a Grin node has them still, and takes them back into its pool.
    undone: HashSet<Hash>,
    salt: u64,
}

impl Miner {
    pub(crate) fn new(site: &Site, payments: Vec<Arc<Payment>>) -> Self {
        let (grin, relays) = (site.grin.clone(), site.relays.clone());
        let (wiretap, reorg) = (site.wiretap.clone(), site.reorg.clone());
        let verifier = Verifier::new(NonZeroUsize::new(10_000).expect("not zero"));
        Self { grin, relays, wiretap, verifier, payments, reorg, undone: HashSet::new(), salt: 0 }
    }

    /// Mines until it is dropped.
    pub(crate) async fn run(mut self) {
        let mut blocks = interval(BLOCK_TIME);
        blocks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            blocks.tick().await;
            let public = self.collect().await;
            self.salt += 10;
            match self.reorg.swap(0, Ordering::Relaxed) {
                0 => self.mine(public),
                depth => self.mine_branch(depth, &public),
            }
        }
    }

    /// What relays that are up show to everyone.
    async fn collect(&self) -> Vec<ValidTx> {
        let mut public = Vec::new();
        for relay in &self.relays {
            let shown = relay.foreign::<Vec<Value>>("get_unconfirmed_transactions", json!([]));
            // It may be down, or going down.
            for mut entry in shown.await.unwrap_or_default() {
                let tx = Transaction::from_json_value(entry["tx"].take(), &CONSENSUS);
                let tx = self.verifier.verify(tx.expect("relays show well-formed transactions"));
                let tx = tx.expect("relays show valid transactions");
                self.wiretap.show(tx.kernels().iter().map(|kernel| *kernel.hash()));
                public.push(tx);
            }
        }
        public
    }

    fn mine(&mut self, mut public: Vec<ValidTx>) {
        let mut ledger = self.grin.ledger();
        self.undone.retain(|kernel| ledger.kernel_height(kernel).is_none());
        let undone = self.payments.iter().filter(|payment| self.undone.contains(&payment.kernel()));
        public.extend(
            undone.map(|payment| {
                self.verifier.verify(payment.tx.clone()).expect("payments are valid")
            }),
        );
        let block = ledger.propose(&public, self.salt);
        ledger.accept(block).expect("a good block");
    }

    /// What was undone is not in the branch, unless relays show it; it comes later.
    fn mine_branch(&mut self, depth: usize, public: &[ValidTx]) {
        let mut ledger = self.grin.ledger();
        let blocks: Vec<_> = ledger.blocks().collect();
        let undone = blocks.iter().skip(1).rev().take(depth);
        self.undone.extend(undone.flat_map(|b| b.tx().kernels()).map(|kernel| *kernel.hash()));
        for block in ledger.propose_branch(depth, public, self.salt) {
            ledger.accept(block).expect("a good block");
        }
    }
}
