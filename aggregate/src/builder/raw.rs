//! A transaction that can be anything, for writing down what the real types refuse to hold.

use crate::{Hash, Input, KernelFeatures, Output, ProtocolVersion, Transaction, TxKernel};

/// A transaction as bytes, field by field; nothing is checked.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RawTx {
    /// The offset.
    pub offset: [u8; 32],
    /// The numbers of elements to claim, if not the true ones.
    pub counts: Option<[u64; 3]>,
    /// The inputs, in the order they are written.
    pub inputs: Vec<RawInput>,
    /// The outputs, in the order they are written.
    pub outputs: Vec<RawOutput>,
    /// The kernels, in the order they are written.
    pub kernels: Vec<RawKernel>,
    /// What follows the last kernel.
    pub tail: Vec<u8>,
}

/// An input, field by field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RawInput {
    /// The features, written at versions 1 and 2 only.
    pub features: u8,
    /// The commitment.
    pub commitment: [u8; 33],
}

/// An output, field by field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RawOutput {
    /// The features.
    pub features: u8,
    /// The commitment.
    pub commitment: [u8; 33],
    /// The length of the proof to claim.
    pub claimed_len: u64,
    /// The proof.
    pub proof: Vec<u8>,
}

/// A kernel, field by field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RawKernel {
    /// The features.
    pub features: u8,
    /// The fee fields.
    pub fee: u64,
    /// The lock height, or the relative height.
    pub height: u64,
    /// What the unused byte before the excess or the relative height holds, at version 1 only.
    pub padding: u8,
    /// The excess.
    pub excess: [u8; 33],
    /// The signature, raw.
    pub signature: [u8; 64],
}

impl RawTx {
    /// Takes a transaction apart. Features of inputs that are not known become plain.
    pub fn of(tx: &Transaction) -> Self {
        Self {
            offset: tx.offset().0,
            inputs: tx.inputs().iter().map(RawInput::of).collect(),
            outputs: tx.outputs().iter().map(RawOutput::of).collect(),
            kernels: tx.kernels().iter().map(RawKernel::of).collect(),
            ..Self::default()
        }
    }

    /// Puts everything into canonical order for a version, which decides what inputs hash.
    pub fn sort(&mut self, version: ProtocolVersion) {
        let features = version.has_input_features();
        self.inputs.sort_by_cached_key(|input| {
            if features {
                Hash::of(&[&[input.features], &input.commitment])
            } else {
                Hash::of(&[&input.commitment])
            }
        });
        self.outputs
            .sort_by_cached_key(|output| Hash::of(&[&[output.features], &output.commitment]));
        self.kernels.sort_by_cached_key(RawKernel::hash);
    }

    /// Writes it, whatever it is.
    pub fn encode(&self, version: ProtocolVersion) -> Vec<u8> {
        let mut out = self.offset.to_vec();
        let counts = [self.inputs.len(), self.outputs.len(), self.kernels.len()];
        for count in self.counts.unwrap_or(counts.map(|count| count as u64)) {
            out.extend_from_slice(&count.to_be_bytes());
        }
        for input in &self.inputs {
            if version.has_input_features() {
                out.push(input.features);
            }
            out.extend_from_slice(&input.commitment);
        }
        for output in &self.outputs {
            out.push(output.features);
            out.extend_from_slice(&output.commitment);
            out.extend_from_slice(&output.claimed_len.to_be_bytes());
            out.extend_from_slice(&output.proof);
        }
        for kernel in &self.kernels {
            kernel.write(&mut out, version.has_fixed_size_kernels());
        }
        out.extend_from_slice(&self.tail);
        out
    }
}

impl RawInput {
    /// Takes an input apart.
    pub fn of(input: &Input) -> Self {
        let features = input.features().map_or(0, |features| features.byte());
        Self { features, commitment: input.commitment().0 }
    }
}

impl RawOutput {
    /// Takes an output apart.
    pub fn of(output: &Output) -> Self {
        let proof = output.proof().as_bytes().to_vec();
        let (features, commitment) = (output.features().byte(), output.commitment().0);
        Self { features, commitment, claimed_len: proof.len() as u64, proof }
    }
}

impl RawKernel {
    /// Takes a kernel apart.
    pub fn of(kernel: &TxKernel) -> Self {
        let height = match *kernel.features() {
            KernelFeatures::Plain { .. } | KernelFeatures::Coinbase => 0,
            KernelFeatures::HeightLocked { lock_height, .. } => lock_height,
            KernelFeatures::NoRecentDuplicate { relative_height, .. } => relative_height.blocks(),
        };
        Self {
            features: kernel.features().byte(),
            fee: kernel.features().fee().unwrap_or_default().bits(),
            height,
            padding: 0,
            excess: kernel.excess().0,
            signature: kernel.signature().0,
        }
    }

    /// What kernels are ordered by.
    pub fn hash(&self) -> Hash {
        let mut bytes = Vec::new();
        self.write(&mut bytes, true);
        Hash::of(&[&bytes])
    }

    /// What the signature of a kernel with these features signs.
    pub fn message(&self) -> Hash {
        let mut bytes = Vec::new();
        self.write_features(&mut bytes);
        Hash::of(&[&bytes])
    }

    fn write(&self, out: &mut Vec<u8>, fixed_size: bool) {
        if fixed_size {
            self.write_fixed_size(out);
        } else {
            self.write_features(out);
        }
        out.extend_from_slice(&self.excess);
        out.extend_from_slice(&self.signature);
    }

    fn write_fixed_size(&self, out: &mut Vec<u8>) {
        let mut bytes = [0; 17];
        bytes[0] = self.features;
        bytes[1..9].copy_from_slice(&self.fee.to_be_bytes());
        bytes[9..].copy_from_slice(&self.height.to_be_bytes());
        // The last of the bytes that are not used: before the relative height if there is one.
        let unused = if self.features == 3 { 14 } else { 16 };
        if self.padding != 0 {
            bytes[unused] = self.padding;
        }
        out.extend_from_slice(&bytes);
    }

    fn write_features(&self, out: &mut Vec<u8>) {
        out.push(self.features);
        if self.features != 1 {
            out.extend_from_slice(&self.fee.to_be_bytes());
        }
        match self.features {
            2 => out.extend_from_slice(&self.height.to_be_bytes()),
            3 => out.extend_from_slice(&(self.height as u16).to_be_bytes()),
            _ => {}
        }
    }
}
