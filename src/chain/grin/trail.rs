use std::collections::VecDeque;

use scape_pool::Tip;

use super::block::GrinBlock;
use super::error::GrinError;
use super::index::WINDOW;

/// The last blocks of a chain: enough to find where another one forks off.
#[derive(Clone, Debug)]
pub(super) struct Trail {
    /// Never empty, heights without gaps.
    tips: VecDeque<Tip>,
}

impl Trail {
    /// The last of `tips`, which must not be empty and have no gaps.
    pub(super) fn new(tips: impl IntoIterator<Item = Tip>) -> Self {
        let mut trail = Self { tips: VecDeque::new() };
        tips.into_iter().for_each(|tip| trail.push(tip));
        trail
    }

    pub(super) fn tip(&self) -> Tip {
        self.tips.back().copied().unwrap_or_default()
    }

    /// The first height that is known.
    pub(super) fn lowest(&self) -> u64 {
        self.tips.front().map_or(0, |tip| tip.height)
    }

    pub(super) fn at(&self, height: u64) -> Option<Tip> {
        let place = usize::try_from(height.checked_sub(self.lowest())?).ok()?;
        self.tips.get(place).copied()
    }

    /// Goes back to a block and on with others.
    ///
    /// # Errors
    /// If they do not follow on each other; then nothing has changed.
    pub(super) fn advance(&mut self, common: Tip, blocks: &[GrinBlock]) -> Result<(), GrinError> {
        let mut last = common;
        for block in blocks {
            if !block.follows(&last) {
                return Err(GrinError::Unlinked(last.height + 1));
            }
            last = block.tip;
        }
        while self.tips.len() > 1 && self.tip().height > common.height {
            self.tips.pop_back();
        }
        blocks.iter().for_each(|block| self.push(block.tip));
        Ok(())
    }

    fn push(&mut self, tip: Tip) {
        self.tips.push_back(tip);
        if self.tips.len() > WINDOW {
            self.tips.pop_front();
        }
    }
}
