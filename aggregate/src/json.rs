//! Transactions as Grin's wallet posts them and as its API shows them.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::transaction::Parts;
use crate::{
    BlindingFactor, Commitment, Consensus, FeeFields, Input, Inputs, KernelFeatures,
    NrdRelativeHeight, Output, OutputFeatures, RangeProof, RuleError, Signature, Transaction,
    TxKernel, crypto, rules,
};

/// Why JSON is not a transaction.
#[derive(Debug, Error)]
pub enum JsonError {
    /// Not JSON, or not of the shape of a transaction.
    #[error("not a transaction in JSON: {0}")]
    Shape(#[from] serde_json::Error),
    /// An NRD kernel on a chain that does not allow them.
    #[error("NRD kernels are not enabled")]
    NrdDisabled,
    /// The shape is right, but one of the rules of a transaction is broken.
    #[error(transparent)]
    Rule(#[from] RuleError),
}

impl Transaction {
    /// Reads a transaction as `grin-wallet` posts it: hex strings, compact signatures, inputs with
    /// features or as bare commitments.
    ///
    /// Stricter than Grin where Grin pads or cuts: commitments, proofs, signatures and the offset
    /// must have exactly their lengths.
    ///
    /// # Errors
    /// If the shape is wrong or a rule is broken.
    pub fn from_json(json: &str, consensus: &Consensus) -> Result<Self, JsonError> {
        Self::from_json_value(serde_json::from_str(json)?, consensus)
    }

    /// As [`Transaction::from_json`], from JSON that is parsed already.
    ///
    /// # Errors
    /// If the shape is wrong or a rule is broken.
    pub fn from_json_value(
        json: serde_json::Value,
        consensus: &Consensus,
    ) -> Result<Self, JsonError> {
        let tx: TransactionJson = serde_json::from_value(json)?;
        let parts = Parts::from(tx);
        if !consensus.nrd && parts.kernels.iter().any(|kernel| kernel.nrd_excess().is_some()) {
            return Err(JsonError::NrdDisabled);
        }
        rules::check(&parts, consensus)?;
        Ok(Self::from_parts(parts))
    }

    /// The transaction as Grin's API shows it.
    pub fn to_json(&self) -> serde_json::Value {
        let body = BodyJson {
            inputs: self.inputs_as_held().into(),
            outputs: self.outputs().iter().map(OutputJson::from).collect(),
            kernels: self.kernels().iter().map(KernelJson::from).collect(),
        };
        let json = TransactionJson { offset: Hex(self.offset().0), body };
        serde_json::to_value(json).unwrap_or_default()
    }
}

impl Parts {
    /// The parts as they are written, whatever rules they break.
    pub(crate) fn from_json(json: &str) -> Result<Self, JsonError> {
        Ok(serde_json::from_str::<TransactionJson>(json)?.into())
    }
}

impl From<TransactionJson> for Parts {
    fn from(TransactionJson { offset, body }: TransactionJson) -> Self {
        let outputs = body.outputs.into_iter().map(Output::from).collect();
        let kernels = body.kernels.into_iter().map(TxKernel::from).collect();
        Self::new(BlindingFactor(offset.0), body.inputs.into(), outputs, kernels)
    }
}

/// `N` bytes as hex, with or without `0x` in front.
#[derive(Clone, Copy)]
struct Hex<const N: usize>([u8; N]);

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.trim();
        let digits = digits.strip_prefix("0x").unwrap_or(digits);
        let mut bytes = [0; N];
        hex::decode_to_slice(digits, &mut bytes)
            .map_err(|error| D::Error::custom(format!("{N} bytes as hex: {error}")))?;
        Ok(Self(bytes))
    }
}

#[derive(Serialize, Deserialize)]
struct TransactionJson {
    offset: Hex<32>,
    body: BodyJson,
}

#[derive(Serialize, Deserialize)]
struct BodyJson {
    inputs: InputsJson,
    outputs: Vec<OutputJson>,
    kernels: Vec<KernelJson>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum InputsJson {
    CommitOnly(Vec<Hex<33>>),
    WithFeatures(Vec<InputJson>),
}

#[derive(Serialize, Deserialize)]
struct InputJson {
    features: OutputFeaturesJson,
    commit: Hex<33>,
}

#[derive(Serialize, Deserialize)]
struct OutputJson {
    features: OutputFeaturesJson,
    commit: Hex<33>,
    proof: Hex<675>,
}

#[derive(Serialize, Deserialize)]
struct KernelJson {
    features: KernelFeaturesJson,
    excess: Hex<33>,
    excess_sig: SignatureJson,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum OutputFeaturesJson {
    Plain,
    Coinbase,
}

#[derive(Serialize, Deserialize)]
enum KernelFeaturesJson {
    Plain { fee: FeeJson },
    Coinbase,
    HeightLocked { fee: FeeJson, lock_height: u64 },
    NoRecentDuplicate { fee: FeeJson, relative_height: RelativeHeightJson },
}

/// A fee: written as a number, read as a number or as a string of digits.
struct FeeJson(FeeFields);

impl Serialize for FeeJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0.bits())
    }
}

