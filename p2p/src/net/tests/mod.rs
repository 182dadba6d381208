//! Nets on loopback, and peers that do not keep to the rules.

mod honest;
mod hostile;
mod noise;
mod secure;

use std::time::Duration;

use scape_aggregate::{ChainType, Consensus, Hash, ProtocolVersion, Transaction};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::peer::Capabilities;
use crate::wire::{FrameDecoder, Hand, Shake};

use super::*;

const CONSENSUS: Consensus = Consensus::of(ChainType::AutomatedTesting);
const MAGIC: [u8; 2] = [73, 43];
const VERSION: ProtocolVersion = ProtocolVersion::LOCAL;
const PATIENCE: Duration = Duration::from_secs(20);

/// A net and its events.
struct Node {
    net: Net,
    events: mpsc::Receiver<NetEvent>,
}

impl Node {
    /// A node on a free port of loopback.
    async fn start(edit: impl FnOnce(&mut NetConfig)) -> Self {
        Self::with_capacity(64, edit).await
    }

    async fn with_capacity(capacity: usize, edit: impl FnOnce(&mut NetConfig)) -> Self {
        let (sender, events) = mpsc::channel(capacity);
        let mut config = NetConfig::new(CONSENSUS, [1; 32]);
        config.listen = Some("127.0.0.1:0".parse().unwrap());
        edit(&mut config);
        Self { net: Net::start(config, sender).await.unwrap(), events }
    }

    fn addr(&self) -> SocketAddr {
        self.net.local_addr().unwrap()
    }

    /// The next event; pings and pongs are passed over.
    async fn next(&mut self) -> NetEvent {
        loop {
            let event = timeout(PATIENCE, self.events.recv()).await.unwrap().unwrap();
            match event {
                NetEvent::Message { message: Message::Ping(_) | Message::Pong(_), .. } => {}
                event => return event,
            }
        }
    }

    async fn connected(&mut self) -> PeerId {
        match self.next().await {
            NetEvent::Connected { peer, .. } => peer,
            other => panic!("{other:?}"),
        }
    }

    async fn disconnected(&mut self) -> (Option<LinkError>, Vec<Message>) {
        match self.next().await {
            NetEvent::Disconnected { error, unsent, .. } => (error, unsent),
            other => panic!("{other:?}"),
        }
    }

    async fn connect_error(&mut self) -> ConnectError {
        match self.next().await {
            NetEvent::ConnectFailed { error, .. } => error,
            other => panic!("{other:?}"),
        }
    }
}

/// Two nodes with a link between them, and the id that each has for it.
async fn pair() -> (Node, PeerId, Node, PeerId) {
    let mut alice = Node::start(|_| {}).await;
    let mut bob = Node::start(|_| {}).await;
    alice.net.connect(bob.addr());
    let (to_bob, to_alice) = (alice.connected().await, bob.connected().await);
    (alice, to_bob, bob, to_alice)
}

/// A peer made by hand, over any stream.
struct Raw<S> {
    stream: S,
    decoder: FrameDecoder,
}

impl Raw<TcpStream> {
    /// Connects to a node and shakes hands.
    async fn connect(addr: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(&frame(&Message::Hand(hand()))).await.unwrap();
        let mut raw = Self { stream, decoder: FrameDecoder::expect_shake(CONSENSUS) };
        assert!(matches!(raw.read().await, Some(Message::Shake(_))));
        raw.decoder.open(VERSION);
        raw
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
    /// Shakes hands with a node that connects over this stream.
    async fn accept(stream: S) -> Self {
        let mut raw = Self { stream, decoder: FrameDecoder::expect_hand(CONSENSUS) };
        assert!(matches!(raw.read().await, Some(Message::Hand(_))));
        raw.decoder.open(VERSION);
        raw.write(&frame(&Message::Shake(shake()))).await;
        raw
    }

    async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next message, or `None` when the node has hung up.
    async fn read(&mut self) -> Option<Message> {
        let mut chunk = [0; 4096];
        loop {
            if let Some(message) = self.decoder.next().unwrap() {
                return Some(message);
            }
            match timeout(PATIENCE, self.stream.read(&mut chunk)).await.unwrap() {
                Ok(0) | Err(_) => return None,
                Ok(read) => self.decoder.push(&chunk[..read]),
            }
        }
    }

    /// The next message that is no ping.
    async fn read_relevant(&mut self) -> Option<Message> {
        loop {
            match self.read().await {
                Some(Message::Ping(_)) => {}
                message => return message,
            }
        }
    }
}

fn frame(message: &Message) -> Vec<u8> {
    message.encode(VERSION, MAGIC).unwrap().to_vec()
}

fn hand() -> Hand {
    Hand {
        version: VERSION,
        capabilities: Capabilities::RELAY,
        nonce: 42,
        total_difficulty: 1,
        sender_addr: "127.0.0.1:3414".parse().unwrap(),
        receiver_addr: "127.0.0.1:3415".parse().unwrap(),
        user_agent: "raw".into(),
        genesis: CONSENSUS.chain.genesis(),
    }
}

fn shake() -> Shake {
    Shake {
        version: VERSION,
        capabilities: Capabilities::RELAY,
        total_difficulty: 1,
        user_agent: "raw".into(),
        genesis: CONSENSUS.chain.genesis(),
    }
}

fn kernel(n: u8) -> Message {
    Message::TransactionKernel(Hash([n; 32]))
}

/// One plain kernel and nothing else: well-formed, and enough for the wire.
fn transaction() -> Transaction {
    let mut bytes = vec![0; 32];
    bytes.extend([0u64, 0, 1].iter().flat_map(|count| count.to_be_bytes()));
    bytes.push(0);
    bytes.extend(8u64.to_be_bytes());
    bytes.push(9);
    bytes.extend([0x22; 32]);
    bytes.extend([0x33; 64]);
    Transaction::decode(&bytes, VERSION, &CONSENSUS).unwrap()
}
