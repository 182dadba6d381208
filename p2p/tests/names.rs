//! A zone on Tor: whom it tells which addresses, whom it dials, whom it holds to account.

mod kit;
#[path = "kit/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use kit::{CONSENSUS, peer_info};
use scape_aggregate::ProtocolVersion;
use scape_p2p::addr::{Host, MAX_NAMES, Network, OnionAddr, PeerAddr};
use scape_p2p::book::{AddError, Book, BookConfig, Source, UnixTime};
use scape_p2p::peer::{Capabilities, Direction, PeerId};
use scape_p2p::secure::{KeyCheck, Protection, PublicKey};
use scape_p2p::wire::{FrameDecoder, Message};
use scape_p2p::zone::{Effect, ZoneConfig};
use world::World;

const OURS: u8 = 200;

fn onion(key: u8) -> PeerAddr {
    PeerAddr::Onion(OnionAddr::from_key([key; 32]), 3414)
}

fn ip() -> SocketAddr {
    SocketAddr::from(([9, 8, 7, 6], 3414))
}

/// Those of our kind encrypt.
fn protection(capabilities: Capabilities) -> Protection {
    let (key, check) = (PublicKey([1; 32]), KeyCheck::First);
    match capabilities.contains(Capabilities::ENCRYPTED) {
        true => Protection::Encrypted { key, check },
        false => Protection::default(),
    }
}

fn kin() -> Capabilities {
    Capabilities::RELAY | Capabilities::ENCRYPTED
}

impl World {
    /// A zone on this network that has the name [`OURS`], and knows a name.
    fn on(network: Network) -> Self {
        let mut config = ZoneConfig { network, ..ZoneConfig::new(CONSENSUS) };
        config.peers.own_name = Some(onion(OURS)).filter(|_| network.is_anonymous());
        let book = Book::new(BookConfig { network, ..BookConfig::default() });
        Self::with(config, book)
    }

    /// A peer comes to the onion service, or is dialled.
    fn join(
        &mut self,
        id: u64,
        dialled: Option<PeerAddr>,
        capabilities: Capabilities,
    ) -> Vec<Effect> {
        self.join_with(id, dialled, capabilities, protection(capabilities))
    }

    fn join_with(
        &mut self,
        id: u64,
        dialled: Option<PeerAddr>,
        capabilities: Capabilities,
        protection: Protection,
    ) -> Vec<Effect> {
        let direction = if dialled.is_some() { Direction::Outbound } else { Direction::Inbound };
        self.connect(id, direction, peer_info(capabilities, dialled, protection))
    }

    /// What a peer is told that asks for addresses.
    fn ask(&mut self, id: u64) -> Message {
        self.secs += 20;
        let effects = self.say(id, Message::GetPeerAddrs(Capabilities::NONE));
        let told = |effect: &Effect| match effect {
            Effect::Send { peer, message } => Some((*peer, message.clone())),
            _ => None,
        };
        let (peer, message) = effects.first().and_then(told).expect("an answer");
        assert_eq!((peer, effects.len()), (PeerId(id), 1));
        message
    }

    fn known(&self) -> BTreeSet<PeerAddr> {
        self.zone.book().iter().map(|entry| entry.addr).collect()
    }
}

fn asks(effects: &[Effect]) -> bool {
    let asks = |e: &Effect| matches!(e, Effect::Send { message: Message::GetPeerAddrs(_), .. });
    effects.iter().any(asks)
}

#[test]
fn names_are_told_to_our_own_kind_alone_and_addresses_to_nobody() {
    let mut world = World::on(Network::Tor);
    world.join(1, Some(onion(1)), kin());
    world.join(2, None, kin());
    world.join(3, None, Capabilities::RELAY);
    let names = |message| match message {
        Message::PeerNames(names) => names.into_iter().collect::<BTreeSet<_>>(),
        other => panic!("{other:?}"),
    };
    // The one that was dialled is not in the book: it was given by hand.
    assert_eq!(names(world.ask(2)), [onion(OURS)].into());
    world.say(1, Message::PeerNames(vec![onion(2), onion(OURS)]));
    world.join(4, Some(onion(2)), kin());
    assert_eq!(names(world.ask(2)), [onion(2), onion(OURS)].into());
    assert_eq!(names(world.ask(1)), [onion(2), onion(OURS)].into());
    assert_eq!(world.ask(3), Message::PeerAddrs(Vec::new()));
}

