use std::collections::BTreeMap;

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use scape_pool::{Coin, Instant, PeerId, Router, Source};

use super::{CoinScope, Params};
use crate::addr::NetGroup;

/// A peer that may become a relay: outbound or whitelisted, and in sync with us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// The connection.
    pub peer: PeerId,
    /// Where it is: relays of one epoch are taken from different groups if that is possible.
    pub group: NetGroup,
}

/// Flips the coins and keeps the routes of one zone.
///
/// Relays are chosen at random for an epoch and stay, per source, until it ends; only a relay that
/// is lost is replaced before, at once. What a peer claims about itself has no influence but for
/// its height: a relay that is behind would swallow what it gets.
#[derive(Debug)]
pub struct DandelionRouter {
    params: Params,
    rng: ChaCha12Rng,
    candidates: BTreeMap<PeerId, NetGroup>,
    relays: Vec<PeerId>,
    epoch_end: Instant,
    epoch_coin: Coin,
    /// Maps sources to relays, anew for each epoch.
    salt: u64,
    /// The owner's transactions wait while there is no relay.
    own_waits: bool,
}

impl DandelionRouter {
    /// A router without candidates, at the beginning of its first epoch.
    pub fn new(params: Params, seed: [u8; 32], now: Instant) -> Self {
        let mut router = Self {
            params,
            rng: ChaCha12Rng::from_seed(seed),
            candidates: BTreeMap::new(),
            relays: Vec::new(),
            epoch_end: now,
            epoch_coin: Coin::Stem,
            salt: 0,
            own_waits: false,
        };
        router.begin_epoch(now);
        router
    }

    /// Whether transactions of the owner wait while there is no relay, instead of being fluffed.
    pub fn set_own_waits(&mut self, own_waits: bool) {
        self.own_waits = own_waits;
    }

    /// Says who may be a relay from now on. Relays that are not among them are replaced.
    pub fn set_candidates(&mut self, candidates: impl IntoIterator<Item = Candidate>) {
        self.candidates = candidates.into_iter().map(|c| (c.peer, c.group)).collect();
        self.relays.retain(|relay| self.candidates.contains_key(relay));
        self.fill_relays();
    }

    /// The relays of this epoch.
    pub fn relays(&self) -> &[PeerId] {
        &self.relays
    }

    /// When the epoch ends.
    pub fn poll_timeout(&self) -> Instant {
        self.epoch_end
    }

    /// Begins the next epoch if it is time. A call too early does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        if now >= self.epoch_end {
            self.begin_epoch(now);
        }
    }

    /// Other parameters from now on. The epoch goes on, but no longer than one of the new length;
    /// its coin stays.
    pub fn set_params(&mut self, params: Params, now: Instant) {
        self.epoch_end = self.epoch_end.min(now + params.epoch + params.epoch_spread);
        self.params = params;
        self.relays.truncate(params.relays);
        self.fill_relays();
    }

    fn begin_epoch(&mut self, now: Instant) {
        let spread = self.params.epoch_spread.mul_f64(self.rng.random::<f64>());
        self.epoch_end = now + self.params.epoch + spread;
        self.epoch_coin = flip(self.params.stem_probability, &mut self.rng);
        self.salt = self.rng.random();
        self.relays.clear();
        self.fill_relays();
    }

    fn fill_relays(&mut self) {
        while self.relays.len() < self.params.relays {
            let taken: Vec<_> =
                self.relays.iter().filter_map(|relay| self.candidates.get(relay)).collect();
            let free = self.candidates.iter().filter(|(peer, _)| !self.relays.contains(peer));
            let free: Vec<_> = free.collect();
            let elsewhere: Vec<_> =
                free.iter().copied().filter(|(_, group)| !taken.contains(group)).collect();
            let pool = if elsewhere.is_empty() { free } else { elsewhere };
            let Some((peer, _)) = pool.choose(&mut self.rng) else { return };
            self.relays.push(**peer);
        }
    }
}

impl Router for DandelionRouter {
    fn coin(&mut self, source: Source, rng: &mut dyn Rng) -> Coin {
        match self.params.coin {
            _ if self.params.own_always_stem && source == Source::Own => Coin::Stem,
            // It has just come from where nobody saw it: to tell everyone would say that it did.
            _ if source == Source::Zone => Coin::Stem,
            CoinScope::Transaction => flip(self.params.stem_probability, rng),
            CoinScope::Epoch => self.epoch_coin,
        }
    }

    fn relay(&self, source: Source) -> Option<PeerId> {
        let source = match source {
            Source::Own => u64::MAX,
            Source::Zone => u64::MAX - 1,
            Source::Peer(peer) => peer.0,
        };
        let count = u64::try_from(self.relays.len()).unwrap_or(u64::MAX);
        let slot = mix(self.salt ^ source).checked_rem(count)?;
        self.relays.get(usize::try_from(slot).ok()?).copied()
    }

