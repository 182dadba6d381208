//! The host: a Grin chain, a zone on it, and what passes between the two.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::Deref;

use bytes::Bytes;
use grin_core::core::hash::Hashed;
use grin_core::core::{BlockHeader, Transaction};
use grin_core::ser::{self, DeserializationMode};
use scape_aggregate::{Hash, ProtocolVersion, Verifier};
use scape_p2p::book::{Book, BookConfig, UnixTime};
use scape_p2p::dandelion::Preset;
use scape_p2p::zone::{Effect, PushError, Zone, ZoneConfig, ZoneContext};
use scape_pool::{Accepted, ChainUpdate, Instant, Notice};

use crate::CONSENSUS;
use crate::chain::{TestChain, our_hash, summary};
use crate::wallet::Wallet;

/// How transactions travel between today's nodes.
const VERSION: u32 = 3;
/// A block but for its reward, on Grin's test chains.
const MAX_WEIGHT: u64 = 226;

pub(crate) struct Host {
    chain: TestChain,
    pub(crate) zone: Zone,
    pub(crate) notices: Vec<Notice>,
    /// The end of the chain that the zone has heard of.
    heard: BlockHeader,
    verifier: Verifier,
    now: Instant,
    verdict: Option<Result<Accepted, PushError>>,
}

/// The chain is the host's to read.
impl Deref for Host {
    type Target = TestChain;

    fn deref(&self) -> &TestChain {
        &self.chain
    }
}

impl Host {
    pub(crate) fn new(wallet: &Wallet) -> Self {
        let chain = TestChain::new(wallet);
        let mut config =
            ZoneConfig { params: Preset::GrinDoc.params(), ..ZoneConfig::new(CONSENSUS) };
        // It has no peers and wants none, so nothing waits for them.
        config.peers.outbound = 0;
        let book = Book::new(BookConfig::default());
        Self {
            heard: chain.head(),
            chain,
            zone: Zone::new(config, book, [7; 32], Instant::ZERO),
            notices: Vec::new(),
            verifier: Verifier::new(NonZeroUsize::new(10_000).unwrap()),
            now: Instant::ZERO,
            verdict: None,
        }
    }

    /// Another node's copy of the chain.
    pub(crate) fn twin(&self) -> TestChain {
        let twin = self.chain.twin_of_genesis();
        twin.import(&self.chain);
        twin
    }