#[test]
fn only_names_of_the_own_network_are_learnt_and_dialled() {
    let i2p: PeerAddr = "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p:1"
        .parse()
        .expect("a destination");
    let mut tor = World::on(Network::Tor);
    assert!(asks(&tor.join(1, Some(onion(1)), kin())));
    assert!(asks(&tor.join(2, None, kin())), "who comes to us is asked for its name");
    assert!(!asks(&tor.join(3, None, Capabilities::RELAY)));
    tor.say(2, Message::PeerNames(vec![onion(5), i2p, ip().into(), onion(OURS)]));
    tor.say(1, Message::PeerAddrs(vec![ip()]));
    assert_eq!(tor.known(), [onion(5)].into());
    assert_eq!(tor.dialled(100), [onion(5)].into());

    let mut clearnet = World::on(Network::Clearnet);
    clearnet.join(1, Some(ip().into()), kin());
    clearnet.say(1, Message::PeerNames(vec![onion(5), SocketAddr::from(([5, 6, 7, 8], 1)).into()]));
    assert_eq!(clearnet.known(), [].into());
    assert!(matches!(clearnet.ask(1), Message::PeerAddrs(_)));
    let mut book = Book::new(BookConfig::default());
    let refused = book.add(onion(1), Source::Trusted, UnixTime(0));
    assert_eq!(refused, Err(AddError::OtherNetwork(Network::Tor)));
}

#[test]
fn names_are_told_and_taken_on_encrypted_links_only() {
    let mut world = World::on(Network::Tor);
    // It claims to be of our kind, and yet the link is in the clear.
    world.join_with(1, Some(onion(1)), kin(), Protection::default());
    assert_eq!(world.ask(1), Message::PeerAddrs(Vec::new()));
    world.say(1, Message::PeerNames(vec![onion(5)]));
    assert_eq!(world.known(), [].into());
}

#[test]
fn names_that_nobody_asked_for_cost() {
    let mut world = World::on(Network::Tor);
    world.join(1, None, kin());
    let rounds = (0..50).position(|round| {
        let effects = world.say(1, Message::PeerNames(vec![onion(round)]));
        effects.iter().any(|e| matches!(e, Effect::Disconnect { .. }))
    });
    assert_eq!(rounds, Some(10), "one answer, nine crossing messages");
    assert_eq!(world.known(), [onion(0)].into());
}

#[test]
fn who_comes_to_the_onion_service_is_one_link_and_no_host_is_blocked() {
    let mut world = World::on(Network::Tor);
    world.join(1, None, kin());
    world.join(2, None, kin());
    let mut effects = Vec::new();
    for _ in 0..2 {
        effects.extend(world.call(|zone, ctx| zone.handle_bad_transaction(PeerId(1), ctx)));
    }
    let closed: Vec<_> =
        effects.iter().filter(|e| matches!(e, Effect::Disconnect { .. })).collect();
    assert_eq!(closed.len(), 1, "the other link has another account");
    assert!(!effects.iter().any(|e| matches!(e, Effect::Block { .. })));
    assert_eq!(world.zone.book().bans().count(), 0);
    // Nor does the owner close the door of the service by mistake.
    let loopback: Host = "127.0.0.1".parse().expect("a host");
    assert_eq!(world.call(|zone, ctx| zone.ban(loopback, ctx)), []);
    assert!(world.join(3, None, kin()).iter().all(|e| !matches!(e, Effect::Disconnect { .. })));
}

#[test]
fn a_service_that_misbehaves_is_banned_by_name() {
    let mut world = World::on(Network::Tor);
    world.say(1, Message::GetPeerAddrs(Capabilities::NONE));
    world.join(1, Some(onion(1)), kin());
    world.say(1, Message::PeerNames(vec![onion(1), onion(2)]));
    let mut effects = Vec::new();
    for _ in 0..2 {
        effects.extend(world.call(|zone, ctx| zone.handle_bad_transaction(PeerId(1), ctx)));
    }
    assert!(effects.iter().all(|e| !matches!(e, Effect::Block { .. })), "nothing for sockets");
    world.call(|zone, ctx| zone.handle_disconnected(PeerId(1), vec![], None, ctx));
    assert_eq!(world.dialled(200), [onion(2)].into());
    let text = world.zone.book().to_text();
    let config = BookConfig { network: Network::Tor, ..BookConfig::default() };
    assert_eq!(Book::from_text(&text, config), (world.zone.book().clone(), 0));
    let (elsewhere, skipped) = Book::from_text(&text, BookConfig::default());
    assert!(elsewhere.is_empty() && elsewhere.bans().count() == 0, "a book of another network");
    assert_eq!(skipped, 3);
}

#[test]
fn the_message_of_names_is_read_as_it_was_written() {
    let names: Vec<_> = (0..MAX_NAMES).map(|n| onion(n as u8)).collect();
    let message = Message::PeerNames(names);
    let frame = message.encode(ProtocolVersion::LOCAL, CONSENSUS.chain.magic()).expect("fits");
    let mut decoder = FrameDecoder::opened(CONSENSUS, ProtocolVersion::LOCAL);
    decoder.push(&frame);
    assert_eq!(decoder.next(), Ok(Some(message)));
    let too_many = Message::PeerNames(vec![onion(1); MAX_NAMES + 1]);
    assert!(too_many.encode(ProtocolVersion::LOCAL, CONSENSUS.chain.magic()).is_err());
    let zeros = [&CONSENSUS.chain.magic()[..], &[224], &3_u64.to_be_bytes(), &[0, 1, 4]].concat();
    decoder.push(&zeros);
    let error = decoder.next().expect_err("cut short");
    assert!(error.stays_in_sync());
    assert_eq!(decoder.next(), Ok(None));
}
