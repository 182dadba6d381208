//! Nets whose peers are reached through a proxy or a bridge.

use scape_aggregate::{ChainType, Consensus};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::*;
use crate::handshake::{HandshakeError, NOWHERE};
use crate::net::{ConnectError, Net, NetConfig, NetError, NetEvent, Way, WayState};
use crate::peer::{Direction, PeerId};
use crate::wire::{FrameDecoder, Message};

const CONSENSUS: Consensus = Consensus::of(ChainType::AutomatedTesting);

struct Node {
    net: Net,
    events: mpsc::Receiver<NetEvent>,
}

impl Node {
    async fn start(network: Network, way: Way, listens: bool) -> Self {
        let (sender, events) = mpsc::channel(16);
        let seed = [u8::from(listens); 32];
        let mut config = NetConfig { network, way, ..NetConfig::new(CONSENSUS, seed) };
        match config.way {
            // The bridge is listened at.
            Way::Sam { .. } => config.max_inbound = if listens { 8 } else { 0 },
            _ => config.listen = listens.then(|| "127.0.0.1:0".parse().unwrap()),
        }
        config.timeouts.dial = PATIENCE;
        Self { net: Net::start(config, sender).await.unwrap(), events }
    }

    async fn next(&mut self) -> NetEvent {
        loop {
            let event = tokio::time::timeout(PATIENCE.reach, self.events.recv());
            match event.await.unwrap().unwrap() {
                NetEvent::Message { message: Message::Ping(_) | Message::Pong(_), .. } => {}
                event => return event,
            }
        }
    }

    async fn connected(&mut self) -> (PeerId, Option<PeerAddr>, Direction, Option<PeerAddr>) {
        match self.next().await {
            NetEvent::Connected { peer, addr, direction, info } => {
                (peer, addr, direction, info.listen)
            }
            other => panic!("{other:?}"),
        }
    }

    async fn failed(&mut self) -> TransportError {
        match self.next().await {
            NetEvent::ConnectFailed { error: ConnectError::Transport(error), .. } => error,
            other => panic!("{other:?}"),
        }
    }

    fn is_failing(&self) -> bool {
        matches!(self.net.way_state(), WayState::Failing { .. })
    }
}

fn tor(proxy: SocketAddr) -> Way {
    Way::Socks { proxy, isolation: Isolation::PerDial }
}

#[tokio::test]
async fn nodes_meet_by_name_alone() {
    let mut hidden = Node::start(Network::Tor, tor(nobody().await), true).await;
    let (at, mut asked) = socks::honest(hidden.net.local_addr().unwrap()).await;
    let mut dialler = Node::start(Network::Tor, tor(at), false).await;
    assert_eq!(dialler.net.way_state(), WayState::Untried);
    let onion = addr(ONION);
    let mut shown = Vec::new();
    for _ in 0..2 {
        dialler.net.connect(onion);
        let (peer, to, direction, listen) = dialler.connected().await;
        assert_eq!((to, direction, listen), (Some(onion), Direction::Outbound, Some(onion)));
        let (_, from, direction, listen) = hidden.connected().await;
        assert_eq!((from, direction, listen), (None, Direction::Inbound, None));
        assert_eq!(dialler.net.way_state(), WayState::Working);
        let asked = asked.recv().await.unwrap();
        assert_eq!((asked.kind, asked.port), (3, 3414));
        assert_eq!(asked.host, ONION.trim_end_matches(":3414").as_bytes());
        shown.push(asked.name_and_password.unwrap());
        dialler.net.disconnect(peer, None);
        assert!(matches!(dialler.next().await, NetEvent::Disconnected { .. }));
        assert!(matches!(hidden.next().await, NetEvent::Disconnected { .. }));
    }
    assert_ne!(shown[0], shown[1], "each dial has a path of its own");
}

#[tokio::test]
async fn only_names_of_the_own_network_are_dialled() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (at, mut asked) = socks::honest(target.local_addr().unwrap()).await;
    let mut node = Node::start(Network::Tor, tor(at), false).await;
    for other in [I2P, "192.0.2.1:3414", "[2001:db8::1]:3414"] {
        node.net.connect(addr(other));
        assert!(matches!(node.failed().await, TransportError::Unsupported(_)), "{other}");
    }
    let mut direct = Node::start(Network::Clearnet, Way::Direct, false).await;
    direct.net.connect(addr(ONION));
    assert!(matches!(direct.failed().await, TransportError::Unsupported(Network::Tor)));
    assert!(asked.try_recv().is_err(), "the proxy was not even asked");
}

