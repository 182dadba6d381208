use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use scape_aggregate::builder::{Recipe, parallel};
use scape_aggregate::{ChainType, Consensus, Hash, ProtocolVersion, Transaction, ValidTx};

use crate::grin;

/// The rules that hold: Grin's main network, on which an aggregate of 400 is no heavier than a
/// transaction may be.
pub(crate) const RULES: Consensus = Consensus::of(ChainType::Mainnet);
/// How transactions travel between today's nodes.
pub(crate) const VERSION: ProtocolVersion = ProtocolVersion::V3;

/// Of another format or seed: made anew.
const MAGIC: &[u8; 8] = b"vsgrin01";
const SEED: u64 = 0x5ca9e;
const CHECKSUM: usize = 32;

/// Real transactions with one input and two outputs, as bytes.
pub(crate) struct Corpus(Vec<Bytes>);

impl Corpus {
    /// Reads `count` transactions from a file; makes them if it does not hold as many.
    pub(crate) fn load_or_make(path: &Path, count: usize) -> Self {
        if let Some(corpus) = std::fs::read(path).ok().and_then(|file| parse(file.into(), count)) {
            return corpus;
        }
        let corpus = Self(make(count));
        std::fs::write(path, corpus.file()).unwrap();
        corpus
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The transactions as they come off the wire.
    pub(crate) fn wire(&self) -> &[Bytes] {
        &self.0
    }

    pub(crate) fn decoded(&self) -> Vec<Transaction> {
        self.0.iter().map(decode).collect()
    }

    /// The transactions as valid ones: they were made that way.
    pub(crate) fn valid(&self) -> Vec<ValidTx> {
        self.decoded().into_iter().map(ValidTx::assumed).collect()
    }

    pub(crate) fn of_grin(&self) -> Vec<grin_core::core::Transaction> {
        self.0.iter().map(|bytes| grin::read(bytes)).collect()
    }

    fn file(&self) -> Vec<u8> {
        let mut payload = Vec::new();
        for bytes in &self.0 {
            payload.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
            payload.extend_from_slice(bytes);
        }
        [MAGIC.as_slice(), &SEED.to_be_bytes(), &Hash::of(&[&payload]).0, &payload].concat()
    }
}

pub(crate) fn decode(bytes: &Bytes) -> Transaction {
    Transaction::decode(bytes, VERSION, &RULES).unwrap()
}

/// The first `count` transactions of a file, if it has a fitting version, seed and checksum.
fn parse(file: Bytes, count: usize) -> Option<Corpus> {
    let head = [MAGIC.as_slice(), &SEED.to_be_bytes()].concat();
    let rest = file.strip_prefix(head.as_slice())?;
    let (checksum, mut payload) = rest.split_at_checked(CHECKSUM)?;
    if Hash::of(&[payload]).as_bytes() != checksum {
        return None;
    }
    let mut txs = Vec::with_capacity(count);
    while txs.len() < count {
        let (len, rest) = payload.split_first_chunk()?;
        let (tx, rest) = rest.split_at_checked(u32::from_be_bytes(*len) as usize)?;
        txs.push(Bytes::copy_from_slice(tx));
        payload = rest;
    }
    Some(Corpus(txs))
}

fn make(count: usize) -> Vec<Bytes> {
    let done = AtomicUsize::new(0);
    let recipe = Recipe::default();
    parallel(SEED, count, |_, rng| {
        let built = recipe.build(rng, &RULES).unwrap();
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(count.div_ceil(20)) || done == count {
            eprintln!("corpus: {done} of {count} transactions");
        }
        built.tx.encode(VERSION).unwrap().into()
    })
}
