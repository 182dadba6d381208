mod gossip;
mod hidden;
mod verdicts;

use std::net::SocketAddr;

use rand::SeedableRng;
use scape_aggregate::builder::AssumedTx;
use scape_aggregate::{ChainType, Commitment, Consensus, OutputFeatures, ProtocolVersion, ValidTx};
use scape_pool::{BlockSummary, Source, Tip, Utxo};

use super::transactions::Way;
use super::*;
use crate::addr::{Network, OnionAddr, PeerAddr};
use crate::book::BookConfig;
use crate::dandelion::Preset;
use crate::handshake::PeerInfo;
use crate::peer::{Capabilities, Direction};
use crate::secure::Protection;

const CONSENSUS: Consensus = Consensus::of(ChainType::Testnet);

/// Some coins, whatever is in the blocks.
#[derive(Default)]
struct Chain {
    created: BTreeSet<[u8; 33]>,
}

impl ChainView for Chain {
    fn tip(&self) -> Tip {
        Tip::default()
    }

    fn utxo(&self, commitment: &Commitment) -> Option<Utxo> {
        let exists = self.created.contains(commitment.as_bytes());
        exists.then_some(Utxo { features: OutputFeatures::Plain, height: 0 })
    }

    fn last_nrd(&self, _: &Commitment) -> Option<u64> {
        None
    }
}

struct Host {
    zone: Zone,
    chain: Chain,
    rng: ChaCha12Rng,
    now: Instant,
}

impl Host {
    fn new() -> Self {
        let mut config =
            ZoneConfig { params: Preset::GrinDoc.params(), ..ZoneConfig::new(CONSENSUS) };
        config.verifications_per_peer = 4;
        let mut host = Self::with(config);
        for peer in 1..=2 {
            host.connect(peer, Direction::Inbound, Capabilities::RELAY, ProtocolVersion::LOCAL);
        }
        host
    }

    /// Without peers.
    fn with(config: ZoneConfig) -> Self {
        let book = Book::new(BookConfig::default());
        let zone = Zone::new(config, book, [3; 32], Instant::ZERO);
        let (chain, rng) = (Chain::default(), ChaCha12Rng::seed_from_u64(1));
        Self { zone, chain, rng, now: Instant::ZERO }
    }

    fn call<R>(&mut self, call: impl FnOnce(&mut Zone, &ZoneContext<'_>) -> R) -> R {
        let ctx = ZoneContext { now: self.now, unix: UnixTime(0), chain: &self.chain };
        call(&mut self.zone, &ctx)
    }

    fn connect(
        &mut self,
        peer: u64,
        direction: Direction,
        capabilities: Capabilities,
        version: ProtocolVersion,
    ) {
        let addr = SocketAddr::from(([10, 0, 0, u8::try_from(peer).unwrap()], 3414));
        let addr = Some(PeerAddr::from(addr));
        let info = PeerInfo {
            version,
            capabilities,
            user_agent: "peer".to_owned(),
            total_difficulty: 0,
            listen: addr,
            protection: Protection::default(),
        };
        self.call(|zone, ctx| zone.handle_connected(PeerId(peer), addr, direction, info, ctx));
    }

    /// A transaction that spends a coin of the chain.
    fn tx(&mut self) -> ValidTx {
        let tx = AssumedTx::new().fresh_inputs(1).outputs(1);
        let tx = tx.build(&mut self.rng, &CONSENSUS).unwrap();
        self.chain.created.insert(*tx.inputs()[0].commitment().as_bytes());
        tx
    }

    fn conflicting(&mut self, tx: &ValidTx) -> ValidTx {
        let tx = AssumedTx::new().spend(tx.inputs()[0].commitment()).outputs(1);
        tx.build(&mut self.rng, &CONSENSUS).unwrap()
    }

    /// Hands in a transaction and returns its ticket.
    fn stem(&mut self, peer: u64, tx: &ValidTx) -> Option<Ticket> {
        self.drain();
        let message = Message::StemTransaction(tx.as_transaction().clone());
        self.call(|zone, ctx| zone.handle_message(PeerId(peer), message, ctx));
        self.drain().into_iter().find_map(|effect| match effect {
            Effect::Verify { ticket, .. } => Some(ticket),
            _ => None,
        })
    }

    fn drain(&mut self) -> Vec<Effect> {
        std::iter::from_fn(|| self.zone.poll_effect()).collect()
    }

    fn cancelled(&mut self) -> Vec<Ticket> {
        let cancelled = self.drain().into_iter().filter_map(|effect| match effect {
            Effect::Cancel { ticket } => Some(ticket),
            _ => None,
        });
        cancelled.collect()
    }

    fn unverified(&mut self, ticket: Ticket, why: Unverified) {
        self.call(|zone, ctx| zone.handle_unverified(ticket, why, ctx));
    }
}

impl Host {
    /// With peers that it chose, and that the first patience after a push stems to.
    fn stemming(peers: u64) -> Self {
        let mut config =
            ZoneConfig { params: Preset::GrinDoc.params(), ..ZoneConfig::new(CONSENSUS) };
        config.params.stem_probability = 1.0;
        let mut host = Self::with(config);
        for peer in 1..=peers {
            host.connect(peer, Direction::Outbound, Capabilities::RELAY, ProtocolVersion::LOCAL);
        }
        host.drain();
        host
    }

