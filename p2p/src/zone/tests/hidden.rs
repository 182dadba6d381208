//! A zone on Tor: what is handed over, and whom the owner lets know.

use super::*;

impl Host {
    /// A zone on Tor, in which one came to the onion service and one was dialled.
    fn hidden() -> Self {
        let mut config = ZoneConfig::new(CONSENSUS);
        config.network = Network::Tor;
        config.hand_over = Some(ZoneConfig::HAND_OVER);
        config.params.stem_probability = 1.0;
        Self::with(config)
    }

    fn join(&mut self, peer: u8, direction: Direction) -> Vec<Effect> {
        let name = PeerAddr::Onion(OnionAddr::from_key([peer; 32]), 3414);
        let addr = Some(name).filter(|_| direction == Direction::Outbound);
        let info = PeerInfo {
            version: ProtocolVersion::LOCAL,
            capabilities: Capabilities::RELAY,
            user_agent: "peer".to_owned(),
            total_difficulty: 0,
            listen: addr,
            protection: Protection::default(),
        };
        let id = PeerId(u64::from(peer));
        self.call(|zone, ctx| zone.handle_connected(id, addr, direction, info, ctx));
        self.drain()
    }

    /// What is handed over in the next seconds.
    fn handed_over(&mut self, secs: u64) -> Vec<ValidTx> {
        handed_over(&self.within(secs))
    }
}

fn handed_over(effects: &[Effect]) -> Vec<ValidTx> {
    let over = effects.iter().filter_map(|effect| match effect {
        Effect::HandOver { tx } => Some(tx.clone()),
        _ => None,
    });
    over.collect()
}

#[test]
fn what_peers_send_through_tor_is_handed_over_once_and_the_owners_never() {
    let mut host = Host::hidden();
    host.join(1, Direction::Inbound);
    host.join(2, Direction::Outbound);
    let (theirs, own) = (host.tx(), host.tx());
    for peer in [1, 2] {
        let ticket = host.stem(peer, &theirs).unwrap();
        host.call(|zone, ctx| zone.handle_verified(ticket, Ok(theirs.clone()), ctx));
        // Nothing comes at the moment in which it came.
        assert!(!host.drain().iter().any(|e| matches!(e, Effect::HandOver { .. })));
    }
    host.push(&own, false);
    assert_eq!(host.zone.held(), 1, "the second time it is a loop");
    assert_eq!(host.handed_over(221), std::slice::from_ref(&theirs));
    assert_eq!(host.zone.held(), 0);

    let mut public = Host::stemming(1);
    public.chain.created.insert(*theirs.inputs()[0].commitment().as_bytes());
    let taken = public.call(|zone, ctx| zone.take_over(theirs.clone(), ctx));
    assert_eq!(taken, Ok(Accepted::Stem));
    let sent = public.sent_within(15);
    let [(_, Message::StemTransaction(tx))] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!(tx, theirs.as_transaction());
}

#[test]
fn what_is_sealed_to_us_is_handed_over_once_it_is_public() {
    let mut host = Host::hidden();
    host.join(2, Direction::Outbound);
    let (theirs, peer) = (host.tx(), Source::Peer(PeerId(2)));
    host.call(|zone, ctx| {
        let verdict = zone.admit(theirs.clone(), peer, Way::Sealed, ctx).expect("taken");
        zone.pass_on(theirs.clone(), Way::Sealed, verdict, ctx);
    });
    // The window is open for two minutes at least.
    assert_eq!((host.handed_over(119), host.zone.held()), (vec![], 0));
    assert_eq!(host.handed_over(32 + 221), [theirs]);
}

/// Whoever was told the first time may have had no use for it: where there are few, it is nowhere else.
#[test]
fn what_stays_public_is_told_and_handed_over_again() {
    let mut host = Host::hidden();
    host.join(1, Direction::Outbound);
    host.join(2, Direction::Outbound);
    let (theirs, own) = (host.tx(), host.tx());
    host.push(&own, true);
    let public = Message::Transaction(theirs.as_transaction().clone());
    host.call(|zone, ctx| zone.handle_message(PeerId(1), public, ctx));
    for effect in host.drain() {
        let Effect::Verify { ticket, .. } = effect else { continue };
        host.call(|zone, ctx| zone.handle_verified(ticket, Ok(theirs.clone()), ctx));
    }
    let told = |effects: &[Effect], peer, tx: &ValidTx| {
        let kernel = Message::TransactionKernel(*tx.kernels()[0].hash());
        let told = |e: &&Effect| matches!(e, Effect::Send { peer: to, message } if *to == PeerId(peer) && *message == kernel);
        effects.iter().filter(told).count()
    };
    let news = host.within(1_700);
    assert_eq!([1, 2].map(|peer| told(&news, peer, &theirs)), [0, 1], "who sent it knows it");
    assert_eq!(handed_over(&news), std::slice::from_ref(&theirs));
    // From its first half hour on, once in half an hour.
    let again = host.within(10 * 1_800);
    for (peer, tx) in [(1, &theirs), (2, &theirs), (1, &own), (2, &own)] {
        assert!((7..=14).contains(&told(&again, peer, tx)), "{}", told(&again, peer, tx));
    }
    let over = handed_over(&again);
    assert!(
        (7..=14).contains(&over.len()) && over.iter().all(|tx| *tx == theirs),
        "{}",
        over.len()
    );
    // Until it is in a block.
    let block = BlockSummary {
        height: 1,
        inputs: [&theirs, &own].map(|tx| tx.inputs()[0].commitment()).to_vec(),
        ..BlockSummary::default()
    };
    host.chain.created.clear();
    let update = ChainUpdate { disconnected: Vec::new(), connected: vec![block] };
    host.call(|zone, ctx| zone.handle_chain(&update, ctx));
    host.within(1_800);
    let rest = host.within(10 * 1_800);
    assert!(sent(rest.clone()).is_empty() && handed_over(&rest).is_empty());
}

#[test]
fn the_owners_wait_until_somebody_was_dialled_and_only_those_are_told() {
    let mut host = Host::hidden();
    assert_eq!(host.zone.way_out(), WayOut::Shut, "before anything has happened");
    host.join(1, Direction::Inbound);
    let tx = host.tx();
    for fluff in [false, true] {
        let effects = host.push(&tx, fluff);
        assert!(!effects.iter().any(|e| matches!(e, Effect::Send { .. })), "{effects:?}");
    }
    assert!(host.sent_within(300).is_empty(), "not to who came to us");
    assert_eq!(host.zone.way_out(), WayOut::Shut);
    let went = sent(host.join(2, Direction::Outbound));
    let stems = |(_, message): &(PeerId, Message)| matches!(message, Message::StemTransaction(_));
    let went: Vec<_> = went.into_iter().filter(stems).collect();
    let [(PeerId(2), Message::StemTransaction(stem))] = went.as_slice() else { panic!("{went:?}") };
    assert_eq!(stem, tx.as_transaction());

    let other = host.tx();
    let mut told = sent(host.push(&other, true));
    told.extend(host.sent_within(60));
    assert!(!told.is_empty() && told.iter().all(|(peer, _)| *peer == PeerId(2)), "{told:?}");
}
