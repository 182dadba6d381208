//! Two sides that talk, and somebody in between.

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::*;
use crate::peer::Capabilities;
use crate::wire::Blame;

const GREETINGS: Greetings<'_> = Greetings { hand: b"hand", shake: b"shake" };

fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

fn sides(alice: Greetings<'_>, bob: Greetings<'_>) -> (Handshake, Handshake) {
    let key = |seed| StaticKey::generate(&mut rng(seed));
    let alice = Handshake::initiate(&key(1), alice, &mut rng(3)).unwrap();
    (alice, Handshake::respond(&key(2), bob, &mut rng(4)).unwrap())
}

/// Lets both sides talk; what goes over the wire can be changed on the way, by message.
fn talk(
    (mut alice, mut bob): (Handshake, Handshake),
    meddle: impl Fn(usize, &mut Vec<u8>),
) -> Result<(SecureLink, SecureLink), SecureError> {
    for index in 0..3 {
        let (from, to) = if index == 1 { (&mut bob, &mut alice) } else { (&mut alice, &mut bob) };
        let mut message = from.poll_transmit()?.ok_or(SecureError::NotDone)?;
        meddle(index, &mut message);
        assert_eq!(to.handle_bytes(&message)?, message.len());
    }
    Ok((alice.finish()?, bob.finish()?))
}

fn pair() -> (SecureLink, SecureLink) {
    talk(sides(GREETINGS, GREETINGS), |_, _| {}).unwrap()
}

fn data(link: &mut SecureLink, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    link.seal_data(bytes, &mut out).unwrap();
    out
}

/// All that a link hears in these bytes: kind and payload.
fn hear(link: &mut SecureLink, bytes: &[u8]) -> Result<Vec<(char, Vec<u8>)>, SecureError> {
    link.push(bytes);
    let mut heard = Vec::new();
    while let Some(record) = link.next()? {
        heard.push(match record {
            Record::Data(bytes) => ('d', bytes.to_vec()),
            Record::Noise(bytes) => ('n', bytes.to_vec()),
            Record::Close => ('c', Vec::new()),
        });
    }
    Ok(heard)
}

#[test]
fn both_sides_learn_each_others_key() {
    let (alice, bob) = pair();
    assert_eq!(alice.remote(), StaticKey::generate(&mut rng(2)).public());
    assert_eq!(bob.remote(), StaticKey::generate(&mut rng(1)).public());
}

#[test]
fn a_handshake_comes_in_pieces_and_leaves_the_rest() {
    let (mut alice, mut bob) = sides(GREETINGS, GREETINGS);
    assert_eq!(bob.poll_transmit(), Ok(None), "not its turn");
    assert_eq!(alice.handle_bytes(b"early"), Ok(0), "not its turn");
    let first = alice.poll_transmit().unwrap().unwrap();
    assert_eq!(alice.poll_transmit(), Ok(None));
    for byte in first.chunks(1) {
        assert_eq!(bob.handle_bytes(byte), Ok(1));
    }
    let second = bob.poll_transmit().unwrap().unwrap();
    let more = [&second[..], b"more"].concat();
    assert_eq!(alice.handle_bytes(&more), Ok(second.len()));
    let third = alice.poll_transmit().unwrap().unwrap();
    assert_eq!([first.len(), second.len(), third.len()], [32, 128, 96]);
    assert!(alice.is_done() && !bob.is_done());
    assert_eq!(alice.handle_bytes(b"more"), Ok(0));
    let mut alice = alice.finish().unwrap();
    let sent = data(&mut alice, b"at once");
    let together = [&third[..], &sent].concat();
    let taken = bob.handle_bytes(&together).unwrap();
    let mut bob = bob.finish().unwrap();
    assert_eq!(hear(&mut bob, &together[taken..]), Ok(vec![('d', b"at once".to_vec())]));
}

#[test]
fn who_alters_a_single_bit_of_the_handshake_breaks_it() {
    for (index, length) in [32, 128, 96].into_iter().enumerate() {
        for bit in 0..length * 8 {
            let flip = |at: usize, message: &mut Vec<u8>| {
                if at == index {
                    message[bit / 8] ^= 1 << (bit % 8);
                }
            };
            // The highest bit of a public key means nothing to X25519, but it is hashed.
            let broken = talk(sides(GREETINGS, GREETINGS), flip).map(|_| ());
            let SecureError::Handshake(at) = broken.unwrap_err() else { panic!("{broken:?}") };
            assert!((index + 1..=index + 2).contains(&usize::from(at)), "{index} {bit} {at}");
        }
    }
    assert_eq!(SecureError::Handshake(1).blame(), Blame::Malformed);
}

