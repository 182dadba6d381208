//! Who is told of what is public.

use super::*;

#[test]
fn what_a_peer_could_not_be_told_it_is_told_later() {
    let tells_whole = Capabilities::from_bits(0);
    for capabilities in [Capabilities::RELAY, tells_whole] {
        let mut host = Host::with(ZoneConfig::new(CONSENSUS));
        host.connect(1, Direction::Inbound, capabilities, ProtocolVersion::LOCAL);
        let tx = host.tx();
        let told = sent(host.push(&tx, true));
        let [(peer, message)] = told.as_slice() else { panic!("not told once: {told:?}") };
        match message {
            Message::TransactionKernel(kernel) => assert_eq!(kernel, tx.kernels()[0].hash()),
            Message::Transaction(whole) => assert_eq!(whole, tx.as_transaction()),
            other => panic!("told by {other:?}"),
        }
        assert!(host.sent_within(60).is_empty(), "once is enough");
        host.call(|zone, ctx| zone.handle_unsent(*peer, message.clone(), ctx));
        assert!(sent(host.drain()).is_empty(), "not at once");
        assert_eq!(host.sent_within(60), told);
    }
}

/// A peer of protocol version 2 that does not ask could not read the whole transaction.
#[test]
fn a_peer_that_can_neither_ask_nor_read_is_told_nothing() {
    let mut host = Host::with(ZoneConfig::new(CONSENSUS));
    let deaf = Capabilities::from_bits(0);
    host.connect(1, Direction::Inbound, deaf, ProtocolVersion::V2);
    let tx = host.tx();
    assert!(sent(host.push(&tx, true)).is_empty());
    assert!(host.sent_within(60).is_empty());
}

/// Whoever knows a kernel of it knows it as part of the aggregate, which is impossible now.
#[test]
fn what_is_left_of_an_aggregate_is_told_to_those_who_know_its_kernels() {
    for broken in 0..2 {
        let mut config =
            ZoneConfig { params: Preset::GrinDoc.params(), ..ZoneConfig::new(CONSENSUS) };
        config.params.stem_probability = 0.0;
        let mut host = Host::with(config);
        for peer in 1..=2 {
            host.connect(peer, Direction::Outbound, Capabilities::RELAY, ProtocolVersion::LOCAL);
        }
        let mut txs = [host.tx(), host.tx()];
        txs.sort_by_key(|tx| *tx.kernels()[0].hash());
        for tx in &txs {
            host.push(tx, false);
        }
        let kernel = |tx: &ValidTx| Message::TransactionKernel(*tx.kernels()[0].hash());
        let all = |message| [1, 2].map(|peer| (PeerId(peer), Clone::clone(&message)));
        let told = |mut sent: Vec<(PeerId, Message)>| {
            sent.sort_by_key(|(peer, _)| *peer);
            sent
        };
        assert_eq!(told(host.sent_within(15)), all(kernel(&txs[0])), "merged");
        let inputs = vec![txs[broken].inputs()[0].commitment()];
        host.chain.created.remove(inputs[0].as_bytes());
        let block = BlockSummary { height: 1, inputs, ..BlockSummary::default() };
        let update = ChainUpdate { disconnected: Vec::new(), connected: vec![block] };
        host.call(|zone, ctx| zone.handle_chain(&update, ctx));
        assert!(sent(host.drain()).is_empty(), "others may not have that block yet");
        assert_eq!(told(host.sent_within(30)), all(kernel(&txs[1 - broken])));
    }
}
