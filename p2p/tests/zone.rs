//! What peers may do to a zone, and what it costs them.

mod kit;
#[path = "kit/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use kit::{CONSENSUS, peer_info};
use scape_aggregate::Hash;
use scape_p2p::addr::PeerAddr;
use scape_p2p::book::{Book, BookConfig, Source, UnixTime};
use scape_p2p::dandelion::{Params, Preset};
use scape_p2p::link::Offence;
use scape_p2p::peer::{Capabilities, Direction};
use scape_p2p::secure::Protection;
use scape_p2p::wire::{Message, Tip};
use scape_p2p::zone::{DialFailure, Effect, PeersConfig, ZoneConfig};
use scape_pool::{Instant, PeerId};
use world::World;

const HONEST: &str = "9.8.7.6:3414";
const OTHER: &str = "5.8.7.6:3414";

impl World {
    fn new() -> Self {
        Self::knowing(Book::new(BookConfig::default()))
    }

    fn knowing(book: Book) -> Self {
        Self::with(ZoneConfig::new(CONSENSUS), book)
    }

    fn join(&mut self, id: u64, addr: &str) -> Vec<Effect> {
        let addr = addr.parse().expect("an address");
        let capabilities = Capabilities::from_bits(0x7f);
        let info = peer_info(capabilities, Some(addr), Protection::default());
        self.connect(id, Direction::Inbound, info)
    }
}

fn is_ban(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Block { .. }))
}

#[test]
fn a_grin_node_that_looks_for_peers_is_answered_and_not_punished() {
    let mut world = World::new();
    world.join(1, HONEST);
    // `grin_servers::grin::seed`: after 1, 2, 4, 8 and 16 s, then every 20 s.
    let start = [1, 3, 7, 15, 31].into_iter();
    let mut answers = 0;
    for secs in start.chain((1..200).map(|i| 31 + 20 * i)) {
        world.secs = secs;
        let effects = world.say(1, Message::GetPeerAddrs(Capabilities::PEER_LIST));
        assert!(!is_ban(&effects), "at {secs} s");
        answers += effects.len();
    }
    assert!(answers >= 200);
}

#[test]
fn each_announcer_is_asked_once_and_in_turn() {
    let mut world = World::new();
    world.join(1, HONEST);
    world.join(2, OTHER);
    let kernel = Hash([5; 32]);
    let mut asked = Vec::new();
    let requests = |effects: Vec<Effect>| {
        effects.into_iter().filter_map(|effect| match effect {
            Effect::Send { peer, message: Message::GetTransaction(_) } => Some(peer.0),
            _ => None,
        })
    };
    for _ in 0..9 {
        asked.extend(requests(world.say(1, Message::TransactionKernel(kernel))));
    }
    asked.extend(requests(world.say(2, Message::TransactionKernel(kernel))));
    for secs in 1..60 {
        world.secs = secs;
        asked.extend(requests(world.call(|zone, ctx| zone.handle_timeout(ctx))));
    }
    assert_eq!(asked, [1, 2]);
}

#[test]
fn hanging_up_does_not_wipe_the_account_clean() {
    let mut world = World::new();
    let mut rounds = 0;
    for id in 0..10 {
        world.join(id, HONEST);
        let mut effects = world.call(|zone, ctx| zone.handle_bad_transaction(PeerId(id), ctx));
        effects.extend(world.call(|zone, ctx| {
            zone.handle_disconnected(PeerId(id), vec![], Some(Offence::MalformedFrame), ctx);
        }));
        rounds += 1;
        if is_ban(&effects) {
            break;
        }
    }
    assert!(rounds <= 2, "{rounds} rounds of bad transactions and frames");
    assert!(world.join(11, OTHER).iter().all(|e| !matches!(e, Effect::Disconnect { .. })));
}

#[test]
fn a_ban_ends_all_links_of_a_host_and_survives_a_restart() {
    let mut world = World::new();
    for id in 1..=3 {
        world.join(id, HONEST);
    }
    world.join(4, OTHER);
    let mut effects = Vec::new();
    for _ in 0..2 {
        effects.extend(world.call(|zone, ctx| zone.handle_bad_transaction(PeerId(1), ctx)));
    }
    let closed = effects.iter().filter(|e| matches!(e, Effect::Disconnect { .. })).count();
    assert!(is_ban(&effects) && closed == 3, "{effects:?}");
    let mut restarted = World::knowing(world.zone.book().clone());
    let effects = restarted.join(9, HONEST);
    assert!(effects.iter().any(|e| matches!(e, Effect::Disconnect { .. })));
    assert_eq!(restarted.zone.peers().count(), 0);
}

