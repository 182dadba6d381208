//! The transactions that the sequences are made of: real ones, built once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use grin_core::core::{Transaction, transaction};
use grin_core::ser::{self, DeserializationMode, ProtocolVersion};
use rand_chacha::ChaCha12Rng;
use scape_aggregate::builder::{Built, Coin, Kernel, Secret, TxBuilder, seeded};
use scape_aggregate::{
    ChainType, Commitment, Consensus, FeeFields, Hash, Inputs, NrdRelativeHeight, OutputFeatures,
    TxKernel,
};

pub(super) const CONSENSUS: Consensus = Consensus::of(ChainType::AutomatedTesting).with_nrd();
/// The height at which every sequence begins.
pub(super) const START: u64 = 10;
const VALUE: u64 = 1_000_000_000;

/// Names atoms by their places in the corpus.
pub(super) type Set = BTreeSet<usize>;

/// A transaction with one kernel: what aggregates are made of.
pub(super) struct Atom {
    pub(super) name: &'static str,
    pub(super) grin: Transaction,
    /// How it travels: 3, or 2 where inputs say their features.
    version: u32,
    pub(super) kernel: Hash,
    pub(super) inputs: Vec<Commitment>,
    pub(super) outputs: Vec<Commitment>,
    pub(super) lock_height: u64,
    pub(super) nrd: Option<(Commitment, u64)>,
    pub(super) fee: u64,
    pub(super) fee_shift: u8,
    /// It says of a plain input that it is a reward. Alone only: merging drops what inputs say.
    pub(super) lies: bool,
}

/// All atoms, and what the chain has at the start.
pub(super) struct Corpus {
    pub(super) atoms: Vec<Atom>,
    by_kernel: BTreeMap<Hash, usize>,
    /// Plain outputs, old ones.
    pub(super) plain: Vec<Commitment>,
    /// A reward, of the last block.
    pub(super) reward: Commitment,
}

struct Maker {
    rng: ChaCha12Rng,
    atoms: Vec<Atom>,
    plain: Vec<Commitment>,
}

impl Maker {
    /// A plain output on the chain.
    fn coin(&mut self) -> Coin {
        let coin = Coin::new(VALUE, &mut self.rng);
        self.plain.push(coin.commitment());
        coin
    }

    /// Adds a transaction. Returns what it creates.
    fn add(&mut self, name: &'static str, tx: TxBuilder) -> Vec<Coin> {
        let Built { tx, coins } = tx.build(&mut self.rng, &CONSENSUS).unwrap();
        self.atoms.push(atom(name, &tx));
        coins
    }
}

fn atom(name: &'static str, tx: &scape_aggregate::Transaction) -> Atom {
    let lies = matches!(tx.inputs_as_held(), Inputs::WithFeatures(_));
    let version = if lies { 2 } else { 3 };
    let bytes = tx.encode(scape_aggregate::ProtocolVersion(version)).unwrap();
    let nrd = tx.kernels()[0].nrd_excess().map(|excess| (excess, nrd_height(&tx.kernels()[0])));
    Atom {
        name,
        grin: read(&bytes, version).unwrap(),
        version,
        kernel: *tx.kernels()[0].hash(),
        inputs: tx.inputs().iter().map(|input| input.commitment()).collect(),
        outputs: tx.outputs().iter().map(|output| output.commitment()).collect(),
        lock_height: tx.lock_height(),
        nrd,
        fee: tx.fee(),
        fee_shift: tx.fee_shift(),
        lies,
    }
}

fn nrd_height(kernel: &TxKernel) -> u64 {
    match kernel.features() {
        scape_aggregate::KernelFeatures::NoRecentDuplicate { relative_height, .. } => {
            relative_height.blocks()
        }
        _ => 0,
    }
}

/// Bytes as Grin reads them.
pub(super) fn read(mut bytes: &[u8], version: u32) -> Result<Transaction, ser::Error> {
    ser::deserialize(&mut bytes, ProtocolVersion(version), DeserializationMode::default())
}

/// The corpus. Grin's rules have to be set on this thread.
pub(super) fn corpus() -> &'static Corpus {
    static CORPUS: OnceLock<Corpus> = OnceLock::new();
    CORPUS.get_or_init(make)
}

fn spend(coin: Coin) -> TxBuilder {
    TxBuilder::new().input(coin).split(1)
}

fn make() -> Corpus {
    let mut maker = Maker { rng: seeded(0x5ca9e, 0), atoms: Vec::new(), plain: Vec::new() };
    let m = &mut maker;
    families(m);
    heights(m);
    let reward = Coin::coinbase(60 * VALUE, &mut m.rng);
    m.add("reward", spend(reward));
    odd_ones(m);
    let Maker { atoms, plain, .. } = maker;
    let by_kernel = atoms.iter().enumerate().map(|(index, atom)| (atom.kernel, index)).collect();
    Corpus { atoms, by_kernel, plain, reward: reward.commitment() }
}

