//! What a prober who asks two zones can compare.

use std::net::SocketAddr;
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use scape::aggregate::Transaction;
use scape::config::Config;
use scape::node::ZoneSetup;
use scape::p2p::addr::Network;
use scape::p2p::peer::Capabilities;
use scape::p2p::wire::{Message, Tip};
use tokio::net::TcpListener;

use super::onions::{Onions, onion};
use super::prober::Prober;
use super::relay::{AGES, Relay, clearnet, kernel, params, payment, tor};

/// A node with a clearnet and a Tor zone as the configuration makes it, with a prober beyond each.
struct Site {
    node: Relay,
    _onions: Onions,
    _data: tempfile::TempDir,
    outside: [TcpListener; 2],
}

const NETWORKS: [Network; 2] = [Network::Clearnet, Network::Tor];

impl Site {
    async fn start() -> Self {
        let onions = Onions::start().await;
        let bind = || TcpListener::bind("127.0.0.1:0");
        let outside = [bind().await.expect("a port"), bind().await.expect("a port")];
        let addr = |index: usize| outside[index].local_addr().expect("bound");
        onions.lead(9, addr(1));
        let text = format!(
            "[chain]\ntype = \"autotest\"\n[node]\nuser_agent = \"the owner's own\"\n\
             [network]\nlisten = \"127.0.0.1:0\"\npeers = [\"{}\"]\noutbound = 1\n\
             [tor]\nenabled = true\nproxy = \"{}\"\nlisten = \"127.0.0.1:0\"\n\
             peers = [\"{}\"]\noutbound = 1\n",
            addr(0),
            onions.at,
            onion(9),
        );
        let config = Config::from_toml(&text).expect("valid");
        let setups = config.zone_setups(&mut ChaCha12Rng::seed_from_u64(1)).expect("valid");
        let networks: Vec<_> = setups.iter().map(|setup| setup.zone.network).collect();
        assert_eq!(networks, NETWORKS);
        let data = tempfile::tempdir().expect("a folder");
        let node = Relay::start(setups, &config.origin(), Some(data.path())).await;
        Self { node, _onions: onions, _data: data, outside }
    }

    fn addr(&self, index: usize) -> SocketAddr {
        self.node.addr(NETWORKS[index])
    }
}

#[tokio::test]
async fn greetings_have_nothing_in_common_that_others_have_not_as_well() {
    let site = Site::start().await;
    let (clear, hand) = Prober::be_dialled(&site.outside[0]).await;
    let (tor, hidden_hand) = Prober::be_dialled(&site.outside[1]).await;
    assert_eq!(hand.user_agent, "the owner's own");
    assert_eq!(hidden_hand.user_agent, ZoneSetup::USER_AGENT);
    assert_ne!(hand.nonce, hidden_hand.nonce);
    // No address, neither the own one nor the one that was dialled.
    assert!(hidden_hand.sender_addr.ip().is_unspecified(), "{hidden_hand:?}");
    assert!(hidden_hand.receiver_addr.ip().is_unspecified(), "{hidden_hand:?}");
    // A node knows its own nonces, lest it talks to itself. Each zone knows its own alone.
    let (_, shake) = Prober::come(site.addr(0), hidden_hand.nonce).await;
    let (_, hidden_shake) = Prober::come(site.addr(1), hand.nonce).await;
    assert_eq!(shake.user_agent, "the owner's own");
    assert_eq!(hidden_shake.user_agent, ZoneSetup::USER_AGENT);
    drop((clear, tor));
    let key = |network: Network| {
        let key = std::fs::read(site._data.path().join(format!("identity-{network}")));
        key.expect("each zone has a key")
    };
    assert_ne!(key(Network::Clearnet), key(Network::Tor));
}

#[tokio::test]
async fn each_zone_tells_of_a_block_in_its_own_time() {
    let site = Site::start().await;
    let (mut clear, _) = Prober::come(site.addr(0), 1).await;
    let (mut hidden, _) = Prober::come(site.addr(1), 2).await;
    assert_eq!(clear.look().await.1, hidden.look().await.1, "both begin alike");
    let block = site.node.node.propose(0).await.expect("a ledger");
    site.node.node.deliver(block).await.expect("a ledger").expect("valid");
    let (_, new) = clear.look().await;
    let (_, old) = hidden.look().await;
    assert_eq!((new.height, old.height), (1, 0));
    let again = async {
        while hidden.look().await.1 != new {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), again).await.expect("it hears of it, too");
    let (_, shake) = Prober::come(site.addr(1), 3).await;
    assert_eq!(shake.total_difficulty, new.total_difficulty);
}

