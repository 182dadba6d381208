//! Reading a chain for the first time, or anew.

use scape_pool::{ChainView, Tip};

use super::error::GrinError;
use super::follow::{Event, Follower, Interrupted, Plan};
use super::index::{Index, WINDOW};
use super::nrd::NRD_BLOCKS;
use super::pages::Pages;
use super::snapshot::Snapshot;

/// How often a page of outputs is read again because a block came meanwhile.
const TRIES: usize = 20;

impl Follower {
    /// Reads the last blocks and, unless these are all, the outputs that were unspent before.
    ///
    /// # Errors
    /// What is in the way; it begins anew the next time.
    pub(super) async fn sync(&self) -> Result<Index, Interrupted> {
        let tip = self.api.tip().await?;
        let (expected, found) = (self.plan.genesis, self.api.hash_at(0).await?);
        let found = found.ok_or(GrinError::MissingBlock(0))?;
        if found != expected {
            return Err(GrinError::WrongChain { expected, found }.into());
        }
        self.tell(Event::Syncing { done: 0, of: tip.height + 1 }).await?;
        let (index, is_whole) = self.last_blocks(tip).await?;
        match is_whole {
            true => Ok(index),
            false => self.outputs(index).await,
        }
    }

    /// The chain up to `tip`, of its last blocks, and whether these are all.
    async fn last_blocks(&self, tip: Tip) -> Result<(Index, bool), Interrupted> {
        let Plan { nrd, depth, .. } = self.plan;
        let wanted = if nrd { NRD_BLOCKS.max(WINDOW as u64) } else { WINDOW as u64 };
        if tip.height == 0 {
            // Before its first block a Grin node lists none.
            return Ok((Index::new(self.api.block_at(0).await?, nrd, depth), true));
        }
        let first = (tip.height + 1).saturating_sub(wanted);
        let mut pages = Pages::new(self.api.clone(), first, tip.height);
        let (mut index, mut is_whole) = (None::<Index>, false);
        while let Some(blocks) = pages.next().await? {
            for block in blocks {
                match &mut index {
                    // A node that has not the first ones any more begins with a later one.
                    None => {
                        is_whole = block.tip.height == 0;
                        index = Some(Index::new(block, nrd, depth));
                    }
                    Some(index) if is_whole => index.apply(block)?,
                    Some(index) => index.pass_by(block)?,
                }
            }
            let done = index.as_ref().map_or(0, |index| index.tip().height + 1 - first);
            self.tell(Event::Syncing { done, of: tip.height + 1 - first }).await?;
        }
        let index = index.ok_or(GrinError::MissingBlock(tip.height))?;
        if index.tip() != tip {
            return Err(GrinError::Moved.into());
        }
        let needed = NRD_BLOCKS.min(tip.height + 1);
        match index.nrd_reach() {
            Some(found) if found < needed => Err(GrinError::Pruned { needed, found }.into()),
            _ => Ok((index, is_whole)),
        }
    }

    /// Reads the outputs that are unspent, page by page, and the blocks that are made meanwhile.
    async fn outputs(&self, index: Index) -> Result<Index, Interrupted> {
        let begin = index.tip();
        let mut snapshot = Snapshot::new(index);
        let (mut next, mut end) = (1, self.api.tip().await?);
        let mut tries = 0;
        loop {
            let page = self.api.outputs(next).await?;
            let after = self.api.tip().await?;
            let unspent = page.unspent().filter(|_| after == end);
            end = after;
            let Some(unspent) = unspent else {
                tries += 1;
                if tries == TRIES {
                    return Err(GrinError::Moved.into());
                }
                continue;
            };
            snapshot.add(unspent, end);
            tries = 0;
            let (done, of) = (page.last_retrieved_index, page.highest_index);
            if done >= of {
                break;
            }
            if done < next {
                return Err(GrinError::Stalled(done).into());
            }
            self.tell(Event::Syncing { done, of }).await?;
            next = done + 1;
        }
        let mut since = Vec::new();
        let mut pages = Pages::new(self.api.clone(), begin.height + 1, end.height);
        while let Some(blocks) = pages.next().await? {
            since.extend(blocks);
        }
        Ok(snapshot.finish(since)?)
    }
}
