//! What relays send each other on the stem, read from the bytes between them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use scape::aggregate::{Hash, ProtocolVersion, Transaction};
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

/// Who sent which kernel on the stem of his own accord. That ends when anyone shows it in public,
/// after which its owner has forgotten it, and when a peer sends it to him: what comes back merged
/// with others stays merged, and goes on with them. Clones share what they hear.
#[derive(Clone, Default)]
pub(crate) struct Wiretap(Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    stem: BTreeMap<Hash, BTreeSet<Life>>,
    public: BTreeSet<Hash>,
    /// Public transactions, whole.
    passed: Vec<Transaction>,
    /// Kernels that came to a relay on the stem in its present life.
    came: BTreeSet<(Hash, usize)>,
}

/// One direction of a connection. Relays stem to those only that they connected to, so that only
/// the side that opened it has to be known.
pub(crate) struct Connection {
    wiretap: Wiretap,
    receiver: usize,
    decoder: FrameDecoder,
    sender: Option<Life>,
}

impl Wiretap {
    /// A relay begins another life, and knows no more what came to it.
    pub(crate) fn forget(&self, relay: usize) {
        let mut heard = self.0.lock().expect("no panic");
        heard.came.retain(|(_, receiver)| *receiver != relay);
    }

    /// Listens to what a relay is sent by who connected to it, and to what it answers.
    pub(crate) fn connection(self, receiver: usize) -> (Connection, Connection) {
        let [hand, shake] = [FrameDecoder::expect_hand, FrameDecoder::expect_shake];
        let direction =
            |decoder| Connection { wiretap: self.clone(), receiver, decoder, sender: None };
        (direction(hand(CONSENSUS)), direction(shake(CONSENSUS)))
    }

    /// The lives in which a relay sent a kernel on the stem, as far as it came through.
    pub(crate) fn senders(&self, kernel: &Hash, relay: usize) -> Vec<Life> {
        let heard = self.0.lock().expect("no panic");
        let senders = heard.stem.get(kernel).into_iter().flatten();
        senders.filter(|life| life.relay == relay).copied().collect()
    }

    /// How many kernels were heard of.
    pub(crate) fn kernels(&self) -> usize {
        self.0.lock().expect("no panic").stem.len()
    }

    /// Public transactions that passed between relays since the last call.
    pub(crate) fn passed(&self) -> Vec<Transaction> {
        std::mem::take(&mut self.0.lock().expect("no panic").passed)
    }

    /// Kernels are public.
    pub(crate) fn show(&self, kernels: impl IntoIterator<Item = Hash>) {
        self.0.lock().expect("no panic").public.extend(kernels);
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
                (Message::Shake(shake), _) => {
                    self.decoder.open(shake.version.min(ProtocolVersion::LOCAL));
                }
                (Message::StemTransaction(tx), Some(sender)) => {
                    let mut heard = self.wiretap.0.lock().expect("no panic");
                    for kernel in tx.kernels().iter().map(|kernel| *kernel.hash()) {
                        let came = heard.came.contains(&(kernel, sender.relay));
                        if !came && !heard.public.contains(&kernel) {
                            heard.stem.entry(kernel).or_default().insert(sender);
                        }
                        heard.came.insert((kernel, self.receiver));
                    }
                }
                (Message::Transaction(tx), _) => {
                    self.wiretap.show(tx.kernels().iter().map(|kernel| *kernel.hash()));
                    self.wiretap.0.lock().expect("no panic").passed.push(tx);
                }
                (Message::TransactionKernel(kernel), _) => self.wiretap.show([kernel]),
                _ => {}
            }
        }
    }
}
