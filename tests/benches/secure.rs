//! Encrypted links beside a plain copy and beside bare ciphers, in bytes per second.
//!
//! ```text
//! cargo bench -p scape-tests --bench secure
//! ```
//!
//! `frame` is all that one frame of white noise costs its sender: made by a channel, and sealed. A zone
//! sends one in 6.25 s on average.
//!
//! `link` seals and opens, so it does about twice what the ciphers do, which only encrypt. What a
//! link adds to its cipher is the ratio of `seal` to `chacha20poly1305` at the same size.

#![expect(clippy::unwrap_used, reason = "a bench may panic as tests may")]

use std::hint::black_box;

use aes_gcm::Aes256Gcm;
use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::{AeadInPlace, Key, KeyInit, Nonce};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use scape_p2p::noise::{Channel, NoiseConfig};
use scape_p2p::peer::PeerId;
use scape_p2p::secure::{Greetings, Handshake, MAX_PAYLOAD, SecureLink, StaticKey};
use scape_pool::Instant;

/// A frame of white noise, a typical aggregate, a full record.
const SIZES: [usize; 3] = [3_072, 16_381, MAX_PAYLOAD];

fn keys() -> [StaticKey; 2] {
    [1, 2].map(|seed| StaticKey::generate(&mut ChaCha20Rng::from_seed([seed; 32])))
}

fn shake_hands([alice, bob]: &[StaticKey; 2]) -> (SecureLink, SecureLink) {
    let greetings = Greetings { hand: &[7; 120], shake: &[8; 80] };
    let rng = &mut ChaCha20Rng::from_seed([3; 32]);
    let mut alice = Handshake::initiate(alice, greetings, rng).unwrap();
    let mut bob = Handshake::respond(bob, greetings, rng).unwrap();
    bob.handle_bytes(&alice.poll_transmit().unwrap().unwrap()).unwrap();
    alice.handle_bytes(&bob.poll_transmit().unwrap().unwrap()).unwrap();
    bob.handle_bytes(&alice.poll_transmit().unwrap().unwrap()).unwrap();
    (alice.finish().unwrap(), bob.finish().unwrap())
}

fn records(c: &mut Criterion) {
    for size in SIZES {
        let mut group = c.benchmark_group(format!("secure/{size}"));
        group.throughput(Throughput::Bytes(size as u64));
        let plain = vec![5; size];
        let mut out = Vec::with_capacity(2 * size);
        group.bench_function("copy", |b| {
            b.iter(|| {
                out.clear();
                out.extend_from_slice(black_box(&plain));
                black_box(&out);
            });
        });
        bare::<ChaCha20Poly1305>(&mut group, "chacha20poly1305", &plain);
        bare::<Aes256Gcm>(&mut group, "aes256gcm", &plain);
        let (mut alice, mut bob) = shake_hands(&keys());
        group.bench_function("seal", |b| {
            b.iter(|| {
                out.clear();
                alice.seal_data(black_box(&plain), &mut out).unwrap();
            });
        });
        let (mut alice, _) = shake_hands(&keys());
        group.bench_function("link", |b| {
            b.iter(|| {
                out.clear();
                alice.seal_data(black_box(&plain), &mut out).unwrap();
                bob.push(&out);
                black_box(bob.next().unwrap().unwrap());
            });
        });
        group.finish();
    }
}

/// A cipher that encrypts in place, as fast as it goes.
fn bare<C: AeadInPlace + KeyInit>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    plain: &[u8],
) {
    let cipher = C::new(&Key::<C>::default());
    let nonce = Nonce::<C>::default();
    let mut buffer = plain.to_vec();
    group.bench_function(name, |b| {
        b.iter(|| black_box(cipher.encrypt_in_place_detached(&nonce, &[], &mut buffer).unwrap()));
    });
}

fn handshake(c: &mut Criterion) {
    let keys = keys();
    c.bench_function("secure/handshake of both sides", |b| {
        b.iter(|| shake_hands(black_box(&keys)))
    });
}

fn noise(c: &mut Criterion) {
    let noise = NoiseConfig::default().check().unwrap();
    let mut channel = Channel::new(&noise, [1; 32], Instant::ZERO);
    channel.attach(PeerId(1));
    let (mut alice, _) = shake_hands(&keys());
    let mut out = Vec::new();
    c.bench_function("secure/frame", |b| {
        b.iter(|| {
            out.clear();
            let due = channel.handle_timeout(channel.poll_timeout()).unwrap();
            alice.seal_noise(&due.frame, &mut out).unwrap();
        });
    });
}

criterion_group!(benches, records, handshake, noise);
criterion_main!(benches);