#[test]
fn who_alters_hand_or_shake_breaks_the_handshake() {
    for altered in [
        Greetings { hand: b"hanD", ..GREETINGS },
        Greetings { shake: b"shak", ..GREETINGS },
        Greetings { hand: b"", ..GREETINGS },
        // The same bytes, divided elsewhere.
        Greetings { hand: b"hands", shake: b"hake" },
    ] {
        let broken = talk(sides(GREETINGS, altered), |_, _| {}).map(|_| ());
        assert_eq!(broken, Err(SecureError::Handshake(2)));
    }
}

#[test]
fn a_broken_handshake_stays_broken() {
    let (mut alice, mut bob) = sides(GREETINGS, GREETINGS);
    bob.handle_bytes(&alice.poll_transmit().unwrap().unwrap()).unwrap();
    let good = bob.poll_transmit().unwrap().unwrap();
    assert_eq!(alice.handle_bytes(&[7; 128]), Err(SecureError::Handshake(2)));
    assert_eq!(alice.handle_bytes(&good), Ok(0));
    assert_eq!(alice.poll_transmit(), Ok(None));
    assert_eq!(alice.finish().map(|_| ()), Err(SecureError::NotDone));
}

#[test]
fn nobody_encrypts_to_itself() {
    let key = StaticKey::generate(&mut rng(1));
    let alice = Handshake::initiate(&key, GREETINGS, &mut rng(3)).unwrap();
    let bob = Handshake::respond(&key, GREETINGS, &mut rng(4)).unwrap();
    let error = talk((alice, bob), |_, _| {}).map(|_| ()).unwrap_err();
    assert_eq!((error, error.blame()), (SecureError::Ourselves, Blame::Ours));
}

#[test]
fn keys_are_made_from_secrets_and_not_printed() {
    let bytes = |hex: &str| -> [u8; 32] {
        std::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
    };
    // Bob's key in RFC 7748, section 6.1.
    let secret = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
    let public = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
    let key = StaticKey::from_secret(bytes(secret));
    assert_eq!(key.secret(), &bytes(secret));
    assert_eq!(key.public().to_string(), public);
    assert!(!format!("{key:?}").contains("5dab087e"));
    let (alice, _) = sides(GREETINGS, GREETINGS);
    assert_eq!(format!("{alice:?}"), "Handshake { initiator: true, step: 0, .. }");
}

proptest! {
    #[test]
    fn what_is_sealed_is_heard_wherever_the_stream_is_cut(
        said in prop::collection::vec((0u8..2, prop::collection::vec(any::<u8>(), 0..5_000)), 1..8),
        cuts in prop::collection::vec(1usize..3_000, 1..40),
    ) {
        let (mut alice, mut bob) = pair();
        let (mut wire, mut expected) = (Vec::new(), Vec::new());
        for (kind, bytes) in said {
            if kind == 1 {
                alice.seal_noise(&bytes, &mut wire).unwrap();
                expected.push(('n', bytes));
            } else {
                alice.seal_data(&bytes, &mut wire).unwrap();
                // Nothing to say is no record.
                expected.extend((!bytes.is_empty()).then_some(('d', bytes)));
            }
        }
        alice.seal_close(&mut wire).unwrap();
        expected.push(('c', Vec::new()));
        let (mut heard, mut rest) = (Vec::new(), &wire[..]);
        for cut in cuts.into_iter().cycle() {
            if rest.is_empty() {
                break;
            }
            prop_assert_eq!(bob.handle_eof(), Err(SecureError::Truncated));
            let (piece, left) = rest.split_at(cut.min(rest.len()));
            heard.extend(hear(&mut bob, piece).unwrap());
            rest = left;
        }
        prop_assert_eq!(heard, expected);
        prop_assert_eq!(bob.handle_eof(), Ok(()));
        prop_assert_eq!(bob.buffered(), 0);
    }

    #[test]
    fn a_flipped_bit_is_never_heard(bit in 0usize..8 * 2 * 146) {
        let (mut alice, mut bob) = pair();
        let mut wire = data(&mut alice, b"one");
        wire.extend(data(&mut alice, b"two"));
        wire[bit / 8] ^= 1 << (bit % 8);
        // A longer record that never ends, or a forged one: in no case what was not said.
        let mut heard = Vec::new();
        bob.push(&wire);
        while let Ok(Some(Record::Data(bytes))) = bob.next() {
            heard.push(bytes.to_vec());
        }
        let whole = if bit < 8 * 146 { vec![] } else { vec![b"one".to_vec()] };
        prop_assert_eq!(heard, whole);
        prop_assert_eq!(bob.handle_eof(), Err(SecureError::Truncated));
    }
}

