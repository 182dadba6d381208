//! What a relay has no use for does not disturb the link.

use grin_chain::Options;
use grin_core::core::hash::Hashed;
use grin_core::core::{CompactBlock, SegmentIdentifier};
use grin_core::pow::Difficulty;
use grin_core::ser::ProtocolVersion;
use grin_p2p::Peer;
use grin_p2p::msg::Type;

use super::eventually;
use super::grin::{DIFFICULTY, Grin, HEIGHT, genesis};
use super::relay::{Relay, config, finish};
use super::talker::Talker;

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

fn say_everything(talker: &mut Talker) {
    let block = genesis();
    let header = talker.write(&block.header);
    let headers = [&2_u16.to_be_bytes()[..], &header, &header].concat();
    let bodies = [
        (Type::Header, header),
        (Type::Headers, headers),
        (Type::Block, talker.write(&block)),
        (Type::CompactBlock, talker.write(&CompactBlock::from(block))),
        (Type::OutputBitmapSegment, vec![1; 1_000]),
        (Type::OutputSegment, vec![2; 1_000]),
        (Type::RangeProofSegment, vec![3; 10_000]),
        (Type::KernelSegment, Vec::new()),
    ];
    for (kind, body) in bodies {
        talker.say(kind as u8, &body);
        talker.ping();
    }
    for kind in [29, 30, 128, 255] {
        talker.say(kind, &[]);
        talker.say(kind, &vec![kind; 20_000]);
        talker.ping();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_nobody_asked_for_and_unknown_messages_are_skipped() {
    let relay = Relay::start(config(&[])).await;
    let addr = relay.addr;
    let talk = tokio::task::spawn_blocking(move || {
        let mut talker = Talker::connect(addr, ProtocolVersion::local());
        talker.ping();
        say_everything(&mut talker);
        talker
    });
    let talker = talk.await.unwrap();
    assert_eq!(relay.status().await.peers.len(), 1);
    drop(talker);
    relay.node.shutdown().await;
}
