//! Peers that send what they should not, as fast as their socket takes it.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::{Rng, RngExt};
use rand_chacha::ChaCha12Rng;
use scape_aggregate::builder::{BuildError, Faucet, Recipe, TxBuilder, corpus, seeded};
use scape_aggregate::{ValidTx, aggregate};
use scape_p2p::peer::Capabilities;
use scape_p2p::wire::{FrameHeader, Message, MessageType};

use super::CONSENSUS;
use super::client::{Client, ClientError, VERSION};

/// What a flooder sends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Attack {
    /// Stem transactions with broken range proofs, each another one.
    Invalid,
    /// Valid stem transactions whose parents nobody knows, merged ever differently.
    Orphans,
    /// Public transactions of the same kind.
    PublicOrphans,
    /// Transactions that pay less than relaying costs.
    Dust,
    /// Frames that announce more than their type may have.
    Oversize,
    /// Bytes that are no frame.
    Garbage,
    /// Large frames, a few bytes at a time.
    Trickle,
    /// Address lists, each with other addresses.
    Addresses,
    /// Questions, without ever reading the answers.
    Deaf,
}

impl Attack {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Invalid,
        Self::Orphans,
        Self::PublicOrphans,
        Self::Dust,
        Self::Oversize,
        Self::Garbage,
        Self::Trickle,
        Self::Addresses,
        Self::Deaf,
    ];

    /// What it is called on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Orphans => "orphans",
            Self::PublicOrphans => "public-orphans",
            Self::Dust => "dust",
            Self::Oversize => "oversize",
            Self::Garbage => "garbage",
            Self::Trickle => "trickle",
            Self::Addresses => "addresses",
            Self::Deaf => "deaf",
        }
    }
}

/// What flooders did, and what it earned them.
#[derive(Clone, Copy, Default, Debug)]
pub struct Tally {
    /// Connections that shook hands.
    pub connections: usize,
    /// Those that the node ended.
    pub thrown_out: usize,
    /// Messages written.
    pub messages: usize,
    /// Bytes written.
    pub bytes: usize,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.connections += other.connections;
        self.thrown_out += other.thrown_out;
        self.messages += other.messages;
        self.bytes += other.bytes;
    }
}

/// What is made before the flood, for all flooders.
pub(super) struct Arsenal {
    orphans: Vec<ValidTx>,
    dust: Vec<u8>,
}

impl Arsenal {
    pub(super) fn new(seed: u64) -> Result<Self, BuildError> {
        const ORPHANS: usize = 64;
        let orphans = corpus(seed, ORPHANS, &[Recipe::default()], &CONSENSUS)?;
        let coin = Faucet::new(seed).coin(1_000_000_000);
        let dust = TxBuilder::new().input(coin).fee(1).build(&mut seeded(seed, 2), &CONSENSUS)?;
        Ok(Self {
            orphans: orphans.into_iter().map(|built| ValidTx::assumed(built.tx)).collect(),
            dust: frame(&Message::StemTransaction(dust.tx)).unwrap_or_default(),
        })
    }
}

/// One of the flooders, coming back for as long as it is let in anywhere.
pub(super) struct Flooder {
    pub(super) attack: Attack,
    pub(super) index: usize,
    pub(super) addr: SocketAddr,
    pub(super) arsenal: Arc<Arsenal>,
}

