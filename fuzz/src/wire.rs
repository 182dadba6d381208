//! Streams of frames and the first frames of strangers.

use scape_aggregate::ProtocolVersion;
use scape_p2p::addr::PeerAddr;
use scape_p2p::handshake::{Local, Nonces, answer, conclude};
use scape_p2p::peer::Capabilities;
use scape_p2p::wire::{FrameDecoder, HEADER_LEN, MAX_USER_AGENT, Message, MessageType, WireError};

use crate::{SMALL, VERSIONS};

/// A message, or what was wrong with it.
type Said = Result<Message, WireError>;

/// `[version and role] [n] [n lengths of pieces] [stream]`: the stream in pieces says what the
/// whole stream says, and little of it is held meanwhile.
pub fn cut_anywhere(data: &[u8]) {
    let [head, count, rest @ ..] = data else { return };
    let Some((cuts, stream)) = rest.split_at_checked(usize::from(*count)) else { return };
    let mut pieces = Vec::new();
    let mut left = stream;
    for cut in cuts {
        let (piece, rest) = left.split_at(usize::from(*cut).min(left.len()));
        pieces.push(piece);
        left = rest;
    }
    pieces.push(left);
    let version = VERSIONS[usize::from(head & 3)];
    let decoder = || match head >> 2 & 3 {
        0 => FrameDecoder::expect_hand(SMALL),
        1 => FrameDecoder::expect_shake(SMALL),
        _ => FrameDecoder::opened(SMALL, version),
    };
    let whole = hear(decoder(), &[stream], version);
    assert_eq!(hear(decoder(), &pieces, version), whole);
    whole.iter().flatten().for_each(|message| assert_encodes(message, version));
}

/// All messages of a stream, until something is wrong that ends a link.
fn hear(mut decoder: FrameDecoder, pieces: &[&[u8]], version: ProtocolVersion) -> Vec<Said> {
    let longest = [MessageType::Hand, MessageType::PeerAddrs, MessageType::Transaction]
        .map(|kind| kind.limit(SMALL.chain) as usize);
    let bound = HEADER_LEN + longest.into_iter().max().expect("three");
    let mut heard = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        loop {
            match decoder.next() {
                Ok(None) => break,
                Ok(Some(message)) => {
                    if matches!(message, Message::Hand(_) | Message::Shake(_)) {
                        decoder.open(version);
                    }
                    heard.push(Ok(message));
                }
                // How much was looked at depends on how much was there.
                Err(WireError::Magic { expected, .. }) => {
                    heard.push(Err(WireError::Magic { expected, found: Vec::new() }));
                    return heard;
                }
                Err(error) => {
                    let goes_on = error.stays_in_sync() && !of_handshake(&error);
                    heard.push(Err(error));
                    if !goes_on {
                        return heard;
                    }
                }
            }
        }
        assert!(decoder.buffered() <= bound, "{} bytes are held", decoder.buffered());
    }
    heard
}

fn of_handshake(error: &WireError) -> bool {
    use MessageType::{Hand, Shake};
    match error {
        WireError::Truncated(kind) | WireError::Trailing { kind, .. } => {
            matches!(kind, Hand | Shake)
        }
        WireError::UserAgentTooLong(_) | WireError::UserAgentNotUtf8 => true,
        _ => false,
    }
}

/// What was read can be written, and is read as the same.
fn assert_encodes(message: &Message, version: ProtocolVersion) {
    let mut decoder = match message {
        Message::Skipped(_) => return,
        Message::Hand(_) => FrameDecoder::expect_hand(SMALL),
        Message::Shake(_) => FrameDecoder::expect_shake(SMALL),
        _ => FrameDecoder::opened(SMALL, version),
    };
    let frame = message.encode(version, SMALL.chain.magic()).expect("was read");
    decoder.push(&frame);
    assert_eq!(decoder.next().as_ref(), Ok(&Some(message.clone())));
    assert!(!decoder.is_mid_frame());
}

/// `[role] [stream]`: at most one message before an answer, and what is known of the peer then is
/// within bounds.
pub fn shake_hands(data: &[u8]) {
    let Some((&head, stream)) = data.split_first() else { return };
    let local = Local {
        genesis: SMALL.chain.genesis(),
        capabilities: Capabilities::RELAY,
        user_agent: "fuzz".into(),
        listen: ([127, 0, 0, 1], 3414).into(),
        total_difficulty: 9,
    };
    let mut nonces = Nonces::default();
    nonces.remember(77);
    let remote = PeerAddr::Ip(([192, 0, 2, 1], 50_000).into());
    let mut decoder = match head & 1 {
        0 => FrameDecoder::expect_hand(SMALL),
        _ => FrameDecoder::expect_shake(SMALL),
    };
    decoder.push(stream);
    let known = match (head & 1, decoder.next()) {
        (_, Ok(None) | Err(_)) => return,
        (0, Ok(Some(Message::Hand(hand)))) => {
            let Ok((shake, known)) = answer(&local, &nonces, hand, Some(remote)) else { return };
            assert_encodes(&Message::Shake(shake), known.version);
            assert_eq!(known.listen.map(|addr| addr.host()), Some(remote.host()));
            known
        }
        (1, Ok(Some(Message::Shake(shake)))) => {
            let Ok(known) = conclude(&local, shake, remote) else { return };
            assert_eq!(known.listen, Some(remote));
            known
        }
        (_, Ok(Some(message))) => panic!("{message:?} before the handshake was done"),
    };
    assert!(known.version <= ProtocolVersion::LOCAL);
    assert!(known.user_agent.len() <= MAX_USER_AGENT);
    assert_eq!(decoder.next(), Ok(None), "the handshake is not answered for yet");
    decoder.open(known.version);
    while let Ok(Some(_)) = decoder.next() {}
}