/// Parents, children, rivals.
fn families(m: &mut Maker) {
    let (coin, other) = (m.coin(), m.coin());
    let out = m.add("root", TxBuilder::new().input(coin).split(2));
    let child = m.add("child", spend(out[0]));
    let grandchild = m.add("grandchild", spend(child[0]));
    m.add("sister", spend(out[1]).input(other));
    m.add("rival of root", spend(coin));
    m.add("rival of child", spend(out[0]));
    // Two more ways for the first output of the root to come into being.
    let third = m.coin();
    m.add("twin", TxBuilder::new().input(third).output_coin(out[0]).split(1));
    let fourth = m.coin();
    let again = TxBuilder::new().inputs([grandchild[0], fourth]).output_coin(out[0]).split(1);
    m.add("circle", again);
    let fifth = m.coin();
    m.add("lone", spend(fifth));
}

/// Height locks and NRD kernels.
fn heights(m: &mut Maker) {
    let (coin, early, late) = (m.coin(), m.coin(), m.coin());
    let locked = m.add("locked", spend(coin).height_locked(START + 3));
    m.add("child of locked", spend(locked[0]));
    let excess = Secret::random(&mut m.rng);
    let nrd = |blocks| Kernel::nrd(NrdRelativeHeight::new(blocks).unwrap()).key(excess);
    let out = m.add("nrd of two", spend(early).kernel(nrd(2)));
    m.add("nrd of one", spend(late).kernel(nrd(1)));
    m.add("child of nrd, nrd of three", spend(out[0]).kernel(nrd(3)));
}

/// Fees, features, and an output that nobody ever made.
fn odd_ones(m: &mut Maker) {
    let (coin, other, third) = (m.coin(), m.coin(), m.coin());
    let poor = m.add("poor", spend(coin).fee(1_000_000));
    m.add("child that pays for it", spend(poor[0]).fee(50_000_000));
    let shifted = FeeFields::new(2, 60_000_000).unwrap();
    m.add("shifted fee", spend(other).kernel(Kernel::plain().fee(shifted)));
    let lie = Coin::with_key(VALUE, third.key(), OutputFeatures::Coinbase).unwrap();
    m.add("liar", spend(lie).input_features(true));
    let nowhere = Coin::new(VALUE, &mut m.rng);
    m.add("from nowhere", spend(nowhere));
}

impl Corpus {
    /// The atoms with these kernels.
    pub(super) fn of_kernels(&self, kernels: &BTreeSet<Hash>) -> Set {
        kernels.iter().map(|kernel| self.by_kernel[kernel]).collect()
    }

    /// Atoms merged by Grin, as bytes and the version these are written at. `None` if they cannot
    /// be merged.
    pub(super) fn bytes(&self, set: &Set) -> Option<(Vec<u8>, u32)> {
        let mut atoms = set.iter().map(|atom| &self.atoms[*atom]);
        let first = atoms.next()?;
        let version = if atoms.next().is_none() { first.version } else { 3 };
        Some((ser::ser_vec(&self.merge(set)?, ProtocolVersion(version)).unwrap(), version))
    }

    pub(super) fn merge(&self, set: &Set) -> Option<Transaction> {
        let txs: Vec<_> = set.iter().map(|atom| self.atoms[*atom].grin.clone()).collect();
        transaction::aggregate(&txs).ok()
    }

    /// The atom of a name.
    pub(super) fn named(&self, name: &str) -> usize {
        self.atoms.iter().position(|atom| atom.name == name).unwrap()
    }

    pub(super) fn names(&self, set: &Set) -> Vec<&'static str> {
        set.iter().map(|atom| self.atoms[*atom].name).collect()
    }

    /// What a set spends and creates after cut-through.
    pub(super) fn ends(&self, set: &Set) -> (BTreeSet<Commitment>, BTreeSet<Commitment>) {
        let mut balance: BTreeMap<Commitment, i64> = BTreeMap::new();
        for atom in set.iter().map(|atom| &self.atoms[*atom]) {
            atom.inputs.iter().for_each(|input| *balance.entry(*input).or_default() -= 1);
            atom.outputs.iter().for_each(|output| *balance.entry(*output).or_default() += 1);
        }
        let of = |sign| balance.iter().filter(move |(_, n)| **n == sign).map(|(c, _)| *c);
        (of(-1).collect(), of(1).collect())
    }

    /// Whether Grin nodes relay it for its fee: the total, shifted by the largest shift.
    pub(super) fn pays(&self, set: &Set) -> bool {
        let atoms = || set.iter().map(|atom| &self.atoms[*atom]);
        let fee: u64 = atoms().map(|atom| atom.fee).sum();
        let shift = atoms().map(|atom| atom.fee_shift).max().unwrap_or(0);
        let (inputs, outputs) = self.ends(set);
        let weight = inputs.len() + 21 * outputs.len() + 3 * set.len();
        fee >> shift >= 500_000 * weight as u64
    }
}
