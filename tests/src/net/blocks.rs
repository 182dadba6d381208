//! Blocks: who makes them, and how they reach the ledgers.

use std::sync::Arc;

use rand::RngExt;
use rand::seq::IteratorRandom;
use scape::chain::{Block, BlockError};
use scape_aggregate::{Hash, ValidTx};

use super::event::Event;
use super::{Network, NodeId, Observation};

impl Network {
    /// A node makes a block of what is in its txpool, and all nodes get it. Returns its hash, or
    /// `None` if the node is down.
    pub fn mine(&mut self, node: NodeId) -> Option<Hash> {
        let salt = self.rng.random();
        let miner = &self.nodes[node.0];
        let block = miner.ledger.propose(miner.zone.as_ref()?.pool().public(), salt);
        let hash = block.hash();
        self.publish(node, block);
        Some(hash)
    }

    /// A node makes a longer branch without the last `depth` blocks, of nothing but `txs`, and all
    /// nodes get it.
    pub fn reorg(&mut self, node: NodeId, depth: usize, txs: &[ValidTx]) {
        let salt = self.rng.random();
        for block in self.nodes[node.0].ledger.propose_branch(depth, txs, salt) {
            self.publish(node, block);
        }
    }

    /// All nodes get a block; the one that made it at once.
    fn publish(&mut self, maker: NodeId, block: Block) {
        let block = Arc::new(block);
        self.archive.push(block.clone());
        for (index, node) in self.nodes.iter().enumerate() {
            if NodeId(index) != maker && node.side == self.nodes[maker.0].side {
                let at = self.now + node.block_delay;
                self.queue.push(at, Event::Block(NodeId(index), block.clone()));
            }
        }
        self.on_block(maker, &block);
    }

    pub(super) fn on_block(&mut self, id: NodeId, block: &Block) {
        if self.nodes[id.0].zone.is_none() {
            return;
        }
        match self.nodes[id.0].ledger.accept(block.clone()) {
            Ok(update) if update.connected.is_empty() && update.disconnected.is_empty() => {}
            Ok(update) => {
                let undone = update.disconnected.len();
                let height = self.nodes[id.0].tip().height;
                self.observe(id, Observation::Chain { undone, height });
                self.with_zone(id, |zone, ctx| zone.handle_chain(&update, ctx));
                self.ping_all(id);
            }
            // It was away when the one before came.
            Err(BlockError::UnknownParent(_)) => self.catch_up(id),
            Err(_) => self.observe(id, Observation::BadBlock(block.hash())),
        }
    }

    /// A node gets every block that it has missed, one event after the other, as it would ask its
    /// peers for them.
    pub(super) fn catch_up(&mut self, id: NodeId) {
        let ledger = &self.nodes[id.0].ledger;
        let missed = self.archive.iter().filter(|block| !ledger.knows(&block.hash()));
        for block in missed {
            self.queue.push(self.now, Event::Block(id, block.clone()));
        }
    }

    pub(super) fn on_mine(&mut self) {
        let Some(mining) = self.config.mining else { return };
        self.queue.push(self.now + mining.interval, Event::Mine);
        let able = self.nodes.iter().enumerate().filter(|(_, n)| n.mines && n.zone.is_some());
        let miner = able.map(|(index, _)| NodeId(index)).choose(&mut self.rng);
        if let Some(miner) = miner {
            self.mine(miner);
        }
    }
}
