//! Peers that do not keep to the rules.

use scape_aggregate::DecodeError;

use crate::handshake::HandshakeError;
use crate::link::{Flood, MeterLimits};
use crate::wire::{Blame, FrameHeader, WireError};

use super::*;

fn header(kind: u8, length: u64) -> [u8; 11] {
    FrameHeader { kind, length }.encode(MAGIC)
}

/// Sends bytes to a node as a stranger, and waits until it hangs up.
async fn hung_up_on(node: &Node, bytes: &[u8]) -> bool {
    let mut stream = TcpStream::connect(node.addr()).await.unwrap();
    // May fail already: then the node was quicker.
    let _ = stream.write_all(bytes).await;
    let read = timeout(Duration::from_secs(5), stream.read(&mut [0; 64])).await;
    matches!(read, Ok(Ok(0) | Err(_)))
}

/// What a node says about a listener that answers its `Hand` with these bytes and hangs up.
async fn dial_error(node: &mut Node, answer: &[u8]) -> ConnectError {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    node.net.connect(listener.local_addr().unwrap());
    let (mut stream, _) = listener.accept().await.unwrap();
    assert!(stream.read(&mut [0; 512]).await.unwrap() > 0);
    stream.write_all(answer).await.unwrap();
    drop(stream);
    node.connect_error().await
}

/// How a link ends on which these bytes come in.
async fn link_error(bytes: &[u8]) -> LinkError {
    let mut node = Node::start(|_| {}).await;
    let mut raw = Raw::connect(node.addr()).await;
    node.connected().await;
    raw.write(bytes).await;
    let (error, _) = node.disconnected().await;
    error.unwrap()
}

#[tokio::test]
async fn strangers_that_do_not_shake_hands_are_hung_up_on_at_once() {
    let node = Node::start(|_| {}).await;
    let mut other_chain = hand();
    other_chain.genesis = Hash([9; 32]);
    let cases = [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        Message::Hand(hand()).encode(VERSION, [97, 61]).unwrap().to_vec(),
        header(1, 513).to_vec(),
        header(1, u64::MAX).to_vec(),
        frame(&Message::Ping(Tip::default())),
        frame(&Message::Shake(shake())),
        frame(&Message::Hand(other_chain)),
        header(200, 0).to_vec(),
    ];
    for bytes in cases {
        assert!(hung_up_on(&node, &bytes).await, "{bytes:02x?}");
    }
    assert!(node.events.is_empty());
}

#[tokio::test]
async fn a_handshake_that_trickles_in_is_cut_off() {
    let limit = Duration::from_millis(400);
    let node = Node::start(|config| config.timeouts.handshake_read = limit).await;
    let mut stream = TcpStream::connect(node.addr()).await.unwrap();
    let hand = frame(&Message::Hand(hand()));
    let trickle = async {
        for byte in hand {
            if stream.write_all(&[byte]).await.is_err() {
                return true;
            }
            let read = timeout(Duration::from_millis(50), stream.read(&mut [0; 1])).await;
            if matches!(read, Ok(Ok(0) | Err(_))) {
                return true;
            }
        }
        false
    };
    assert!(timeout(Duration::from_secs(4), trickle).await.unwrap());
}

#[tokio::test]
async fn what_is_wrong_with_an_answer_is_reported() {
    let mut node = Node::start(|_| {}).await;
    let error = dial_error(&mut node, b"SSH-2.0-OpenSSH\r\n").await;
    assert!(matches!(error, ConnectError::Wire(WireError::Magic { .. })), "{error}");
    assert_eq!(error.blame(), Blame::Incompatible);
    let mut other_chain = shake();
    other_chain.genesis = Hash([9; 32]);
    let error = dial_error(&mut node, &frame(&Message::Shake(other_chain))).await;
    let expected =
        HandshakeError::GenesisMismatch { ours: CONSENSUS.chain.genesis(), theirs: Hash([9; 32]) };
    assert!(matches!(error, ConnectError::Handshake(error) if error == expected));
    let error = dial_error(&mut node, &header(2, 353)).await;
    assert!(matches!(error, ConnectError::Wire(WireError::TooLarge { limit: 352, .. })));
    let error = dial_error(&mut node, b"").await;
    assert!(matches!(error, ConnectError::Closed), "{error}");
}

#[tokio::test]
async fn another_genesis_is_refused_by_the_node_that_is_dialled() {
    let bob = Node::start(|config| config.genesis = Hash([9; 32])).await;
    let mut alice = Node::start(|_| {}).await;
    alice.net.connect(bob.addr());
    assert!(matches!(alice.connect_error().await, ConnectError::Closed | ConnectError::Io(_)));
    assert!(bob.events.is_empty());
}

#[tokio::test]
async fn a_silent_answer_times_out() {
    let limit = Duration::from_millis(200);
    let mut node = Node::start(|config| config.timeouts.handshake_read = limit).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    node.net.connect(listener.local_addr().unwrap());
    let _held = listener.accept().await.unwrap();
    assert!(matches!(node.connect_error().await, ConnectError::TimedOut));
}