impl Flooder {
    pub(super) fn run(&self, stop: &AtomicBool) -> Tally {
        let mut tally = Tally::default();
        let mut rng = seeded(self.attack as u64, self.index as u64);
        for host in 1.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            match Client::connect(self.host(host), self.addr, rng.next_u64()) {
                Ok(mut client) => {
                    tally.connections += 1;
                    let outcome = self.flood(&mut client, &mut rng, &mut tally, stop);
                    tally.thrown_out += usize::from(outcome.is_err());
                }
                // There is no room at the moment.
                Err(_) => std::thread::sleep(Duration::from_millis(200)),
            }
        }
        tally
    }

    /// An address that no other flooder has.
    fn host(&self, number: usize) -> IpAddr {
        let [low, high] = [number % 250 + 1, number / 250 % 250];
        let who = 1 + self.attack as usize * 16 + self.index % 16;
        // All are less than 256.
        IpAddr::V4(Ipv4Addr::new(127, who as u8, high as u8, low as u8))
    }

    fn flood(
        &self,
        client: &mut Client,
        rng: &mut ChaCha12Rng,
        tally: &mut Tally,
        stop: &AtomicBool,
    ) -> Result<(), ClientError> {
        while !stop.load(Ordering::Relaxed) {
            let bytes = self.shot(rng)?;
            match self.attack {
                Attack::Trickle => {
                    for piece in bytes.chunks(64) {
                        client.stream.write_all(piece)?;
                        std::thread::sleep(Duration::from_millis(20));
                        if stop.load(Ordering::Relaxed) {
                            return Ok(());
                        }
                    }
                }
                _ => client.stream.write_all(&bytes)?,
            }
            tally.messages += 1;
            tally.bytes += bytes.len();
            if self.attack != Attack::Deaf {
                client.drain()?;
            }
        }
        Ok(())
    }

    /// The next thing to send.
    fn shot(&self, rng: &mut ChaCha12Rng) -> io::Result<Vec<u8>> {
        match self.attack {
            Attack::Invalid => {
                let tx = &self.arsenal.orphans[rng.random_range(0..self.arsenal.orphans.len())];
                let mut bytes = frame(&Message::StemTransaction(tx.as_transaction().clone()))?;
                // Somewhere in the last proof, which no hash of an element covers.
                let index = bytes.len() - 106 - rng.random_range(100..600);
                bytes[index] ^= 1 << rng.random_range(0..8);
                Ok(bytes)
            }
            Attack::Orphans => frame(&Message::StemTransaction(self.orphan(rng)?)),
            Attack::PublicOrphans => frame(&Message::Transaction(self.orphan(rng)?)),
            Attack::Dust => Ok(self.arsenal.dust.clone()),
            Attack::Oversize => {
                let header = FrameHeader { kind: MessageType::Transaction.byte(), length: 1 << 40 };
                Ok(header.encode(CONSENSUS.chain.magic()).to_vec())
            }
            Attack::Garbage => {
                let mut bytes = vec![0; 4_096];
                rng.fill_bytes(&mut bytes);
                Ok(bytes)
            }
            Attack::Trickle => {
                let length = MessageType::Transaction.limit(CONSENSUS.chain);
                let header = FrameHeader { kind: MessageType::Transaction.byte(), length };
                let mut bytes = header.encode(CONSENSUS.chain.magic()).to_vec();
                bytes.resize(1 << 20, 0);
                Ok(bytes)
            }
            Attack::Addresses => {
                let addr = |rng: &mut ChaCha12Rng| {
                    let ip = Ipv4Addr::from_bits(rng.next_u32());
                    SocketAddr::new(IpAddr::V4(ip), 3_414)
                };
                frame(&Message::PeerAddrs((0..256).map(|_| addr(rng)).collect()))
            }
            Attack::Deaf => frame(&Message::GetPeerAddrs(Capabilities::RELAY)),
        }
    }

    /// Some of the orphans merged: one of some 2^60.
    fn orphan(&self, rng: &mut ChaCha12Rng) -> io::Result<scape_aggregate::Transaction> {
        let some = self.arsenal.orphans.iter().filter(|_| rng.random_bool(0.3)).cloned();
        let merged = aggregate(&some.collect::<Vec<_>>());
        let merged = merged.map_err(|error| io::Error::other(error.to_string()))?;
        Ok(merged.as_transaction().clone())
    }
}

fn frame(message: &Message) -> io::Result<Vec<u8>> {
    let bytes = message.encode(VERSION, CONSENSUS.chain.magic());
    Ok(bytes.map_err(|error| io::Error::other(error.to_string()))?.to_vec())
}
