use scape_aggregate::Transaction;
use scape_p2p::wire::Message;
use scape_p2p::zone::Ticket;
use scape_pool::{Instant, PeerId};

use super::{Network, NodeId, Observation};

/// Something that happened during one event, for whoever watches every event.
#[derive(Clone, PartialEq, Debug)]
pub enum Happening {
    /// A node began a life, with nothing in it.
    Began(NodeId),
    /// The owner of a node handed in a transaction.
    Pushed {
        /// The node.
        node: NodeId,
        /// Comes back with [`Observation::Pushed`].
        ticket: Ticket,
        /// The transaction.
        tx: Transaction,
    },
    /// A message left a node; it may still be lost. Tips are not reported.
    Sent {
        /// Who sent it.
        from: NodeId,
        /// To whom.
        to: NodeId,
        /// The connection, as the sender knows it.
        link: PeerId,
        /// The height of the sender's chain at that moment.
        height: u64,
        /// Whether it was hidden in frames of white noise.
        hidden: bool,
        /// The message.
        message: Message,
    },
    /// A transaction was handed over to a zone by the other one of its node.
    HandedOver {
        /// The zone that it came to.
        to: NodeId,
        /// The transaction.
        tx: Transaction,
    },
    /// Messages that were waiting for a slow link when it ended.
    Unsent {
        /// Who wanted to send them.
        from: NodeId,
        /// What they were.
        messages: Vec<Message>,
    },
    /// Something was observed at a node.
    Observed(NodeId, Observation),
    /// The zone of a node was called; it may be in another state than before.
    Called(NodeId),
    /// A timer of a zone was due and was served.
    Timed(NodeId),
}

/// Watches a network event by event.
pub trait Watch {
    /// What is wrong with a network, when something is.
    type Fault;

    /// One event is over. This is what happened during it, in its order; the network is as it is
    /// after it.
    ///
    /// # Errors
    /// What must not be; then the run ends.
    fn after(&mut self, net: &Network, at: Instant, what: &[Happening]) -> Result<(), Self::Fault>;
}

impl Network {
    /// Lets everything happen up to a moment, under the eyes of `watch`.
    ///
    /// # Errors
    /// What `watch` complained about; the network stays as it was then.
    pub fn run_watched<W: Watch>(&mut self, end: Instant, watch: &mut W) -> Result<(), W::Fault> {
        self.watched = true;
        let mut what = std::mem::take(&mut self.happenings);
        let mut verdict = watch.after(self, self.now, &what);
        what.clear();
        while verdict.is_ok() && self.queue.next_at().is_some_and(|at| at <= end) {
            self.happenings = std::mem::take(&mut what);
            self.step();
            what = std::mem::take(&mut self.happenings);
            if !what.is_empty() {
                verdict = watch.after(self, self.now, &what);
                what.clear();
            }
        }
        self.happenings = what;
        if verdict.is_ok() {
            self.now = self.now.max(end);
        }
        verdict
    }

    /// Reports everything that happens from now on, for [`Network::run_watched`].
    pub fn watch(&mut self) {
        self.watched = true;
    }

    pub(super) fn happened(&mut self, what: impl FnOnce() -> Happening) {
        if self.watched {
            self.happenings.push(what());
        }
    }
}