    /// Calls the zone and does what it wants.
    fn with_zone<T>(&mut self, call: impl FnOnce(&mut Zone, &ZoneContext<'_>) -> T) -> T {
        let ctx = ZoneContext { now: self.now, unix: UnixTime(0), chain: &self.chain };
        let result = call(&mut self.zone, &ctx);
        while let Some(effect) = self.zone.poll_effect() {
            match effect {
                Effect::Verify { ticket, tx, .. } => {
                    self.zone.handle_verified(ticket, self.verifier.verify(tx), &ctx);
                }
                Effect::Pushed { verdict, .. } => self.verdict = Some(verdict),
                Effect::Notice(notice) => self.notices.push(notice),
                // Nobody is connected, and nothing is kept.
                _ => {}
            }
        }
        result
    }

    pub(crate) fn push(&mut self, tx: &Transaction) -> Result<Accepted, PushError> {
        self.take(tx, false)
    }

    pub(crate) fn fluff(&mut self, tx: &Transaction) -> Result<Accepted, PushError> {
        self.take(tx, true)
    }

    fn take(&mut self, tx: &Transaction, fluff: bool) -> Result<Accepted, PushError> {
        let bytes = Bytes::from(ser::ser_vec(tx, ser::ProtocolVersion(VERSION)).unwrap());
        let version = ProtocolVersion(VERSION);
        let tx = scape_aggregate::Transaction::decode(&bytes, version, &CONSENSUS).unwrap();
        self.with_zone(|zone, _| zone.push(tx, fluff));
        self.verdict.take().unwrap()
    }

    /// Lets seconds pass.
    pub(crate) fn wait(&mut self, secs: u64) {
        let end = self.now + std::time::Duration::from_secs(secs);
        while self.zone.poll_timeout() <= end {
            self.now = self.now.max(self.zone.poll_timeout());
            self.with_zone(|zone, ctx| zone.handle_timeout(ctx));
        }
        self.now = end;
    }

    /// What a miner can choose from, as Grin's transactions, parents first.
    pub(crate) fn offered(&self) -> Vec<Transaction> {
        let read = |tx: &scape_aggregate::ValidTx| {
            let bytes = tx.encode(ProtocolVersion(VERSION)).unwrap();
            let (version, mode) = (ser::ProtocolVersion(VERSION), DeserializationMode::default());
            ser::deserialize(&mut &bytes[..], version, mode).unwrap()
        };
        self.zone.pool().public().map(read).collect()
    }

    /// Mines what is offered, as much as fits into a block. Returns how many transactions.
    pub(crate) fn mine(&mut self, wallet: &Wallet) -> usize {
        let mut weight = 0;
        let txs = self.offered().into_iter().take_while(|tx| {
            weight += tx.weight();
            weight <= MAX_WEIGHT
        });
        let txs: Vec<_> = txs.collect();
        self.chain.mine(&txs, wallet);
        self.hear();
        txs.len()
    }

    pub(crate) fn mine_empty(&mut self, count: usize, wallet: &Wallet) {
        self.chain.mine_empty(count, wallet);
        self.hear();
    }

    /// Lets embargoes end and mines until nothing is left.
    pub(crate) fn mine_all(&mut self, wallet: &Wallet) {
        let is_over = (0..100).any(|_| {
            self.wait(70);
            self.mine(wallet);
            let counts = self.zone.pool().counts();
            counts.stem + counts.public + counts.orphans == 0
        });
        assert!(is_over, "it never ends: {:?}", self.zone.pool().counts());
    }

    /// Takes the blocks of another node.
    pub(crate) fn import(&mut self, other: &TestChain) {
        self.chain.import(other);
        self.hear();
    }

    /// Another miner makes a longer branch without the last blocks, which holds some of what is
    /// public now or was in one of them.
    pub(crate) fn fork(&mut self, depth: usize, knows: usize, wallet: &Wallet) {
        let top = self.chain.head().height;
        let twin = self.chain.twin_of_genesis();
        for height in 1..=top - depth as u64 {
            twin.take(self.chain.block_at(height));
        }
        let known: Vec<_> = self.offered().into_iter().take(knows).collect();
        // What spends the undone blocks is not valid in the branch.
        for tx in known {
            if twin.accepts(&tx) {
                twin.mine(&[tx], wallet);
            }
        }
        while twin.head().height <= top {
            twin.mine_empty(1, wallet);
        }
        self.import(&twin);
    }

    /// Tells the zone what has become of the chain since it heard of it last.
    fn hear(&mut self) {
        let (mut old, mut new) = (self.heard.clone(), self.chain.head());
        self.heard = new.clone();
        let mut update = ChainUpdate::default();
        while old.hash() != new.hash() {
            if old.height >= new.height {
                update.disconnected.push(our_hash(&old.hash()));
                old = self.chain.before(&old);
            } else {
                update.connected.insert(0, summary(&self.chain.block_of(&new)));
                new = self.chain.before(&new);
            }
        }
        self.with_zone(|zone, ctx| zone.handle_chain(&update, ctx));
    }

    pub(crate) fn assert_mined_once<'a>(&self, txs: impl IntoIterator<Item = &'a Transaction>) {
        let mut mined: BTreeMap<Hash, usize> = BTreeMap::new();
        for height in 0..=self.chain.head().height {
            for kernel in self.chain.block_at(height).kernels() {
                *mined.entry(our_hash(&kernel.hash())).or_default() += 1;
            }
        }
        for tx in txs {
            assert!(kernels(tx).iter().all(|kernel| mined.get(kernel) == Some(&1)));
        }
        self.chain.validate();
    }
}

/// The hashes of the kernels of a transaction.
pub(crate) fn kernels(tx: &Transaction) -> Vec<Hash> {
    tx.kernels().iter().map(|kernel| our_hash(&kernel.hash())).collect()
}