#[tokio::test]
async fn a_hand_shows_nothing_of_where_we_are() {
    let seen = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (at, _asked) = socks::honest(seen.local_addr().unwrap()).await;
    let node = Node::start(Network::Tor, tor(at), true).await;
    node.net.connect(addr(ONION));
    let (mut stream, _) = seen.accept().await.unwrap();
    let mut decoder = FrameDecoder::expect_hand(CONSENSUS);
    let hand = loop {
        let mut chunk = [0; 512];
        let read = stream.read(&mut chunk).await.unwrap();
        decoder.push(&chunk[..read]);
        if let Some(Message::Hand(hand)) = decoder.next().unwrap() {
            break hand;
        }
    };
    assert_eq!((hand.sender_addr, hand.receiver_addr), (NOWHERE, NOWHERE));
}

#[tokio::test]
async fn behind_an_onion_service_only_loopback_is_listened_on() {
    for (network, refused) in
        [(Network::Tor, true), (Network::I2p, true), (Network::Clearnet, false)]
    {
        let (sender, _events) = mpsc::channel(1);
        let mut config = NetConfig { network, ..NetConfig::new(CONSENSUS, [1; 32]) };
        config.listen = Some("0.0.0.0:0".parse().unwrap());
        let started = Net::start(config, sender).await;
        assert_eq!(matches!(started, Err(NetError::Exposed(_))), refused, "{network}");
    }
}

#[tokio::test]
async fn a_block_of_loopback_does_not_close_the_onion_service() {
    let mut hidden = Node::start(Network::Tor, tor(nobody().await), true).await;
    hidden.net.block("127.0.0.1".parse().unwrap(), Duration::from_secs(60));
    let (at, _asked) = socks::honest(hidden.net.local_addr().unwrap()).await;
    let mut dialler = Node::start(Network::Tor, tor(at), false).await;
    dialler.net.connect(addr(ONION));
    dialler.connected().await;
    assert_eq!(hidden.connected().await.1, None);
}

#[tokio::test]
async fn the_state_of_the_way_is_that_of_the_proxy_and_not_of_a_peer() {
    let mut node = Node::start(Network::Tor, tor(nobody().await), false).await;
    node.net.connect(addr(ONION));
    assert!(node.failed().await.is_of_proxy());
    assert!(node.is_failing());
    let at = serve(|mut stream| async move {
        let mut chunk = [0; 512];
        for said in [&b"\x05\x02"[..], b"\x01\x00", b"\x05\xf0\x00\x01\x00\x00\x00\x00\x00\x00"] {
            let _ = stream.read(&mut chunk).await;
            stream.write_all(said).await.unwrap();
        }
    });
    let mut node = Node::start(Network::Tor, tor(at.await), false).await;
    node.net.connect(addr(ONION));
    assert!(!node.failed().await.is_of_proxy());
    assert_eq!(node.net.way_state(), WayState::Working, "it has tried");
}

/// A bridge that dies and comes back as it is told.
async fn mortal_bridge(told: mpsc::UnboundedSender<String>) -> (SocketAddr, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let (live, mut lives) = watch::channel(true);
    tokio::spawn(async move {
        let mut talks = JoinSet::new();
        loop {
            tokio::select! {
                Ok((stream, _)) = listener.accept() => {
                    if *lives.borrow() {
                        talks.spawn(sam::speak(stream, sam::honest, told.clone()));
                    }
                }
                changed = lives.changed() => match changed {
                    Ok(()) => talks.abort_all(),
                    Err(_) => return,
                },
            }
        }
    });
    (at, live)
}

