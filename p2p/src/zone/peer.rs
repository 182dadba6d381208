use std::collections::{BTreeSet, VecDeque};
use std::num::NonZeroUsize;

use lru::LruCache;
use scape_aggregate::{Hash, ProtocolVersion, ValidTx};
use scape_pool::{EntryId, Instant, PeerId, Tip};

use super::sinks::SealedMeters;
use crate::addr::{Host, PeerAddr};
use crate::dandelion::Candidate;
use crate::handshake::PeerInfo;
use crate::noise::{FrameSize, Reassembler};
use crate::peer::{Capabilities, Direction};
use crate::secure::Protection;

/// How many public transactions we remember that a peer knows.
const KNOWN: NonZeroUsize = NonZeroUsize::new(1_024).expect("not zero");
/// How many stem transactions we remember to have sent to a peer, in case they come back unsent.
const STEMS: usize = 256;

/// A connection, as its zone sees it.
#[derive(Debug)]
pub(super) struct Peer {
    /// `None` for a peer that came to our onion service.
    pub(super) addr: Option<PeerAddr>,
    pub(super) direction: Direction,
    pub(super) info: PeerInfo,
    /// When the handshake was done.
    pub(super) since: Instant,
    /// What the peer said last; `None` before its first ping or pong.
    pub(super) tip: Option<crate::wire::Tip>,
    /// Whether it is being disconnected: nothing it says counts any more.
    pub(super) closing: bool,
    /// How often we have asked for addresses and wait for them.
    pub(super) asked_addrs: u32,
    /// When we last told it addresses.
    pub(super) told_addrs: Option<Instant>,
    /// When we hang up, if the link was made for an errand: it is no relay.
    pub(super) visit: Option<Instant>,
    /// What it hands us, and we it, that is sealed.
    pub(super) sealed: SealedMeters,
    /// First kernels of public transactions that it has: announced by it, or to it. Stem
    /// transactions are never entered here, so that they can come back as public ones.
    known: LruCache<Hash, ()>,
    stems: VecDeque<(Hash, Vec<EntryId>)>,
    /// What came of its white noise.
    pub(super) reassembler: Reassembler,
}

/// What the owner may know of a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeerStatus {
    /// The connection.
    pub id: PeerId,
    /// The address at the other end; `None` for a peer that came to our onion service.
    pub addr: Option<PeerAddr>,
    /// Who connected.
    pub direction: Direction,
    /// What the peer calls itself.
    pub user_agent: String,
    /// The protocol version of the link.
    pub version: ProtocolVersion,
    /// What it can do.
    pub capabilities: Capabilities,
    /// How the link is protected.
    pub protection: Protection,
    /// The height that it says it is at, if it said so.
    pub height: Option<u64>,
    /// The work that it says its chain has.
    pub total_difficulty: u64,
    /// When the handshake was done.
    pub since: Instant,
}

impl Peer {
    pub(super) fn new(
        addr: Option<PeerAddr>,
        direction: Direction,
        info: PeerInfo,
        since: Instant,
    ) -> Self {
        Self {
            addr,
            direction,
            info,
            since,
            tip: None,
            closing: false,
            asked_addrs: 0,
            told_addrs: None,
            visit: None,
            sealed: SealedMeters::default(),
            known: LruCache::new(KNOWN),
            stems: VecDeque::new(),
            reassembler: Reassembler::new(FrameSize::DEFAULT),
        }
    }

    pub(super) fn status(&self, id: PeerId) -> PeerStatus {
        PeerStatus {
            id,
            addr: self.addr,
            direction: self.direction,
            user_agent: self.info.user_agent.clone(),
            version: self.info.version,
            capabilities: self.info.capabilities,
            protection: self.info.protection,
            height: self.tip.map(|tip| tip.height),
            total_difficulty: self
                .tip
                .map_or(self.info.total_difficulty, |tip| tip.total_difficulty),
            since: self.since,
        }
    }

    /// As the router knows it; `None` for one without an address, which is never chosen.
    pub(super) fn as_candidate(&self, peer: PeerId) -> Option<Candidate> {
        Some(Candidate { peer, group: self.addr?.group(), carries: self.speaks_names() })
    }

    /// Whom its offences are held against, if that can be told.
    pub(super) fn host(&self) -> Option<Host> {
        self.addr.map(|addr| addr.host())
    }

    pub(super) fn is_outbound(&self) -> bool {
        self.direction == Direction::Outbound
    }

    /// Whether it may be a relay: we chose it, it understands commit-only inputs, and it is in
    /// sync with us. Before its first pong its difficulty in the handshake has to do.
    pub(super) fn can_relay(&self, ours: &Tip, max_lag: u64, whitelist: &BTreeSet<Host>) -> bool {
        let trusted = self.host().is_some_and(|host| whitelist.contains(&host));
        let chosen = self.is_outbound() || trusted;
        let in_sync = match self.tip {
            Some(tip) => tip.height.saturating_add(max_lag) >= ours.height,
            None => self.info.total_difficulty >= ours.total_difficulty,
        };
        let is_visit = self.visit.is_some();
        chosen && in_sync && !is_visit && !self.closing && self.info.version >= ProtocolVersion::V3
    }

    pub(super) fn knows(&self, kernel: &Hash) -> bool {
        self.known.contains(kernel)
    }

    /// Remembers that it knows a public transaction. Returns whether that is new.
    pub(super) fn learn(&mut self, kernel: Hash) -> bool {
        self.known.put(kernel, ()).is_none()
    }

    pub(super) fn forget(&mut self, kernel: &Hash) {
        self.known.pop(kernel);
    }

    pub(super) fn remember_stem(&mut self, tx: &ValidTx, parts: Vec<EntryId>) {
        let Some(first) = tx.kernels().first() else { return };
        if self.stems.len() == STEMS {
            self.stems.pop_front();
        }
        self.stems.push_back((*first.hash(), parts));
    }

    /// The parts of a stem transaction that was not sent after all.
    pub(super) fn take_stem(&mut self, first_kernel: &Hash) -> Option<Vec<EntryId>> {
        let index = self.stems.iter().rposition(|(kernel, _)| kernel == first_kernel)?;
        self.stems.remove(index).map(|(_, parts)| parts)
    }
}
