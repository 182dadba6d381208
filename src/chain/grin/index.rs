use std::collections::{HashMap, VecDeque};

use scape_aggregate::{Commitment, Hash};
use scape_pool::{BlockSummary, ChainUpdate, ChainView, Tip, Utxo};

use super::block::{GrinBlock, Unspent};
use super::error::IndexError;
use super::nrd::Nrd;
use super::trail::Trail;

/// Blocks that are remembered if there is room: a day.
pub(super) const WINDOW: usize = 1_440;
/// Inputs, outputs and kernels of remembered blocks, beyond which only as many blocks are
/// remembered as have to be: some 100 bytes each. A day of blocks is ten times smaller today.
const MAX_ELEMENTS: usize = 1 << 20;

/// All unspent outputs of a Grin chain, and what is needed to follow it through forks.
///
/// It is a value: fed with blocks, it answers from memory. What it is asked for, and by whom, shows
/// nowhere, least of all to the node that the blocks come from.
#[derive(Clone, Debug)]
pub(super) struct Index {
    depth: usize,
    tip: Tip,
    utxos: HashMap<Commitment, Unspent>,
    nrd: Option<Nrd>,
    /// The last blocks, the last one at the back.
    recent: VecDeque<Recent>,
    elements: usize,
}

/// A block that can be told of and, if it is known what it spent, undone.
#[derive(Clone, Debug)]
struct Recent {
    summary: BlockSummary,
    total_difficulty: u64,
    /// What its inputs were. Not known of blocks from before the outputs were read.
    spent: Option<Vec<Unspent>>,
}

impl Recent {
    fn tip(&self) -> Tip {
        let BlockSummary { height, hash, .. } = self.summary;
        Tip { height, hash, total_difficulty: self.total_difficulty }
    }

    fn elements(&self) -> usize {
        let BlockSummary { kernels, inputs, outputs, .. } = &self.summary;
        kernels.len() + inputs.len() + outputs.len()
    }
}

/// A way from one end of a chain to another: back to a block, and on from there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Step {
    /// The last block that both have.
    pub(super) common: Tip,
    /// The blocks that follow on it.
    pub(super) blocks: Vec<GrinBlock>,
}

impl Index {
    /// A chain of one block, of which nothing is known but what it creates. At least `depth` blocks
    /// after it can be undone.
    pub(super) fn new(first: GrinBlock, nrd: bool, depth: usize) -> Self {
        let mut index = Self {
            depth,
            tip: first.tip,
            utxos: HashMap::new(),
            nrd: nrd.then(Nrd::default),
            recent: VecDeque::new(),
            elements: 0,
        };
        index.create(&first);
        index.remember(first, None);
        index
    }

    /// The hash of the block before the tip, if that is remembered.
    pub(super) fn previous(&self) -> Option<Hash> {
        let before = self.recent.len().checked_sub(2)?;
        Some(self.recent.get(before)?.summary.hash)
    }

    /// Goes back to the last common block and applies the others. Whatever comes of it, what has
    /// changed is in the update, and the index is right for the tip that it shows.
    ///
    /// # Errors
    /// What stopped it on the way.
    pub(super) fn advance(&mut self, step: Step) -> (ChainUpdate, Result<(), IndexError>) {
        let mut update = ChainUpdate::default();
        if !self.reaches_back_to(&step.common) {
            return (update, Err(IndexError::TooDeep(step.common.height)));
        }
        while self.tip != step.common
            && let Some(undone) = self.undo()
        {
            update.disconnected.push(undone);
        }
        for block in step.blocks {
            let applied = self.apply(block);
            if applied.is_err() {
                return (update, applied);
            }
            update.connected.extend(self.recent.back().map(|recent| recent.summary.clone()));
        }
        (update, Ok(()))
    }

    /// Applies a block whose inputs all have to be there.
    pub(super) fn apply(&mut self, block: GrinBlock) -> Result<(), IndexError> {
        if !block.follows(&self.tip) {
            return Err(IndexError::Unlinked(block.tip.height));
        }
        let mut spent = Vec::with_capacity(block.inputs.len());
        for input in &block.inputs {
            match self.utxos.remove(input) {
                Some(unspent) => spent.push(unspent),
                None => {
                    self.utxos.extend(block.inputs.iter().copied().zip(spent));
                    return Err(IndexError::MissingInput(block.tip.height));
                }
            }
        }
        if block.outputs.iter().any(|(output, _)| self.utxos.contains_key(output)) {
            self.utxos.extend(block.inputs.iter().copied().zip(spent));
            return Err(IndexError::OutputExists(block.tip.height));
        }
        self.create(&block);
        self.remember(block, Some(spent));
        Ok(())
    }

    /// Applies a block that the outputs may show already, wholly or in part: they were read at some
    /// moment after it.
    pub(super) fn apply_again(&mut self, block: GrinBlock) -> Result<(), IndexError> {
        self.pass(block, |index, block| {
            for input in &block.inputs {
                index.utxos.remove(input);
            }
            index.create(block);
        })
    }