#[tokio::test]
async fn a_session_that_is_lost_is_made_again_with_the_same_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("i2p.key");
    let (tell, mut told) = mpsc::unbounded_channel();
    let (at, live) = mortal_bridge(tell).await;
    let way = Way::Sam { bridge: at, key: Some(file.clone()) };
    let mut node = Node::start(Network::I2p, way, false).await;
    let made = created(&mut told).await;
    assert!(made.contains("DESTINATION=TRANSIENT"), "{made}");
    let i2p = PeerAddr::I2p(sam::name(2), 3414);
    wait_until(|| node.net.way_state() == WayState::Working).await;
    let own = PeerAddr::I2p(sam::name(1), CONSENSUS.chain.default_port());
    assert_eq!(node.net.name(), Some(own));

    live.send(false).unwrap();
    wait_until(|| node.is_failing()).await;
    assert_eq!(node.net.name(), None);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), sam::key(1));
    node.net.connect(i2p);
    assert!(matches!(node.failed().await, TransportError::NoSession), "no other way is taken");

    live.send(true).unwrap();
    let made = created(&mut told).await;
    assert!(made.contains(&format!("DESTINATION={}", sam::key(1))), "{made}");
    wait_until(|| node.net.way_state() == WayState::Working).await;
}

/// Others tell of us, too, and a router need not lead back to us.
#[tokio::test]
async fn the_own_destination_is_not_dialled() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let (bridge, _live) = mortal_bridge(tell).await;
    let mut node = Node::start(Network::I2p, Way::Sam { bridge, key: None }, false).await;
    wait_until(|| node.net.name().is_some()).await;
    node.net.connect(PeerAddr::I2p(sam::name(1), 3414));
    let NetEvent::ConnectFailed { error, .. } = node.next().await else { panic!("not dialled") };
    let to_self = matches!(error, ConnectError::Handshake(HandshakeError::ConnectedToSelf));
    assert!(to_self, "{error}");
    told.close();
    while let Some(command) = told.recv().await {
        assert!(!command.starts_with("NAMING"), "{command}");
    }
}

#[tokio::test]
async fn who_comes_through_a_bridge_has_a_name() {
    let (tell, _told) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bridge = listener.local_addr().unwrap();
    let (out, mut outs) = mpsc::unbounded_channel();
    // The first that is accepted is somebody else's dial, and later ones never come.
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(relay_one(stream, out.clone(), tell.clone()));
        }
    });
    let mut node = Node::start(Network::I2p, Way::Sam { bridge, key: None }, true).await;
    let mut stream: TcpStream = outs.recv().await.unwrap();
    let hand = crate::wire::Hand {
        version: scape_aggregate::ProtocolVersion::LOCAL,
        capabilities: crate::peer::Capabilities::RELAY,
        nonce: 5,
        total_difficulty: 1,
        sender_addr: NOWHERE,
        receiver_addr: NOWHERE,
        user_agent: "peer".into(),
        genesis: CONSENSUS.chain.genesis(),
    };
    let magic = CONSENSUS.chain.magic();
    let frame = Message::Hand(hand).encode(scape_aggregate::ProtocolVersion::LOCAL, magic).unwrap();
    stream.write_all(&frame).await.unwrap();
    let (_, from, direction, listen) = node.connected().await;
    let name = PeerAddr::I2p(sam::name(3), CONSENSUS.chain.default_port());
    assert_eq!((from, listen), (Some(name), Some(name)));
    assert_eq!(direction, Direction::Inbound);
}

/// Speaks SAM until a peer is accepted, and hands that stream out.
async fn relay_one(
    stream: TcpStream,
    out: mpsc::UnboundedSender<TcpStream>,
    tell: mpsc::UnboundedSender<String>,
) {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
        let answer = sam::honest(line.trim_end()).unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
        if line.starts_with("STREAM ACCEPT") {
            let come = format!("{} FROM_PORT=0 TO_PORT=0\n", sam::destination(3));
            stream.write_all(come.as_bytes()).await.unwrap();
            let _ = out.send(stream.into_inner());
            return;
        }
        let _ = tell.send(std::mem::take(&mut line));
    }
}

/// The next command that makes a session.
async fn created(told: &mut mpsc::UnboundedReceiver<String>) -> String {
    loop {
        let command = tokio::time::timeout(PATIENCE.reach, told.recv()).await.unwrap().unwrap();
        if command.starts_with("SESSION CREATE") {
            return command;
        }
    }
}

async fn wait_until(holds: impl Fn() -> bool) {
    let polling = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE.reach, polling).await.unwrap();
}
