//! Whatever happens in whatever order: the indexes agree, nothing excludes anything, and nothing
//! is lost.
//!
//! Random stories are told twice: what is held is checked after each step, and both times the
//! same effects must come out. Then the story is left alone, and everything must come to an end.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use scape_aggregate::builder::AssumedTx;
use scape_aggregate::{Hash, ValidTx, aggregate};

use crate::kit::{self, World, kernels, output, peer};
use crate::store::{creates, kernel_hashes, spends};
use crate::{
    Capacity, Effect, EntryId, Notice, PatienceMode, PeerId, Pool, Record, RecordStage, SinkId,
    Source,
};

impl Pool {
    /// Panics if what the pool knows twice is not the same both times.
    fn assert_consistent(&self) {
        for (id, entry) in self.stem.iter() {
            let due = entry.meta.state.due();
            assert!(due.is_none_or(|due| self.fresh.has(id, due)), "timers of patience");
            assert!(self.embargoes.has(id, self.sweep_after(entry.meta.embargo)), "of embargoes");
        }
        let most = 2 * self.stem.len();
        assert!(self.fresh.len() <= most && self.embargoes.len() <= most, "pointless timers");
        for (bundle, members) in &self.bundles {
            let travels = |id| self.stem.get(id).is_some_and(|entry| entry.meta.bundle == *bundle);
            assert!(members.is_sorted_by(|a, b| a < b) && !members.is_empty(), "order of a bundle");
            assert!(members.iter().all(|id| travels(*id)), "who travels in a bundle");
        }
        for (id, entry) in self.stem.iter() {
            assert!(self.members(&entry.meta.bundle).contains(&id), "bundle of an entry");
        }
        let leaves = self
            .txpool
            .iter()
            .filter(|(_, entry)| !entry.meta.own && self.txpool.children(&entry.tx).is_empty());
        let leaves: BTreeSet<_> = leaves.map(|(id, entry)| (entry.meta.rate, id)).collect();
        assert_eq!(leaves, self.leaves, "leaves of the txpool");
        let mut used: BTreeMap<Source, usize> = BTreeMap::new();
        for (_, entry) in self.stem.iter() {
            *used.entry(entry.meta.source).or_default() += 1;
        }
        let counted = self.stem_usage.iter().map(|(source, usage)| (*source, usage.entries));
        assert_eq!(counted.collect::<BTreeMap<_, _>>(), used, "shares of the stempool");
        self.assert_no_conflicts();
        for (_, entry) in self.stem.iter() {
            let parents = self.stem.parents(&entry.tx).into_iter();
            let mut parents = parents.filter_map(|id| self.stem.get(id));
            assert!(parents.all(|parent| parent.meta.embargo <= entry.meta.embargo));
            let known = entry.tx.kernels().iter().any(|k| self.is_public_kernel(k.hash(), true));
            assert!(!known, "a stem entry has a public kernel");
            let mut relatives = self.stem.parents(&entry.tx);
            relatives.extend(self.stem.children(&entry.tx));
            assert!(entry.has_relatives || relatives.is_empty(), "a relative is not known");
        }
    }

    fn assert_no_conflicts(&self) {
        let stem = self.stem.iter().map(|(_, entry)| &entry.tx);
        let all: Vec<&ValidTx> = self.public().chain(stem).collect();
        let (mut spent, mut created, mut seen) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for tx in &all {
            assert!(spends(tx).all(|input| spent.insert(input)), "spent twice");
            assert!(creates(tx).all(|output| created.insert(output)), "created twice");
            assert!(kernel_hashes(tx).into_iter().all(|kernel| seen.insert(kernel)));
        }
        let mut before = BTreeSet::new();
        for tx in self.public() {
            let early =
                spends(tx).all(|input| !created.contains(&input) || before.contains(&input));
            assert!(early, "a public child comes before its parent");
            before.extend(creates(tx));
        }
    }
}

/// Something that happens; the numbers choose what exactly.
#[derive(Clone, Copy, Debug)]
struct Step(u8, u16);

struct Story {
    world: World,
    /// Everything that was ever made, to build upon and to send again.
    made: Vec<ValidTx>,
    accepted: BTreeSet<Hash>,
    reported: BTreeSet<Hash>,
    sent: Vec<Vec<EntryId>>,
    /// What the host has on its disk.
    disk: BTreeMap<Hash, Record>,
    trace: Vec<Effect>,
}

