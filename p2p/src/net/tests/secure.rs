//! Encrypted links over real sockets, and somebody in between.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use scape_aggregate::builder::AssumedTx;

use crate::addr::Network;
use crate::secure::{
    KeyCheck, KnownKeys, Policy, Protection, PublicKey, REKEY_BYTES, SecureError, Suspicion,
};

use super::*;

/// Where the capabilities are in the frames of a `Hand` and a `Shake`: after the header and the
/// version. The bit of ours is the first of them.
const BIT: usize = 11 + 4;

/// Changes what passes. Told whether the bytes come from who dialled, and how many came before.
type Tamper = Arc<Mutex<dyn FnMut(bool, usize, &mut Vec<u8>) + Send>>;

/// Sits between whoever dials the address that it returns, and `target`.
async fn sit_between(
    target: SocketAddr,
    tamper: impl FnMut(bool, usize, &mut Vec<u8>) + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let tamper: Tamper = Arc::new(Mutex::new(tamper));
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(target).await.unwrap();
            let (near_in, near_out) = near.into_split();
            let (far_in, far_out) = far.into_split();
            tokio::spawn(pass_on(true, near_in, far_out, Arc::clone(&tamper)));
            tokio::spawn(pass_on(false, far_in, near_out, Arc::clone(&tamper)));
        }
    });
    addr
}

async fn pass_on(
    up: bool,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    tamper: Tamper,
) {
    let mut chunk = [0; 4096];
    let mut offset = 0;
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        let mut bytes = chunk[..read].to_vec();
        tamper.lock().unwrap()(up, offset, &mut bytes);
        offset += read;
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
    // Whoever cuts a link leaves the other side with an end.
    let _ = to.shutdown().await;
}

fn protection(event: NetEvent) -> Protection {
    match event {
        NetEvent::Connected { info, .. } => info.protection,
        other => panic!("{other:?}"),
    }
}

fn key(event: NetEvent) -> (PublicKey, KeyCheck) {
    match protection(event) {
        Protection::Encrypted { key, check } => (key, check),
        plain => panic!("{plain:?}"),
    }
}

async fn nodes() -> (Node, Node) {
    let alice = Node::start(|config| config.seed = [2; 32]).await;
    (alice, Node::start(|_| {}).await)
}

/// A link through somebody who passes everything on until told otherwise, and then flips a bit.
async fn flipping() -> (Node, PeerId, Node, PeerId, Arc<AtomicBool>) {
    let (mut alice, mut bob) = nodes().await;
    let flip = Arc::new(AtomicBool::new(false));
    let flips = Arc::clone(&flip);
    let addr = sit_between(bob.addr(), move |up, _, bytes| {
        if up && flips.swap(false, Ordering::Relaxed) {
            // Behind the length of the record that the chunk begins with.
            bytes[2] ^= 1;
        }
    })
    .await;
    alice.net.connect(addr);
    let (to_bob, to_alice) = (alice.connected().await, bob.connected().await);
    (alice, to_bob, bob, to_alice, flip)
}

#[tokio::test]
async fn nodes_of_our_kind_encrypt_and_know_the_one_who_listens() {
    let listening = NetConfig::new(CONSENSUS, [1; 32]).key.public();
    let (mut alice, mut bob) = nodes().await;
    let mut dialling = Vec::new();
    for (link, expected) in [KeyCheck::First, KeyCheck::Same].into_iter().enumerate() {
        alice.net.connect(bob.addr());
        let event = alice.next().await;
        let NetEvent::Connected { peer, .. } = event else { panic!("{event:?}") };
        assert_eq!(key(event), (listening, expected), "link {link}");
        dialling.push(key(bob.next().await).0);
        alice.net.disconnect(peer, None);
        assert!(alice.disconnected().await.0.is_none());
        let (error, _) = bob.disconnected().await;
        assert!(matches!(error, Some(LinkError::Closed)), "a close is no cut: {error:?}");
    }
    assert_ne!(dialling[0], dialling[1], "two dials do not show that they are of one node");
}

#[tokio::test]
async fn nothing_of_a_message_is_seen_on_the_wire() {
    let (mut alice, mut bob) = nodes().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sees = Arc::clone(&seen);
    let addr = sit_between(bob.addr(), move |up, _, bytes| {
        if up {
            sees.lock().unwrap().extend_from_slice(bytes);
        }
    })
    .await;
    alice.net.connect(addr);
    let to_bob = alice.connected().await;
    bob.connected().await;
    alice.net.send(to_bob, kernel(77)).unwrap();
    let NetEvent::Message { message, .. } = bob.next().await else { panic!() };
    assert_eq!(message, kernel(77));
    let seen = seen.lock().unwrap();
    let magics = seen.windows(2).filter(|bytes| *bytes == MAGIC).count();
    assert!(!seen.windows(32).any(|bytes| bytes == [77; 32]));
    assert!(magics >= 1, "the Hand is in the clear");
    assert!(!seen[BIT..].windows(3).any(|bytes| bytes == [MAGIC[0], MAGIC[1], 20]));
}

