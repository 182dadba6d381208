//! Every step, on both pools.

use std::collections::BTreeSet;
use std::time::Duration;

use scape_pool::ChainUpdate;

use super::corpus::{Set, read};
use super::ledger::Mined;
use super::player::{Player, Remembered};
use super::rules::Rule;
use super::{By, Choice, Op};
use crate::node::No;

/// Longer than any embargo.
const SWEEP: Duration = Duration::from_secs(200);

impl Player {
    pub(super) fn play(&mut self, op: &Op) {
        match op {
            Op::Stem(choice, by) => self.add(&self.choose(choice), true, *by),
            Op::Fluff(choice, by) => self.add(&self.choose(choice), false, *by),
            Op::Block { pooled, others } => self.block(&self.candidates(*pooled, others)),
            Op::Reorg { undone, blocks } => {
                let choose = |others| self.choose(others).into_iter().collect();
                self.reorg(*undone, &blocks.iter().map(choose).collect::<Vec<_>>());
            }
            Op::Sweep => self.sweep(),
        }
        self.finish();
    }

    pub(super) fn finish(&mut self) {
        let waiting = self.ours.drain_waiting();
        self.waited.extend(self.corpus.of_kernels(&waiting));
        self.check_memory();
    }

    /// A transaction comes in. What the owner sends comes back by itself whenever it can.
    pub(super) fn add(&mut self, set: &Set, stem: bool, by: By) {
        let lies = |atom: &usize| set.len() > 1 && self.corpus.atoms[*atom].lies;
        let set = &set.iter().filter(|atom| !lies(atom)).copied().collect();
        let Some((bytes, version)) = self.corpus.bytes(set) else { return };
        let way = if stem { "stem" } else { "fluff" };
        self.note(format!("{way} {:?} by {by:?}", self.corpus.names(set)));
        let (grin, ours) = (read(&bytes, version), self.ours.read(&bytes, version));
        if grin.is_err() || ours.is_err() {
            let both = grin.is_err() && matches!(ours, Err(No::Decoder(_)));
            self.met(Rule::Unreadable);
            return self.require(both, "only one of the two can read it");
        }
        let early = self.ours.precheck(&ours.unwrap(), &self.chain.clone());
        let ours = self.add_to_ours(set, stem, by);
        if by == By::Owner && ours.is_ok() {
            self.waited.extend(set);
        }
        if let (false, Err(refusal)) = (stem, early) {
            self.require(Self::refused(&ours, refusal), "the check before verifying was wrong");
        }
        self.compare(set, stem, ours);
        self.align(false, self.all_held());
    }

    /// A block with those of the candidates that may be in one, in their order.
    pub(super) fn block(&mut self, candidates: &[usize]) {
        let mined = self.chain.write().mine(candidates, self.corpus);
        self.note(format!("block {:?}", self.corpus.names(&mined.atoms)));
        let may_come = self.all_held();
        let (mut public, stem) = (self.held.public.clone(), self.held.stem.clone());
        self.remember(&mined, &mut public, &stem);
        let block = self.chain.block(&mined, self.corpus);
        self.grin.reconcile_block(&block).unwrap();
        let update = ChainUpdate { disconnected: Vec::new(), connected: vec![mined.summary] };
        self.ours.follow(&update, &self.chain.clone());
        self.align(false, may_come);
    }

