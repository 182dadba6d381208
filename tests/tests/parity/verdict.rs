//! Valid for one is valid for the other, whatever the bytes.

use rand::{Rng, RngExt};
use scape_aggregate::builder::{Coin, Damage, Kernel, RawTx, Secret, TxBuilder, seeded};
use scape_aggregate::{Consensus, FeeFields, ProtocolVersion, Transaction};

use crate::grin;
use crate::sample::{
    SEED, SMALL, VERSIONS, accepts_bytes, fresh_verifier, lone, merged, on_all_cores,
};

/// Small transactions of every kind, for changing them.
fn small() -> Vec<&'static Transaction> {
    let limit = SMALL.chain.max_tx_weight();
    let txs = lone().iter().map(|built| &built.tx).chain(merged());
    txs.filter(|tx| tx.weight() < limit && tx.weight().0 > 24).collect()
}

fn written(tx: &Transaction, version: u32) -> Vec<u8> {
    let version = ProtocolVersion(version);
    let mut raw = RawTx::of(tx);
    raw.sort(version);
    raw.encode(version)
}

#[track_caller]
fn assert_same(bytes: &[u8], version: u32, consensus: &Consensus, what: &str) -> bool {
    let ours = accepts_bytes(&fresh_verifier(), bytes, version, consensus);
    assert_eq!(ours, grin::accepts_bytes(bytes, version), "{what} at version {version}");
    ours
}

#[test]
fn every_damage_is_refused_by_both() {
    let plain = Consensus { nrd: false, ..SMALL };
    let bases: Vec<_> = lone().iter().filter(|built| is_plain(&built.tx)).take(6).collect();
    for consensus in [SMALL, plain] {
        on_all_cores(Damage::ALL.len() * VERSIONS.len(), &consensus, |index, rng| {
            let damage = Damage::ALL[index / VERSIONS.len()];
            let version = VERSIONS[index % VERSIONS.len()];
            for base in bases.iter().skip(index % 3).step_by(3) {
                let bytes = damage.apply(&base.tx, ProtocolVersion(version), &consensus, rng);
                let Ok(bytes) = bytes else {
                    assert!(!damage.exists(ProtocolVersion(version), &consensus));
                    continue;
                };
                let accepted = assert_same(&bytes, version, &consensus, &format!("{damage:?}"));
                assert_eq!(accepted, damage == Damage::TrailingBytes, "{damage:?}");
            }
        });
    }
}

/// Light enough to add to, and without NRD kernels.
fn is_plain(tx: &Transaction) -> bool {
    tx.weight().0 < 60
        && !tx.outputs().is_empty()
        && tx.kernels().iter().all(|kernel| kernel.nrd_excess().is_none())
}

#[test]
fn random_changes_get_the_same_verdict() {
    const CHANGES: usize = 2_400;
    let bases = small();
    let shared = fresh_verifier();
    on_all_cores(CHANGES, &SMALL, |index, rng| {
        let version = VERSIONS[index % VERSIONS.len()];
        let base = bases[rng.random_range(0..bases.len())];
        let mut bytes = written(base, version);
        // A verifier that knows the sound transaction must not take the changed one for it.
        assert!(accepts_bytes(&shared, &bytes, version, &SMALL));
        let position = change(&mut bytes, base, version, rng);
        let ours = accepts_bytes(&shared, &bytes, version, &SMALL);
        let theirs = grin::accepts_bytes(&bytes, version);
        assert_eq!(ours, theirs, "seed {SEED}, change {index} at {position}, version {version}");
    });
}

/// Changes one to three bytes; every other time outside the proofs, which are most of the bytes.
fn change(bytes: &mut [u8], tx: &Transaction, version: u32, rng: &mut impl Rng) -> usize {
    let input = if version <= 2 { 34 } else { 33 };
    let outputs = 56 + tx.inputs().len() * input;
    let kernels = outputs + tx.outputs().len() * (42 + 675);
    let position = match rng.random_range(0..8) {
        0..4 => rng.random_range(0..bytes.len()),
        4 => rng.random_range(0..outputs),
        5 => {
            outputs + rng.random_range(0..tx.outputs().len().max(1)) * 717 + rng.random_range(0..42)
        }
        _ => rng.random_range(kernels..bytes.len()),
    };
    let position = position.min(bytes.len() - 1);
    for byte in bytes.iter_mut().skip(position).take([1, 1, 1, 3][rng.random_range(0..4)]) {
        *byte = if rng.random() { *byte ^ 1 << rng.random_range(0..8) } else { rng.random() };
    }
    position
}

