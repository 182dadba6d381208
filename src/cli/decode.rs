//! `scape decode`.

use scape::aggregate::{
    Consensus, Fault, Input, Inspection, KernelFeatures, Output, OutputFeatures, ProtocolVersion,
    TxKernel,
};
use serde::Serialize;

use super::CliError;
use super::args::{DecodeArgs, Global};
use super::output::{Facts, Paint, Table};
use super::read::Source;
use super::words::{grin, grouped};

/// The answer of `decode --json`.
#[derive(Serialize)]
struct DecodedView {
    /// Whether nothing is wrong with it, as far as was looked.
    valid: bool,
    /// Whether range proofs, signatures and sums were looked at.
    verified: bool,
    /// Whether it could be read to its end.
    whole: bool,
    /// What is wrong with it.
    broken: Vec<FaultView>,
    /// As Grin computes it.
    hash: String,
    /// What the excesses lack.
    offset: String,
    /// What it weighs.
    weight: u64,
    /// What it may weigh.
    max_weight: u64,
    /// In nanogrin.
    fee: u64,
    /// The fee that counts, in nanogrin for each unit of weight.
    fee_rate: u64,
    /// Whether that is enough for Grin nodes to relay it.
    pays_relay_fee: bool,
    /// The height of the first block that may hold it.
    lock_height: u64,
    inputs: Vec<InputView>,
    outputs: Vec<OutputView>,
    kernels: Vec<KernelView>,
}

#[derive(Serialize)]
struct FaultView {
    /// The name of the rule.
    rule: &'static str,
    /// For people.
    text: String,
}

#[derive(Serialize)]
struct InputView {
    commitment: String,
    /// If the input says it: `plain` or `coinbase`.
    features: Option<&'static str>,
}

#[derive(Serialize)]
struct OutputView {
    commitment: String,
    /// `plain` or `coinbase`.
    features: &'static str,
}

#[derive(Serialize)]
struct KernelView {
    excess: String,
    /// `plain`, `coinbase`, `height locked` or `no recent duplicate`.
    features: &'static str,
    /// In nanogrin.
    fee: Option<u64>,
    fee_shift: Option<u8>,
    /// The height of the first block that may hold it.
    lock_height: Option<u64>,
    /// For how many blocks no other kernel may have its excess.
    relative_height: Option<u64>,
    /// What announces it on the network.
    hash: String,
}

pub(super) fn run(global: &Global, args: DecodeArgs) -> Result<(), CliError> {
    let consensus = global.config()?.consensus();
    let source = Source::read(&args.file)?;
    let inspection = source.inspect(args.protocol.map(ProtocolVersion), &consensus)?;
    let mut faults = inspection.malformed();
    let verified = inspection.is_whole() && !args.no_verify;
    if verified {
        faults.extend(inspection.unproved());
    }
    let view = DecodedView::new(&inspection, &faults, verified, &consensus);
    global.show(&view, |paint| text(&view, &consensus, paint))?;
    if view.valid { Ok(()) } else { Err(CliError::NotValid) }
}

impl DecodedView {
    fn new(tx: &Inspection, faults: &[Fault], verified: bool, consensus: &Consensus) -> Self {
        let fault = |fault: &Fault| FaultView { rule: fault.name(), text: fault.to_string() };
        Self {
            valid: faults.is_empty(),
            verified,
            whole: tx.is_whole(),
            broken: faults.iter().map(fault).collect(),
            hash: hex::encode(tx.hash().as_bytes()),
            offset: tx.offset().to_string(),
            weight: tx.weight().0,
            max_weight: consensus.chain.max_tx_weight().0,
            fee: tx.fee(),
            fee_rate: tx.shifted_fee().checked_div(tx.weight().0).unwrap_or(0),
            pays_relay_fee: tx.shifted_fee() >= tx.relay_fee(),
            lock_height: tx.lock_height(),
            inputs: tx.inputs().iter().map(InputView::new).collect(),
            outputs: tx.outputs().iter().map(OutputView::new).collect(),
            kernels: tx.kernels().iter().map(KernelView::new).collect(),
        }
    }
}

impl InputView {
    fn new(input: &Input) -> Self {
        let features = input.features().map(features_name);
        Self { commitment: input.commitment().to_string(), features }
    }
}