    /// Blocks are undone, and others come instead, no matter how many. Grin's pool hears of the last one,
    /// and then looks at what it has cached (`servers/src/common/adapters.rs`).
    pub(super) fn reorg(&mut self, undone: usize, blocks: &[Vec<usize>]) {
        let undone: Vec<Mined> = (0..undone).map_while(|_| self.chain.write().undo()).collect();
        if undone.is_empty() {
            return;
        }
        let names: Vec<_> = undone.iter().map(|mined| self.corpus.names(&mined.atoms)).collect();
        self.note(format!("undo {names:?}"));
        let mut may_come = self.all_held();
        let (mut public, stem) = (self.held.public.clone(), self.held.stem.clone());
        let hashes: Vec<_> = undone.iter().map(|mined| mined.summary.hash).collect();
        let back = self.remembered.extract_if(.., |r| hashes.contains(&r.block));
        public.extend(back.map(|remembered| remembered.set));
        may_come.extend(public.iter().flatten());
        let mut connected = Vec::new();
        let mut last = None;
        for others in blocks {
            let mined = self.chain.write().mine(others, self.corpus);
            self.note(format!("instead {:?}", self.corpus.names(&mined.atoms)));
            self.remember(&mined, &mut public, &stem);
            connected.push(mined.summary.clone());
            last = Some(self.chain.block(&mined, self.corpus));
        }
        self.grin.reconcile_block(&last.unwrap()).unwrap();
        self.grin.reconcile_reorg_cache(&self.chain.header()).unwrap();
        let update = ChainUpdate { disconnected: hashes, connected };
        self.ours.follow(&update, &self.chain.clone());
        self.align(true, may_come);
    }

    /// All embargoes end on our side; what we fluff comes to Grin from us.
    pub(super) fn sweep(&mut self) {
        self.note("sweep".into());
        let may_come = self.all_held();
        let stem = self.held.stem.clone();
        self.ours.wait(SWEEP, &self.chain.clone());
        for whole in self.ours_held().public {
            let parts: Vec<_> =
                stem.iter().filter(|part| part.is_subset(&whole)).cloned().collect();
            if parts.len() > 1 {
                self.merged.insert(whole, parts);
            }
        }
        self.align(false, may_come);
    }

    /// Atoms whose inputs exist, in the chain or in any pool, or are created by those before.
    fn choose(&self, choice: &Choice) -> Set {
        let held = self.held.public.iter().chain(&self.held.stem).flatten();
        let mut created: BTreeSet<_> = self.chain.read().utxos.keys().copied().collect();
        let outputs = |atom: usize| self.corpus.atoms[atom].outputs.iter().copied();
        created.extend(held.flat_map(|atom| outputs(*atom)));
        let mut chosen = Set::new();
        for pick in &choice.picks {
            let fits = |index: &usize| {
                let atom = &self.corpus.atoms[*index];
                let ready = choice.wild || atom.inputs.iter().all(|i| created.contains(i));
                ready && !chosen.contains(index)
            };
            let fitting: Vec<_> = (0..self.corpus.atoms.len()).filter(fits).collect();
            let Some(index) = fitting.get(pick % fitting.len().max(1)) else { break };
            chosen.insert(*index);
            created.extend(outputs(*index));
        }
        chosen
    }

    /// Those of the pooled atoms that a mask selects, in the order of the pools, then the others.
    fn candidates(&self, pooled: u32, others: &Choice) -> Vec<usize> {
        let held = self.held.public.iter().chain(&self.held.stem).flatten().copied();
        let chosen = held.enumerate().filter(|(place, _)| pooled >> (place % 32) & 1 == 1);
        chosen.map(|(_, atom)| atom).chain(self.choose(others)).collect()
    }

    /// What our pool has to remember of a block: what it held, whole, or in parts that it knew.
    fn remember(&mut self, mined: &Mined, public: &mut Vec<Set>, stem: &[Set]) {
        let block = mined.summary.hash;
        let mut rest = Vec::new();
        for whole in std::mem::take(public) {
            let overlaps = !whole.is_disjoint(&mined.atoms);
            let parts = match self.merged.get(&whole) {
                Some(parts) if overlaps && !whole.is_subset(&mined.atoms) => parts.clone(),
                _ => vec![whole],
            };
            for set in parts {
                if set.is_subset(&mined.atoms) {
                    self.remembered.push(Remembered { set, private: false, block });
                } else {
                    rest.push(set);
                }
            }
        }
        *public = rest;
        let inside = stem.iter().filter(|set| set.is_subset(&mined.atoms));
        let private = inside.map(|set| Remembered { set: set.clone(), private: true, block });
        self.remembered.extend(private);
    }
}