    fn is_up(&self, relay: PeerId) -> bool {
        self.candidates.contains_key(&relay)
    }

    fn coin_is_sticky(&self) -> bool {
        self.params.coin == CoinScope::Epoch
    }

    fn lets_own_out(&self) -> bool {
        !self.own_waits || !self.relays.is_empty()
    }
}

fn flip(stem_probability: f64, rng: &mut (impl Rng + ?Sized)) -> Coin {
    if rng.random::<f64>() < stem_probability { Coin::Stem } else { Coin::Fluff }
}

/// The finaliser of SplitMix64: spreads sources evenly over relays.
fn mix(mut x: u64) -> u64 {
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::Duration;

    use super::*;
    use crate::dandelion::Preset;

    fn candidate(id: u64) -> Candidate {
        let octet = u8::try_from(id).expect("small");
        Candidate {
            peer: PeerId(id),
            group: NetGroup::Ip(crate::book::Group::of(IpAddr::from([10, octet, 0, 1]))),
        }
    }

    fn router(preset: Preset, candidates: u64) -> DandelionRouter {
        let mut router = DandelionRouter::new(preset.params(), [7; 32], Instant::ZERO);
        router.set_candidates((1..=candidates).map(candidate));
        router
    }

    #[test]
    fn a_relay_stays_for_the_epoch_and_is_drawn_anew_after_it() {
        let mut router = router(Preset::GrinDoc, 8);
        let mut seen = std::collections::BTreeSet::new();
        for epoch in 0..50 {
            let relay = router.relay(Source::Own);
            router.handle_timeout(Instant::from_secs(epoch * 600 + 599));
            assert_eq!(router.relay(Source::Peer(PeerId(3))), relay);
            seen.insert(relay);
            router.handle_timeout(Instant::from_secs(epoch * 600 + 600));
        }
        assert_eq!(seen.len(), 8, "all candidates have their turn");
    }

    #[test]
    fn a_lost_relay_is_replaced_at_once_and_others_stay() {
        let mut router = router(Preset::DandelionPlusPlus, 8);
        let (lost, kept) = (router.relays()[0], router.relays()[1]);
        router.set_candidates((1..=8).map(candidate).filter(|c| c.peer != lost));
        assert_eq!(router.relays().len(), 2);
        assert!(router.relays().contains(&kept) && !router.relays().contains(&lost));
        assert!(!router.is_up(lost));
        router.set_candidates([]);
        assert_eq!(router.relay(Source::Own), None);
    }

    #[test]
    fn sources_are_spread_over_both_relays_and_stick() {
        let router = router(Preset::DandelionPlusPlus, 8);
        let of = |id| router.relay(Source::Peer(PeerId(id)));
        let first = (0..1_000).filter(|id| of(*id) == Some(router.relays()[0])).count();
        assert!((400..600).contains(&first), "{first} of 1000 sources on the first relay");
        assert!((0..1_000).all(|id| of(id) == of(id)));
    }

    #[test]
    fn relays_of_one_epoch_are_in_different_groups_if_possible() {
        let near = |id| Candidate { peer: PeerId(id), group: candidate(1).group };
        for seed in 0..50 {
            let params = Preset::Monero.params();
            let mut router = DandelionRouter::new(params, [seed; 32], Instant::ZERO);
            router.set_candidates((10..20).map(near).chain([candidate(2)]));
            assert!(router.relays().contains(&PeerId(2)));
        }
    }

    #[test]
    fn coins_fall_as_their_scope_and_probability_say() {
        let mut router = router(Preset::GrinDoc, 1);
        let mut rng = ChaCha12Rng::from_seed([1; 32]);
        let source = Source::Peer(PeerId(1));
        let stems = (0..10_000).filter(|_| router.coin(source, &mut rng) == Coin::Stem).count();
        assert!((8_900..9_100).contains(&stems), "{stems} of 10000 stem");

        let mut router = self::router(Preset::Grin5, 1);
        let mut fluff_epochs = 0;
        for epoch in 1..=1_000u64 {
            let coin = router.coin(source, &mut rng);
            assert!((0..10).all(|_| router.coin(source, &mut rng) == coin));
            assert_eq!(router.coin(Source::Own, &mut rng), Coin::Stem);
            fluff_epochs += usize::from(coin == Coin::Fluff);
            router.handle_timeout(Instant::ZERO + Duration::from_secs(600 * epoch));
        }
        assert!((60..140).contains(&fluff_epochs), "{fluff_epochs} of 1000 epochs fluff");
    }
}
