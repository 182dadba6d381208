//! How each kind of damage is done.

use rand::Rng;

use super::Damage;
use crate::builder::extra::Bench;
use crate::builder::{BuildError, Secret};
use crate::{BlindingFactor, Consensus, Weight};

impl Damage {
    pub(super) fn spoil_bytes<R: Rng>(self, bench: &mut Bench<'_, R>) -> Result<(), BuildError> {
        let key = Secret::random(bench.rng);
        match self {
            Self::TrailingBytes => bench.raw.tail = vec![0; 1 + bench.below(64)],
            Self::CountsTooHeavy => bench.raw.counts = Some([1, u64::MAX, 1]),
            Self::CountTooMany => {
                let raw = &bench.raw;
                let counts = [raw.inputs.len() + 1, raw.outputs.len(), raw.kernels.len()];
                bench.raw.counts = Some(counts.map(|count| count as u64));
            }
            Self::UnknownInputFeatures => {
                bench.want_inputs(1)?;
                bench.raw.inputs[0].features = 2;
                bench.sort();
            }
            Self::UnknownOutputFeatures => {
                bench.want_outputs(1)?;
                bench.raw.outputs[0].features = 2;
                bench.sort();
            }
            Self::UnknownKernelFeatures => bench.kernel(4, 0, &key)?,
            Self::NonZeroPadding => {
                bench.kernel(0, 0, &key)?;
                bench.raw.kernels.iter_mut().rev().take(1).for_each(|kernel| kernel.padding = 1);
                bench.sort();
            }
            Self::LongProof => {
                bench.want_outputs(1)?;
                let output = &mut bench.raw.outputs[0];
                // The byte too many is read as the features of what follows.
                output.proof.push(0xff);
                output.claimed_len += 1;
            }
            Self::NrdDisabled => bench.kernel(3, 1, &key)?,
            Self::NrdHeightZero => bench.kernel(3, 0, &key)?,
            Self::NrdHeightTooGreat => bench.kernel(3, 10_081, &key)?,
            _ => {}
        }
        if matches!(self, Self::NrdDisabled | Self::NrdHeightZero | Self::NrdHeightTooGreat) {
            bench.sort();
        }
        Ok(())
    }