impl OutputView {
    fn new(output: &Output) -> Self {
        let features = features_name(output.features());
        Self { commitment: output.commitment().to_string(), features }
    }
}

impl KernelView {
    fn new(kernel: &TxKernel) -> Self {
        let fee = kernel.features().fee();
        let (features, lock_height, relative_height) = match *kernel.features() {
            KernelFeatures::Plain { .. } => ("plain", None, None),
            KernelFeatures::Coinbase => ("coinbase", None, None),
            KernelFeatures::HeightLocked { lock_height, .. } => {
                ("height locked", Some(lock_height), None)
            }
            KernelFeatures::NoRecentDuplicate { relative_height, .. } => {
                ("no recent duplicate", None, Some(relative_height.blocks()))
            }
        };
        Self {
            excess: kernel.excess().to_string(),
            features,
            fee: fee.map(|fee| fee.fee()),
            fee_shift: fee.map(|fee| fee.fee_shift()),
            lock_height,
            relative_height,
            hash: hex::encode(kernel.hash().as_bytes()),
        }
    }

    /// What it promises, and what that costs.
    fn promise(&self) -> String {
        let mut text = self.features.to_owned();
        if let Some(height) = self.lock_height {
            text += &format!(" until height {}", grouped(height));
        }
        if let Some(blocks) = self.relative_height {
            text += &format!(" within {} blocks", grouped(blocks));
        }
        match (self.fee, self.fee_shift) {
            (Some(fee), Some(shift @ 1..)) => format!("{text}, fee {} >> {shift}", grin(fee)),
            (Some(fee), _) => format!("{text}, fee {}", grin(fee)),
            (None, _) => text,
        }
    }
}

fn features_name(features: OutputFeatures) -> &'static str {
    match features {
        OutputFeatures::Plain => "plain",
        OutputFeatures::Coinbase => "coinbase",
    }
}

fn text(tx: &DecodedView, consensus: &Consensus, paint: Paint) -> String {
    let mut facts = Facts::default();
    facts.add("hash", &tx.hash);
    facts.add("offset", &tx.offset);
    let (weight, max) = (grouped(tx.weight), grouped(tx.max_weight));
    facts.add("weight", format_args!("{weight} of at most {max} on {}", consensus.chain));
    facts.add("fee", fee(tx, paint));
    if tx.lock_height > 0 {
        facts.add("locked", format_args!("until height {}", grouped(tx.lock_height)));
    }
    let mut parts = Table::unnamed();
    for (at, input) in tx.inputs.iter().enumerate() {
        let features = input.features.unwrap_or("");
        parts.add([numbered("input", at), (&input.commitment).into(), features.into()]);
    }
    for (at, output) in tx.outputs.iter().enumerate() {
        parts.add([numbered("output", at), (&output.commitment).into(), output.features.into()]);
    }
    for (at, kernel) in tx.kernels.iter().enumerate() {
        parts.add([numbered("kernel", at), (&kernel.excess).into(), kernel.promise().into()]);
        parts.add(["  hash".into(), (&kernel.hash).into(), "".into()]);
    }
    format!("{}\n{parts}\n{}", facts.show(paint), verdict(tx, paint))
}

fn numbered(what: &str, at: usize) -> super::output::Cell {
    format!("{what} {at}").into()
}

fn fee(tx: &DecodedView, paint: Paint) -> String {
    let rate = grouped(tx.fee_rate);
    let text = format!("{} grin, {rate} nanogrin for each unit of weight", grin(tx.fee));
    match tx.pays_relay_fee {
        true => text,
        false => format!("{text}, {}", paint.warn("too little to be relayed by Grin nodes")),
    }
}

fn verdict(tx: &DecodedView, paint: Paint) -> String {
    let fault =
        |fault: &FaultView| format!("{} {}: {}\n", paint.bad("broken"), fault.rule, fault.text);
    let faults: String = tx.broken.iter().map(fault).collect();
    match (tx.valid, tx.verified, tx.whole) {
        (true, true, _) => format!("{}: rules, proofs, signatures and sums\n", paint.good("valid")),
        (true, false, _) => {
            let unverified = paint.warn("proofs, signatures and sums are not verified");
            format!("no rule is broken; {unverified}\n")
        }
        (false, _, false) => format!("{faults}what comes before may have been misread\n"),
        (false, ..) => faults,
    }
}
