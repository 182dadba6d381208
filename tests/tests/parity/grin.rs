//! Grin's side.

use grin_core::core::{Transaction, Weighting};
use grin_core::global::{self, ChainTypes};
use grin_core::ser::{self, DeserializationMode, ProtocolVersion};
use scape_aggregate::{ChainType, Consensus};

/// Tells Grin, on this thread, which rules hold.
pub(crate) fn follow(consensus: &Consensus) {
    global::set_local_chain_type(match consensus.chain {
        ChainType::Mainnet => ChainTypes::Mainnet,
        ChainType::Testnet => ChainTypes::Testnet,
        ChainType::UserTesting => ChainTypes::UserTesting,
        ChainType::AutomatedTesting => ChainTypes::AutomatedTesting,
    });
    global::set_local_nrd_enabled(consensus.nrd);
}

pub(crate) fn read(mut bytes: &[u8], version: u32) -> Result<Transaction, ser::Error> {
    ser::deserialize(&mut bytes, ProtocolVersion(version), DeserializationMode::default())
}

pub(crate) fn write(tx: &Transaction, version: u32) -> Result<Vec<u8>, ser::Error> {
    ser::ser_vec(tx, ProtocolVersion(version))
}

/// Reads a transaction that is known to be readable.
pub(crate) fn of(tx: &scape_aggregate::Transaction) -> Transaction {
    let with_features = matches!(
        tx.inputs_as_held(),
        scape_aggregate::Inputs::WithFeatures(inputs) if !inputs.is_empty()
    );
    let version = if with_features { 2 } else { 3 };
    let bytes = tx.encode(scape_aggregate::ProtocolVersion(version)).unwrap();
    read(&bytes, version).unwrap()
}

/// Whether Grin takes a transaction in full.
pub(crate) fn accepts(tx: &Transaction) -> bool {
    tx.validate(Weighting::AsTransaction).is_ok()
}

/// Whether Grin takes bytes as a transaction, in full.
pub(crate) fn accepts_bytes(bytes: &[u8], version: u32) -> bool {
    read(bytes, version).is_ok_and(|tx| accepts(&tx))
}
