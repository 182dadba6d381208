//! Exact bytes of every message, and streams cut everywhere.

use bytes::Bytes;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use scape_aggregate::builder::AssumedTx;
use scape_aggregate::{ChainType, Consensus, DecodeError, Hash, ProtocolVersion, Transaction};

use crate::peer::Capabilities;

use super::*;

const CONSENSUS: Consensus = Consensus { chain: ChainType::Mainnet, nrd: false };
const MAGIC: [u8; 2] = [97, 61];
const VERSION: ProtocolVersion = ProtocolVersion::V3;

fn hand() -> Hand {
    Hand {
        version: ProtocolVersion::LOCAL,
        capabilities: Capabilities::RELAY,
        nonce: 0x0102_0304_0506_0708,
        total_difficulty: 5,
        sender_addr: "10.0.0.1:3414".parse().unwrap(),
        receiver_addr: "[2001:db8::2]:3415".parse().unwrap(),
        user_agent: "MW/x".into(),
        genesis: Hash([0xaa; 32]),
    }
}

fn shake() -> Shake {
    Shake {
        version: ProtocolVersion::LOCAL,
        capabilities: Capabilities::RELAY,
        total_difficulty: 5,
        user_agent: "MW/x".into(),
        genesis: Hash([0xaa; 32]),
    }
}

fn tip() -> Tip {
    Tip { total_difficulty: 0x1234, height: 7 }
}

fn encode(message: &Message) -> Bytes {
    message.encode(VERSION, MAGIC).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn opened() -> FrameDecoder {
    FrameDecoder::opened(CONSENSUS, VERSION)
}

fn decode_one(mut decoder: FrameDecoder, bytes: &[u8]) -> Result<Option<Message>, WireError> {
    decoder.push(bytes);
    decoder.next()
}

fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = FrameHeader { kind, length: body.len() as u64 }.encode(MAGIC).to_vec();
    out.extend(body);
    out
}

#[test]
fn hand_bytes() {
    let genesis = "aa".repeat(32);
    let expected = [
        "613d01",
        "000000000000005e",
        "000003e8",
        "0000000c",
        "0102030405060708",
        "0000000000000005",
        "000a0000010d56",
        "0120010db80000000000000000000000020d57",
        "0000000000000004",
        "4d572f78",
        &genesis,
    ]
    .concat();
    assert_eq!(hex(&encode(&Message::Hand(hand()))), expected);
}

#[test]
fn shake_bytes() {
    let genesis = "aa".repeat(32);
    let parts = ["613d02", "000000000000003c", "000003e8", "0000000c", "0000000000000005"];
    let expected = [parts.concat(), "00000000000000044d572f78".into(), genesis].concat();
    assert_eq!(hex(&encode(&Message::Shake(shake()))), expected);
}

#[test]
fn small_message_bytes() {
    let hash = "bb".repeat(32);
    let addrs = vec!["1.2.3.4:5".parse().unwrap(), "[2001:db8::1]:6".parse().unwrap()];
    let cases = [
        (Message::Ping(tip()), "613d03000000000000001000000000000012340000000000000007".into()),
        (Message::Pong(tip()), "613d04000000000000001000000000000012340000000000000007".into()),
        (Message::GetPeerAddrs(Capabilities::PEER_LIST), "613d05000000000000000400000004".into()),
        (Message::PeerAddrs(Vec::new()), "613d06000000000000000400000000".into()),
        (
            Message::PeerAddrs(addrs),
            "613d06000000000000001e0000000200010203040005\
             0120010db80000000000000000000000010006"
                .into(),
        ),
        (Message::BanReason(BanReason::MANUAL), "613d12000000000000000400000005".into()),
        (Message::BanReason(BanReason(-2)), "613d120000000000000004fffffffe".into()),
        (Message::GetTransaction(Hash([0xbb; 32])), format!("613d130000000000000020{hash}")),
        (Message::TransactionKernel(Hash([0xbb; 32])), format!("613d140000000000000020{hash}")),
    ];
    for (message, expected) in cases {
        let bytes = encode(&message);
        assert_eq!(hex(&bytes), expected);
        assert_eq!(decode_one(opened(), &bytes).unwrap(), Some(message));
    }
}

/// One plain kernel and nothing else: well-formed, and enough for the wire.
fn transaction() -> (Vec<u8>, Transaction) {
    let mut bytes = vec![0; 32];
    bytes.extend([0u64, 0, 1].iter().flat_map(|count| count.to_be_bytes()));
    bytes.push(0);
    bytes.extend(8u64.to_be_bytes());
    bytes.push(9);
    bytes.extend([0x22; 32]);
    bytes.extend([0x33; 64]);
    let tx = Transaction::decode(&bytes, VERSION, &CONSENSUS).unwrap();
    (bytes, tx)
}

