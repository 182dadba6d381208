use scape_aggregate::Hash;
use scape_p2p::zone::{PushError, Ticket};
use scape_pool::{Accepted, Instant, Notice};

use super::NodeId;

/// Something that happened at a node.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// When.
    pub at: Instant,
    /// Where.
    pub node: NodeId,
    /// What.
    pub what: Observation,
}

/// What can be observed at a node from inside.
#[derive(Clone, PartialEq, Debug)]
pub enum Observation {
    /// The pool said something.
    Notice(Notice),
    /// The verdict on a transaction that was pushed.
    Pushed(Ticket, Result<Accepted, PushError>),
    /// A link came up, to this node.
    Connected(NodeId),
    /// A link came down.
    Disconnected(NodeId),
    /// The node will take no links from that one for a while.
    Blocked(NodeId),
    /// The node ended its link to that one for what it had done.
    Expelled(NodeId),
    /// Blocks were taken; so many were undone before.
    Chain {
        /// How many were undone.
        undone: usize,
        /// The height of the new tip.
        height: u64,
    },
    /// A block was not accepted.
    BadBlock(Hash),
    /// The node stopped.
    Crashed,
    /// The node begins anew with an empty disk.
    DiskLost,
}