#[test]
fn a_height_beyond_all_heights_is_only_a_number() {
    let mut world = World::new();
    world.join(1, HONEST);
    let tip = Tip { total_difficulty: u64::MAX, height: u64::MAX };
    assert!(world.say(1, Message::Ping(tip)).is_empty());
    assert!(world.say(1, Message::Pong(tip)).is_empty());
}

#[test]
fn only_what_was_announced_is_served() {
    let mut world = World::new();
    world.join(1, HONEST);
    assert!(world.say(1, Message::GetTransaction(Hash([7; 32]))).is_empty());
}

#[test]
fn the_owner_bans_a_host_and_lets_it_in_again() {
    let mut world = World::new();
    let host = "9.8.7.6".parse().expect("a host");
    let honest: PeerAddr = HONEST.parse().expect("an address");
    let fixed = [honest].into();
    let peers = PeersConfig { fixed, ..world.zone.peers_config().clone() };
    world.call(|zone, ctx| zone.set_peers(peers, ctx));
    assert!(world.dialled(3).contains(&honest));
    world.join(1, HONEST);
    let effects = world.call(|zone, ctx| zone.ban(host, ctx));
    assert!(is_ban(&effects));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Disconnect { .. })));
    world.call(|zone, ctx| zone.handle_disconnected(PeerId(1), vec![], None, ctx));
    assert_eq!(world.dialled(200), [].into(), "not even a fixed address is tried");
    let mut lifted = false;
    let effects = world.call(|zone, ctx| lifted = zone.unban(host, ctx));
    assert!(lifted && effects.contains(&Effect::Unblock { ip: host }));
    assert!(world.dialled(3).contains(&honest));
    world.call(|zone, ctx| lifted = zone.unban(host, ctx));
    assert!(!lifted, "there is none any more");
    // A ban that ends by itself is as good as one that was lifted.
    world.call(|zone, ctx| zone.ban(host, ctx));
    assert_eq!(world.dialled(10_700), [].into());
    assert!(world.dialled(300).contains(&honest));
}

#[test]
fn other_parameters_take_effect_while_it_runs() {
    let mut world = World::new();
    let end = world.zone.epoch_end();
    world.join(1, HONEST);
    world.join(2, OTHER);
    assert_eq!(world.zone.relays(), [], "they connected to us");
    let whitelist = ["9.8.7.6", "5.8.7.6"].map(|host| host.parse().expect("a host")).into();
    let peers = PeersConfig { whitelist, ..world.zone.peers_config().clone() };
    world.call(|zone, ctx| zone.set_peers(peers, ctx));
    assert_eq!(world.zone.relays().len(), 1);
    let params = Preset::Monero.params();
    world.call(|zone, ctx| zone.set_params(params, ctx));
    assert_eq!((world.zone.relays().len(), world.zone.params()), (2, &params));
    assert_eq!(world.zone.epoch_end(), end, "an epoch is not cut short for that");
    let params = Params { epoch: Duration::from_secs(60), relays: 1, ..params };
    world.call(|zone, ctx| zone.set_params(params, ctx));
    assert_eq!(world.zone.relays().len(), 1);
    let latest = Instant::ZERO + Duration::from_secs(60) + params.epoch_spread;
    assert_eq!(world.zone.epoch_end(), latest, "but it is no longer than a new one");
}

#[test]
fn a_proxy_that_is_away_is_no_fault_of_the_peers() {
    let known: BTreeSet<PeerAddr> =
        [HONEST, OTHER].map(|addr| addr.parse().expect("an address")).into();
    let after = |why| {
        let mut book = Book::new(BookConfig::default());
        for addr in &known {
            book.add(*addr, Source::Trusted, UnixTime(1_000_000)).expect("a good address");
        }
        let mut world = World::knowing(book);
        assert_eq!(world.dialled_in_vain(3_600, why), known, "each is tried");
        world.dialled(60)
    };
    assert_eq!(after(DialFailure::Proxy), known, "at once when it is back");
    assert!(after(DialFailure::Peer).is_empty(), "who was not there is left alone for longer");
    assert!(after(DialFailure::Oneself).is_empty(), "nor is the own address tried again");
}
