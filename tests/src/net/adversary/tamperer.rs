use rand::seq::IteratorRandom;
use rand::{Rng, RngExt};
use scape_aggregate::{
    BlindingFactor, Consensus, FeeFields, KernelFeatures, Output, PROOF_SIZE, RangeProof,
    Transaction, TxKernel,
};
use scape_p2p::wire::Message;

use crate::net::{Behaviour, NodeId, Pass, Scope};

/// Changes some of the transactions that it passes on, on the stem and in public: drops an output,
/// swaps a proof, moves the offset, lowers a fee.
#[derive(Clone, Copy, Debug)]
pub struct Tamperer {
    consensus: Consensus,
    /// One in so many is changed.
    one_in: u32,
}

impl Tamperer {
    /// Keeps to the rules that cost nothing to check, so that only a verifier can tell.
    pub fn new(consensus: Consensus) -> Self {
        Self { consensus, one_in: 4 }
    }

    /// Changes all.
    pub fn always(consensus: Consensus) -> Self {
        Self { consensus, one_in: 1 }
    }

    fn tamper(&self, tx: &Transaction, rng: &mut impl Rng) -> Option<Transaction> {
        let (mut outputs, mut kernels) = (tx.outputs().to_vec(), tx.kernels().to_vec());
        let mut offset = *tx.offset();
        match rng.random_range(0..4) {
            0 if outputs.len() > 1 => {
                outputs.remove(rng.random_range(0..outputs.len()));
            }
            1 => {
                let output = outputs.iter_mut().choose(rng)?;
                let mut proof = RangeProof([0; PROOF_SIZE]);
                rng.fill_bytes(&mut proof.0);
                *output = Output::new(output.features(), output.commitment(), proof);
            }
            2 => offset = BlindingFactor(change(offset.0, rng)),
            _ => {
                let kernel = kernels.iter_mut().choose(rng)?;
                let KernelFeatures::Plain { fee } = kernel.features() else { return None };
                let fee = FeeFields::new(fee.fee_shift(), fee.fee() + 1).ok()?;
                let (excess, signature) = (kernel.excess(), *kernel.signature());
                *kernel = TxKernel::new(KernelFeatures::Plain { fee }, excess, signature);
                kernels.sort_by_key(|kernel| *kernel.hash());
            }
        }
        let inputs = tx.inputs_as_held().clone();
        Transaction::new(offset, inputs, outputs, kernels, &self.consensus).ok()
    }
}

fn change(mut bytes: [u8; 32], rng: &mut impl Rng) -> [u8; 32] {
    bytes[rng.random_range(1..32)] ^= 1 << rng.random_range(0..8);
    bytes
}

impl Behaviour for Tamperer {
    fn outgoing(&mut self, to: NodeId, message: &Message, scope: &mut Scope<'_>) -> Pass {
        let (Message::StemTransaction(tx) | Message::Transaction(tx)) = message else {
            return Pass::On;
        };
        if !scope.rng.random_ratio(1, self.one_in) {
            return Pass::On;
        }
        let Some(tampered) = self.tamper(tx, scope.rng) else { return Pass::On };
        scope.send(
            to,
            match message {
                Message::StemTransaction(_) => Message::StemTransaction(tampered),
                _ => Message::Transaction(tampered),
            },
        );
        Pass::Swallow
    }
}