    /// Remembers a block whose outputs are still to be read.
    pub(super) fn pass_by(&mut self, block: GrinBlock) -> Result<(), IndexError> {
        self.pass(block, |_, _| {})
    }

    fn pass(
        &mut self,
        block: GrinBlock,
        change: impl FnOnce(&mut Self, &GrinBlock),
    ) -> Result<(), IndexError> {
        if !block.follows(&self.tip) {
            return Err(IndexError::Unlinked(block.tip.height));
        }
        change(self, &block);
        self.remember(block, None);
        Ok(())
    }

    /// Takes the outputs that were read for those that there are.
    pub(super) fn set_outputs(&mut self, utxos: HashMap<Commitment, Unspent>) {
        self.utxos = utxos;
    }

    /// For how many blocks back NRD kernels are known.
    pub(super) fn nrd_reach(&self) -> Option<u64> {
        Some(self.nrd.as_ref()?.reach(self.tip.height))
    }

    /// The blocks that are remembered, the first one first.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &BlockSummary> {
        self.recent.iter().map(|recent| &recent.summary)
    }

    /// The hashes of the blocks that are remembered.
    pub(super) fn trail(&self) -> Trail {
        Trail::new(self.recent.iter().map(Recent::tip))
    }

    pub(super) fn len(&self) -> usize {
        self.utxos.len()
    }

    /// What has changed since another index of the same chain, or of a fork of it, as far as both
    /// remember. The last common block counts as undone and done again: nothing that was judged
    /// by the other one stands any more without being looked at.
    pub(super) fn since(&self, before: &Self) -> ChainUpdate {
        let common = before.recent.iter().rev().map(Recent::tip).find(|tip| self.contains(tip));
        let from = common.map_or(0, |tip| tip.height);
        let disconnected = before.recent.iter().rev().map(|recent| &recent.summary);
        let disconnected = disconnected.take_while(|block| block.height >= from);
        let connected = self.blocks().filter(|block| block.height >= from);
        ChainUpdate {
            disconnected: disconnected.map(|block| block.hash).collect(),
            connected: connected.cloned().collect(),
        }
    }

    fn contains(&self, tip: &Tip) -> bool {
        self.place(tip).is_some()
    }

    /// Where in `recent` a block is.
    fn place(&self, tip: &Tip) -> Option<usize> {
        let first = self.recent.front()?.summary.height;
        let place = usize::try_from(tip.height.checked_sub(first)?).ok()?;
        (self.recent.get(place)?.tip() == *tip).then_some(place)
    }

    /// Whether all blocks after this one can be undone.
    fn reaches_back_to(&self, tip: &Tip) -> bool {
        let after = self.place(tip).map(|place| self.recent.range(place + 1..));
        after.is_some_and(|mut blocks| blocks.all(|recent| recent.spent.is_some()))
    }

    fn create(&mut self, block: &GrinBlock) {
        // Heights that do not fit are refused where they are read.
        let height = u32::try_from(block.tip.height).unwrap_or(u32::MAX);
        let outputs = block.outputs.iter();
        self.utxos
            .extend(outputs.map(|&(output, features)| (output, Unspent { height, features })));
    }

    fn remember(&mut self, block: GrinBlock, spent: Option<Vec<Unspent>>) {
        self.tip = block.tip;
        if let Some(nrd) = &mut self.nrd {
            nrd.connect(block.tip.height, &block.nrd);
        }
        let total_difficulty = block.tip.total_difficulty;
        let recent = Recent { summary: block.into_summary(), total_difficulty, spent };
        self.elements += recent.elements();
        self.recent.push_back(recent);
        while self.recent.len() > self.depth + 1
            && (self.recent.len() > WINDOW || self.elements > MAX_ELEMENTS)
        {
            self.elements -= self.recent.pop_front().map_or(0, |recent| recent.elements());
        }
    }

    /// Takes the last block off, if it is known what it spent.
    fn undo(&mut self) -> Option<Hash> {
        let before = self.recent.iter().rev().nth(1)?.tip();
        let recent = self.recent.pop_back_if(|recent| recent.spent.is_some())?;
        self.tip = before;
        self.elements -= recent.elements();
        let Recent { summary, spent, .. } = recent;
        for output in &summary.outputs {
            self.utxos.remove(output);
        }
        self.utxos.extend(summary.inputs.into_iter().zip(spent.unwrap_or_default()));
        if let Some(nrd) = &mut self.nrd {
            nrd.disconnect(summary.height);
        }
        Some(summary.hash)
    }
}

impl ChainView for Index {
    fn tip(&self) -> Tip {
        self.tip
    }

    fn utxo(&self, commitment: &Commitment) -> Option<Utxo> {
        let Unspent { height, features } = *self.utxos.get(commitment)?;
        Some(Utxo { features, height: height.into() })
    }

    fn last_nrd(&self, excess: &Commitment) -> Option<u64> {
        self.nrd.as_ref()?.last(excess)
    }
}
