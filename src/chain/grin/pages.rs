use std::collections::BTreeMap;

use tokio::task::JoinSet;

use super::api::Api;
use super::block::GrinBlock;
use super::error::GrinError;
use crate::rpc::RpcError;

/// Blocks that are asked for at once. More makes it hardly faster, and each answer longer.
const PAGE: u64 = 200;
/// Pages that are under way.
const IN_FLIGHT: usize = 3;

/// The first and the last height of a page.
type Heights = (u64, u64);

/// Reads blocks in pages, some ahead, smaller ones if the node is slow or its blocks are full.
pub(super) struct Pages {
    api: Api,
    size: u64,
    in_flight: usize,
    /// The first height that was not given out.
    expected: u64,
    /// The first height that was not asked for.
    next: u64,
    last: u64,
    under_way: JoinSet<(Heights, Result<Vec<GrinBlock>, GrinError>)>,
    /// Pages that came before their turn.
    ready: BTreeMap<Heights, Vec<GrinBlock>>,
}

impl Pages {
    /// Blocks from `first` to `last`.
    pub(super) fn new(api: Api, first: u64, last: u64) -> Self {
        Self::sized(api, first, last, PAGE, IN_FLIGHT)
    }

    /// The same with so many blocks in a page, and so many pages under way.
    pub(super) fn sized(api: Api, first: u64, last: u64, size: u64, in_flight: usize) -> Self {
        Self {
            api,
            size,
            in_flight,
            expected: first,
            next: first,
            last,
            under_way: JoinSet::new(),
            ready: BTreeMap::new(),
        }
    }

    /// The next blocks that the node has, perhaps none; `None` after the last height.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<GrinBlock>>, GrinError> {
        while self.expected <= self.last {
            let first = self.ready.first_entry();
            if let Some(page) = first.filter(|page| page.key().0 == self.expected) {
                let ((_, last), blocks) = page.remove_entry();
                self.expected = last + 1;
                return Ok(Some(blocks));
            }
            self.ask();
            // It ends only if the runtime does.
            let Some(Ok((heights, page))) = self.under_way.join_next().await else { break };
            match page {
                Ok(blocks) => drop(self.ready.insert(heights, blocks)),
                Err(GrinError::Rpc(RpcError::TooLong(_) | RpcError::Timeout(_)))
                    if self.size > 1 =>
                {
                    self.ask_for_less();
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn ask(&mut self) {
        while self.next <= self.last && self.under_way.len() + self.ready.len() < self.in_flight {
            let (first, last) = (self.next, self.last.min(self.next + self.size - 1));
            let api = self.api.clone();
            self.under_way.spawn(async move { ((first, last), api.blocks(first, last).await) });
            self.next = last + 1;
        }
    }

    fn ask_for_less(&mut self) {
        self.under_way = JoinSet::new();
        self.ready.clear();
        self.next = self.expected;
        self.size = (self.size / 4).max(1);
    }
}