#[test]
fn transaction_bytes() {
    let (body, tx) = transaction();
    let cases = [(14, Message::StemTransaction(tx.clone())), (15, Message::Transaction(tx))];
    for (kind, message) in cases {
        let bytes = encode(&message);
        assert_eq!(hex(&bytes), hex(&frame(kind, &body)));
        assert_eq!(decode_one(opened(), &bytes), Ok(Some(message)));
    }
}

proptest! {
    /// Any mix of messages, whole transactions among them, comes out of any cutting as it went in.
    #[test]
    fn whole_transactions_survive_any_cutting(
        seed in any::<u64>(),
        shapes in prop::collection::vec((1usize..4, 1usize..6, any::<bool>()), 1..6),
        version in prop::sample::select(vec![ProtocolVersion::V3, ProtocolVersion::LOCAL]),
        cuts in prop::collection::vec(1usize..3000, 1..40),
    ) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let messages: Vec<_> = shapes
            .into_iter()
            .map(|(inputs, outputs, stem)| {
                let tx = AssumedTx::new().fresh_inputs(inputs).outputs(outputs);
                let tx = tx.build(&mut rng, &CONSENSUS).unwrap().as_transaction().clone();
                if stem { Message::StemTransaction(tx) } else { Message::Transaction(tx) }
            })
            .flat_map(|message| [message, Message::Pong(tip())])
            .collect();
        let frames = messages.iter().map(|message| message.encode(version, MAGIC).unwrap());
        let stream = frames.collect::<Vec<_>>().concat();
        let (mut decoder, mut got, mut rest) =
            (FrameDecoder::opened(CONSENSUS, version), Vec::new(), &stream[..]);
        for cut in cuts.into_iter().cycle() {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            decoder.push(now);
            while let Some(message) = decoder.next().unwrap() {
                got.push(message);
            }
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(got, messages);
        prop_assert!(!decoder.is_mid_frame());
    }

    /// No bytes make the decoder panic or hold more than was pushed, and it ends or stays in sync.
    #[test]
    fn any_bytes_can_be_pushed(
        frames in prop::collection::vec(
            (0u8..32, prop::collection::vec(any::<u8>(), 0..300), 0usize..400),
            1..8,
        ),
        handshake in any::<bool>(),
    ) {
        let mut decoder =
            if handshake { FrameDecoder::expect_hand(CONSENSUS) } else { opened() };
        let mut pushed = 0;
        for (kind, body, length) in frames {
            // Some lengths lie a little, so that bodies are read as headers too.
            let length = if length < 300 { body.len() } else { length - 300 } as u64;
            let bytes = [&FrameHeader { kind, length }.encode(MAGIC)[..], &body].concat();
            decoder.push(&bytes);
            pushed += bytes.len();
            loop {
                match decoder.next() {
                    Ok(None) => break,
                    Ok(Some(_)) => {}
                    Err(error) if error.stays_in_sync() => {}
                    Err(_) => {
                        prop_assert_eq!(decoder.next(), Ok(None));
                        prop_assert_eq!(decoder.buffered(), 0);
                    }
                }
            }
            prop_assert!(decoder.buffered() <= pushed);
        }
    }
}

#[test]
fn inputs_without_features_cannot_be_written_for_old_peers() {
    let tx = AssumedTx::new().build(&mut ChaCha8Rng::seed_from_u64(1), &CONSENSUS).unwrap();
    let message = Message::StemTransaction(tx.as_transaction().clone());
    let error = message.encode(ProtocolVersion::V2, MAGIC).unwrap_err();
    assert!(matches!(error, EncodeError::Transaction(_)));
    assert_eq!(error.blame(), Blame::Ours);
}

#[test]
fn a_stream_cut_anywhere_yields_the_same() {
    let messages = [
        Message::Ping(tip()),
        Message::PeerAddrs(vec!["1.2.3.4:5".parse().unwrap()]),
        Message::Skipped(11),
        Message::StemTransaction(transaction().1),
        Message::Skipped(200),
        Message::Pong(tip()),
    ];
    let mut stream = Vec::new();
    for message in &messages {
        match message {
            Message::Skipped(kind) => stream.extend(frame(*kind, &[9; 77])),
            other => stream.extend(encode(other)),
        }
    }
    for size in 1..stream.len() {
        let mut decoder = opened();
        let mut got = Vec::new();
        for chunk in stream.chunks(size) {
            decoder.push(chunk);
            while let Some(message) = decoder.next().unwrap() {
                got.push(message);
            }
        }
        assert_eq!(got, messages, "chunks of {size}");
        assert_eq!(decoder.buffered(), 0);
    }
}

