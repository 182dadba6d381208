//! What relays send each other on the stem, read from the bytes between them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use scape::aggregate::{Hash, ProtocolVersion};
use scape::p2p::wire::{FrameDecoder, Message};

use super::flow::CONSENSUS;

/// A process: which relay it is, and how often that was started before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Life {
    pub(crate) relay: usize,
    pub(crate) number: usize,
}

impl Life {
    /// What the process calls itself, so that its connections are told from those of others.
    pub(crate) fn user_agent(self) -> String {
        format!("relay/{}/{}", self.relay, self.number)
    }

    fn of(user_agent: &str) -> Option<Self> {
        let (relay, number) = user_agent.strip_prefix("relay/")?.split_once('/')?;
        Some(Self { relay: relay.parse().ok()?, number: number.parse().ok()? })
    }
}

/// Who sent which kernel on the stem. Clones share what they hear.
#[derive(Clone, Default)]
pub(crate) struct Wiretap(Arc<Mutex<BTreeMap<Hash, BTreeSet<Life>>>>);

/// One connection, from the side that opened it: relays stem to those only that they connected to.
pub(crate) struct Connection {
    wiretap: Wiretap,
    decoder: FrameDecoder,
    sender: Option<Life>,
}

impl Wiretap {
    pub(crate) fn connection(self) -> Connection {
        let decoder = FrameDecoder::expect_hand(CONSENSUS);
        Connection { wiretap: self, decoder, sender: None }
    }

    /// The lives in which a relay sent a kernel on the stem, as far as it came through.
    pub(crate) fn senders(&self, kernel: &Hash, relay: usize) -> Vec<Life> {
        let heard = self.0.lock().expect("no panic");
        let senders = heard.get(kernel).into_iter().flatten();
        senders.filter(|life| life.relay == relay).copied().collect()
    }

    /// How many kernels were heard of.
    pub(crate) fn kernels(&self) -> usize {
        self.0.lock().expect("no panic").len()
    }
}

impl Connection {
    pub(crate) fn hear(&mut self, bytes: &[u8]) {
        self.decoder.push(bytes);
        while let Some(message) = self.decoder.next().expect("relays speak well") {
            match (message, self.sender) {
                (Message::Hand(hand), _) => {
                    self.sender = Life::of(&hand.user_agent);
                    self.decoder.open(hand.version.min(ProtocolVersion::LOCAL));
                }
                (Message::StemTransaction(tx), Some(sender)) => {
                    let mut heard = self.wiretap.0.lock().expect("no panic");
                    for kernel in tx.kernels() {
                        heard.entry(*kernel.hash()).or_default().insert(sender);
                    }
                }
                _ => {}
            }
        }
    }
}
