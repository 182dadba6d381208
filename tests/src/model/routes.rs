use rand::Rng;
use scape_pool::{Coin, PeerId, Router, SinkId, Source, WayOut};

/// Coins and relays that depend on the source alone, so that it does not matter how often and in
/// which order they are asked for.
#[derive(Clone, Debug)]
pub struct Routes {
    /// Bit n: whether the coin of the nth source says fluff. The owner is the source 0.
    pub fluff: u8,
    /// The relay of the owner, and that of all others.
    pub relays: [Option<PeerId>; 2],
    /// A relay that is gone.
    pub down: Option<PeerId>,
    /// Whether coins count as those of an epoch.
    pub sticky: bool,
    /// The sinks, the preferred one first. Where there are any, coins say to seal rather than to stem.
    pub sinks: Vec<SinkId>,
    /// Whether the owner has somebody to hide behind.
    pub way_out: WayOut,
}

impl Routes {
    /// The coin of a source.
    pub fn coin_of(&self, source: Source) -> Coin {
        let bit = match source {
            Source::Own => 0,
            Source::Zone => 0,
            Source::Peer(peer) => peer.0 % 8,
        };
        match self.fluff >> bit & 1 {
            1 => Coin::Fluff,
            _ if self.sinks.is_empty() => Coin::Stem,
            _ => Coin::Seal,
        }
    }
}

impl Router for Routes {
    fn coin(&mut self, source: Source, _: &mut dyn Rng) -> Coin {
        self.coin_of(source)
    }

    fn relay(&self, source: Source) -> Option<PeerId> {
        self.relays[usize::from(source != Source::Own)]
    }

    fn sink(&self, avoid: &[SinkId], _: &mut dyn Rng) -> Option<SinkId> {
        self.sinks.iter().find(|sink| !avoid.contains(sink)).copied()
    }

    fn is_up(&self, relay: PeerId) -> bool {
        self.down != Some(relay)
    }

    fn coin_is_sticky(&self) -> bool {
        self.sticky
    }

    fn way_out(&self) -> WayOut {
        self.way_out
    }
}