#[test]
fn skipped_bodies_are_not_held() {
    let mut decoder = opened();
    decoder.push(&FrameHeader { kind: 11, length: 5_000_000 }.encode(MAGIC));
    for _ in 0..500 {
        assert_eq!(decoder.next().unwrap(), None);
        decoder.push(&[0; 10_000]);
    }
    assert_eq!(decoder.next().unwrap(), Some(Message::Skipped(11)));
    assert_eq!(decoder.buffered(), 0);
}

#[test]
fn lengths_beyond_the_limit_are_refused_from_the_header_alone() {
    for kind in 0..=255u8 {
        let chain = CONSENSUS.chain;
        let limit = MessageType::from_byte(kind)
            .map_or(MessageType::unknown_limit(chain), |kind| kind.limit(chain));
        for length in [limit + 1, u64::MAX] {
            let header = FrameHeader { kind, length }.encode(MAGIC);
            let error = decode_one(opened(), &header).unwrap_err();
            assert!(matches!(error, WireError::TooLarge { .. }), "type {kind}: {error}");
            assert_eq!(error.blame(), Blame::Malformed);
            assert!(!error.stays_in_sync());
        }
    }
}

#[test]
fn wrong_magic_is_seen_at_its_first_byte() {
    for bytes in [&b"G"[..], b"aT", b"GET / HTTP/1.1\r\n"] {
        let error = decode_one(opened(), bytes).unwrap_err();
        assert!(matches!(error, WireError::Magic { .. }));
        assert_eq!(error.blame(), Blame::Incompatible);
    }
    assert_eq!(decode_one(opened(), b"a").unwrap(), None);
}

#[test]
fn only_its_half_of_the_handshake_is_read_first() {
    let hand = encode(&Message::Hand(hand()));
    let shake = encode(&Message::Shake(shake()));
    let ping = encode(&Message::Ping(tip()));
    for wrong in [&shake, &ping] {
        let error = decode_one(FrameDecoder::expect_hand(CONSENSUS), wrong).unwrap_err();
        assert!(matches!(error, WireError::NotHandshake { expected: MessageType::Hand, .. }));
    }
    assert!(decode_one(FrameDecoder::expect_shake(CONSENSUS), &hand).is_err());
    let header = FrameHeader { kind: 1, length: 513 }.encode(MAGIC);
    let error = decode_one(FrameDecoder::expect_hand(CONSENSUS), &header).unwrap_err();
    assert!(matches!(error, WireError::TooLarge { limit: 512, .. }));
}

#[test]
fn what_follows_the_handshake_waits_until_it_is_answered() {
    let mut decoder = FrameDecoder::expect_shake(CONSENSUS);
    decoder.push(&encode(&Message::Shake(shake())));
    decoder.push(&encode(&Message::Ping(tip())));
    assert_eq!(decoder.next().unwrap(), Some(Message::Shake(shake())));
    assert_eq!(decoder.next().unwrap(), None);
    decoder.open(VERSION);
    assert_eq!(decoder.next().unwrap(), Some(Message::Ping(tip())));
    assert_eq!(decoder.next().unwrap(), None);
}

#[test]
fn handshakes_errors_and_archives_end_an_open_link() {
    for kind in 0..=2 {
        let error = decode_one(opened(), &frame(kind, &[])).unwrap_err();
        assert!(matches!(error, WireError::Unexpected(found) if found.byte() == kind));
        assert!(!error.stays_in_sync());
    }
    let error = decode_one(opened(), &frame(17, &[0; 48])).unwrap_err();
    assert!(matches!(error, WireError::UnsolicitedArchive));
    assert_eq!(error.blame(), Blame::Misbehaved);
}

#[test]
fn a_failed_decoder_yields_nothing_more() {
    let mut decoder = opened();
    decoder.push(b"xx");
    assert!(decoder.next().is_err());
    decoder.push(&encode(&Message::Ping(tip())));
    assert_eq!(decoder.next().unwrap(), None);
    assert_eq!(decoder.buffered(), 0);
}

#[test]
fn a_bad_body_leaves_the_stream_in_sync() {
    let many = [257u32.to_be_bytes().to_vec(), vec![0; 257 * 7]].concat();
    let bad = [
        frame(3, &[0; 15]),
        frame(3, &[0; 17]),
        frame(5, &[0; 3]),
        frame(6, &[0, 0, 0, 1, 0, 1, 2, 3]),
        frame(6, &many),
        frame(14, &[0; 31]),
        frame(15, &[]),
        frame(19, &[0; 31]),
        frame(20, &[0; 33]),
    ];
    for bytes in bad {
        let mut decoder = opened();
        decoder.push(&bytes);
        decoder.push(&encode(&Message::Pong(tip())));
        let error = decoder.next().unwrap_err();
        assert!(error.stays_in_sync(), "{error}");
        assert_eq!(decoder.next().unwrap(), Some(Message::Pong(tip())), "{error}");
    }
}

