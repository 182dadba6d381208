use std::collections::{HashMap, HashSet};

use scape_aggregate::{Commitment, Hash};
use scape_pool::{ChainView, Tip};

use super::block::{GrinBlock, Unspent};
use super::error::GrinError;
use super::index::Index;

/// The unspent outputs of a chain, read in pages while the chain goes on.
///
/// # Correctness
/// Each page shows the outputs at one block. Let all these blocks be in the chain, at or after the
/// block that the reading began with. Then an output that was there at the beginning and is in no
/// page has been spent since, and one that is in a page and is gone now has been, too: the blocks
/// since the beginning say so of both. What was created since is in them as well, so that what a
/// page says of it is not needed. Without the condition a block that was undone would go
/// unnoticed.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// The chain up to the beginning.
    index: Index,
    outputs: HashMap<Commitment, Unspent>,
    /// The ends of the chain that pages were read at.
    ends: HashSet<Hash>,
}

impl Snapshot {
    /// Begins at the end of a chain whose outputs are not known.
    pub(super) fn new(index: Index) -> Self {
        Self { index, outputs: HashMap::new(), ends: HashSet::new() }
    }

    /// A page that was read while the chain ended in `end`.
    pub(super) fn add(&mut self, page: impl IntoIterator<Item = (Commitment, Unspent)>, end: Tip) {
        self.outputs.extend(page);
        self.ends.insert(end.hash);
    }

    /// The chain with these blocks, which were made since the beginning. They have to reach to the
    /// last end at least.
    ///
    /// # Errors
    /// [`GrinError::Moved`] if the chain does not go on from its beginning, or a page was read at a
    /// block that is not in it.
    pub(super) fn finish(mut self, since: Vec<GrinBlock>) -> Result<Index, GrinError> {
        let begin = self.index.tip();
        self.outputs.retain(|_, unspent| u64::from(unspent.height) <= begin.height);
        self.index.set_outputs(self.outputs);
        self.ends.remove(&begin.hash);
        for block in since {
            self.ends.remove(&block.tip.hash);
            self.index.apply_again(block).map_err(|_| GrinError::Moved)?;
        }
        if self.ends.is_empty() { Ok(self.index) } else { Err(GrinError::Moved) }
    }
}