impl Story {
    fn new([small, fluff_only, sticky, sealing]: [bool; 4]) -> Self {
        let mut config = if sealing { kit::rendezvous() } else { kit::config() };
        if small {
            let capacity =
                Capacity { stem_entries: 8, shares: 2, tx_entries: 5, ..Capacity::default() };
            config.capacity = Capacity { orphan_entries: 4, stem_ancestors: 2, ..capacity };
        }
        if fluff_only {
            config.patience.mode = PatienceMode::FluffOnly;
        }
        let mut world = World::with(config);
        world.routes.stem_probability = 0.7;
        world.routes.sticky = sticky;
        if sealing {
            world.routes.sinks = vec![SinkId([1; 32]), SinkId([2; 32])];
        }
        let (accepted, reported) = (BTreeSet::new(), BTreeSet::new());
        let (made, sent, disk, trace) = (Vec::new(), Vec::new(), BTreeMap::new(), Vec::new());
        Self { world, made, accepted, reported, sent, disk, trace }
    }

    fn pick(&self, number: u16) -> Option<ValidTx> {
        let index = usize::from(number) % self.made.len().max(1);
        self.made.get(index).cloned()
    }

    /// A new transaction: of a fresh coin, a child of one or two, or a rival.
    fn make(&mut self, number: u16) -> ValidTx {
        let (one, other) = (self.pick(number / 4), self.pick(number / 7));
        let fee = 30_000_000 + u64::from(number % 5) * 10_000_000;
        let tx = match (number % 4, one, other) {
            (1, Some(one), Some(other)) if kernels(&one) != kernels(&other) => {
                let both = AssumedTx::new().spend(output(&one, 0)).spend(output(&other, 1));
                self.world.build(both.fee(fee))
            }
            (1 | 2, Some(one), _) => {
                let child = AssumedTx::new().spend(output(&one, usize::from(number / 4 % 2)));
                self.world.build(child.fee(fee))
            }
            (3, Some(one), _) if number.is_multiple_of(3) => self.world.rival(&one),
            _ => {
                let coin = self.world.coin();
                let lock = 10 + u64::from(number % 3);
                self.world.build(AssumedTx::new().spend(coin).fee(fee).height_locked(lock))
            }
        };
        self.made.push(tx.clone());
        tx
    }

    fn give(&mut self, tx: ValidTx, number: u16, stem: bool) {
        let source = match number % 4 {
            0 => Source::Own,
            id => peer(id.into()),
        };
        let verdict = match stem {
            true => self.world.stem(&tx, source),
            false => self.world.fluff(&tx, source),
        };
        if verdict.is_ok() {
            self.accepted.extend(kernels(&tx));
        }
    }

    fn step(&mut self, Step(kind, number): Step) {
        match kind % 13 {
            0..=2 => {
                let tx = self.make(number);
                self.give(tx, number, true);
            }
            3 => {
                let tx = self.make(number);
                self.give(tx, number, false);
            }
            4 if number.is_multiple_of(3) => {
                let tx = self.make(number);
                if self.world.sealed(&tx, peer(number.into())).is_ok() {
                    self.accepted.extend(kernels(&tx));
                }
            }
            4 => drop(self.make(number)),
            5 | 6 => {
                let tx = self.pick(number);
                tx.into_iter().for_each(|tx| self.give(tx, number / 3, kind % 2 == 0));
            }
            7 => {
                let parts: Vec<_> = [self.pick(number), self.pick(number / 5)]
                    .into_iter()
                    .collect::<Option<_>>()
                    .unwrap_or_default();
                if let (2, Ok(both)) = (parts.len(), aggregate(&parts)) {
                    self.give(both, number / 3, number.is_multiple_of(2));
                }
            }
            8 => self.mine(number),
            9 => {
                let undone = 1 + usize::from(number % 2);
                let blocks = vec![&[] as &[ValidTx]; undone.min(usize::from(number / 2 % 3))];
                self.world.reorg(undone.min(self.world.chain.height as usize - 10), &blocks);
            }
            10 => {
                self.world.routes.relay =
                    [Some(PeerId(1)), Some(PeerId(2)), None][usize::from(number % 3)];
                self.world.routes.down = BTreeSet::from([PeerId(u64::from(number / 3 % 4))]);
                self.world.routes.sinks.reverse();
                if let Some(parts) = self.sent.pop() {
                    self.world.undelivered(&parts);
                }
            }
            11 if number.is_multiple_of(4) => self.crash(),
            _ => {
                let secs = self.world.now.as_micros() / 1_000_000 + u64::from(number % 20);
                self.world.run_until(secs);
            }
        }
        self.observe();
    }

    /// Mines some of the public transactions, or some others that were made.
    fn mine(&mut self, number: u16) {
        let public: Vec<_> = self.world.pool.public().cloned().collect();
        let others = if number.is_multiple_of(3) { self.made.clone() } else { Vec::new() };
        let mut block: Vec<ValidTx> = Vec::new();
        for (index, tx) in others.into_iter().chain(public).enumerate() {
            let seen = |kernel: &Hash| block.iter().any(|tx| kernels(tx).contains(kernel));
            let fits = self.world.chain.allows(&tx, &block) && !kernels(&tx).iter().any(seen);
            if fits && number >> (index % 16) & 1 == 0 {
                block.push(tx);
            }
        }
        self.world.mine(&block);
    }

