//! What is a transaction before any cryptography: the limits to the unit, and thousands of strange
//! structures.

use bytes::Bytes;
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha12Rng;
use scape_aggregate::builder::{RawInput, RawKernel, RawOutput, RawTx, seeded};
use scape_aggregate::{Consensus, PROOF_SIZE, ProtocolVersion, Reader, Transaction};

use crate::grin;
use crate::sample::{MAINNET, SEED, SMALL, VERSIONS, on_all_cores};

fn input(rng: &mut ChaCha12Rng) -> RawInput {
    RawInput { features: [0, 0, 0, 1][rng.random_range(0..4)], commitment: commitment(rng) }
}

fn output(rng: &mut ChaCha12Rng) -> RawOutput {
    let features = u8::from(rng.random_ratio(1, 30));
    let proof = vec![7; PROOF_SIZE];
    RawOutput { features, commitment: commitment(rng), claimed_len: PROOF_SIZE as u64, proof }
}

fn kernel(rng: &mut ChaCha12Rng) -> RawKernel {
    let features =
        if rng.random_ratio(1, 40) { rng.random() } else { [0, 2, 3][rng.random_range(0..3)] };
    let height = match features {
        0 | 1 => 0,
        3 => [1, 10_080, 0, 10_081][[0, 0, 0, 0, 1, 1, 1, 2, 3][rng.random_range(0..9)]],
        _ => rng.random(),
    };
    let padding = u8::from(rng.random_ratio(1, 40));
    let fee = if features == 1 { 0 } else { rng.random() };
    let signature = [rng.random(); 64];
    RawKernel { features, fee, height, padding, excess: commitment(rng), signature }
}

fn commitment(rng: &mut ChaCha12Rng) -> [u8; 33] {
    let mut bytes = [8; 33];
    bytes[1..].copy_from_slice(&rng.random::<[u8; 32]>());
    bytes
}

fn raw(counts: [usize; 3], rng: &mut ChaCha12Rng) -> RawTx {
    RawTx {
        offset: rng.random(),
        inputs: (0..counts[0]).map(|_| input(rng)).collect(),
        outputs: (0..counts[1]).map(|_| output(rng)).collect(),
        kernels: (0..counts[2]).map(|_| kernel(rng)).collect(),
        ..RawTx::default()
    }
}

/// Copies something to where it must not be, or disturbs the order.
fn disturb(raw: &mut RawTx, rng: &mut ChaCha12Rng) {
    let twin_input = raw.inputs.choose(rng).copied();
    let twin_output = raw.outputs.choose(rng).cloned();
    let twin_kernel = raw.kernels.choose(rng).copied();
    match (rng.random_range(0..12), twin_input, twin_output, twin_kernel) {
        (0, Some(input), ..) => raw.inputs.push(input),
        (1, Some(mut input), ..) => {
            input.features ^= 1;
            raw.inputs.push(input);
        }
        (2, _, Some(output), _) => raw.outputs.push(output),
        (3, _, Some(mut output), _) => {
            output.features ^= 1;
            raw.outputs.push(output);
        }
        (4, Some(input), Some(mut output), _) => {
            output.commitment = input.commitment;
            raw.outputs.push(output);
        }
        (5, .., Some(kernel)) => raw.kernels.push(kernel),
        (6, .., Some(mut kernel)) => {
            kernel.fee ^= 1;
            raw.kernels.push(kernel);
        }
        _ => {}
    }
}

/// Whether both take the bytes for a transaction, before any cryptography.
#[track_caller]
fn assert_same(raw: &RawTx, version: u32, consensus: &Consensus, what: &str) -> bool {
    let bytes = Bytes::from(raw.encode(ProtocolVersion(version)));
    let read = Transaction::read(&mut Reader::new(&bytes), ProtocolVersion(version), consensus);
    let theirs = grin::read(&bytes, version);
    assert_eq!(read.is_ok(), theirs.is_ok(), "{what} at version {version}: {read:?}");
    read.is_ok()
}

#[test]
fn strange_structures_get_the_same_verdict() {
    let accepted = std::sync::atomic::AtomicUsize::new(0);
    for consensus in [SMALL, Consensus { nrd: false, ..SMALL }, MAINNET] {
        on_all_cores(3_000, &consensus, |index, rng| {
            let version = VERSIONS[index % VERSIONS.len()];
            let counts = [0..6, 0..4, 0..5].map(|range| rng.random_range(range));
            let mut raw = raw(counts, rng);
            disturb(&mut raw, rng);
            if rng.random_ratio(9, 10) {
                raw.sort(ProtocolVersion(version));
            }
            let what = format!("seed {SEED}, structure {index}");
            if assert_same(&raw, version, &consensus, &what) {
                accepted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        });
    }
    let accepted = accepted.into_inner();
    assert!((2_000..7_000).contains(&accepted), "{accepted} of 9000 show nothing");
}

#[test]
fn weight_limits_are_the_same_to_the_unit() {
    let shapes: [(_, &[(usize, usize)]); 2] =
        [(SMALL, &[(0, 1), (2, 1), (5, 30)]), (MAINNET, &[(1_900, 1), (1_500, 2_500)])];
    for (consensus, shapes) in shapes {
        grin::follow(&consensus);
        let mut rng = seeded(SEED, 5);
        let most = consensus.chain.max_tx_weight().0 as usize;
        for over in [0, 1, 23, 24, 25, 1_000] {
            for &(outputs, kernels) in shapes {
                let inputs = most + over - 21 * outputs - 3 * kernels;
                let mut raw = raw([inputs, outputs, 0], &mut rng);
                raw.outputs.iter_mut().for_each(|output| output.features = 0);
                raw.kernels = (0..kernels).map(|_| plain_kernel(&mut rng)).collect();
                raw.sort(ProtocolVersion::LOCAL);
                let accepted = assert_same(&raw, 1_000, &consensus, &format!("{over} over"));
                assert_eq!(accepted, over == 0);
            }
        }
    }
}

fn plain_kernel(rng: &mut ChaCha12Rng) -> RawKernel {
    let (excess, signature) = (commitment(rng), [rng.random(); 64]);
    RawKernel { features: 0, fee: 1, height: 0, padding: 0, excess, signature }
}