#[test]
fn replayed_reordered_and_missing_records_are_noticed() {
    let (mut alice, _) = pair();
    let records = [b"1", b"2", b"3"].map(|bytes| data(&mut alice, bytes));
    for (order, good) in [(&[0, 0][..], 1), (&[1], 0), (&[0, 2], 1), (&[0, 1, 0], 2), (&[2, 1], 0)]
    {
        let (_, mut bob) = pair();
        order.iter().for_each(|index| bob.push(&records[*index]));
        // A length that was masked for another place may promise more than came; then it is more
        // that shows it, at the latest the end.
        bob.push(&[0; 65_535]);
        let mut heard = 0;
        let error = loop {
            match bob.next() {
                Ok(record) => heard += usize::from(matches!(record, Some(Record::Data(_)))),
                Err(error) => break error,
            }
        };
        assert_eq!(heard, good, "{order:?}");
        assert!(matches!(error, SecureError::Forged | SecureError::TooShort(_)), "{error}");
        assert_eq!(hear(&mut bob, &records[good]), Ok(vec![]), "nothing is heard after it");
        assert_eq!(bob.handle_eof(), Err(SecureError::Truncated));
    }
}

#[test]
fn what_one_side_sends_is_not_heard_by_itself() {
    let (mut alice, _) = pair();
    let sent = data(&mut alice, &[7; 60_000]);
    assert!(hear(&mut alice, &[&sent[..], &sent].concat()).is_err());
}

#[test]
fn keys_change_on_both_sides_alike() {
    let (mut alice, mut bob) = pair();
    for index in 0..3 * REKEY_RECORDS {
        let bytes = index.to_be_bytes();
        let wire = data(&mut alice, &bytes);
        assert_eq!(hear(&mut bob, &wire), Ok(vec![('d', bytes.to_vec())]));
    }
    let large = vec![9; MAX_PAYLOAD];
    for _ in 0..2 * REKEY_BYTES / MAX_PAYLOAD as u64 {
        let wire = data(&mut alice, &large);
        assert_eq!(wire.len(), 65_537);
        assert!(hear(&mut bob, &wire).is_ok());
        let back = data(&mut bob, b"back");
        assert!(hear(&mut alice, &back).is_ok());
    }
}

/// What goes over the wire is Noise, and its keys change after [`REKEY_RECORDS`] records.
#[test]
fn another_noise_implementation_has_to_change_keys_too() {
    let key = StaticKey::generate(&mut rng(2));
    let prologue = b"scape link 1\0\0\0\0\0\0\0\x04hand\0\0\0\0\0\0\0\x05shake";
    let params = "Noise_XX_25519_ChaChaPoly_BLAKE2s".parse().unwrap();
    let mut bob = snow::Builder::with_resolver(params, Box::new(handshake::Resolver([5; 32])))
        .local_private_key(key.secret())
        .and_then(|builder| builder.prologue(prologue))
        .and_then(|builder| builder.build_responder())
        .unwrap();
    let (mut alice, _) = sides(GREETINGS, GREETINGS);
    let mut buffer = [0; 65_535];
    bob.read_message(&alice.poll_transmit().unwrap().unwrap(), &mut buffer).unwrap();
    let length = bob.write_message(&[9; 32], &mut buffer).unwrap();
    alice.handle_bytes(&buffer[..length]).unwrap();
    bob.read_message(&alice.poll_transmit().unwrap().unwrap(), &mut buffer).unwrap();
    let (mut alice, mut bob) = (alice.finish().unwrap(), bob.into_transport_mode().unwrap());
    for _ in 0..REKEY_RECORDS {
        let record = data(&mut alice, b"x");
        assert_eq!(bob.read_message(&record[2..], &mut buffer), Ok(128));
        assert_eq!(&buffer[..5], [0, 0, 1, b'x', 0]);
    }
    let record = data(&mut alice, b"x");
    assert_eq!(bob.read_message(&record[2..], &mut buffer), Err(snow::Error::Decrypt));
    bob.rekey_incoming();
    assert_eq!(bob.read_message(&record[2..], &mut buffer), Ok(128));
}

#[test]
fn a_close_is_the_end() {
    let (mut alice, mut bob) = pair();
    let mut wire = data(&mut alice, b"last");
    alice.seal_close(&mut wire).unwrap();
    assert_eq!(alice.seal_data(b"more", &mut wire), Err(SecureError::Closed));
    assert_eq!(alice.seal_noise(b"more", &mut wire), Err(SecureError::Closed));
    assert_eq!(alice.seal_close(&mut wire), Err(SecureError::Closed));
    assert_eq!(wire.len(), 2 * 146, "a close looks like any short message");
    assert_eq!(hear(&mut bob, &wire).unwrap().len(), 2);
    assert_eq!(bob.handle_eof(), Ok(()));
    assert_eq!(hear(&mut bob, b"x"), Err(SecureError::AfterClose));
    assert_eq!(SecureError::AfterClose.blame(), Blame::Misbehaved);
}