    /// The node dies: what is written down is all that is left, and all that it answers for.
    fn crash(&mut self) {
        self.observe();
        self.sent.clear();
        self.accepted = self.disk.values().flat_map(|record| kernels(&record.tx)).collect();
        self.reported.clear();
        self.world.pool = Pool::new(self.world.pool.config.clone(), [9; 32]);
        let records: Vec<_> = self.disk.values().cloned().collect();
        self.world.with_ctx(|pool, ctx| pool.restore(records, &[], ctx));
    }

    /// What is written down is what the pool would have to know after a crash.
    fn assert_durable(&self) {
        let pool = &self.world.pool;
        for (tx, source, embargo) in pool.stem() {
            let of_it = |record: &&Record| kernels(&record.tx).contains(&kernels(tx)[0]);
            let Some(record) = self.disk.values().find(of_it) else {
                assert!(source != Source::Own, "an own stem transaction is not written down");
                continue;
            };
            match record.stage {
                RecordStage::Sent { embargo: kept } | RecordStage::Sealed { embargo: kept, .. } => {
                    assert!(kept >= embargo)
                }
                RecordStage::Waiting { .. } => {}
                RecordStage::Public => panic!("a stem transaction is written down as public"),
            }
            let entry = pool.stem.with_kernel(&kernels(tx)[0]).and_then(|id| pool.stem.get(id));
            let sent = entry.is_some_and(|entry| entry.meta.sent);
            if kernels(&record.tx) == kernels(tx) {
                let left =
                    matches!(record.stage, RecordStage::Sent { .. } | RecordStage::Sealed { .. });
                assert_eq!(sent, left);
            }
        }
    }

    fn observe(&mut self) {
        self.world.pool.assert_consistent();
        let out = self.world.drain();
        for effect in &out.all {
            match effect {
                Effect::Keep(record) => drop(self.disk.insert(record.key(), record.clone())),
                Effect::Erase { key } => assert!(self.disk.remove(key).is_some()),
                Effect::Stem { .. }
                | Effect::Seal { .. }
                | Effect::Fluff { .. }
                | Effect::Notice(_) => {}
            }
        }
        self.assert_durable();
        self.sent.extend(out.stems.into_iter().map(|(_, _, parts)| parts));
        self.sent.extend(out.seals.into_iter().map(|(_, _, parts, _)| parts));
        for notice in out.notices {
            match notice {
                Notice::Unmined { kernels } => {
                    self.reported.retain(|kernel| !kernels.contains(kernel));
                    self.accepted.extend(kernels);
                }
                Notice::Mined { kernels, .. }
                | Notice::Conflicted { kernels, .. }
                | Notice::OrphanDropped { kernels, .. }
                | Notice::Evicted { kernels } => self.reported.extend(kernels),
                Notice::Excluded { .. }
                | Notice::Stemmed { .. }
                | Notice::Relayed { .. }
                | Notice::Fluffed { .. }
                | Notice::Seen { .. }
                | Notice::Orphaned { .. }
                | Notice::Held { .. } => {}
            }
        }
        self.trace.extend(out.all);
        for kernel in &self.accepted {
            let pool = &self.world.pool;
            let held = pool.stem.with_kernel(kernel).is_some()
                || pool.is_public_kernel(kernel, true)
                || pool.stem_orphans.has(kernel)
                || pool.public_orphans.has(kernel);
            assert!(held || self.reported.contains(kernel), "{kernel:?} is lost");
        }
    }

    /// Left alone: time goes on and the chain mines everything that it can.
    fn end(&mut self) {
        self.world.routes.relay = Some(PeerId(9));
        // What is sealed has three embargoes before it.
        for round in 1..8 {
            let secs = self.world.now.as_micros() / 1_000_000 + 100 * round;
            self.world.run_until(secs);
            self.mine(1 << 15 | 1);
            let public: Vec<_> = self.world.pool.public().cloned().collect();
            let mut block: Vec<ValidTx> = Vec::new();
            for tx in public {
                if self.world.chain.allows(&tx, &block) {
                    block.push(tx);
                }
            }
            self.world.mine(&block);
            self.observe();
        }
        let counts = self.world.pool.counts();
        assert_eq!((counts.stem, counts.public), (0, 0), "something stays for ever: {counts:?}");
    }
}

fn tell(steps: &[Step], flags: [bool; 4]) -> Vec<Effect> {
    let mut story = Story::new(flags);
    steps.iter().for_each(|step| story.step(*step));
    story.end();
    story.trace
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_nothing_is_lost_and_the_same_happens_again(
        steps in prop::collection::vec((any::<u8>(), any::<u16>()).prop_map(|(a, b)| Step(a, b)), 1..110),
        flags in any::<[bool; 4]>(),
    ) {
        let trace = tell(&steps, flags);
        prop_assert!(trace == tell(&steps, flags), "not the same effects");
    }
}
