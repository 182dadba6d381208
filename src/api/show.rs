//! From what the node says to what the owner API shows.

use std::time::Duration;

use scape_aggregate::{Commitment, ProtocolVersion};
use scape_p2p::book::State;
use scape_p2p::net::WayState;
use scape_p2p::peer::Direction;
use scape_p2p::secure::{KeyCheck, Protection, Suspicion};
use scape_p2p::zone::PeerStatus;
use scape_pool::{FluffReason, PeerId, PoolCounts, Rival, WayOut};

use super::view::{
    AddressView, ChainSourceView, ChainStateView, JournalView, LinkView, PeerView, PoolsView,
    StatusView, StemView, TipView, TransactionState, TransactionView, WayView, ZoneView,
};
use crate::chain::{ChainState, ChainStatus};
use crate::config::Config;
use crate::node::{
    JournalState, KnownAddress, OwnState, OwnTransaction, Status, Tally, ZoneStatus,
};

impl StatusView {
    pub(super) fn of(status: &Status, config: &Config) -> Self {
        Self {
            chain: config.chain.r#type.name().to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol_version: ProtocolVersion::LOCAL.0,
            user_agent: config.node.user_agent.clone(),
            connections: u32::try_from(status.peers.len()).unwrap_or(u32::MAX),
            tip: TipView::of(status),
            sync_status: sync_status(&status.chain).to_owned(),
            chain_source: chain_source(&status.chain),
            uptime_secs: status.uptime.as_secs_f64(),
            preset: config.dandelion.preset.name().to_owned(),
            pools: status.pools.into(),
            relays: relays(&status.relays, &status.peers),
            epoch_secs_left: status.epoch_left.as_secs_f64(),
            addresses: status.addresses,
            journal: journal(status.journal),
            stem: stem(status.patience_left, &status.embargoes_left, &status.tally),
            zones: status.zones.iter().map(ZoneView::from).collect(),
            origin: config.origin().iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<&ZoneStatus> for ZoneView {
    fn from(zone: &ZoneStatus) -> Self {
        let count = |direction| zone.peers.iter().filter(|p| p.direction == direction).count();
        Self {
            zone: zone.network.to_string(),
            name: zone.name.map(|name| name.to_string()),
            way: match &zone.way {
                WayState::Direct => WayView::Direct,
                WayState::Untried => WayView::Untried,
                WayState::Working => WayView::Working,
                WayState::Failing { reason } => WayView::Failing { reason: reason.clone() },
            },
            noise: zone.noise,
            open: zone.way_out == WayOut::Open,
            outbound: count(Direction::Outbound),
            inbound: count(Direction::Inbound),
            pools: zone.pools.into(),
            held: zone.held,
            relays: relays(&zone.relays, &zone.peers),
            epoch_secs_left: zone.epoch_left.as_secs_f64(),
            addresses: zone.addresses,
            stem: stem(zone.patience_left, &zone.embargoes_left, &zone.tally),
        }
    }
}

impl From<PoolCounts> for PoolsView {
    fn from(pools: PoolCounts) -> Self {
        Self {
            stem: pools.stem,
            stem_kernels: pools.stem_kernels,
            public: pools.public,
            public_kernels: pools.public_kernels,
            orphans: pools.orphans,
        }
    }
}

/// The addresses of relays.
fn relays(relays: &[PeerId], peers: &[PeerStatus]) -> Vec<String> {
    let addr = |id: &PeerId| peers.iter().find(|peer| peer.id == *id)?.addr;
    relays.iter().filter_map(addr).map(|addr| addr.to_string()).collect()
}

impl TipView {
    pub(super) fn of(status: &Status) -> Self {
        Self {
            height: status.tip.height,
            last_block_pushed: status.tip.hash.to_string(),
            prev_block_to_last: status.previous.map_or_else(String::new, |hash| hash.to_string()),
            total_difficulty: status.tip.total_difficulty,
        }
    }
}

/// In Grin's words (`grin_api::Status`).
fn sync_status(status: &ChainStatus) -> &'static str {
    match status {
        ChainStatus::Embedded | ChainStatus::Grin { state: ChainState::Ready, .. } => "no_sync",
        ChainStatus::Grin { state: ChainState::Syncing { .. }, .. } => "body_sync",
        ChainStatus::Grin { state: ChainState::Away { .. }, .. } => "awaiting_peers",
    }
}

fn chain_source(status: &ChainStatus) -> ChainSourceView {
    let ChainStatus::Grin { url, state } = status else { return ChainSourceView::Embedded };
    let state = match state {
        ChainState::Syncing { done, of } => ChainStateView::Syncing { done: *done, of: *of },
        ChainState::Ready => ChainStateView::Ready,
        ChainState::Away { lasting, error } => {
            ChainStateView::Away { secs: lasting.as_secs_f64(), reason: error.clone() }
        }
    };
    ChainSourceView::Grin { url: url.to_string(), state }
}

fn journal(state: JournalState) -> JournalView {
    match state {
        JournalState::Off => JournalView::Off,
        JournalState::Safe { records, unreadable } => JournalView::Safe { records, unreadable },
        JournalState::Failing { records, unreadable, unwritten, error } => {
            JournalView::Failing { records, unreadable, unwritten, reason: error.to_string() }
        }
    }
}

fn stem(patience: Option<Duration>, embargoes: &[Duration], tally: &Tally) -> StemView {
    let reasons = tally.reasons.iter();
    StemView {
        patience_secs_left: patience.map(|left| left.as_secs_f64()),
        embargo_secs_left: embargoes.iter().map(Duration::as_secs_f64).collect(),
        relayed: tally.relayed.clone(),
        fluffed: tally.fluffed.clone(),
        fluff_reasons: reasons.map(|(reason, n)| (reason_name(*reason).to_owned(), *n)).collect(),
        cut_through: tally.cut_through,
    }
}

pub(super) fn reason_name(reason: FluffReason) -> &'static str {
    match reason {
        FluffReason::Coin => "coin",
        FluffReason::Gathered => "gathered",
        FluffReason::Embargo => "embargo",
        FluffReason::NoRelay => "no relay",
        FluffReason::Loop => "loop",
        FluffReason::Family => "family",
        FluffReason::Asked => "asked",
    }
}

impl PeerView {
    pub(super) fn of(peer: &PeerStatus, zone: &ZoneStatus, uptime: Duration) -> Self {
        let since = peer.since.as_micros() as f64 / 1e6;
        Self {
            zone: zone.network.to_string(),
            addr: peer.addr.map_or("hidden".to_owned(), |addr| addr.to_string()),
            direction: match peer.direction {
                Direction::Inbound => "Inbound",
                Direction::Outbound => "Outbound",
            }
            .to_owned(),
            user_agent: peer.user_agent.clone(),
            version: peer.version.0,
            capabilities: peer.capabilities.bits(),
            link: link(peer.protection),
            height: peer.height,
            total_difficulty: Some(peer.total_difficulty),
            relay: zone.relays.contains(&peer.id),
            connected_secs: (uptime.as_secs_f64() - since).max(0.0),
        }
    }
}

fn link(protection: Protection) -> LinkView {
    match protection {
        Protection::Plain(Suspicion::None) => LinkView::Plain,
        Protection::Plain(Suspicion::Downgraded) => LinkView::Downgraded,
        Protection::Encrypted { check: KeyCheck::First | KeyCheck::Same, .. } => {
            LinkView::Encrypted
        }
        Protection::Encrypted { check: KeyCheck::Changed { .. }, .. } => LinkView::KeyChanged,
    }
}

impl From<&KnownAddress> for AddressView {
    fn from(known: &KnownAddress) -> Self {
        let flags = match (known.ban_left, known.state) {
            (Some(_), _) => "Banned",
            (None, State::Defunct) => "Defunct",
            // Until it is tried, a Grin node takes an address for good, too.
            (None, State::Healthy | State::Unknown) => "Healthy",
        };
        let addr = known.addr.map_or_else(|| known.host.to_string(), |addr| addr.to_string());
        let ban_secs_left = known.ban_left.map(|left| left.as_secs_f64());
        Self { addr, flags: flags.to_owned(), ban_secs_left }
    }
}

impl From<&OwnTransaction> for TransactionView {
    fn from(own: &OwnTransaction) -> Self {
        Self {
            kernels: own.kernels.iter().map(hex_of).collect(),
            age_secs: own.age.as_secs_f64(),
            state: state(own),
        }
    }
}

fn state(own: &OwnTransaction) -> TransactionState {
    match own.state {
        OwnState::Waiting => TransactionState::Waiting,
        OwnState::Held => TransactionState::WaitingForPeer,
        OwnState::Accepted => TransactionState::Accepted,
        OwnState::InStem { parts } => TransactionState::InStem {
            parts,
            embargo_secs_left: own.embargo_left.map(|left| left.as_secs_f64()),
        },
        OwnState::Fluffed { parts, reason } => TransactionState::Fluffed {
            parts,
            reason: reason.map_or("restart", reason_name).to_owned(),
        },
        OwnState::Seen => TransactionState::Seen,
        OwnState::Mined { height } => TransactionState::Mined { height },
        OwnState::Conflicted { by } => TransactionState::Conflicted {
            by: by.map(|rival| match rival {
                Rival::Transaction(excess) => hex_of(&excess),
                Rival::Block(hash) => hash.to_string(),
            }),
        },
        OwnState::Dropped { refusal } => TransactionState::Dropped {
            reason: match refusal {
                Some(refusal) => refusal.to_string(),
                None => "waited too long for its parent".to_owned(),
            },
        },
    }
}

fn hex_of(commitment: &Commitment) -> String {
    hex::encode(commitment.as_bytes())
}
