//! The trail of stem transactions through the node, for whoever looks for a fault: at `debug` what
//! came from whom and went to whom, and what became of it; at `trace` what it spends and creates.
//!
//! # Security
//! This is all that the stem hides. It must never be told at `info` or above.

use std::fmt::{self, Display};

use scape_aggregate::{Transaction, TxKernel};
use scape_p2p::wire::Message;
use scape_p2p::zone::Zone;
use scape_pool::{Notice, PeerId};
use tracing::{Level, debug, enabled, trace};

/// The owner pushes a transaction.
pub(super) fn pushed(tx: &Transaction) {
    if enabled!(Level::DEBUG) {
        debug!(tx = %tx.hash(), kernels = %List(tx.kernels(), TxKernel::excess), "pushed");
        contents(tx);
    }
}

/// A peer sends a message.
pub(super) fn received(zone: &Zone, peer: PeerId, message: &Message) {
    passed("stem transaction received", zone, peer, message);
}

/// A message goes to a peer.
pub(super) fn sent(zone: &Zone, peer: PeerId, message: &Message) {
    passed("stem transaction sent", zone, peer, message);
}

/// Something happened to transactions.
pub(super) fn noticed(notice: &Notice) {
    debug!(?notice, "noticed");
}

fn passed(event: &str, zone: &Zone, peer: PeerId, message: &Message) {
    let Message::StemTransaction(tx) = message else { return };
    if enabled!(Level::DEBUG) {
        let addr = zone.peers().find(|status| status.id == peer).and_then(|status| status.addr);
        let kernels = List(tx.kernels(), TxKernel::excess);
        debug!(%peer, ?addr, tx = %tx.hash(), %kernels, "{event}");
        contents(tx);
    }
}

fn contents(tx: &Transaction) {
    let inputs = List(tx.inputs(), scape_aggregate::Input::commitment);
    let outputs = List(tx.outputs(), scape_aggregate::Output::commitment);
    trace!(tx = %tx.hash(), %inputs, %outputs, "contents");
}

/// What a function says of each of some elements.
struct List<'a, T, S>(&'a [T], fn(&T) -> S);

impl<T, S: Display> Display for List<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, element) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{}", (self.1)(element))?;
        }
        Ok(())
    }
}