#[tokio::test]
async fn broken_frames_end_the_link() {
    for kind in [3, 6, 14, 15, 11, 200] {
        let error = link_error(&header(kind, u64::MAX)).await;
        assert!(matches!(error, LinkError::Wire(WireError::TooLarge { .. })), "{kind}: {error}");
        assert_eq!(error.blame(), Blame::Malformed);
    }
    let error = link_error(b"nonsense").await;
    assert!(matches!(error, LinkError::Wire(WireError::Magic { .. })));
    let error = link_error(&header(17, 48)).await;
    assert!(matches!(error, LinkError::Wire(WireError::UnsolicitedArchive)));
    let error = link_error(&frame(&Message::Hand(hand()))).await;
    assert!(matches!(error, LinkError::Wire(WireError::Unexpected(_))));
    let error = link_error(&[&header(3, 17)[..], &[0; 17]].concat()).await;
    assert!(matches!(error, LinkError::Wire(WireError::Trailing { extra: 1, .. })));
}

#[tokio::test]
async fn a_bad_transaction_is_reported_and_the_link_goes_on() {
    let mut node = Node::start(|_| {}).await;
    let mut raw = Raw::connect(node.addr()).await;
    let peer = node.connected().await;
    raw.write(&[&header(14, 40)[..], &[7; 40], &frame(&kernel(5))].concat()).await;
    let NetEvent::BadTransaction { peer: from, error } = node.next().await else { panic!() };
    assert_eq!((from, error), (peer, DecodeError::UnexpectedEnd));
    let NetEvent::Message { message, .. } = node.next().await else { panic!() };
    assert_eq!(message, kernel(5));
}

#[tokio::test]
async fn blocks_and_unknown_messages_are_skipped() {
    let mut node = Node::start(|_| {}).await;
    let mut raw = Raw::connect(node.addr()).await;
    node.connected().await;
    for kind in [8, 11, 13, 22, 250] {
        raw.write(&[&header(kind, 700)[..], &[1; 700]].concat()).await;
        let NetEvent::Message { message, .. } = node.next().await else { panic!() };
        assert_eq!(message, Message::Skipped(kind));
    }
}

#[tokio::test]
async fn floods_end_the_link() {
    let limits = MeterLimits { messages_per_minute: 20, ..MeterLimits::default() };
    let mut node = Node::start(|config| config.meter = limits).await;
    let mut raw = Raw::connect(node.addr()).await;
    node.connected().await;
    raw.write(&frame(&kernel(1)).repeat(25)).await;
    for _ in 0..20 {
        assert!(matches!(node.next().await, NetEvent::Message { .. }));
    }
    let (error, _) = node.disconnected().await;
    assert!(matches!(error, Some(LinkError::Flood(Flood::Messages))), "{error:?}");
}

#[tokio::test]
async fn a_frame_that_trickles_in_ends_the_link() {
    let limit = Duration::from_millis(300);
    let mut node = Node::start(|config| config.timeouts.frame = limit).await;
    let mut raw = Raw::connect(node.addr()).await;
    node.connected().await;
    raw.write(&header(14, 2000)).await;
    let (error, _) = tokio::select! {
        ended = node.disconnected() => ended,
        () = async {
            loop {
                let _ = raw.stream.write_all(&[0]).await;
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        } => unreachable!(),
    };
    assert!(matches!(error, Some(LinkError::SlowFrame)), "{error:?}");
}

#[tokio::test]
async fn silence_ends_the_link() {
    let limit = Duration::from_millis(200);
    let mut node = Node::start(|config| config.timeouts.idle = limit).await;
    let _raw = Raw::connect(node.addr()).await;
    node.connected().await;
    let (error, _) = node.disconnected().await;
    assert!(matches!(error, Some(LinkError::Idle)), "{error:?}");
}

#[tokio::test]
async fn a_peer_has_to_wait_while_the_owner_has_no_room() {
    let mut node = Node::with_capacity(2, |config| {
        config.meter = MeterLimits { messages_per_minute: 1 << 30, ..MeterLimits::default() };
    })
    .await;
    let mut raw = Raw::connect(node.addr()).await;
    let many = frame(&kernel(1)).repeat(1_000_000);
    let stuck = timeout(Duration::from_millis(500), raw.stream.write_all(&many)).await;
    assert!(stuck.is_err(), "43 MB were taken though nobody reads the events");
    node.connected().await;
    assert!(matches!(node.next().await, NetEvent::Message { .. }));
}

#[tokio::test]
async fn a_host_has_only_a_few_places() {
    let mut node = Node::start(|config| config.max_inbound_per_host = 2).await;
    let first = Raw::connect(node.addr()).await;
    let _second = Raw::connect(node.addr()).await;
    node.connected().await;
    node.connected().await;
    assert!(hung_up_on(&node, &frame(&Message::Hand(hand()))).await);
    drop(first);
    node.disconnected().await;
    let _third = Raw::connect(node.addr()).await;
    node.connected().await;
}

#[tokio::test]
async fn blocked_hosts_are_neither_accepted_nor_dialled() {
    let mut node = Node::start(|_| {}).await;
    let ip = node.addr().ip();
    node.net.block(ip, Duration::from_secs(60));
    assert!(hung_up_on(&node, &frame(&Message::Hand(hand()))).await);
    node.net.connect("127.0.0.1:9".parse::<PeerAddr>().unwrap());
    assert!(matches!(node.connect_error().await, ConnectError::Blocked));
    node.net.unblock(ip);
    let _raw = Raw::connect(node.addr()).await;
    node.connected().await;
    node.net.block(ip, Duration::ZERO);
    let _raw = Raw::connect(node.addr()).await;
    node.connected().await;
}
