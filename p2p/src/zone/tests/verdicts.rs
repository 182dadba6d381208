//! What becomes of transactions until they are judged, and what they cost who sent them.

use super::*;

#[test]
fn block_cancels_what_it_makes_pointless() {
    let mut host = Host::new();
    let (spent, mined, other) = (host.tx(), host.tx(), host.tx());
    let gone = [host.stem(1, &spent).unwrap(), host.stem(2, &mined).unwrap()];
    let kept = host.stem(2, &other).unwrap();
    // A block spends the input of one, and creates the output of another.
    let (input, output) = (spent.inputs()[0].commitment(), mined.outputs()[0].commitment());
    host.chain.created.remove(input.as_bytes());
    host.chain.created.insert(*output.as_bytes());
    let block = BlockSummary { inputs: vec![input], ..BlockSummary::default() };
    let update = ChainUpdate { disconnected: Vec::new(), connected: vec![block] };
    for expected in [gone.to_vec(), vec![]] {
        host.call(|zone, ctx| zone.handle_chain(&update, ctx));
        assert_eq!(host.cancelled(), expected, "each is given up once");
    }
    // A verdict that was on its way does no harm, and another one counts.
    host.unverified(gone[0], Unverified::Cancelled);
    host.call(|zone, ctx| zone.handle_verified(gone[1], Ok(mined), ctx));
    host.call(|zone, ctx| zone.handle_verified(kept, Ok(other), ctx));
    assert_eq!(host.zone.pool().counts().stem, 1);
    assert_eq!(host.zone.verifications.len(), 0);
}

#[test]
fn public_transaction_cancels_its_conflicts_and_copies() {
    let mut host = Host::new();
    let (tx, other) = (host.tx(), host.tx());
    let conflict = host.conflicting(&tx);
    let gone = [host.stem(1, &conflict).unwrap(), host.stem(2, &tx).unwrap()];
    host.stem(2, &other).unwrap();
    let own = host.zone.push(tx.as_transaction().clone(), true);
    host.call(|zone, ctx| zone.handle_verified(own, Ok(tx), ctx));
    assert_eq!(host.cancelled(), gone);
    for ticket in gone {
        host.unverified(ticket, Unverified::Cancelled);
    }
    assert_eq!(host.zone.verifications.len(), 1);
    assert_eq!(host.zone.verifications.count_of(PeerId(1)), 0);
}

#[test]
fn ban_cancels_what_the_peer_sent_and_ends_its_say() {
    let mut host = Host::new();
    let txs = [host.tx(), host.tx(), host.tx()];
    let tickets = txs.each_ref().map(|tx| host.stem(1, tx).unwrap());
    let kept = host.tx();
    host.stem(2, &kept).unwrap();
    let wrong = Err(scape_aggregate::VerifyError::RangeProof);
    host.call(|zone, ctx| zone.handle_verified(tickets[0], wrong, ctx));
    assert_eq!(host.cancelled(), tickets[1..]);
    let late = host.tx();
    assert_eq!(host.stem(1, &late), None);
    assert!(host.stem(2, &late).is_some());
}

#[test]
fn hanging_up_cancels_but_does_not_excuse() {
    let mut host = Host::new();
    let txs = [host.tx(), host.tx()];
    let tickets = txs.each_ref().map(|tx| host.stem(1, tx).unwrap());
    host.call(|zone, ctx| zone.handle_disconnected(PeerId(1), Vec::new(), None, ctx));
    assert_eq!(host.cancelled(), tickets);
    // One was cancelled in time, the other was not.
    host.unverified(tickets[0], Unverified::Cancelled);
    let wrong = Err(scape_aggregate::VerifyError::RangeProof);
    host.call(|zone, ctx| zone.handle_verified(tickets[1], wrong, ctx));
    assert!(host.drain().iter().any(|effect| matches!(effect, Effect::Block { .. })));
}

