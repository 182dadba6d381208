//! What a node may take at most, by its configuration.

use scape::node::NodeConfig;

/// How much resident memory a node takes at most, in bytes, however it is treated.
///
/// What is configured in bytes is counted by the size on the wire; in memory a transaction takes up
/// to twice that, for a small one. Every connection may have one message half read and its outbox
/// full.
pub fn memory_bound(config: &NodeConfig) -> usize {
    let capacity = &config.zone.capacity;
    let largest = largest_transaction(config);
    // Stempool and txpool, orphans of the stem and public ones, mined transactions kept for reorgs.
    let pools = capacity.stem_bytes + capacity.tx_bytes + 2 * capacity.orphan_bytes;
    let recent = capacity.reorg_depth as usize * largest;
    let connections = config.net.max_inbound + config.zone.peers.outbound;
    let links = connections * (2 * largest + config.net.outbox.bytes);
    FIXED + 2 * (pools + recent.min(capacity.tx_bytes)) + links + QUEUES
}

/// The program, its threads, the tables of the crypto library, and what is remembered of verified
/// proofs, addresses and bans, all of it bounded by count.
const FIXED: usize = 160 << 20;
/// Transactions that wait for their verification, of peers and of the owner.
const QUEUES: usize = 2 * (64 << 20);

/// 38 bytes for each unit of a block's weight: the longest body of a transaction.
fn largest_transaction(config: &NodeConfig) -> usize {
    38 * config.zone.consensus.chain.max_block_weight().0 as usize
}
