//! What the lists hold, and questions about one transaction.

use std::collections::BTreeSet;

use scape_aggregate::{Commitment, Hash, Input, KernelFeatures, Output, ValidTx};
use scape_pool::{Coin, Instant, PeerId, SinkId, Source};

/// In the order of arrival.
pub(super) type Id = u64;

/// A transaction in the stempool.
#[derive(Clone, Debug)]
pub(super) struct Stem {
    pub(super) id: Id,
    pub(super) tx: ValidTx,
    pub(super) source: Source,
    pub(super) routed_for: Source,
    pub(super) embargo: Instant,
    pub(super) was_sent: bool,
    /// To how many sinks it was sealed in vain.
    pub(super) attempts: u8,
    pub(super) state: State,
    /// Those with the same number travel together.
    pub(super) company: Id,
}

/// How far it has come.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum State {
    Fresh { due: Instant, coin: Option<Coin>, why: Why, avoid: Option<Hop> },
    Sent(Hop),
}

/// Why it waits to be looked at.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Why {
    Passing,
    /// It came back while coins are sticky.
    Looped,
    /// It was sealed to this node.
    Gathered,
    /// It is the owner's, and there was no way out.
    Held,
}

/// Whom it was given to. The order is that in which aggregates are made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Hop {
    Relay(PeerId),
    Sink(SinkId),
}

impl State {
    pub(super) fn avoided(self) -> Option<Hop> {
        match self {
            Self::Fresh { avoid, .. } => avoid,
            Self::Sent(_) => None,
        }
    }
}

/// A transaction in the txpool, or in a block and in one of the pools before.
#[derive(Clone, Debug)]
pub(super) struct Public {
    pub(super) id: Id,
    pub(super) tx: ValidTx,
    pub(super) parts: Vec<Part>,
}

#[derive(Clone, Debug)]
pub(super) struct Mined {
    pub(super) entry: Public,
    pub(super) block: Hash,
    pub(super) height: u64,
    /// It was in the stempool alone.
    pub(super) private: bool,
}

/// What an aggregate was merged from here.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) tx: ValidTx,
    pub(super) own: bool,
}

/// A transaction that asks to be let in.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    pub(super) tx: ValidTx,
    pub(super) source: Source,
    pub(super) past: Past,
    /// It was sealed to this node.
    pub(super) sealed: bool,
    /// When it will have waited too long.
    pub(super) expiry: Option<Instant>,
}

#[derive(Clone, Debug)]
pub(super) enum Past {
    New,
    Stem(Instant),
    Public(Vec<Part>),
}

/// A transaction that waits.
#[derive(Clone, Debug)]
pub(super) struct Orphan {
    pub(super) arrival: Arrival,
    pub(super) stem: bool,
    pub(super) awaits: Awaits,
    /// It is worth another try, as the so manyeth.
    pub(super) woken: Option<Id>,
}

impl Orphan {
    /// Whether it waits for one of these to come.
    pub(super) fn awaits_any(&self, outputs: &[Commitment]) -> bool {
        match &self.awaits {
            Awaits::Outputs(missing) => missing.iter().any(|output| outputs.contains(output)),
            Awaits::Height(_) => false,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) enum Awaits {
    Outputs(Vec<Commitment>),
    Height(u64),
}

/// What the owner pushed, until it is deep in the chain or long impossible.
#[derive(Clone, Debug)]
pub(super) struct Pushed {
    pub(super) tx: ValidTx,
    /// Inputs that were in the chain once.
    pub(super) confirmed: Vec<Commitment>,
    pub(super) mined: Option<(Hash, u64)>,
    /// The kernels that a block has just taken, and nobody said so yet.
    pub(super) untold: BTreeSet<Hash>,
    /// It does not fit, since this height.
    pub(super) stranded: Option<u64>,
    /// The chain has moved since it did not fit.
    pub(super) retry: bool,
}

impl Arrival {
    pub(super) fn new(tx: ValidTx, source: Source) -> Self {
        Self { tx, source, past: Past::New, sealed: false, expiry: None }
    }

    /// One that was here before.
    pub(super) fn again(tx: ValidTx, source: Source, past: Past) -> Self {
        Self { past, ..Self::new(tx, source) }
    }

    pub(super) fn is_new(&self) -> bool {
        matches!(self.past, Past::New)
    }

    /// It is the owner's, or was accepted once.
    pub(super) fn is_kept(&self) -> bool {
        self.source == Source::Own || !self.is_new()
    }

    pub(super) fn is_own(&self) -> bool {
        match &self.past {
            Past::Public(parts) => parts.iter().any(|part| part.own),
            Past::New | Past::Stem(_) => self.source == Source::Own,
        }
    }
}

pub(super) fn kernels(tx: &ValidTx) -> Vec<Hash> {
    tx.kernels().iter().map(|kernel| *kernel.hash()).collect()
}

pub(super) fn spends(tx: &ValidTx) -> impl Iterator<Item = Commitment> {
    tx.inputs().iter().map(Input::commitment)
}

pub(super) fn creates(tx: &ValidTx) -> impl Iterator<Item = Commitment> {
    tx.outputs().iter().map(Output::commitment)
}

/// The excesses of NRD kernels, and how many blocks must be between two of the same.
pub(super) fn nrd(tx: &ValidTx) -> impl Iterator<Item = (Commitment, u64)> {
    tx.kernels().iter().filter_map(|kernel| match kernel.features() {
        KernelFeatures::NoRecentDuplicate { relative_height, .. } => {
            Some((kernel.excess(), relative_height.blocks()))
        }
        _ => None,
    })
}

/// Whether all kernels of `tx` are among these.
pub(super) fn is_inside(tx: &ValidTx, others: &[Hash]) -> bool {
    tx.kernels().iter().all(|kernel| others.contains(kernel.hash()))
}

pub(super) fn overlaps(tx: &ValidTx, others: &[Hash]) -> bool {
    tx.kernels().iter().any(|kernel| others.contains(kernel.hash()))
}

pub(super) fn is_child(child: &ValidTx, parent: &ValidTx) -> bool {
    spends(child).any(|input| creates(parent).any(|output| output == input))
}