    /// The owner pushes a valid transaction.
    fn push(&mut self, tx: &ValidTx, fluff: bool) -> Vec<Effect> {
        let ticket = self.zone.push(tx.as_transaction().clone(), fluff);
        self.call(|zone, ctx| zone.handle_verified(ticket, Ok(tx.clone()), ctx));
        self.drain()
    }

    /// What comes of it that time goes on for so many seconds.
    fn within(&mut self, secs: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        for _ in 0..secs {
            self.now = self.now + Duration::from_secs(1);
            self.call(|zone, ctx| zone.handle_timeout(ctx));
            effects.extend(self.drain());
        }
        effects
    }

    /// What is sent while time goes on for so many seconds.
    fn sent_within(&mut self, secs: u64) -> Vec<(PeerId, Message)> {
        sent(self.within(secs))
    }
}

/// The messages about transactions.
fn sent(effects: Vec<Effect>) -> Vec<(PeerId, Message)> {
    let sent = effects.into_iter().filter_map(|effect| match effect {
        Effect::Send { message: Message::GetPeerAddrs(_), .. } => None,
        Effect::Send { peer, message } => Some((peer, message)),
        _ => None,
    });
    sent.collect()
}

#[test]
fn a_relay_that_takes_no_stem_transaction_is_replaced_at_once() {
    let mut host = Host::stemming(2);
    let tx = host.tx();
    host.push(&tx, false);
    let (relay, message) = host.sent_within(15).pop().unwrap();
    assert_eq!(host.zone.relays(), [relay]);
    assert!(matches!(&message, Message::StemTransaction(stem) if stem == tx.as_transaction()));

    host.call(|zone, ctx| zone.handle_unsent(relay, message.clone(), ctx));
    let effects = host.drain();
    let gone = |e: &Effect| matches!(e, Effect::Disconnect { peer, .. } if *peer == relay);
    assert!(effects.iter().any(gone), "{effects:?}");
    let other = PeerId(3 - relay.0);
    assert_eq!(sent(effects), [(other, message.clone())]);

    // Where nobody is left that we dialled, what is the owner's waits, whoever comes to us.
    host.call(|zone, ctx| zone.handle_unsent(other, message.clone(), ctx));
    assert!(host.zone.relays().is_empty() && host.zone.way_out() == WayOut::Awaited);
    host.connect(3, Direction::Inbound, Capabilities::RELAY, ProtocolVersion::LOCAL);
    host.drain();
    assert!(host.sent_within(15).is_empty());
    assert_eq!(host.zone.pool().counts().public, 0);
    host.connect(4, Direction::Outbound, Capabilities::RELAY, ProtocolVersion::LOCAL);
    assert_eq!(host.sent_within(15), [(PeerId(4), message.clone())]);
    host.call(|zone, ctx| zone.handle_unsent(PeerId(9), message, ctx));
    assert!(host.drain().is_empty(), "a peer that nobody knows");
}