#[test]
fn a_cut_is_no_close() {
    let (mut alice, mut bob) = pair();
    assert_eq!(bob.handle_eof(), Err(SecureError::Truncated));
    let wire = data(&mut alice, b"whole");
    hear(&mut bob, &wire).unwrap();
    assert_eq!(bob.handle_eof(), Err(SecureError::Truncated), "at the end of a record, too");
    assert_eq!(SecureError::Truncated.blame(), Blame::Ours);
}

#[test]
fn noise_is_of_one_size_whatever_it_carries() {
    let (mut alice, mut bob) = pair();
    for fill in [0, 1, 255] {
        let mut wire = Vec::new();
        alice.seal_noise(&[fill; 3_072], &mut wire).unwrap();
        assert_eq!(wire.len(), 3_072 + RECORD_OVERHEAD);
        assert_eq!(hear(&mut bob, &wire).unwrap(), [('n', vec![fill; 3_072])]);
    }
    let mut wire = Vec::new();
    let long = vec![0; MAX_PAYLOAD + 1];
    assert_eq!(alice.seal_noise(&long, &mut wire), Err(SecureError::TooLong(MAX_PAYLOAD + 1)));
    assert!(wire.is_empty());
    assert_eq!(
        data(&mut alice, &[1; 3_000]).len(),
        3_072 + RECORD_OVERHEAD,
        "as a transaction may"
    );
}

/// Whatever is inside, a record has the size of its class, and `Overhead` says so.
#[test]
fn sizes_on_the_wire_are_classes() {
    let (mut alice, _) = pair();
    let mut sizes = std::collections::BTreeSet::new();
    let lengths = (1..6_000).chain([MAX_PAYLOAD, MAX_PAYLOAD + 1, 3 * MAX_PAYLOAD, 200_000]);
    for length in lengths {
        let wire = data(&mut alice, &vec![1; length]);
        assert_eq!(Overhead::of([length]).wire, wire.len() as u64, "{length}");
        if length < 6_000 {
            sizes.insert(wire.len());
        }
    }
    let classes: Vec<_> = CLASSES[..7].iter().map(|class| class + 18).collect();
    assert_eq!(sizes.into_iter().collect::<Vec<_>>(), classes);
}

#[test]
fn the_cost_of_padding_is_what_the_documentation_says() {
    assert!(CLASSES.is_sorted());
    for pair in CLASSES[1..].windows(2) {
        assert!(pair[1] <= 2 * pair[0], "{pair:?}");
        assert!(pair[0] < 2_048 || 2 * pair[1] <= 3 * pair[0] + 6, "{pair:?}");
    }
    let wire = |length| Overhead::of([length]).wire;
    assert_eq!((wire(43), wire(1_650), wire(65_516)), (146, 2_066, 65_537));
    assert_eq!(Overhead::of([]).ratio(), 1.0);
    assert_eq!(Overhead::of([65_516, 65_516]).records, 2);
    assert!(Overhead::of([200_000]).ratio() < 1.1);
}

#[test]
fn who_encrypts_with_whom() {
    let ours = |policy: Policy| policy.capabilities(Capabilities::RELAY);
    // Grin drops what it does not know, and says nothing of it.
    let grin = Capabilities::RELAY;
    let known = StaticKey::generate(&mut rng(1)).public();
    let plain = |suspicion| Ok(Choice::Plain(suspicion));
    for policy in [Policy::Offered, Policy::Required] {
        assert_eq!(choose(policy, ours(Policy::Offered), None), Ok(Choice::Encrypted));
        assert_eq!(choose(policy, ours(Policy::Required), None), Ok(Choice::Encrypted));
    }
    for theirs in [grin, ours(Policy::Never)] {
        assert_eq!(choose(Policy::Offered, theirs, None), plain(Suspicion::None));
        assert_eq!(choose(Policy::Offered, theirs, Some(&known)), plain(Suspicion::Downgraded));
        assert_eq!(choose(Policy::Required, theirs, None), Err(SecureError::PlainRefused));
    }
    let offered = ours(Policy::Offered);
    assert_eq!(choose(Policy::Never, offered, Some(&known)), plain(Suspicion::None));
    assert_eq!(Capabilities::from_bits(offered.bits()), offered, "the bit survives the wire");
    assert_eq!(SecureError::PlainRefused.blame(), Blame::Incompatible);
}

#[test]
fn another_key_at_a_known_address_is_noticed() {
    let [one, two] = [1, 2].map(|seed| StaticKey::generate(&mut rng(seed)).public());
    assert_eq!(check_key(&one, None), KeyCheck::First);
    assert_eq!(check_key(&one, Some(&one)), KeyCheck::Same);
    assert_eq!(check_key(&one, Some(&two)), KeyCheck::Changed { known: two });
}
