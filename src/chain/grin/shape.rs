//! Answers of a Grin node's Foreign API, as far as they are needed (`grin_api::types` 5.5.2).

use std::fmt;

use scape_aggregate::{
    Commitment, DecodeError, FeeFields, Hash, KernelFeatures, NrdRelativeHeight, OutputFeatures,
    Signature, TxKernel,
};
use scape_pool::Tip;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use super::block::{GrinBlock, Unspent};

/// Where the fee shift begins in the bits of a fee.
const FEE_BITS: u32 = 40;

/// `N` bytes in hex.
#[derive(Clone, Copy)]
pub(super) struct Hex<const N: usize>(pub(super) [u8; N]);

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits<const N: usize>;

        impl<const N: usize> Visitor<'_> for Digits<N> {
            type Value = Hex<N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{N} bytes in hex")
            }

            fn visit_str<E: Error>(self, digits: &str) -> Result<Hex<N>, E> {
                let mut bytes = [0; N];
                hex::decode_to_slice(digits, &mut bytes).map_err(E::custom)?;
                Ok(Hex(bytes))
            }
        }

        deserializer.deserialize_str(Digits)
    }
}

#[derive(Deserialize)]
pub(super) struct TipShape {
    height: u32,
    last_block_pushed: Hex<32>,
    total_difficulty: u64,
}

impl From<TipShape> for Tip {
    fn from(tip: TipShape) -> Self {
        let TipShape { height, last_block_pushed, total_difficulty } = tip;
        Self { height: height.into(), hash: Hash(last_block_pushed.0), total_difficulty }
    }
}

#[derive(Deserialize)]
pub(super) struct HeaderShape {
    pub(super) hash: Hex<32>,
    height: u32,
    previous: Hex<32>,
    total_difficulty: u64,
}

#[derive(Deserialize)]
pub(super) struct ListingShape {
    pub(super) blocks: Vec<BlockShape>,
}

#[derive(Deserialize)]
pub(super) struct BlockShape {
    header: HeaderShape,
    inputs: Vec<Hex<33>>,
    outputs: Vec<OutputShape>,
    kernels: Vec<KernelShape>,
}

impl From<BlockShape> for GrinBlock {
    fn from(block: BlockShape) -> Self {
        let HeaderShape { hash, height, previous, total_difficulty } = block.header;
        let kernels: Vec<TxKernel> = block.kernels.into_iter().map(|shape| shape.0).collect();
        Self {
            tip: Tip { height: height.into(), hash: Hash(hash.0), total_difficulty },
            previous: Hash(previous.0),
            inputs: block.inputs.into_iter().map(|input| Commitment(input.0)).collect(),
            outputs: block.outputs.iter().map(OutputShape::parts).collect(),
            kernels: kernels.iter().map(|kernel| *kernel.hash()).collect(),
            nrd: kernels.iter().filter_map(TxKernel::nrd_excess).collect(),
        }
    }
}

#[derive(Deserialize)]
enum OutputType {
    Coinbase,
    Transaction,
}

#[derive(Deserialize)]
struct OutputShape {
    output_type: OutputType,
    commit: Hex<33>,
    /// Of an output that was spent before it could be looked up, the listing does not know it.
    block_height: Option<u32>,
}

impl OutputShape {
    fn parts(&self) -> (Commitment, OutputFeatures) {
        let features = match self.output_type {
            OutputType::Coinbase => OutputFeatures::Coinbase,
            OutputType::Transaction => OutputFeatures::Plain,
        };
        (Commitment(self.commit.0), features)
    }
}

#[derive(Deserialize)]
enum FeaturesShape {
    Plain,
    Coinbase,
    HeightLocked,
    NoRecentDuplicate,
}

/// A kernel. Grin does not show the 20 bits of the fee that mean nothing: where a wallet has set
/// one of them the hash is wrong, and the kernel is not recognised.
#[derive(Deserialize)]
#[serde(try_from = "KernelFields")]
struct KernelShape(TxKernel);

#[derive(Deserialize)]
struct KernelFields {
    features: FeaturesShape,
    fee_shift: u8,
    fee: u64,
    /// Of an NRD kernel the relative height.
    lock_height: u64,
    excess: Hex<33>,
    excess_sig: Hex<64>,
}

impl TryFrom<KernelFields> for KernelShape {
    type Error = DecodeError;

    fn try_from(kernel: KernelFields) -> Result<Self, DecodeError> {
        let KernelFields { fee_shift, fee, lock_height, .. } = kernel;
        // Blocks may hold what no node would relay, a fee of zero for example.
        let fee = FeeFields::from_bits(u64::from(fee_shift) << FEE_BITS | fee);
        let features = match kernel.features {
            FeaturesShape::Coinbase => KernelFeatures::Coinbase,
            FeaturesShape::Plain => KernelFeatures::Plain { fee },
            FeaturesShape::HeightLocked => KernelFeatures::HeightLocked { fee, lock_height },
            FeaturesShape::NoRecentDuplicate => {
                let relative_height = NrdRelativeHeight::new(lock_height)?;
                KernelFeatures::NoRecentDuplicate { fee, relative_height }
            }
        };
        let signature = Signature(kernel.excess_sig.0);
        Ok(Self(TxKernel::new(features, Commitment(kernel.excess.0), signature)))
    }
}

#[derive(Deserialize)]
pub(super) struct OutputsShape {
    pub(super) highest_index: u64,
    pub(super) last_retrieved_index: u64,
    outputs: Vec<OutputShape>,
}

impl OutputsShape {
    /// What is unspent; `None` if something was spent while it was listed.
    pub(super) fn unspent(&self) -> Option<Vec<(Commitment, Unspent)>> {
        let unspent = self.outputs.iter().map(|output| {
            let (commitment, features) = output.parts();
            Some((commitment, Unspent { height: output.block_height?, features }))
        });
        unspent.collect()
    }
}
