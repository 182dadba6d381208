use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use scape_aggregate::{Hash, Transaction};
use scape_pool::{ChainUpdate, FluffReason, Notice};
use serde::Serialize;

use crate::chain::DevLedger;

/// What has happened in a development network.
#[derive(Clone, Debug, Default)]
pub(super) struct Stats {
    pushed: BTreeSet<Hash>,
    stem_messages: usize,
    stem_kernels: usize,
    cut_through: usize,
    fluffs: BTreeMap<FluffReason, usize>,
    /// How many fluffed aggregates had how many kernels.
    sizes: BTreeMap<usize, usize>,
    orphans: usize,
    conflicts: usize,
    blocks: usize,
    undone: usize,
}

/// How it ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Summary {
    /// Transactions that were pushed.
    pub transactions: usize,
    /// Of these, those that are in the chain exactly once.
    pub mined_once: usize,
    /// Stem messages that were sent.
    pub stem_messages: usize,
    /// Hops along the stem, summed over all transactions.
    pub stem_hops: usize,
    /// Outputs that vanished because another transaction of the aggregate spends them.
    pub cut_through_pairs: usize,
    /// Fluffed aggregates by the number of transactions in them.
    pub aggregates: BTreeMap<usize, usize>,
    /// Fluffs by reason.
    pub fluffs: BTreeMap<&'static str, usize>,
    /// Transactions that waited for a parent.
    pub orphans: usize,
    /// Blocks in the chain, and blocks that were undone by reorgs.
    pub blocks: usize,
    /// Blocks that reorgs undid.
    pub undone_blocks: usize,
    /// Transactions that a node had to give up because something else took their place there.
    pub conflicts: usize,
}

impl Stats {
    pub(super) fn pushed(&mut self, tx: &Transaction) {
        self.pushed.extend(tx.kernels().iter().map(|kernel| *kernel.hash()));
    }

    pub(super) fn block(&mut self, update: &ChainUpdate) {
        self.blocks += update.connected.len();
        self.undone += update.disconnected.len();
    }

    pub(super) fn notice(&mut self, notice: &Notice) {
        match notice {
            Notice::Relayed { kernels, cut_through, .. } => {
                self.stem_messages += 1;
                self.stem_kernels += kernels.len();
                self.cut_through += cut_through;
            }
            Notice::Fluffed { kernels, cut_through, reason, .. } => {
                *self.fluffs.entry(*reason).or_default() += 1;
                *self.sizes.entry(kernels.len()).or_default() += 1;
                self.cut_through += cut_through;
            }
            Notice::Orphaned { .. } => self.orphans += 1,
            Notice::Conflicted { .. } => self.conflicts += 1,
            Notice::Stemmed { .. }
            | Notice::Seen { .. }
            | Notice::Mined { .. }
            | Notice::Unmined { .. }
            | Notice::Excluded { .. }
            | Notice::Held { .. }
            | Notice::OrphanDropped { .. }
            | Notice::Evicted { .. } => {}
        }
    }

    pub(super) fn mined(&self, ledger: &DevLedger) -> usize {
        self.pushed.iter().filter(|kernel| ledger.kernel_height(kernel).is_some()).count()
    }

    pub(super) fn pushed_count(&self) -> usize {
        self.pushed.len()
    }

    pub(super) fn reorgs(&self) -> usize {
        usize::from(self.undone > 0) * self.undone.div_ceil(2)
    }

    pub(super) fn summary(&self, ledger: &DevLedger) -> Summary {
        let mut times: HashMap<Hash, usize> = HashMap::new();
        for kernel in ledger.blocks().flat_map(|block| block.tx().kernels()) {
            *times.entry(*kernel.hash()).or_default() += 1;
        }
        let once = self.pushed.iter().filter(|kernel| times.get(kernel) == Some(&1)).count();
        Summary {
            transactions: self.pushed.len(),
            mined_once: once,
            stem_messages: self.stem_messages,
            stem_hops: self.stem_kernels,
            cut_through_pairs: self.cut_through,
            aggregates: self.sizes.clone(),
            fluffs: self.fluffs.iter().map(|(reason, count)| (name(*reason), *count)).collect(),
            orphans: self.orphans,
            blocks: ledger.blocks().count() - 1,
            undone_blocks: self.undone,
            conflicts: self.conflicts,
        }
    }

    /// One line on how it goes.
    pub(super) fn line(&self) -> String {
        let merged: usize = self.sizes.iter().filter(|(size, _)| **size > 1).map(|(_, n)| n).sum();
        let fluffs: Vec<_> = self
            .fluffs
            .iter()
            .map(|(reason, count)| format!("{count} {}", name(*reason)))
            .collect();
        format!(
            "{} stem hops, {merged} aggregates, {} cut through, fluffs: {}",
            self.stem_kernels,
            self.cut_through,
            if fluffs.is_empty() { "none yet".to_owned() } else { fluffs.join(", ") },
        )
    }
}

fn name(reason: FluffReason) -> &'static str {
    match reason {
        FluffReason::Coin => "by coin",
        FluffReason::Gathered => "as a sink",
        FluffReason::Embargo => "by embargo",
        FluffReason::NoRelay => "without relay",
        FluffReason::Loop => "by loop",
        FluffReason::Family => "with family",
        FluffReason::Asked => "on request",
    }
}

impl Summary {
    /// Whether every one of `expected` transactions was pushed and is in the chain exactly once.
    pub fn all_mined_once(&self, expected: usize) -> bool {
        self.transactions == expected && self.mined_once == expected
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = |counts: Vec<String>| match counts.is_empty() {
            true => "none".to_owned(),
            false => counts.join(", "),
        };
        let sizes = self.aggregates.iter().map(|(size, n)| format!("{n} of {size}")).collect();
        let fluffs = self.fluffs.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
        let hops = self.stem_hops as f64 / self.transactions.max(1) as f64;
        writeln!(f, "transactions        {}", self.transactions)?;
        writeln!(f, "mined exactly once  {}", self.mined_once)?;
        writeln!(f, "stem                {} messages, {hops:.1} hops each", self.stem_messages)?;
        writeln!(f, "fluffed aggregates  {}", counted(sizes))?;
        writeln!(f, "cut-through pairs   {}", self.cut_through_pairs)?;
        writeln!(f, "fluffs              {}", counted(fluffs))?;
        writeln!(f, "orphans waited      {}", self.orphans)?;
        writeln!(f, "conflicts           {}", self.conflicts)?;
        write!(f, "blocks              {}, {} undone", self.blocks, self.undone_blocks)
    }
}