#[test]
fn a_bad_transaction_is_told_from_a_bad_frame() {
    let error = decode_one(opened(), &frame(14, &[0; 20])).unwrap_err();
    assert_eq!(error, WireError::BadTransaction(DecodeError::UnexpectedEnd));
    let (mut body, _) = transaction();
    body.push(0);
    let error = decode_one(opened(), &frame(14, &body)).unwrap_err();
    assert_eq!(error, WireError::BadTransaction(DecodeError::TrailingBytes(1)));
    assert_eq!(error.blame(), Blame::Malformed);
}

#[test]
fn bodies_are_bounded_by_their_count_and_end_with_their_last_field() {
    let error = decode_one(opened(), &frame(6, &u32::MAX.to_be_bytes())).unwrap_err();
    assert!(matches!(error, WireError::TooManyAddrs(u32::MAX)));
    let error = decode_one(opened(), &frame(3, &[0; 18])).unwrap_err();
    assert!(matches!(error, WireError::Trailing { kind: MessageType::Ping, extra: 2 }));
    let error = decode_one(opened(), &frame(3, &[0; 8])).unwrap_err();
    assert!(matches!(error, WireError::Truncated(MessageType::Ping)));
}

#[test]
fn a_short_ban_reason_means_none() {
    for body in [&[][..], &[0, 0, 5]] {
        let got = decode_one(opened(), &frame(18, body)).unwrap();
        assert_eq!(got, Some(Message::BanReason(BanReason::NONE)));
    }
}

#[test]
fn user_agents_are_short_utf8() {
    let with_agent = |claimed: u64, agent: &[u8]| {
        let mut body = vec![0; 16];
        body.extend(claimed.to_be_bytes());
        body.extend(agent);
        body.extend([0; 32]);
        decode_one(FrameDecoder::expect_shake(CONSENSUS), &frame(2, &body))
    };
    assert!(matches!(with_agent(2, "é".as_bytes()), Ok(Some(Message::Shake(_)))));
    assert!(matches!(with_agent(2, &[0xff, 0xfe]), Err(WireError::UserAgentNotUtf8)));
    assert!(matches!(with_agent(256, &[b'a'; 256]), Ok(Some(Message::Shake(_)))));
    assert!(matches!(with_agent(257, &[b'a'; 257]), Err(WireError::UserAgentTooLong(257))));
    assert!(matches!(with_agent(u64::MAX, b"a"), Err(WireError::UserAgentTooLong(u64::MAX))));
    assert!(matches!(with_agent(200, b"a"), Err(WireError::Truncated(MessageType::Shake))));
}

#[test]
fn what_cannot_be_written_is_refused() {
    let mut long = shake();
    long.user_agent = "a".repeat(257);
    let addrs = vec!["1.2.3.4:5".parse().unwrap(); 257];
    let refused = |message: Message| message.encode(VERSION, MAGIC).unwrap_err();
    assert!(matches!(refused(Message::Shake(long)), EncodeError::UserAgentTooLong(257)));
    assert!(matches!(refused(Message::PeerAddrs(addrs)), EncodeError::TooManyAddrs(257)));
    assert!(matches!(refused(Message::Skipped(9)), EncodeError::Skipped(9)));
}

#[test]
fn the_longest_handshake_fits_grins_reader() {
    let mut hand = hand();
    hand.user_agent = "a".repeat(MAX_USER_AGENT);
    hand.sender_addr = hand.receiver_addr;
    let mut shake = shake();
    shake.user_agent = "a".repeat(MAX_USER_AGENT);
    assert!(encode(&Message::Hand(hand)).len() <= HEADER_LEN + 512);
    assert!(encode(&Message::Shake(shake)).len() <= HEADER_LEN + 352);
}

#[test]
fn blocks_and_more_work_tell_of_a_block() {
    let told = |message: Message| message.tells_of_block(0x1233);
    assert!(told(Message::Ping(tip())) && told(Message::Pong(tip())));
    assert!(!Message::Ping(tip()).tells_of_block(0x1234));
    for kind in [MessageType::Header, MessageType::CompactBlock, MessageType::Block] {
        assert!(told(Message::Skipped(kind.byte())));
    }
    for kind in [MessageType::Headers, MessageType::GetBlock, MessageType::TxHashSetRequest] {
        assert!(!told(Message::Skipped(kind.byte())));
    }
    assert!(!told(Message::Skipped(200)) && !told(Message::GetTransaction(Hash([1; 32]))));
}
