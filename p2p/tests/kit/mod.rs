//! What the tests of zones share. Each of the other files here is for some of them.

use std::collections::BTreeSet;

use scape_aggregate::{ChainType, Commitment, Consensus, OutputFeatures, ProtocolVersion};
use scape_p2p::addr::PeerAddr;
use scape_p2p::handshake::PeerInfo;
use scape_p2p::peer::Capabilities;
use scape_p2p::secure::Protection;
use scape_pool::{ChainView, Tip, Utxo};

pub(crate) const CONSENSUS: Consensus = Consensus::of(ChainType::Mainnet);

/// A chain of which only the tip and the coins matter.
#[derive(Default)]
pub(crate) struct Coins {
    pub(crate) tip: Tip,
    pub(crate) unspent: BTreeSet<Commitment>,
}

impl ChainView for Coins {
    fn tip(&self) -> Tip {
        self.tip
    }

    fn utxo(&self, commitment: &Commitment) -> Option<Utxo> {
        let utxo = Utxo { features: OutputFeatures::Plain, height: 0 };
        self.unspent.contains(commitment).then_some(utxo)
    }

    fn last_nrd(&self, _: &Commitment) -> Option<u64> {
        None
    }
}

/// A peer at the beginning of its chain.
pub(crate) fn peer_info(
    capabilities: Capabilities,
    listen: Option<PeerAddr>,
    protection: Protection,
) -> PeerInfo {
    PeerInfo {
        version: ProtocolVersion::LOCAL,
        capabilities,
        user_agent: "peer".to_owned(),
        total_difficulty: 0,
        listen,
        protection,
    }
}
