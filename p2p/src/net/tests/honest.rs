//! Peers that keep to the rules.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use scape_aggregate::builder::AssumedTx;

use crate::handshake::HandshakeError;

use super::*;

#[tokio::test]
async fn both_sides_shake_hands_and_learn_about_each_other() {
    let mut alice = Node::start(|config| config.user_agent = "alice".into()).await;
    let mut bob = Node::start(|config| config.user_agent = "bob".into()).await;
    alice.net.set_tip(77, 7);
    alice.net.connect(bob.addr());
    let NetEvent::Connected { addr, direction, info, .. } = alice.next().await else { panic!() };
    assert_eq!((addr, direction), (Some(bob.addr().into()), Direction::Outbound));
    assert_eq!((info.user_agent.as_str(), info.listen), ("bob", Some(bob.addr().into())));
    let NetEvent::Connected { direction, info, .. } = bob.next().await else { panic!() };
    assert_eq!(direction, Direction::Inbound);
    assert_eq!((info.user_agent.as_str(), info.listen), ("alice", Some(alice.addr().into())));
    assert_eq!((info.total_difficulty, info.version), (77, ProtocolVersion::LOCAL));
}

#[tokio::test]
async fn every_message_goes_both_ways() {
    let (mut alice, to_bob, mut bob, to_alice) = pair().await;
    let messages = [
        Message::GetPeerAddrs(Capabilities::PEER_LIST),
        Message::PeerAddrs(vec!["1.2.3.4:5".parse().unwrap()]),
        Message::StemTransaction(transaction()),
        Message::Transaction(transaction()),
        kernel(1),
        Message::GetTransaction(Hash([2; 32])),
        Message::BanReason(BanReason::MANUAL),
    ];
    for message in &messages {
        alice.net.send(to_bob, message.clone()).unwrap();
        bob.net.send(to_alice, message.clone()).unwrap();
    }
    for sent in &messages {
        for node in [&mut alice, &mut bob] {
            match node.next().await {
                NetEvent::Message { message, .. } => assert_eq!(message, *sent),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn pings_are_sent_reported_and_answered_with_our_tip() {
    let mut node = Node::start(|_| {}).await;
    node.net.set_tip(500, 50);
    let mut raw = Raw::connect(node.addr()).await;
    let ours = Tip { total_difficulty: 500, height: 50 };
    assert_eq!(raw.read().await, Some(Message::Ping(ours)));
    let theirs = Tip { total_difficulty: 9, height: 8 };
    raw.write(&frame(&Message::Ping(theirs))).await;
    assert_eq!(raw.read().await, Some(Message::Pong(ours)));
    let peer = node.connected().await;
    let event = node.events.recv().await.unwrap();
    let NetEvent::Message { peer: from, message } = event else { panic!() };
    assert_eq!((from, message), (peer, Message::Ping(theirs)));
}

#[tokio::test]
async fn what_follows_a_handshake_at_once_is_not_lost() {
    let mut node = Node::start(|_| {}).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    node.net.connect(listener.local_addr().unwrap());
    let (mut stream, _) = listener.accept().await.unwrap();
    let both = [frame(&Message::Shake(shake())), frame(&kernel(3))].concat();
    stream.write_all(&both).await.unwrap();
    node.connected().await;
    let NetEvent::Message { message, .. } = node.next().await else { panic!() };
    assert_eq!(message, kernel(3));
}

#[tokio::test]
async fn we_do_not_talk_to_ourselves() {
    let mut node = Node::start(|_| {}).await;
    node.net.connect(node.addr());
    let error = node.connect_error().await;
    assert!(matches!(error, ConnectError::Handshake(HandshakeError::ConnectedToSelf)), "{error}");
}

#[tokio::test]
async fn one_address_is_dialled_once() {
    let (mut alice, _, bob, _) = pair().await;
    alice.net.connect(bob.addr());
    assert!(matches!(alice.connect_error().await, ConnectError::AlreadyConnected));
}

#[tokio::test]
async fn nobody_there_is_reported() {
    let mut node = Node::start(|_| {}).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    node.net.connect(addr);
    let error = node.connect_error().await;
    assert!(
        matches!(error, ConnectError::Transport(transport::TransportError::Direct(_))),
        "{error}"
    );
    assert_eq!(node.net.way_state(), WayState::Direct);
}

#[tokio::test]
async fn a_ban_reason_is_the_last_word() {
    let mut node = Node::start(|_| {}).await;
    let mut raw = Raw::connect(node.addr()).await;
    let peer = node.connected().await;
    node.net.disconnect(peer, Some(BanReason::MANUAL));
    assert_eq!(raw.read_relevant().await, Some(Message::BanReason(BanReason::MANUAL)));
    assert_eq!(raw.read().await, None);
    let (error, unsent) = node.disconnected().await;
    assert!(error.is_none() && unsent.is_empty());
    assert_eq!(node.net.send(peer, kernel(1)).unwrap_err().reason, Refusal::Gone);
}

#[tokio::test]
async fn what_was_not_written_comes_back_when_the_link_ends() {
    let mut node = Node::start(|_| {}).await;
    let mut raw = Raw::connect(node.addr()).await;
    let peer = node.connected().await;
    let sent: Vec<_> = (0..150).map(kernel).collect();
    sent.iter().for_each(|message| node.net.send(peer, message.clone()).unwrap());
    let mut seen = vec![raw.read_relevant().await.unwrap()];
    node.net.disconnect(peer, None);
    while let Some(message) = raw.read_relevant().await {
        seen.push(message);
    }
    let (error, unsent) = node.disconnected().await;
    assert!(error.is_none() && !unsent.is_empty());
    seen.extend(unsent);
    assert_eq!(seen, sent);
}

#[tokio::test]
async fn a_stem_transaction_survives_a_peer_that_vanishes() {
    let mut node = Node::start(|_| {}).await;
    let raw = Raw::connect(node.addr()).await;
    let peer = node.connected().await;
    (0..100).for_each(|n| node.net.send(peer, kernel(n)).unwrap());
    node.net.send(peer, Message::StemTransaction(transaction())).unwrap();
    drop(raw);
    let (error, unsent) = node.disconnected().await;
    assert!(error.is_some());
    assert_eq!(unsent.last(), Some(&Message::StemTransaction(transaction())));
}

#[tokio::test]
async fn what_a_peer_sent_before_it_vanished_is_still_reported() {
    let ping = Duration::from_millis(10);
    let mut node = Node::with_capacity(2, |config| config.timeouts.ping = ping).await;
    let mut raw = Raw::connect(node.addr()).await;
    node.connected().await;
    for n in 0..100 {
        raw.write(&frame(&kernel(n))).await;
    }
    // Pings that nobody read turn this into a reset, and the next ping fails.
    tokio::time::sleep(ping * 3).await;
    drop(raw);
    tokio::time::sleep(ping * 5).await;
    for n in 0..100 {
        let NetEvent::Message { message, .. } = node.next().await else { panic!("{n}") };
        assert_eq!(message, kernel(n));
    }
    assert!(node.disconnected().await.0.is_some());
}

#[tokio::test]
async fn a_full_outbox_hands_the_message_back_and_keeps_room_for_the_stem() {
    let mut node = Node::start(|config| config.outbox.messages = 4).await;
    let _raw = Raw::connect(node.addr()).await;
    let peer = node.connected().await;
    let stem = Message::StemTransaction(transaction());
    // The test's task does not yield, so the writer takes nothing off.
    (0..3).for_each(|n| node.net.send(peer, kernel(n)).unwrap());
    assert_eq!(node.net.send(peer, kernel(3)).unwrap_err().reason, Refusal::Full);
    node.net.send(peer, stem.clone()).unwrap();
    let back = node.net.send(peer, stem.clone()).unwrap_err();
    assert_eq!((back.message, back.reason), (stem, Refusal::Full));
}

#[tokio::test]
async fn what_a_peer_cannot_read_is_handed_back() {
    let mut node = Node::start(|_| {}).await;
    let mut stream = TcpStream::connect(node.addr()).await.unwrap();
    let old = Hand { version: ProtocolVersion::V2, ..hand() };
    stream.write_all(&frame(&Message::Hand(old))).await.unwrap();
    let NetEvent::Connected { peer, info, .. } = node.next().await else { panic!() };
    assert_eq!(info.version, ProtocolVersion::V2);
    let tx = AssumedTx::new().build(&mut ChaCha8Rng::seed_from_u64(1), &CONSENSUS).unwrap();
    let stem = Message::StemTransaction(tx.as_transaction().clone());
    let back = node.net.send(peer, stem.clone()).unwrap_err();
    assert_eq!(back.message, stem);
    assert!(matches!(back.reason, Refusal::Encode(_)));
}

#[tokio::test]
async fn shutdown_ends_everything_and_says_so() {
    let (alice, _, mut bob, _) = pair().await;
    let Node { net, mut events } = alice;
    timeout(PATIENCE, net.shutdown()).await.unwrap();
    let mut last = None;
    while let Some(event) = events.recv().await {
        last = Some(event);
    }
    assert!(matches!(last, Some(NetEvent::Disconnected { error: None, .. })), "{last:?}");
    let (error, _) = bob.disconnected().await;
    assert!(matches!(error, Some(LinkError::Closed | LinkError::Io(_))), "{error:?}");
}

#[tokio::test]
async fn shutdown_does_not_wait_for_an_owner_that_is_gone() {
    let mut node = Node::with_capacity(1, |_| {}).await;
    let _first = Raw::connect(node.addr()).await;
    node.connected().await;
    let _second = Raw::connect(node.addr()).await;
    timeout(PATIENCE, node.net.shutdown()).await.unwrap();
}

/// The whole link in virtual time, over a pipe.
#[tokio::test(start_paused = true)]
async fn the_writer_is_paced() {
    let mut node = Node::start(|config| {
        config.listen = None;
        config.timeouts.ping = Duration::from_secs(1000);
    })
    .await;
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    node.net.adopt(ours, "1.2.3.4:5".parse::<PeerAddr>().unwrap());
    let mut raw = Raw::accept(theirs).await;
    let peer = node.connected().await;
    (0..100).for_each(|n| node.net.send(peer, kernel(n)).unwrap());
    let clock = super::super::clock::Clock::start();
    let mut arrivals = Vec::new();
    for n in 0..100 {
        assert_eq!(raw.read_relevant().await, Some(kernel(n)));
        arrivals.push(clock.now().as_micros() / 1000);
    }
    // 50 at once, two of which were the handshake and the first ping; then one each 150 ms.
    assert!(arrivals[..48].iter().all(|at| *at < 100), "{arrivals:?}");
    let spaced = arrivals[48..].windows(2).all(|pair| (149..=152).contains(&(pair[1] - pair[0])));
    assert!(spaced, "{arrivals:?}");
}