impl<'de> Deserialize<'de> for FeeJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a fee as a number or as a string of digits")]
        enum NumberOrDigits {
            Number(u64),
            Digits(String),
        }
        let bits = match NumberOrDigits::deserialize(deserializer)? {
            NumberOrDigits::Number(bits) => bits,
            NumberOrDigits::Digits(digits) => digits.parse().map_err(D::Error::custom)?,
        };
        Ok(Self(FeeFields::from_bits(bits)))
    }
}

#[derive(Clone, Copy)]
struct RelativeHeightJson(NrdRelativeHeight);

impl Serialize for RelativeHeightJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0.blocks())
    }
}

impl<'de> Deserialize<'de> for RelativeHeightJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let blocks = u64::deserialize(deserializer)?;
        NrdRelativeHeight::new(blocks).map(Self).map_err(D::Error::custom)
    }
}

/// A signature in the compact form, which has both halves the other way round than the wire.
struct SignatureJson(Signature);

impl Serialize for SignatureJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let compact = crypto::signature_to_compact(&self.0)
            .ok_or_else(|| serde::ser::Error::custom("signature out of range"))?;
        Hex(compact).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SignatureJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let compact = Hex::<64>::deserialize(deserializer)?;
        crypto::signature_from_compact(&compact.0)
            .map(Self)
            .ok_or_else(|| D::Error::custom("signature out of range"))
    }
}

impl From<OutputFeaturesJson> for OutputFeatures {
    fn from(features: OutputFeaturesJson) -> Self {
        match features {
            OutputFeaturesJson::Plain => Self::Plain,
            OutputFeaturesJson::Coinbase => Self::Coinbase,
        }
    }
}

impl From<OutputFeatures> for OutputFeaturesJson {
    fn from(features: OutputFeatures) -> Self {
        match features {
            OutputFeatures::Plain => Self::Plain,
            OutputFeatures::Coinbase => Self::Coinbase,
        }
    }
}

impl From<InputsJson> for Inputs {
    fn from(inputs: InputsJson) -> Self {
        match inputs {
            InputsJson::CommitOnly(inputs) => Self::CommitOnly(
                inputs.iter().map(|commit| Input::commit_only(Commitment(commit.0))).collect(),
            ),
            InputsJson::WithFeatures(inputs) => Self::WithFeatures(
                inputs
                    .iter()
                    .map(|i| Input::with_features(i.features.into(), Commitment(i.commit.0)))
                    .collect(),
            ),
        }
    }
}

impl From<&Inputs> for InputsJson {
    fn from(inputs: &Inputs) -> Self {
        let all = inputs.as_slice();
        let with_features: Option<Vec<_>> = all
            .iter()
            .map(|input| {
                let features = input.features()?.into();
                Some(InputJson { features, commit: Hex(input.commitment().0) })
            })
            .collect();
        match with_features {
            Some(inputs) if !inputs.is_empty() => Self::WithFeatures(inputs),
            _ => Self::CommitOnly(all.iter().map(|input| Hex(input.commitment().0)).collect()),
        }
    }
}

impl From<OutputJson> for Output {
    fn from(output: OutputJson) -> Self {
        let (commit, proof) = (Commitment(output.commit.0), RangeProof(output.proof.0));
        Self::new(output.features.into(), commit, proof)
    }
}

impl From<&Output> for OutputJson {
    fn from(output: &Output) -> Self {
        let (commit, proof) = (Hex(output.commitment().0), Hex(output.proof().0));
        Self { features: output.features().into(), commit, proof }
    }
}

impl From<KernelJson> for TxKernel {
    fn from(kernel: KernelJson) -> Self {
        let features = match kernel.features {
            KernelFeaturesJson::Plain { fee } => KernelFeatures::Plain { fee: fee.0 },
            KernelFeaturesJson::Coinbase => KernelFeatures::Coinbase,
            KernelFeaturesJson::HeightLocked { fee, lock_height } => {
                KernelFeatures::HeightLocked { fee: fee.0, lock_height }
            }
            KernelFeaturesJson::NoRecentDuplicate { fee, relative_height } => {
                let relative_height = relative_height.0;
                KernelFeatures::NoRecentDuplicate { fee: fee.0, relative_height }
            }
        };
        Self::new(features, Commitment(kernel.excess.0), kernel.excess_sig.0)
    }
}

impl From<&TxKernel> for KernelJson {
    fn from(kernel: &TxKernel) -> Self {
        let features = match *kernel.features() {
            KernelFeatures::Plain { fee } => KernelFeaturesJson::Plain { fee: FeeJson(fee) },
            KernelFeatures::Coinbase => KernelFeaturesJson::Coinbase,
            KernelFeatures::HeightLocked { fee, lock_height } => {
                KernelFeaturesJson::HeightLocked { fee: FeeJson(fee), lock_height }
            }
            KernelFeatures::NoRecentDuplicate { fee, relative_height } => {
                let relative_height = RelativeHeightJson(relative_height);
                KernelFeaturesJson::NoRecentDuplicate { fee: FeeJson(fee), relative_height }
            }
        };
        let excess = Hex(kernel.excess().0);
        Self { features, excess, excess_sig: SignatureJson(*kernel.signature()) }
    }
}
