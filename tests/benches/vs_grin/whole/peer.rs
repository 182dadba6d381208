//! A peer of the node: its own handshake and frames, and a thread that reads.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use scape_aggregate::{Hash, ProtocolVersion, Transaction};
use scape_p2p::handshake::{Local, conclude, hand};
use scape_p2p::peer::Capabilities;
use scape_p2p::wire::{FrameDecoder, Message};
use socket2::{Domain, Socket, Type};

use crate::corpus::RULES;

/// A connection to the node, as another node would have it.
pub(crate) struct Peer {
    stream: TcpStream,
    reader: JoinHandle<bool>,
}

/// A stem transaction as it goes over the wire, and by what it is known when it has arrived.
#[derive(Clone)]
pub(crate) struct Frame {
    pub(crate) bytes: Bytes,
    pub(crate) kernel: Hash,
}

impl Frame {
    pub(crate) fn stem(tx: Transaction) -> Self {
        let kernel = *tx.kernels()[0].hash();
        let message = Message::StemTransaction(tx);
        let bytes = message.encode(ProtocolVersion::LOCAL, RULES.chain.magic()).unwrap();
        Self { bytes, kernel }
    }
}

impl Peer {
    /// Connects from a loopback address, of which Linux has as many as there are hosts.
    pub(crate) fn connect(relay: SocketAddr, from: IpAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::new(from, 0).into())?;
        socket.connect(&relay.into())?;
        let mut stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        let decoder = shake_hands(&mut stream, relay)?;
        let input = stream.try_clone()?;
        Ok(Self { stream, reader: thread::spawn(move || hears_of_ban(input, decoder)) })
    }

    /// Writes a frame; waits if the node is not reading.
    pub(crate) fn send(&mut self, frame: &Frame) -> io::Result<()> {
        self.stream.write_all(&frame.bytes)
    }

    /// Waits until the node hangs up. Whether it said that this peer is banned.
    pub(crate) fn was_banned(self) -> bool {
        self.reader.join().unwrap()
    }
}

fn shake_hands(stream: &mut TcpStream, relay: SocketAddr) -> io::Result<FrameDecoder> {
    // Two that are the same would be one node that talks to itself.
    static NONCE: AtomicU64 = AtomicU64::new(1);
    let local = Local {
        genesis: RULES.chain.genesis(),
        capabilities: Capabilities::RELAY,
        user_agent: "bench".to_owned(),
        listen: stream.local_addr()?,
        total_difficulty: 1,
    };
    let hand = hand(&local, NONCE.fetch_add(1, Ordering::Relaxed), relay);
    let frame = Message::Hand(hand).encode(ProtocolVersion::LOCAL, RULES.chain.magic()).unwrap();
    stream.write_all(&frame)?;
    let mut decoder = FrameDecoder::expect_shake(RULES);
    loop {
        if let Some(Message::Shake(shake)) = decoder.next().unwrap() {
            decoder.open(conclude(&local, shake, relay).unwrap().version);
            return Ok(decoder);
        }
        if !read_some(stream, &mut decoder)? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Reads until the node hangs up, so that it never waits for us.
fn hears_of_ban(mut stream: TcpStream, mut decoder: FrameDecoder) -> bool {
    let mut banned = false;
    loop {
        while let Some(message) = decoder.next().unwrap() {
            banned |= matches!(message, Message::BanReason(_));
        }
        // A node that hangs up on unread bytes resets the connection.
        if !read_some(&mut stream, &mut decoder).unwrap_or(false) {
            return banned;
        }
    }
}

fn read_some(stream: &mut TcpStream, decoder: &mut FrameDecoder) -> io::Result<bool> {
    let mut chunk = [0; 16 * 1024];
    let read = stream.read(&mut chunk)?;
    decoder.push(&chunk[..read]);
    Ok(read > 0)
}