#[tokio::test]
async fn long_messages_take_many_records_and_more_than_one_key() {
    let main = Consensus::of(ChainType::Mainnet);
    let edit = |config: &mut NetConfig| {
        (config.consensus, config.genesis) = (main, main.chain.genesis());
        config.outbox.bytes = usize::MAX;
    };
    let (mut alice, mut bob) = (Node::start(edit).await, Node::start(edit).await);
    alice.net.connect(bob.addr());
    let to_bob = alice.connected().await;
    bob.connected().await;
    let tx = AssumedTx::new().outputs(1_850).build(&mut ChaCha8Rng::from_seed([3; 32]), &main);
    let message = Message::StemTransaction(tx.unwrap().as_transaction().clone());
    let length = message.encode(VERSION, main.chain.magic()).unwrap().len();
    let messages = REKEY_BYTES as usize / length + 2;
    for _ in 0..messages {
        alice.net.send(to_bob, message.clone()).unwrap();
    }
    for _ in 0..messages {
        let NetEvent::Message { message: found, .. } = bob.next().await else { panic!() };
        assert_eq!(found, message);
    }
}

#[tokio::test]
async fn with_others_it_goes_on_in_the_clear() {
    let mut node = Node::start(|_| {}).await;
    let _raw = Raw::connect(node.addr()).await;
    assert_eq!(protection(node.next().await), Protection::Plain(Suspicion::None));
    let mut never = Node::start(|config| {
        (config.encryption, config.seed) = (Policy::Never, [2; 32]);
    })
    .await;
    node.net.connect(never.addr());
    assert_eq!(protection(node.next().await), Protection::Plain(Suspicion::None));
    assert_eq!(protection(never.next().await), Protection::Plain(Suspicion::None));
    never.net.connect(node.addr());
    assert_eq!(protection(never.next().await), Protection::Plain(Suspicion::None));
}

#[tokio::test]
async fn who_requires_encryption_neither_accepts_nor_makes_a_plain_link() {
    let mut strict = Node::start(|config| config.encryption = Policy::Required).await;
    let plain = Node::start(|config| config.encryption = Policy::Never).await;
    strict.net.connect(plain.addr());
    let error = strict.connect_error().await;
    assert!(matches!(error, ConnectError::Secure(SecureError::PlainRefused)), "{error}");
    let mut stream = TcpStream::connect(strict.addr()).await.unwrap();
    stream.write_all(&frame(&Message::Hand(hand()))).await.unwrap();
    let mut answer = Vec::new();
    // Unread bytes may turn the end into a reset.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.is_empty(), "and does not even answer");
    let (mut offering, _) = nodes().await;
    offering.net.connect(strict.addr());
    assert!(protection(offering.next().await).is_encrypted());
    assert!(protection(strict.next().await).is_encrypted());
}

#[tokio::test]
async fn a_flipped_bit_ends_the_link() {
    let (alice, to_bob, mut bob, _, flip) = flipping().await;
    alice.net.send(to_bob, kernel(1)).unwrap();
    let NetEvent::Message { message, .. } = bob.next().await else { panic!() };
    assert_eq!(message, kernel(1));
    flip.store(true, Ordering::Relaxed);
    alice.net.send(to_bob, kernel(2)).unwrap();
    let (error, _) = bob.disconnected().await;
    assert!(matches!(error, Some(LinkError::Secure(SecureError::Forged))), "{error:?}");
}

#[tokio::test]
async fn a_record_is_not_taken_twice() {
    let (mut alice, mut bob) = nodes().await;
    let addr = sit_between(bob.addr(), |up, offset, bytes| {
        // The first record after `e` and `s, se` is the ping that begins every link. Whatever length
        // a replayed one is taken for, so many bytes are as long.
        if up && offset > 0 && bytes.len() > 128 {
            *bytes = bytes.repeat(1 + usize::from(u16::MAX) / 128);
        }
    })
    .await;
    alice.net.connect(addr);
    alice.connected().await;
    bob.connected().await;
    let (error, _) = bob.disconnected().await;
    let replay =
        matches!(error, Some(LinkError::Secure(SecureError::Forged | SecureError::TooShort(_))));
    assert!(replay, "{error:?}");
}

#[tokio::test]
async fn a_cut_is_told_from_a_close() {
    let (mut alice, mut bob) = nodes().await;
    let cut = Arc::new(tokio::sync::Notify::new());
    let cuts = Arc::clone(&cut);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (addr, target) = (listener.local_addr().unwrap(), bob.addr());
    tokio::spawn(async move {
        let (mut near, _) = listener.accept().await.unwrap();
        let mut far = TcpStream::connect(target).await.unwrap();
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
            () = cuts.notified() => {}
        }
        // The side that hears of it must see an end, not a reset.
        let _ = far.shutdown().await;
        let _ = tokio::io::copy(&mut far, &mut tokio::io::sink()).await;
    });
    alice.net.connect(addr);
    alice.connected().await;
    bob.connected().await;
    cut.notify_one();
    let (error, _) = bob.disconnected().await;
    assert!(matches!(error, Some(LinkError::Secure(SecureError::Truncated))), "{error:?}");
}

