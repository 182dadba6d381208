//! Both pools, and what they hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use grin_pool::types::{NoopPoolAdapter, PoolEntry};
use grin_pool::{PoolConfig, PoolError, TransactionPool, TxSource};
use scape_aggregate::{Hash, ValidTx};
use scape_pool::{Accepted, Refusal, Source};

use super::By;
use super::corpus::{Corpus, Set, corpus, read};
use super::faults::View;
use super::ledger::{Chain, Ledger};
use super::rules::Rule;
use crate::node::{No, Node, PEER};
use crate::pair::kernels;

type Grin = TransactionPool<Chain, NoopPoolAdapter>;

/// What both pools hold before a step.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    pub(super) public: Vec<Set>,
    pub(super) stem: Vec<Set>,
}

/// What our pool remembers of a block.
#[derive(Clone, Debug)]
pub(super) struct Remembered {
    pub(super) set: Set,
    /// It was only in the stempool.
    pub(super) private: bool,
    pub(super) block: Hash,
}

/// One sequence.
pub(super) struct Player {
    pub(super) corpus: &'static Corpus,
    pub(super) chain: Chain,
    pub(super) grin: Grin,
    pub(super) ours: Node,
    pub(super) held: Held,
    pub(super) remembered: Vec<Remembered>,
    /// What our aggregates were merged from.
    pub(super) merged: BTreeMap<Set, Vec<Set>>,
    /// What ever had to wait, and what is the owner's.
    pub(super) waited: Set,
    log: Vec<String>,
    /// How often each rule was met.
    pub(super) met: BTreeMap<Rule, usize>,
}

/// Grin's pools before a step that is not to last.
struct Before {
    public: Vec<PoolEntry>,
    stem: Vec<PoolEntry>,
    cache: std::collections::VecDeque<PoolEntry>,
}

impl Player {
    pub(super) fn new() -> Self {
        crate::chain::follow(true);
        let corpus = corpus();
        let chain = Chain::new(Ledger::new(corpus));
        let config = PoolConfig { max_pool_size: 50, max_stempool_size: 50, ..Default::default() };
        let adapter = Arc::new(NoopPoolAdapter {});
        Self {
            corpus,
            grin: TransactionPool::new(config, Arc::new(chain.clone()), adapter),
            chain,
            ours: Node::new(true),
            held: Held::default(),
            remembered: Vec::new(),
            merged: BTreeMap::new(),
            waited: Set::new(),
            log: Vec::new(),
            met: BTreeMap::new(),
        }
    }

    /// Our pool says itself what it takes for public.
    pub(super) fn check_memory(&mut self) {
        let known = |atom: &usize| self.ours.pool.knows_public(&self.corpus.atoms[*atom].kernel);
        let known: Set = (0..self.corpus.atoms.len()).filter(known).collect();
        let remembered = self.remembered.iter().filter(|r| !r.private).map(|r| &r.set);
        let expected: Set = self.held.public.iter().chain(remembered).flatten().copied().collect();
        self.require(known == expected, &format!("it knows {known:?}, not {expected:?}"));
    }

    /// What is wrong with a set, with what both held before the step.
    pub(super) fn with_view<T>(&self, stem: bool, look: impl FnOnce(&View<'_>) -> T) -> T {
        let stempool = self.held.stem.iter().filter(|_| stem);
        let pending = self.held.public.iter().chain(stempool).collect();
        look(&View { corpus: self.corpus, ledger: &self.chain.read(), pending })
    }

    pub(super) fn add_to_ours(&mut self, set: &Set, stem: bool, by: By) -> Result<Accepted, No> {
        let (bytes, version) = self.corpus.bytes(set).unwrap();
        let tx: ValidTx = self.ours.read(&bytes, version)?;
        let source = match by {
            By::Peer => PEER,
            By::Owner => Source::Own,
        };
        self.ours.add_from(source, tx, stem, &self.chain.clone())
    }

    pub(super) fn add_to_grin(&mut self, set: &Set, stem: bool) -> Result<(), PoolError> {
        let (bytes, version) = self.corpus.bytes(set).unwrap();
        let tx = read(&bytes, version).unwrap();
        self.grin.add_to_pool(TxSource::Broadcast, tx, stem, &self.chain.header())
    }

    /// What Grin would say, without a trace.
    pub(super) fn ask_grin(&mut self, set: &Set, stem: bool) -> Result<(), PoolError> {
        let before = Before {
            public: self.grin.txpool.entries.clone(),
            stem: self.grin.stempool.entries.clone(),
            cache: self.grin.reorg_cache.read().clone(),
        };
        let verdict = self.add_to_grin(set, stem);
        self.grin.txpool.entries = before.public;
        self.grin.stempool.entries = before.stem;
        *self.grin.reorg_cache.write() = before.cache;
        verdict
    }

    pub(super) fn drop_from_grin(&mut self, set: &Set, stem: bool) {
        let pool = if stem { &mut self.grin.stempool } else { &mut self.grin.txpool };
        let corpus = self.corpus;
        pool.entries.retain(|entry| corpus.of_kernels(&kernels(&entry.tx)) != *set);
    }

    pub(super) fn ours_held(&self) -> Held {
        let sets =
            |held: Vec<BTreeSet<Hash>>| held.iter().map(|k| self.corpus.of_kernels(k)).collect();
        Held { public: sets(self.ours.public()), stem: sets(self.ours.stem()) }
    }

    pub(super) fn grin_held(&self) -> Held {
        let sets = |entries: &[PoolEntry]| {
            entries.iter().map(|entry| self.corpus.of_kernels(&kernels(&entry.tx))).collect()
        };
        Held { public: sets(&self.grin.txpool.entries), stem: sets(&self.grin.stempool.entries) }
    }

    pub(super) fn has_orphans(&self) -> bool {
        self.ours.pool.counts().orphans > 0
    }

    /// Everything that both hold or that waits: what may come or come back by itself.
    pub(super) fn all_held(&self) -> Set {
        let held = self.held.public.iter().chain(&self.held.stem).flatten();
        held.chain(&self.waited).copied().collect()
    }

    pub(super) fn met(&mut self, rule: Rule) {
        *self.met.entry(rule).or_default() += 1;
    }

    pub(super) fn note(&mut self, line: String) {
        self.log.push(line);
    }

    /// Fails with the story so far.
    pub(super) fn require(&self, holds: bool, what: &str) {
        assert!(holds, "{what}\nafter\n  {}\nboth held {:?}", self.log.join("\n  "), self.held);
    }

    pub(super) fn refused(ours: &Result<Accepted, No>, refusal: Refusal) -> bool {
        *ours == Err(No::Pool(refusal))
    }
}
