//! What fits, by the rules of the chain and what is pending.

use scape_aggregate::{Commitment, OutputFeatures, ValidTx};
use scape_pool::{ChainView, Refusal};

use super::entries::{creates, nrd, spends};
use super::{Model, World};

/// The rules that a test can take from the model, to see that this is noticed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "each is a refusal or a promise of the pool, by its name")]
pub enum Rule {
    LowFee,
    LockHeight,
    ImmatureCoinbase,
    RecentNrd,
    PendingNrd,
    InputFeatures,
    Conflict,
    OutputExists,
    MissingInput,
    Known,
    Overlap,
    Full,
    /// What is held is subtracted from what comes.
    Subtract,
    /// What comes back is looked at again.
    Loop,
    /// What was merged stays merged.
    Company,
    /// A child goes where its parent went.
    Home,
    /// What could not be delivered goes another way.
    Avoid,
    /// What is sealed to this node waits for the window that is open.
    Window,
    /// No embargo ends before that window.
    WholeWindow,
    /// What a sink swallowed is sent again.
    SealAgain,
    /// After some sinks it goes along the stem.
    Attempts,
    /// What is sealed to a sink stays there when it comes back on the stem.
    Settled,
    /// The owner's waits while nobody is there to hide behind.
    Hold,
    /// Embargoes of one sending end together.
    JoinEmbargoes,
    /// An embargo never ends before that of a parent.
    ParentsFirst,
    /// What cannot be mined any more is given up.
    GiveUp,
    /// What an undone block held comes back.
    Unmine,
    /// What is left of an aggregate goes on.
    Survivors,
    /// The owner's transactions are sent again.
    Rescue,
}

impl Rule {
    /// All rules.
    pub const ALL: [Self; 29] = [
        Self::LowFee,
        Self::LockHeight,
        Self::ImmatureCoinbase,
        Self::RecentNrd,
        Self::PendingNrd,
        Self::InputFeatures,
        Self::Conflict,
        Self::OutputExists,
        Self::MissingInput,
        Self::Known,
        Self::Overlap,
        Self::Full,
        Self::Subtract,
        Self::Loop,
        Self::Company,
        Self::Home,
        Self::Avoid,
        Self::Window,
        Self::WholeWindow,
        Self::SealAgain,
        Self::Attempts,
        Self::Settled,
        Self::Hold,
        Self::JoinEmbargoes,
        Self::ParentsFirst,
        Self::GiveUp,
        Self::Unmine,
        Self::Survivors,
        Self::Rescue,
    ];
}

/// Whether something fits.
pub(super) enum Fit {
    Fits,
    Awaits(Vec<Commitment>),
    AwaitsHeight(u64),
    Refused(Refusal),
}

impl Model {
    /// Whether a transaction fits in now. Of several rules that it breaks the first one counts:
    /// those of the whole, of kernels, of outputs, of inputs.
    pub(super) fn fit(&self, tx: &ValidTx, stem: bool, world: &World) -> Fit {
        if let Some(refusal) = self.broken_rule(tx, stem, world) {
            return Fit::Refused(refusal);
        }
        let missing: Vec<_> = spends(tx).filter(|input| !self.exists(input, stem, world)).collect();
        match missing.is_empty() || !self.keeps(Rule::MissingInput) {
            true => Fit::Fits,
            false => Fit::Awaits(missing),
        }
    }

    /// The same for what was accepted once, which may wait for a height if all its inputs are there.
    pub(super) fn fit_again(&self, tx: &ValidTx, stem: bool, world: &World) -> Fit {
        let fit = self.fit(tx, stem, world);
        let Fit::Refused(refusal) = fit else { return fit };
        let Some(height) = awaited_height(refusal) else { return fit };
        let missing: Vec<_> = spends(tx).filter(|input| !self.exists(input, stem, world)).collect();
        if missing.is_empty() { Fit::AwaitsHeight(height) } else { Fit::Awaits(missing) }
    }

    fn broken_rule(&self, tx: &ValidTx, stem: bool, world: &World) -> Option<Refusal> {
        let (lock_height, next_height) = (tx.lock_height(), world.chain.tip().height + 1);
        if self.keeps(Rule::LockHeight) && lock_height > next_height {
            return Some(Refusal::LockHeight { lock_height, next_height });
        }
        let of_kernels = nrd(tx).find_map(|(excess, distance)| {
            let pending = self.pending(stem).any(|other| nrd(other).any(|(e, _)| e == excess));
            if self.keeps(Rule::PendingNrd) && pending {
                return Some(Refusal::PendingNrd);
            }
            let allowed = world.chain.last_nrd(&excess)? + distance;
            let is_recent = self.keeps(Rule::RecentNrd) && allowed > next_height;
            is_recent.then_some(Refusal::RecentNrd { allowed })
        });
        let of_outputs = || {
            let twice = creates(tx).any(|output| self.exists(&output, stem, world));
            (self.keeps(Rule::OutputExists) && twice).then_some(Refusal::OutputExists)
        };
        let of_inputs = || {
            let mut inputs = tx.inputs().iter();
            inputs.find_map(|input| {
                self.broken_by_input(input.commitment(), input.features(), stem, world)
            })
        };
        of_kernels.or_else(of_outputs).or_else(of_inputs)
    }

    fn broken_by_input(
        &self,
        input: Commitment,
        claimed: Option<OutputFeatures>,
        stem: bool,
        world: &World,
    ) -> Option<Refusal> {
        let is_spent = self.pending(stem).any(|other| spends(other).any(|spent| spent == input));
        if self.keeps(Rule::Conflict) && is_spent {
            return Some(Refusal::Conflict);
        }
        let is_pending = self.pending(stem).any(|other| creates(other).any(|out| out == input));
        let mut features = OutputFeatures::Plain;
        if !is_pending {
            let utxo = world.chain.utxo(&input)?;
            features = utxo.features;
            let matures = utxo.height + self.config.consensus.chain.coinbase_maturity();
            let is_early = features == OutputFeatures::Coinbase
                && matures > world.chain.tip().height + 1
                && self.keeps(Rule::ImmatureCoinbase);
            if is_early {
                return Some(Refusal::ImmatureCoinbase { matures });
            }
        }
        let is_wrong = claimed.is_some_and(|claimed| claimed != features);
        (self.keeps(Rule::InputFeatures) && is_wrong).then_some(Refusal::InputFeatures)
    }

    /// Everything that has to fit in beside a transaction. What is public depends on nothing
    /// private.
    pub(super) fn pending(&self, stem: bool) -> impl Iterator<Item = &ValidTx> {
        let private = self.stem.iter().filter(move |_| stem).map(|entry| &entry.tx);
        self.public.iter().map(|entry| &entry.tx).chain(private)
    }

    pub(super) fn exists(&self, output: &Commitment, stem: bool, world: &World) -> bool {
        let mut pending = self.pending(stem);
        world.chain.utxo(output).is_some() || pending.any(|tx| creates(tx).any(|c| c == *output))
    }
}

/// What a refusal amounts to for a transaction that was accepted once: waiting for a height, or
/// nothing.
fn awaited_height(refusal: Refusal) -> Option<u64> {
    match refusal {
        Refusal::LockHeight { lock_height: height, .. }
        | Refusal::ImmatureCoinbase { matures: height }
        | Refusal::RecentNrd { allowed: height } => Some(height - 1),
        _ => None,
    }
}
