//! What a relay has no use for does not disturb the link.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use grin_chain::Options;
use grin_core::core::hash::Hashed;
use grin_core::core::{CompactBlock, SegmentIdentifier};
use grin_core::pow::Difficulty;
use grin_core::ser::{self, ProtocolVersion, Writeable};
use grin_p2p::handshake::Handshake;
use grin_p2p::msg::{MsgHeaderWrapper, Ping, Pong, Type, read_body, read_discard, read_header};
use grin_p2p::{Capabilities, P2PConfig, Peer, PeerAddr};

use super::eventually;
use super::grin::{DIFFICULTY, Grin, HEIGHT, genesis};
use super::relay::{Relay, config, finish};

fn send_all_that_grin_can_say(peer: &Peer) -> Result<(), grin_p2p::Error> {
    let block = genesis();
    let hash = block.hash();
    let segment = SegmentIdentifier { height: 9, idx: 0 };
    peer.send_header(&block.header)?;
    peer.send_header_request(vec![hash; 3])?;
    peer.send_block_request(hash, Options::NONE)?;
    peer.send_compact_block_request(hash)?;
    peer.send_txhashset_request(1, hash)?;
    peer.send_bitmap_segment_request(hash, segment)?;
    peer.send_output_segment_request(hash, segment)?;
    peer.send_rangeproof_segment_request(hash, segment)?;
    peer.send_kernel_segment_request(hash, segment)?;
    // The header was the same block: Grin would not send it again to who has it.
    peer.send_compact_block(&CompactBlock::from(block))?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_headers_and_requests_of_grin_are_skipped() {
    let grin = Grin::start();
    let relay = Relay::start(config(&[])).await;
    let peer = grin.connect(relay.addr).await.unwrap();
    let id = relay.peer().await.id;
    send_all_that_grin_can_say(&peer).unwrap();
    relay.mine().await;
    grin.server.peers.check_all(Difficulty::from_num(DIFFICULTY), HEIGHT + 5);
    eventually("the pong came", async || peer.info.height() == 1).await;
    let last = relay.peer().await;
    assert_eq!((last.id, last.height), (id, Some(HEIGHT + 5)), "the ping was the last to be sent");
    finish(relay, grin).await;
}

/// Shakes hands as Grin does and then says whatever it is told to.
struct Talker {
    stream: TcpStream,
    version: ProtocolVersion,
}

impl Talker {
    fn connect(addr: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(addr).unwrap();
        let handshake = Arc::new(Handshake::new(genesis().hash(), P2PConfig::default()));
        let (me, difficulty) = (PeerAddr("127.0.0.1:9".parse().unwrap()), Difficulty::min_dma());
        let info = handshake.initiate(Capabilities::default(), difficulty, me, &mut stream);
        Self { version: info.unwrap().version, stream }
    }

    fn say(&mut self, kind: u8, body: &[u8]) {
        let length = (body.len() as u64).to_be_bytes();
        let frame = [&[73, 43, kind][..], &length, body].concat();
        self.stream.write_all(&frame).unwrap();
    }

    fn write(&self, body: &impl Writeable) -> Vec<u8> {
        ser::ser_vec(body, self.version).unwrap()
    }

    /// Pings and reads on until the pong.
    fn ping(&mut self) {
        let ping = Ping { total_difficulty: Difficulty::min_dma(), height: 1 };
        self.say(Type::Ping as u8, &self.write(&ping));
        loop {
            match read_header(&mut self.stream, self.version).unwrap() {
                MsgHeaderWrapper::Known(header) if header.msg_type == Type::Pong => {
                    let _: Pong = read_body(&header, &mut self.stream, self.version).unwrap();
                    return;
                }
                MsgHeaderWrapper::Known(header) => {
                    read_discard(header.msg_len, &mut self.stream).unwrap();
                }
                MsgHeaderWrapper::Unknown(_, kind) => panic!("Grin does not know type {kind}"),
            }
        }
    }

    fn say_everything(&mut self) {
        let block = genesis();
        let header = self.write(&block.header);
        let headers = [&2_u16.to_be_bytes()[..], &header, &header].concat();
        let bodies = [
            (Type::Header, header),
            (Type::Headers, headers),
            (Type::Block, self.write(&block)),
            (Type::CompactBlock, self.write(&CompactBlock::from(block))),
            (Type::OutputBitmapSegment, vec![1; 1_000]),
            (Type::OutputSegment, vec![2; 1_000]),
            (Type::RangeProofSegment, vec![3; 10_000]),
            (Type::KernelSegment, Vec::new()),
        ];
        for (kind, body) in bodies {
            self.say(kind as u8, &body);
            self.ping();
        }
        for kind in [29, 30, 128, 255] {
            self.say(kind, &[]);
            self.say(kind, &vec![kind; 20_000]);
            self.ping();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_nobody_asked_for_and_unknown_messages_are_skipped() {
    let relay = Relay::start(config(&[])).await;
    let addr = relay.addr;
    let talk = tokio::task::spawn_blocking(move || {
        let mut talker = Talker::connect(addr);
        talker.ping();
        talker.say_everything();
        talker
    });
    let talker = talk.await.unwrap();
    assert_eq!(relay.status().await.peers.len(), 1);
    drop(talker);
    relay.node.shutdown().await;
}