#[tokio::test]
async fn addresses_and_transactions_of_one_zone_are_unknown_in_the_other() {
    let site = Site::start().await;
    let (mut outside, _) = Prober::be_dialled(&site.outside[0]).await;
    let far: SocketAddr = "203.0.113.7:3414".parse().expect("an address");
    outside.until(|m| matches!(m, Message::GetPeerAddrs(_))).await;
    outside.say(&Message::PeerAddrs(vec![far])).await;
    outside.look().await;
    let (mut clear, _) = Prober::come(site.addr(0), 1).await;
    let (mut hidden, _) = Prober::come(site.addr(1), 2).await;
    let told = async |prober: &mut Prober| {
        prober.say(&Message::GetPeerAddrs(Capabilities::TX_KERNEL_HASH)).await;
        let said = prober.until(|m| matches!(m, Message::PeerAddrs(_))).await;
        let Message::PeerAddrs(addrs) = said else { panic!("{said:?}") };
        addrs
    };
    assert_eq!(told(&mut hidden).await, [], "what a node says that knows nobody");
    let known = site.node.node.addresses().await.expect("it runs");
    assert!(known.iter().any(|known| known.addr == Some(far.into())), "{known:?}");
    told(&mut clear).await;

    let mut probers = [clear, hidden];
    for (here, there) in [(0, 1), (1, 0)] {
        let tx = payment(here as u8);
        probers[here].say(&Message::Transaction(tx.clone())).await;
        let public = async {
            while !has(&mut probers[here], &tx).await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), public).await.expect("it is public here");
        assert!(!has(&mut probers[there], &tx).await, "and unknown there");
        // It is wanted there, as everything new is.
        probers[there].say(&Message::TransactionKernel(kernel(&tx))).await;
        let (said, _) = probers[there].look().await;
        assert!(said.contains(&Message::GetTransaction(kernel(&tx))), "{said:?}");
    }
}

/// Whether a prober is given a transaction that it asks for.
async fn has(prober: &mut Prober, tx: &Transaction) -> bool {
    prober.say(&Message::GetTransaction(kernel(tx))).await;
    prober.look().await.0.contains(&Message::Transaction(tx.clone()))
}

/// All that a node's clearnet zone says and does when it is asked about transactions of which its
/// Tor zone has got the first ones on the stem.
async fn transcript(is_on_stem: bool) -> (Vec<Message>, Vec<Message>, Tip) {
    let onions = Onions::start().await;
    let public = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mut hidden = tor(onions.at, params(1.0, AGES), &[], 1);
    hidden.zone.hand_over = Some(AGES);
    // Nothing leaves the stempool while this lasts.
    (hidden.zone.params.patience.interval, hidden.zone.params.patience.phase) = (AGES, Some(AGES));
    let open = clearnet(params(1.0, AGES), &[public.local_addr().expect("bound")], 2);
    let node = Relay::start(vec![open, hidden], &[Network::Tor], None).await;
    let (known, rival) = (payment(0), payment(1));
    let (mut stranger, _) = Prober::come(node.addr(Network::Tor), 1).await;
    if is_on_stem {
        stranger.stem(&known).await;
        stranger.stem(&rival).await;
        node.until_zone(Network::Tor, "both are there", |zone| zone.held == 2).await;
        assert_eq!(node.zone(Network::Tor).await.pools.stem, 2);
    }

    let (mut outbound, _) = Prober::be_dialled(&public).await;
    let (mut inbound, _) = Prober::come(node.addr(Network::Clearnet), 2).await;
    node.until_relay(Network::Clearnet).await;
    let mut said = Vec::new();
    for question in [
        Message::GetTransaction(kernel(&known)),
        Message::TransactionKernel(kernel(&known)),
        Message::TransactionKernel(kernel(&rival)),
        Message::GetPeerAddrs(Capabilities::TX_KERNEL_HASH),
    ] {
        inbound.say(&question).await;
        said.extend(inbound.look().await.0);
    }
    // On the stem it goes on, as what was never here; and so does what spends the same in public.
    inbound.stem(&known).await;
    let is_news = |m: &Message| !matches!(m, Message::Ping(_) | Message::GetPeerAddrs(_));
    let mut done = vec![outbound.until(is_news).await];
    inbound.say(&Message::Transaction(rival)).await;
    done.push(outbound.until(is_news).await);
    let (rest, tip) = inbound.look().await;
    said.extend(rest);
    if is_on_stem {
        let zone = node.zone(Network::Tor).await;
        assert_eq!((zone.pools.stem, zone.pools.public, zone.held), (2, 0, 2));
    }
    (said, done, tip)
}

#[tokio::test]
async fn what_is_on_the_stem_of_one_zone_changes_nothing_that_another_shows() {
    let (with, without) = tokio::join!(transcript(true), transcript(false));
    assert!(!without.0.is_empty());
    assert!(matches!(without.1[0], Message::StemTransaction(_)), "{without:?}");
    assert_eq!(with, without);
}