#[test]
fn only_a_flood_costs_the_sender_of_what_was_not_verified() {
    for (why, banned) in [
        (Unverified::Flood, true),
        (Unverified::Busy, false),
        (Unverified::Cancelled, false),
        (Unverified::Failed, false),
    ] {
        let mut host = Host::new();
        let tx = host.tx();
        let mut disconnected = false;
        // Once may be our own fault; who goes on and on runs out of points.
        for round in 0..150 {
            let Some(ticket) = host.stem(1, &tx) else { break };
            host.unverified(ticket, why);
            let effects = host.drain();
            disconnected |= effects.iter().any(|e| matches!(e, Effect::Disconnect { .. }));
            assert!(!disconnected || round > 50, "{why}: not at once");
        }
        assert_eq!(disconnected, banned, "{why}");
        assert_eq!(host.zone.verifications.len(), 0);
    }
}

#[test]
fn owner_is_told_what_was_not_verified() {
    let mut host = Host::new();
    let tx = host.tx();
    let ticket = host.zone.push(tx.as_transaction().clone(), false);
    host.drain();
    host.unverified(ticket, Unverified::Failed);
    let verdict = Err(PushError::Unverified(Unverified::Failed));
    assert_eq!(host.drain(), [Effect::Pushed { ticket, verdict }]);
}

#[test]
fn what_means_nothing_is_ignored_and_what_breaks_the_protocol_costs() {
    let mut host = Host::new();
    let addr = SocketAddr::from(([10, 0, 0, 1], 3414));
    let local = crate::handshake::Local {
        genesis: CONSENSUS.chain.genesis(),
        capabilities: Capabilities::RELAY,
        user_agent: "peer".to_owned(),
        listen: addr,
        total_difficulty: 0,
    };
    let hand = || Message::Hand(crate::handshake::hand(&local, 7, addr));
    for message in [Message::Skipped(99), Message::BanReason(BanReason::MANUAL)] {
        host.call(|zone, ctx| zone.handle_message(PeerId(1), message, ctx));
    }
    assert!(host.drain().is_empty());
    let mut closed = 0;
    for _ in 0..2 {
        host.call(|zone, ctx| zone.handle_message(PeerId(1), hand(), ctx));
        closed += host.drain().iter().filter(|e| matches!(e, Effect::Disconnect { .. })).count();
    }
    assert_eq!(closed, 1, "the second time is one too many");
}

#[test]
fn a_push_is_judged_by_what_is_public() {
    let (mut full, mut empty) = (Host::new(), Host::new());
    let held = full.tx();
    let (rival, public) = (full.conflicting(&held), full.tx());
    let other = full.conflicting(&public);
    empty.chain.created = full.chain.created.clone();
    let ticket = full.stem(1, &held).unwrap();
    full.call(|zone, ctx| zone.handle_verified(ticket, Ok(held.clone()), ctx));
    let push = |host: &mut Host, tx: &ValidTx, fluff| {
        let own = host.zone.push(tx.as_transaction().clone(), fluff);
        host.call(|zone, ctx| zone.handle_verified(own, Ok(tx.clone()), ctx));
        let verdict = host.drain().into_iter().find_map(|effect| match effect {
            Effect::Pushed { ticket, verdict } if ticket == own => Some(verdict),
            _ => None,
        });
        verdict.unwrap()
    };
    for host in [&mut full, &mut empty] {
        push(host, &public, true).unwrap();
        assert_eq!(push(host, &other, false), Err(PushError::Refused(Refusal::Conflict)));
        assert_eq!(push(host, &public, false), Err(PushError::Refused(Refusal::Known)));
    }
    assert_eq!(push(&mut full, &rival, false), Ok(Accepted::Rival));
    assert_eq!(push(&mut empty, &rival, false), Ok(Accepted::Stem));
    assert_eq!(push(&mut full, &held, false), Ok(Accepted::Loop));
    assert_eq!(full.zone.pool().counts().stem, 1);
}
