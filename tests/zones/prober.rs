//! A peer that is driven by hand, and notes all that it is told.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use scape::aggregate::{ProtocolVersion, Transaction};
use scape::p2p::handshake::{Local, hand};
use scape::p2p::peer::Capabilities;
use scape::p2p::wire::{FrameDecoder, Hand, Message, Shake, Tip};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::kit::CONSENSUS;

const VERSION: ProtocolVersion = ProtocolVersion::LOCAL;
const PATIENCE: Duration = Duration::from_secs(60);
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

pub(crate) struct Prober {
    stream: TcpStream,
    decoder: FrameDecoder,
    /// What came before anybody looked.
    early: VecDeque<Message>,
}

fn local() -> Local {
    Local {
        genesis: CONSENSUS.chain.genesis(),
        capabilities: Capabilities::RELAY,
        user_agent: "prober".to_owned(),
        listen: NOWHERE,
        total_difficulty: 0,
    }
}

impl Prober {
    /// Comes to a node, as an onion service lets it, and shakes hands.
    pub(crate) async fn come(to: SocketAddr, nonce: u64) -> (Self, Shake) {
        let stream = TcpStream::connect(to).await.expect("it listens");
        let mut prober =
            Self { stream, decoder: FrameDecoder::expect_shake(CONSENSUS), early: VecDeque::new() };
        prober.say(&Message::Hand(hand(&local(), nonce, NOWHERE))).await;
        let Some(Message::Shake(shake)) = prober.next().await else { unreachable!("no shake") };
        prober.decoder.open(VERSION);
        (prober, shake)
    }

    /// Waits for a node that comes here, shakes hands, and becomes a relay if it is wanted.
    pub(crate) async fn be_dialled(listener: &TcpListener) -> (Self, Hand) {
        let (mut prober, hand) = Self::answer(listener).await;
        // Only a peer that has told its height becomes one.
        prober.early = prober.look().await.0.into();
        (prober, hand)
    }

    /// Waits for a node that comes here, and shakes hands.
    pub(crate) async fn answer(listener: &TcpListener) -> (Self, Hand) {
        let accepted = timeout(PATIENCE, listener.accept()).await.expect("somebody comes");
        let (stream, decoder) =
            (accepted.expect("a stream").0, FrameDecoder::expect_hand(CONSENSUS));
        let mut prober = Self { stream, decoder, early: VecDeque::new() };
        let Some(Message::Hand(hand)) = prober.next().await else { unreachable!("no hand") };
        let Local { genesis, capabilities, user_agent, total_difficulty, .. } = local();
        let version = VERSION;
        let shake = Shake { version, capabilities, total_difficulty, user_agent, genesis };
        prober.say(&Message::Shake(shake)).await;
        prober.decoder.open(VERSION);
        (prober, hand)
    }

    pub(crate) async fn say(&mut self, message: &Message) {
        let frame = message.encode(VERSION, CONSENSUS.chain.magic()).expect("it fits");
        self.stream.write_all(&frame).await.expect("it listens");
    }

    pub(crate) async fn stem(&mut self, tx: &Transaction) {
        self.say(&Message::StemTransaction(tx.clone())).await;
    }

    /// The next message; `None` if the node hung up.
    async fn next(&mut self) -> Option<Message> {
        if let Some(message) = self.early.pop_front() {
            return Some(message);
        }
        let mut chunk = [0; 16 * 1_024];
        loop {
            if let Some(message) = self.decoder.next().expect("a message") {
                return Some(message);
            }
            let read = timeout(PATIENCE, self.stream.read(&mut chunk)).await.expect("an answer");
            match read.ok()? {
                0 => return None,
                read => self.decoder.push(&chunk[..read]),
            }
        }
    }

    /// All that is said before the answer to a ping that is sent now, and the tip in that. Messages
    /// come in order, so nothing that was said before is left out.
    pub(crate) async fn look(&mut self) -> (Vec<Message>, Tip) {
        self.say(&Message::Ping(Tip::default())).await;
        let mut said = Vec::new();
        loop {
            match self.next().await.expect("it does not hang up") {
                Message::Pong(tip) => return (said, tip),
                Message::Ping(_) => self.say(&Message::Pong(Tip::default())).await,
                message => said.push(message),
            }
        }
    }

    /// Waits for a message like this, and answers pings.
    pub(crate) async fn until(&mut self, is_it: impl Fn(&Message) -> bool) -> Message {
        let search = async {
            loop {
                match self.next().await.expect("it does not hang up") {
                    message if is_it(&message) => return message,
                    Message::Ping(_) => self.say(&Message::Pong(Tip::default())).await,
                    _ => {}
                }
            }
        };
        timeout(PATIENCE, search).await.expect("it comes")
    }
}