    pub(super) fn break_rule<R: Rng>(
        self,
        bench: &mut Bench<'_, R>,
        consensus: &Consensus,
    ) -> Result<(), BuildError> {
        let (a, b) = (bench.coin(1_000), bench.coin(2_000));
        match self {
            Self::TooHeavy => make_too_heavy(bench, consensus)?,
            Self::CoinbaseOutput => {
                bench.input(&a);
                bench.coinbase_output(a.value())?;
            }
            Self::CoinbaseKernel => bench.kernel(1, 0, &a.key())?,
            Self::UnsortedInputs => bench.want_inputs(2)?,
            Self::UnsortedOutputs => bench.want_outputs(2)?,
            Self::UnsortedKernels => bench.want_kernels(2)?,
            Self::DuplicateInput | Self::InputTwiceByFeatures => {
                bench.input(&a);
                bench.input(&a);
                bench.output(&b)?;
                if self == Self::InputTwiceByFeatures {
                    bench.raw.inputs.iter_mut().rev().take(1).for_each(|input| input.features = 1);
                }
            }
            Self::DuplicateOutput => {
                bench.input(&b);
                bench.output(&a)?;
                bench.output(&a)?;
            }
            Self::DuplicateKernel => {
                bench.kernel(0, 0, &a.key())?;
                bench.kernel(0, 0, &a.key())?;
            }
            Self::NotCutThrough => {
                bench.input(&a);
                bench.output(&a)?;
            }
            Self::DuplicateNrd => {
                bench.kernel(3, 1, &a.key())?;
                bench.kernel(3, 2, &a.key())?;
            }
            _ => {}
        }
        bench.sort();
        match self {
            Self::UnsortedInputs => bench.raw.inputs.swap(0, 1),
            Self::UnsortedOutputs => bench.raw.outputs.swap(0, 1),
            Self::UnsortedKernels => bench.raw.kernels.swap(0, 1),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn break_proof<R: Rng>(self, bench: &mut Bench<'_, R>) -> Result<(), BuildError> {
        match self {
            Self::WrongSum | Self::BurntInput => {
                let coin = bench.coin(1);
                if self == Self::WrongSum { bench.output(&coin)? } else { bench.input(&coin) }
            }
            Self::WrongOffset => bench.move_offset(|offset| offset.plus(&ONE)),
            Self::OffsetOutOfRange => bench.raw.offset = [0xff; 32],
            Self::OffsetNotCanonical => {
                bench.empty_offset()?;
                bench.raw.offset = ORDER;
            }
            Self::NoKernels => bench.raw.kernels.clear(),
            Self::WrongProof
            | Self::ShortProof
            | Self::SwappedProofs
            | Self::NegativeValue
            | Self::OverflowingValue
            | Self::InvalidInput
            | Self::InvalidOutput => self.break_coin(bench)?,
            _ => self.break_kernel(bench)?,
        }
        bench.sort();
        Ok(())
    }

    fn break_coin<R: Rng>(self, bench: &mut Bench<'_, R>) -> Result<(), BuildError> {
        bench.want_outputs(2)?;
        bench.want_inputs(1)?;
        let index = bench.below(bench.raw.outputs.len());
        let (byte, bit) = (bench.below(675), bench.below(8));
        let outputs = &mut bench.raw.outputs;
        match self {
            Self::WrongProof => outputs[index].proof[byte] ^= 1 << bit,
            Self::ShortProof => {
                outputs[index].proof.pop();
                outputs[index].claimed_len -= 1;
            }
            Self::SwappedProofs => {
                let proof = std::mem::take(&mut outputs[0].proof);
                outputs[0].proof = std::mem::replace(&mut outputs[1].proof, proof);
            }
            Self::InvalidInput => bench.raw.inputs[0].commitment = NOT_A_POINT,
            Self::InvalidOutput => outputs[index].commitment = NOT_A_POINT,
            Self::NegativeValue => {
                let (input, output) = (bench.coin(1_000), bench.coin(1_001));
                bench.input(&input);
                bench.output(&output)?;
                let one = Secret::from_scalar(ONE).ok_or(BuildError::Crypto)?;
                bench.impossible_output(&one.negated(), u64::MAX)?;
            }
            Self::OverflowingValue => {
                let (input, other) = (bench.coin(u64::MAX), bench.coin(1));
                bench.input(&input);
                bench.input(&other);
                let value = Secret::from_scalar(TWO_TO_64).ok_or(BuildError::Crypto)?;
                bench.impossible_output(&value, 0)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn break_kernel<R: Rng>(self, bench: &mut Bench<'_, R>) -> Result<(), BuildError> {
        let key = Secret::random(bench.rng);
        bench.want_kernels(2)?;
        let index = bench.below(bench.raw.kernels.len());
        let (byte, bit) = (bench.below(64), bench.below(8));
        let kernels = &mut bench.raw.kernels;
        match self {
            Self::WrongSignature => kernels[index].signature[byte] ^= 1 << bit,
            Self::SignatureOutOfRange => kernels[index].signature[32..].fill(0xff),
            Self::SwappedSignatures => {
                let signature = kernels[0].signature;
                kernels[0].signature = kernels[1].signature;
                kernels[1].signature = signature;
            }
            Self::WrongFee => kernels[index].fee ^= 1,
            Self::MeaninglessFeeBit => kernels[index].fee ^= 1 << 63,
            Self::InvalidExcess => kernels[index].excess = NOT_A_POINT,
            Self::ForeignKernel => {
                let offset = bench.raw.offset;
                bench.raw.kernels.remove(index);
                bench.kernel(0, 0, &key)?;
                bench.raw.offset = offset;
            }
            Self::WrongLockHeight => {
                bench.kernel(2, 10, &key)?;
                bench.raw.kernels.iter_mut().rev().take(1).for_each(|kernel| kernel.height = 9);
            }
            _ => {}
        }
        Ok(())
    }
}

/// Adds kernels, the lightest there is that needs no further elements, up to just over the limit.
fn make_too_heavy<R: Rng>(
    bench: &mut Bench<'_, R>,
    consensus: &Consensus,
) -> Result<(), BuildError> {
    let raw = &bench.raw;
    let weight = |kernels| {
        Weight::of_counts(raw.inputs.len() as u64, raw.outputs.len() as u64, kernels as u64)
    };
    let (now, over) = (weight(raw.kernels.len()).0, consensus.chain.max_tx_weight().0 + 1);
    let missing = over.saturating_sub(now).div_ceil(Weight::KERNEL.0);
    let kernels = raw.kernels.len() + usize::try_from(missing).unwrap_or(0);
    bench.want_kernels(kernels)
}

const ONE: BlindingFactor = BlindingFactor({
    let mut one = [0; 32];
    one[31] = 1;
    one
});
const TWO_TO_64: BlindingFactor = BlindingFactor({
    let mut number = [0; 32];
    number[23] = 1;
    number
});
/// The order of the curve.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];
/// A commitment with an abscissa beyond the field.
const NOT_A_POINT: [u8; 33] = {
    let mut bytes = [0xff; 33];
    bytes[0] = 8;
    bytes
};
