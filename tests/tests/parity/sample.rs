//! The transactions that the tests share.

use std::num::NonZeroUsize;
use std::sync::OnceLock;

use bytes::Bytes;
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha12Rng;
use scape_aggregate::builder::{Built, Coin, Kernel, TxBuilder, parallel, seeded};
use scape_aggregate::{
    ChainType, Consensus, FeeFields, NrdRelativeHeight, ProtocolVersion, Reader, Transaction,
    ValidTx, Verifier, aggregate,
};

/// Grin's main network, with every kind of kernel.
pub(crate) const MAINNET: Consensus = Consensus::of(ChainType::Mainnet).with_nrd();
/// Grin's test chain with its small limit, with every kind of kernel.
pub(crate) const SMALL: Consensus = Consensus::of(ChainType::AutomatedTesting).with_nrd();

pub(crate) const SEED: u64 = 0x5ca9e;
pub(crate) const VERSIONS: [u32; 4] = [1, 2, 3, 1000];

const LONE: usize = 200;
const FAMILIES: usize = 60;
const MERGED: usize = 180;

/// Transactions that stand alone: nothing spends or creates what another does.
pub(crate) fn lone() -> &'static [Built] {
    static LONE_TXS: OnceLock<Vec<Built>> = OnceLock::new();
    LONE_TXS.get_or_init(|| parallel(SEED, LONE, |_, rng| any_tx(Vec::new(), rng)))
}

/// Families of a parent, a child and a grandchild; the grandchild also spends from the parent.
pub(crate) fn families() -> &'static [[Built; 3]] {
    static FAMILY_TXS: OnceLock<Vec<[Built; 3]>> = OnceLock::new();
    FAMILY_TXS.get_or_init(|| parallel(SEED + 1, FAMILIES, |_, rng| family(rng)))
}

/// Aggregates of random sets of the others.
pub(crate) fn merged() -> &'static [Transaction] {
    static MERGED_TXS: OnceLock<Vec<Transaction>> = OnceLock::new();
    MERGED_TXS.get_or_init(|| {
        let merge = |index| {
            let txs = random_set(&mut seeded(SEED + 2, index));
            aggregate(&txs).unwrap().as_transaction().clone()
        };
        (0..MERGED as u64).map(merge).collect()
    })
}

/// Every transaction there is here, single and merged.
pub(crate) fn all() -> Vec<Transaction> {
    let lone = lone().iter().map(|built| built.tx.clone());
    let family = families().iter().flatten().map(|built| built.tx.clone());
    lone.chain(family).chain(merged().iter().cloned()).collect()
}

/// Two to twelve transactions that fit together, in any order: families in whole or in part.
pub(crate) fn random_set(rng: &mut ChaCha12Rng) -> Vec<ValidTx> {
    let wanted = rng.random_range(2..=12);
    let mut set: Vec<ValidTx> = Vec::new();
    let related = rng.random_range(0..=3);
    for family in families_of(related, rng) {
        let members = rng.random_range(1..8_u8);
        let chosen = family.iter().enumerate().filter(|(index, _)| members >> index & 1 == 1);
        set.extend(chosen.map(|(_, built)| built.valid()));
    }
    let missing = wanted - set.len().min(wanted - 1);
    set.extend(lone().sample(rng, missing).map(Built::valid));
    if set.len() < 2 {
        set.push(families()[0][0].valid());
    }
    set.shuffle(rng);
    set
}

fn families_of(count: usize, rng: &mut ChaCha12Rng) -> Vec<&'static [Built; 3]> {
    families().sample(rng, count).collect()
}

fn family(rng: &mut ChaCha12Rng) -> [Built; 3] {
    let parent = TxBuilder::new().input(coin(rng)).split(3).build(rng, &MAINNET).unwrap();
    let child = any_tx(vec![parent.coins[0]], rng);
    let mut spends = vec![parent.coins[1]];
    spends.extend(child.coins.first());
    let grandchild = any_tx(spends, rng);
    [parent, child, grandchild]
}

/// A transaction with random everything, that also spends these coins.
fn any_tx(spends: Vec<Coin>, rng: &mut ChaCha12Rng) -> Built {
    let mut builder = TxBuilder::new().input_features(rng.random());
    for _ in 0..rng.random_range(1..=5) {
        builder = builder.input(coin(rng));
    }
    for _ in 0..rng.random_range(1..=3) {
        builder = builder.kernel(kernel(rng));
    }
    if rng.random_ratio(1, 8) {
        builder = builder.zero_offset();
    }
    let shifts = [0, 0, 0, 1, 4, 8];
    let outputs = [0, 1, 1, 1, 2].choose(rng).copied().unwrap();
    if outputs == 0 {
        // Takes what is left over as fee.
        builder = builder.kernels(1);
    }
    builder
        .inputs(spends)
        .split(outputs)
        .fee_shift(shifts.choose(rng).copied().unwrap())
        .build(rng, &MAINNET)
        .unwrap()
}

fn coin(rng: &mut ChaCha12Rng) -> Coin {
    let value = 50_000_000_000;
    if rng.random_ratio(1, 4) { Coin::coinbase(value, rng) } else { Coin::new(value, rng) }
}

fn kernel(rng: &mut ChaCha12Rng) -> Kernel {
    let kernel = match rng.random_range(0..4) {
        0 | 1 => Kernel::plain(),
        2 => Kernel::height_locked(rng.random()),
        _ => Kernel::nrd(NrdRelativeHeight::new(rng.random_range(1..=10_080)).unwrap()),
    };
    // All 64 bits count for the bytes and the signature, though the upper ones mean nothing.
    let future: u64 = rng.random::<u64>() << 44;
    let fee = rng.random_range(0..1_000_000) | u64::from(rng.random_range(0..16_u8)) << 40;
    if rng.random_ratio(1, 4) { kernel.fee(FeeFields::from_bits(future | fee)) } else { kernel }
}

pub(crate) fn fresh_verifier() -> Verifier {
    Verifier::new(NonZeroUsize::new(10_000).unwrap())
}

/// Our verdict on bytes, in full. What follows the transaction is left alone, as in Grin.
pub(crate) fn accepts_bytes(
    verifier: &Verifier,
    bytes: &[u8],
    version: u32,
    consensus: &Consensus,
) -> bool {
    let bytes = Bytes::copy_from_slice(bytes);
    let tx = Transaction::read(&mut Reader::new(&bytes), ProtocolVersion(version), consensus);
    tx.is_ok_and(|tx| verifier.verify(tx).is_ok())
}

/// Runs `check` for every index on all cores, with Grin following the rules.
pub(crate) fn on_all_cores(
    count: usize,
    consensus: &Consensus,
    check: impl Fn(usize, &mut ChaCha12Rng) + Sync,
) {
    parallel(SEED + 3, count, |index, rng| {
        crate::grin::follow(consensus);
        check(index, rng);
    });
}
