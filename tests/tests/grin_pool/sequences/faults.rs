//! What is wrong with a transaction where both pools hold the same, and the words of each for it.

use std::collections::BTreeSet;

use grin_pool::PoolError;
use scape_aggregate::{Commitment, OutputFeatures};
use scape_pool::Refusal;

use super::corpus::{Corpus, Set};
use super::ledger::Ledger;

/// A reason not to take a transaction now.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Fault {
    LowFee,
    Locked,
    RecentNrd,
    PendingNrd,
    OutputExists,
    Conflict,
    Immature,
    Features,
    Missing,
}

/// What counts for a transaction: the chain and the pools that it may know of.
pub(super) struct View<'a> {
    pub(super) corpus: &'a Corpus,
    pub(super) ledger: &'a Ledger,
    /// The txpool; for a stem transaction the stempool as well.
    pub(super) pending: Vec<&'a Set>,
}

impl View<'_> {
    /// All that is wrong with a set of atoms of which none is pending.
    pub(super) fn faults(&self, set: &Set) -> BTreeSet<Fault> {
        let (inputs, outputs) = self.corpus.ends(set);
        let next = self.ledger.height + 1;
        let atoms = || set.iter().map(|atom| &self.corpus.atoms[*atom]);
        let mut faults = BTreeSet::new();
        let mut note = |fault, is: bool| is.then(|| faults.insert(fault));
        note(Fault::LowFee, !self.corpus.pays(set));
        note(Fault::Locked, atoms().any(|atom| atom.lock_height > next));
        for (excess, blocks) in atoms().filter_map(|atom| atom.nrd) {
            let last = self.ledger.nrd.get(&excess);
            note(Fault::RecentNrd, last.is_some_and(|last| last + blocks > next));
            note(Fault::PendingNrd, self.has_nrd(&excess));
        }
        let exists = |output| self.ledger.utxos.contains_key(output) || self.creates(output);
        note(Fault::OutputExists, outputs.iter().any(exists));
        for input in &inputs {
            note(Fault::Conflict, self.spends(input));
            let Some(utxo) = self.ledger.utxos.get(input) else {
                note(Fault::Missing, !self.spends(input) && !self.creates(input));
                continue;
            };
            note(Fault::Immature, !self.ledger.is_mature(utxo, next));
            let lies = set.len() == 1 && atoms().any(|atom| atom.lies);
            note(Fault::Features, lies && utxo.features == OutputFeatures::Plain);
        }
        faults
    }

    /// Whether Grin may take the set, which is not pending: if nothing is wrong with it, or only that
    /// it creates what something pending spends (rule *recreate*, [`super::compare`]).
    pub(super) fn grin_may_take(&self, set: &Set) -> bool {
        let faults = self.faults(set);
        faults.is_empty() || faults == BTreeSet::from([Fault::OutputExists]) && self.recreates(set)
    }

    /// Whether every output of the set that exists is spent by something pending.
    fn recreates(&self, set: &Set) -> bool {
        let exists =
            |output: &Commitment| self.ledger.utxos.contains_key(output) || self.creates(output);
        let (_, outputs) = self.corpus.ends(set);
        outputs.iter().filter(|output| exists(output)).all(|output| self.spends(output))
    }

    fn creates(&self, output: &Commitment) -> bool {
        self.pending.iter().any(|set| self.corpus.ends(set).1.contains(output))
    }

    fn spends(&self, input: &Commitment) -> bool {
        self.pending.iter().any(|set| self.corpus.ends(set).0.contains(input))
    }

    fn has_nrd(&self, excess: &Commitment) -> bool {
        let atoms = self.pending.iter().flat_map(|set| set.iter());
        let mut excesses = atoms.filter_map(|atom| self.corpus.atoms[*atom].nrd);
        excesses.any(|(other, _)| other == *excess)
    }
}

/// The fault that a refusal of ours is for, if it is for one of the transaction alone.
pub(super) fn of_ours(refusal: Refusal) -> Option<Fault> {
    match refusal {
        Refusal::LowFee { .. } => Some(Fault::LowFee),
        Refusal::LockHeight { .. } => Some(Fault::Locked),
        Refusal::ImmatureCoinbase { .. } => Some(Fault::Immature),
        Refusal::RecentNrd { .. } => Some(Fault::RecentNrd),
        Refusal::PendingNrd => Some(Fault::PendingNrd),
        Refusal::InputFeatures => Some(Fault::Features),
        Refusal::Conflict => Some(Fault::Conflict),
        Refusal::OutputExists => Some(Fault::OutputExists),
        Refusal::MissingInput => Some(Fault::Missing),
        Refusal::Known | Refusal::Overlap | Refusal::Full => None,
    }
}

/// The faults that an error of Grin's may be for. Grin looks at the aggregate of its whole pool,
/// so some of its errors cannot tell what is wrong.
pub(super) fn of_grin(error: &PoolError) -> &'static [Fault] {
    match error {
        PoolError::LowFeeTransaction(_) => &[Fault::LowFee],
        PoolError::ImmatureTransaction => &[Fault::Locked],
        PoolError::ImmatureCoinbase => &[Fault::Immature],
        PoolError::NRDKernelRelativeHeight => &[Fault::RecentNrd, Fault::PendingNrd],
        // The input was spent by something pending that has created it, too: cut through.
        PoolError::Other(what) if what.ends_with("inputs") => &[Fault::Missing, Fault::Conflict],
        PoolError::Other(_) => &[Fault::OutputExists, Fault::Conflict],
        PoolError::InvalidTx(_) => &[Fault::OutputExists, Fault::Conflict],
        _ => &[],
    }
}