/// Both sides then believe the other is a Grin node; whoever knows better sees it.
#[tokio::test]
async fn the_bit_taken_out_of_both_halves_shows_where_the_peer_is_known_to_encrypt() {
    let (mut alice, mut bob) = nodes().await;
    let strip = Arc::new(AtomicBool::new(false));
    let strips = Arc::clone(&strip);
    let addr = sit_between(bob.addr(), move |_, offset, bytes| {
        if offset == 0 && strips.load(Ordering::Relaxed) {
            bytes[BIT] &= 0x7f;
        }
    })
    .await;
    alice.net.connect(addr);
    let event = alice.next().await;
    let NetEvent::Connected { peer, .. } = event else { panic!("{event:?}") };
    assert!(protection(event).is_encrypted());
    alice.net.disconnect(peer, None);
    alice.disconnected().await;
    strip.store(true, Ordering::Relaxed);
    alice.net.connect(addr);
    assert_eq!(protection(alice.next().await), Protection::Plain(Suspicion::Downgraded));
    bob.connected().await;
    bob.disconnected().await;
    assert_eq!(protection(bob.next().await), Protection::Plain(Suspicion::None));
}

#[tokio::test]
async fn who_encrypted_before_a_restart_is_still_known_to() {
    let (mut alice, mut bob) = nodes().await;
    let known = NetConfig::new(CONSENSUS, [1; 32]).key.public();
    let addr = bob.addr();
    alice.net.connect(addr);
    alice.connected().await;
    bob.connected().await;
    let kept = alice.net.known_keys().to_text();
    alice.net.shutdown().await;
    bob.net.shutdown().await;
    // Somebody else answers there now, or nobody who encrypts.
    for (seed, encryption) in
        [([1; 32], Policy::Offered), ([9; 32], Policy::Never), ([9; 32], Policy::Offered)]
    {
        let bob = Node::start(|config| {
            (config.listen, config.key) = (Some(addr), NetConfig::new(CONSENSUS, seed).key);
            config.encryption = encryption;
        })
        .await;
        for policy in [Policy::Offered, Policy::Required] {
            let mut alice = Node::start(|config| {
                (config.seed, config.encryption) = ([2; 32], policy);
                config.known_keys = KnownKeys::from_text(&kept, Network::Clearnet).unwrap();
            })
            .await;
            alice.net.connect(addr);
            match (encryption, policy) {
                (Policy::Never, Policy::Required) => {
                    let error = alice.connect_error().await;
                    let refused = SecureError::PlainRefused;
                    assert!(matches!(error, ConnectError::Secure(e) if e == refused), "{error}");
                }
                (Policy::Never, _) => {
                    let downgraded = Protection::Plain(Suspicion::Downgraded);
                    assert_eq!(protection(alice.next().await), downgraded);
                }
                _ => {
                    let (key, check) = key(alice.next().await);
                    let same = seed == [1; 32];
                    let expected = if same { KeyCheck::Same } else { KeyCheck::Changed { known } };
                    assert_eq!((key == known, check), (same, expected));
                }
            }
            alice.net.shutdown().await;
        }
        bob.net.shutdown().await;
    }
}

#[tokio::test]
async fn a_greeting_that_was_altered_makes_no_link() {
    // The bit out of one half, and a port that is not alice's.
    for (up, place, mask) in [(true, BIT, 0x80), (false, BIT, 0x80), (true, 11 + 24 + 6, 1)] {
        let mut alice = Node::start(|config| {
            config.seed = [2; 32];
            config.timeouts.ping = Duration::from_millis(50);
        })
        .await;
        let mut bob = Node::start(|_| {}).await;
        let addr = sit_between(bob.addr(), move |is_up, offset, bytes| {
            if is_up == up && offset == 0 {
                bytes[place] ^= mask;
            }
        })
        .await;
        alice.net.connect(addr);
        match (up, place) {
            (true, BIT) => {
                let error = alice.connect_error().await;
                assert!(matches!(error, ConnectError::Closed | ConnectError::Io(_)), "{error}");
                assert_eq!(protection(bob.next().await), Protection::Plain(Suspicion::None));
                assert!(bob.disconnected().await.0.is_some(), "a key is no message");
            }
            (false, BIT) => {
                assert_eq!(protection(alice.next().await), Protection::Plain(Suspicion::None));
                assert!(alice.disconnected().await.0.is_some(), "pings are no key");
            }
            _ => {
                let error = alice.connect_error().await;
                let expected = SecureError::Handshake(2);
                assert!(matches!(error, ConnectError::Secure(e) if e == expected), "{error}");
            }
        }
    }
}