/// A transaction on the edge of the rules: its name, and how it is written.
type Oddity = (&'static str, fn(&mut RawTx));

const ODDITIES: [Oddity; 12] = [
    ("sound", |_| {}),
    ("nothing at all", |raw| *raw = RawTx::default()),
    ("only an offset", |raw| *raw = RawTx { offset: raw.offset, ..RawTx::default() }),
    ("longer proof claimed than there is", |raw| raw.outputs[0].claimed_len = 5_134),
    ("endless proof claimed", |raw| raw.outputs[0].claimed_len = u64::MAX),
    ("no proof", |raw| {
        raw.outputs[0].claimed_len = 0;
        raw.outputs[0].proof.clear();
    }),
    ("zero input", |raw| raw.inputs[0].commitment = [0; 33]),
    ("one zero input more", |raw| {
        let mut zero = raw.inputs[0];
        zero.commitment = [0; 33];
        raw.inputs.push(zero);
    }),
    ("zero output", |raw| raw.outputs[0].commitment = [0; 33]),
    ("zero excess", |raw| raw.kernels[0].excess = [0; 33]),
    ("compressed key as input", |raw| raw.inputs[0].commitment[0] ^= 8 ^ 2),
    ("compressed key as excess", |raw| raw.kernels[0].excess[0] ^= 8 ^ 2),
];

#[test]
fn oddities_get_the_same_verdict() {
    grin::follow(&SMALL);
    for base in lone().iter().filter(|built| is_plain(&built.tx)).take(5) {
        for (name, strange) in ODDITIES {
            for version in VERSIONS {
                let mut raw = RawTx::of(&base.tx);
                strange(&mut raw);
                raw.sort(ProtocolVersion(version));
                assert_same(&raw.encode(ProtocolVersion(version)), version, &SMALL, name);
            }
        }
    }
}

#[test]
fn excesses_that_cancel_are_refused_by_both() {
    grin::follow(&SMALL);
    let mut rng = seeded(SEED, 77);
    let key = Secret::random(&mut rng);
    let built = TxBuilder::new()
        .input(Coin::new(60_000_000_000, &mut rng))
        .kernel(Kernel::plain().key(key))
        .kernel(Kernel::height_locked(5).key(key.negated()))
        .build(&mut rng, &SMALL)
        .unwrap();
    assert!(!assert_same(&written(&built.tx, 3), 3, &SMALL, "excesses cancel"));
}

#[test]
fn sums_of_nothing_are_refused_by_both() {
    grin::follow(&SMALL);
    let mut rng = seeded(SEED, 78);
    // The same value and key go out as came in but for a kernel that pays nothing.
    let (a, b) = (Coin::new(5, &mut rng), Secret::random(&mut rng));
    let parts = [Coin::with_key(2, b, a.features()).unwrap(), {
        let rest = a.key().plus(&b.negated()).unwrap();
        Coin::with_key(3, rest, a.features()).unwrap()
    }];
    let built = TxBuilder::new()
        .input(a)
        .output_coin(parts[0])
        .output_coin(parts[1])
        .kernel(Kernel::plain().fee(FeeFields::from_bits(0)))
        .split(0)
        .build(&mut rng, &SMALL)
        .unwrap();
    assert!(!assert_same(&written(&built.tx, 3), 3, &SMALL, "the sum is nothing"));
}

#[test]
fn fees_of_nothing_get_the_same_verdict() {
    grin::follow(&SMALL);
    let mut rng = seeded(SEED, 79);
    for bits in [0, 1, 1 << 63, 15 << 40, u64::MAX] {
        let worth = FeeFields::from_bits(bits).fee() + 7;
        let built = TxBuilder::new()
            .input(Coin::new(worth, &mut rng))
            .kernel(Kernel::plain().fee(FeeFields::from_bits(bits)))
            .split(1)
            .build(&mut rng, &SMALL)
            .unwrap();
        assert!(assert_same(&written(&built.tx, 3), 3, &SMALL, "fee"));
    }
}
