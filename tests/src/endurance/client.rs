//! One end of a connection, driven by hand.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use scape_aggregate::ProtocolVersion;
use scape_p2p::handshake::{Local, hand};
use scape_p2p::peer::Capabilities;
use scape_p2p::wire::{FrameDecoder, Message, Tip, WireError};
use socket2::{Domain, Socket, Type};
use thiserror::Error;

use super::CONSENSUS;

/// The version that is spoken.
pub(super) const VERSION: ProtocolVersion = ProtocolVersion::LOCAL;

/// Why a connection ended.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The socket says so.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The node said something that is no message.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The node banned us.
    #[error("banned, reason {0}")]
    Banned(i32),
    /// The node hung up.
    #[error("the node hung up")]
    Closed,
}

/// A connection that has shaken hands.
pub(super) struct Client {
    pub(super) stream: TcpStream,
    decoder: FrameDecoder,
}

impl Client {
    /// Connects from one of this machine's loopback addresses and shakes hands.
    pub(super) fn connect(from: IpAddr, to: SocketAddr, nonce: u64) -> Result<Self, ClientError> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::new(from, 0).into())?;
        socket.connect_timeout(&to.into(), TIMEOUT)?;
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let local = Local {
            genesis: CONSENSUS.chain.genesis(),
            capabilities: Capabilities::RELAY,
            user_agent: "scape-tests".to_owned(),
            listen: SocketAddr::new(from, 1),
            total_difficulty: 0,
        };
        let mut client = Self { stream, decoder: FrameDecoder::expect_shake(CONSENSUS) };
        client.say(&Message::Hand(hand(&local, nonce, to)))?;
        while !matches!(client.hear()?, Message::Shake(_)) {}
        client.decoder.open(VERSION);
        Ok(client)
    }

    pub(super) fn say(&mut self, message: &Message) -> Result<(), ClientError> {
        let frame = message.encode(VERSION, CONSENSUS.chain.magic());
        let frame = frame.map_err(|error| io::Error::other(error.to_string()))?;
        Ok(self.stream.write_all(&frame)?)
    }

    /// The next message. Pings are answered on the way.
    pub(super) fn hear(&mut self) -> Result<Message, ClientError> {
        let mut chunk = [0; 16 * 1024];
        loop {
            match self.decoder.next()? {
                Some(Message::Ping(_)) => self.say(&Message::Pong(Tip::default()))?,
                Some(Message::BanReason(reason)) => return Err(ClientError::Banned(reason.0)),
                Some(message) => return Ok(message),
                None => match self.stream.read(&mut chunk)? {
                    0 => return Err(ClientError::Closed),
                    read => self.decoder.push(&chunk[..read]),
                },
            }
        }
    }

    /// Takes what has come and does not wait for more.
    pub(super) fn drain(&mut self) -> Result<(), ClientError> {
        self.stream.set_nonblocking(true)?;
        let outcome = loop {
            match self.hear() {
                Ok(_) => {}
                Err(ClientError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    break Ok(());
                }
                Err(error) => break Err(error),
            }
        };
        self.stream.set_nonblocking(false)?;
        outcome
    }
}

const TIMEOUT: Duration = Duration::from_secs(10);
