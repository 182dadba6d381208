//! A peer that says whatever it is told to, in Grin's words.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};

use grin_core::core::hash::Hashed;
use grin_core::pow::Difficulty;
use grin_core::ser::{self, ProtocolVersion, Readable, Writeable};
use grin_p2p::msg::{
    Hand, MsgHeaderWrapper, Ping, Pong, Shake, Type, read_body, read_discard, read_header,
    read_message,
};
use grin_p2p::{Capabilities, PeerAddr};

use super::PATIENCE;
use super::grin::genesis;

pub(crate) struct Talker {
    stream: TcpStream,
    version: ProtocolVersion,
}

impl Talker {
    /// Shakes hands as one that speaks no newer version.
    pub(crate) fn connect(addr: SocketAddr, version: ProtocolVersion) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut talker = Self { stream, version: version.min(ProtocolVersion::local()) };
        let hand = Hand {
            version,
            capabilities: Capabilities::default(),
            nonce: 1,
            genesis: genesis().hash(),
            total_difficulty: Difficulty::min_dma(),
            sender_addr: PeerAddr("127.0.0.1:9".parse().unwrap()),
            receiver_addr: PeerAddr(addr),
            user_agent: "MW/Grin of old".to_owned(),
        };
        talker.say(Type::Hand as u8, &talker.write(&hand));
        let shake: Shake = read_message(&mut talker.stream, version, Type::Shake).unwrap();
        assert_eq!(shake.version, ProtocolVersion::local());
        talker
    }

    pub(crate) fn say(&mut self, kind: u8, body: &[u8]) {
        let length = (body.len() as u64).to_be_bytes();
        let frame = [&[73, 43, kind][..], &length, body].concat();
        self.stream.write_all(&frame).unwrap();
    }

    /// Anything of Grin's as it is at the version of the link.
    pub(crate) fn write(&self, body: &impl Writeable) -> Vec<u8> {
        ser::ser_vec(body, self.version).unwrap()
    }

    /// Reads on until a message of a kind comes.
    pub(crate) fn hear<T: Readable>(&mut self, kind: Type) -> T {
        loop {
            match read_header(&mut self.stream, self.version).unwrap() {
                MsgHeaderWrapper::Known(header) if header.msg_type == kind => {
                    return read_body(&header, &mut self.stream, self.version).unwrap();
                }
                MsgHeaderWrapper::Known(header) => {
                    read_discard(header.msg_len, &mut self.stream).unwrap();
                }
                MsgHeaderWrapper::Unknown(_, kind) => panic!("Grin does not know type {kind}"),
            }
        }
    }

    pub(crate) fn ping(&mut self) {
        let ping = Ping { total_difficulty: Difficulty::min_dma(), height: 1 };
        self.say(Type::Ping as u8, &self.write(&ping));
        let _: Pong = self.hear(Type::Pong);
    }
}
