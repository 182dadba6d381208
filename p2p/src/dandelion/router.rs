use std::collections::{BTreeMap, BTreeSet};

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use scape_pool::{Coin, Instant, PeerId, Router, SinkId, Source, WayOut};

use super::{CoinScope, Params};
use crate::addr::NetGroup;

/// A peer that may become a relay: outbound or whitelisted, and in sync with us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// The connection.
    pub peer: PeerId,
    /// Where it is: relays of one epoch are taken from different groups if that is possible.
    pub group: NetGroup,
    /// Whether it carries sealed transactions.
    pub carries: bool,
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
    /// The relays, and after them those that only look like relays.
    relays: Vec<PeerId>,
    /// How many there are of both at least.
    covered: usize,
    /// All who carry sealed transactions, in the order in which they are asked to in this epoch.
    carriers: Vec<PeerId>,
    /// The sinks of now: those that are used, and the next ones.
    sinks: (Vec<SinkId>, Vec<SinkId>),
    epoch_end: Instant,
    epoch_coin: Coin,
    /// Maps sources to relays, anew for each epoch.
    salt: u64,
    way_out: WayOut,
}

impl DandelionRouter {
    /// A router without candidates, at the beginning of its first epoch.
    pub fn new(params: Params, seed: [u8; 32], now: Instant) -> Self {
        let mut router = Self {
            params,
            rng: ChaCha12Rng::from_seed(seed),
            candidates: BTreeMap::new(),
            relays: Vec::new(),
            carriers: Vec::new(),
            sinks: (Vec::new(), Vec::new()),
            covered: 0,
            epoch_end: now,
            epoch_coin: Coin::Stem,
            salt: 0,
            way_out: WayOut::Open,
        };
        router.begin_epoch(now);
        router
    }

    /// Says who may be a relay from now on. Relays that are not among them are replaced.
    pub fn set_candidates(&mut self, candidates: impl IntoIterator<Item = Candidate>) {
        let candidates: Vec<_> = candidates.into_iter().collect();
        self.candidates = candidates.iter().map(|c| (c.peer, c.group)).collect();
        self.relays.retain(|relay| self.candidates.contains_key(relay));
        self.fill_relays();
        let carriers = candidates.iter().filter(|c| c.carries).map(|c| c.peer);
        let carriers: BTreeSet<_> = carriers.collect();
        self.carriers.retain(|peer| carriers.contains(peer));
        let mut new: Vec<_> =
            carriers.into_iter().filter(|peer| !self.carriers.contains(peer)).collect();
        new.shuffle(&mut self.rng);
        self.carriers.extend(new);
    }

    /// Says whether there is somebody to hand transactions of the owner to.
    pub fn set_way_out(&mut self, way_out: WayOut) {
        self.way_out = way_out;
    }

    /// The relays of this epoch.
    pub fn relays(&self) -> &[PeerId] {
        &self.relays[..self.relays.len().min(self.params.relays)]
    }

    /// Chooses so many peers for an epoch, of which only as many are relays as the parameters say.
    /// The others are for whoever watches.
    pub fn cover(&mut self, peers: usize) {
        self.covered = peers;
        self.fill_relays();
    }

    /// The relays of this epoch and those that only look like relays.
    pub fn covered(&self) -> &[PeerId] {
        &self.relays
    }

    /// Says which sinks there are from now on, the best one first. The first `count` are used, the
    /// others stand by for them.
    pub fn set_sinks(&mut self, mut sinks: Vec<SinkId>, count: usize) {
        let others = sinks.split_off(count.min(sinks.len()));
        self.sinks = (sinks, others);
    }

    /// The sinks that are used.
    pub fn sinks(&self) -> &[SinkId] {
        &self.sinks.0
    }

    /// Who carries a sealed transaction, not back to whom it came from. As long as the epoch lasts it
    /// is the same one, but for what is sealed again: that is given to another one for each attempt.
    pub fn carrier(&self, from: Option<PeerId>, attempt: u8) -> Option<PeerId> {
        let others = || self.carriers().filter(|peer| Some(*peer) != from);
        others().nth(usize::from(attempt).checked_rem(others().count())?)
    }

    /// Those who can be asked to carry: where there is cover, only to them something can be sent.
    fn carriers(&self) -> impl Iterator<Item = PeerId> {
        let is_reached = |peer: &&PeerId| self.covered == 0 || self.relays.contains(peer);
        self.carriers.iter().filter(is_reached).copied()
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
        self.relays.truncate(params.relays.max(self.covered));
        self.fill_relays();
    }

    fn begin_epoch(&mut self, now: Instant) {
        let spread = self.params.epoch_spread.mul_f64(self.rng.random::<f64>());
        self.epoch_end = now + self.params.epoch + spread;
        self.epoch_coin = flip(self.params.stem_probability, &mut self.rng);
        self.salt = self.rng.random();
        self.relays.clear();
        self.fill_relays();
        self.carriers.shuffle(&mut self.rng);
    }

    fn fill_relays(&mut self) {
        while self.relays.len() < self.params.relays.max(self.covered) {
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
            // Not by chance: a relay that sees it in the clear may tell.
            _ if !self.sinks.0.is_empty() && self.carriers().next().is_some() => Coin::Seal,
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
        let relays = self.relays();
        let count = u64::try_from(relays.len()).unwrap_or(u64::MAX);
        let slot = mix(self.salt ^ source).checked_rem(count)?;
        relays.get(usize::try_from(slot).ok()?).copied()
    }

    fn sink(&self, avoid: &[SinkId], rng: &mut dyn Rng) -> Option<SinkId> {
        let (used, others) = &self.sinks;
        let used: Vec<_> = used.iter().filter(|sink| !avoid.contains(sink)).collect();
        let next = || others.iter().find(|sink| !avoid.contains(sink));
        used.choose(rng).copied().or_else(next).copied()
    }

    fn is_up(&self, relay: PeerId) -> bool {
        match self.covered {
            0 => self.candidates.contains_key(&relay),
            // Only to these something can be sent.
            _ => self.relays().contains(&relay),
        }
    }

    fn way_out(&self) -> WayOut {
        self.way_out
    }

    fn coin_is_sticky(&self) -> bool {
        self.params.coin == CoinScope::Epoch
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
        let group = NetGroup::Ip(crate::book::Group::of(IpAddr::from([10, octet, 0, 1])));
        Candidate { peer: PeerId(id), group, carries: id.is_multiple_of(2) }
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
    fn cover_makes_no_relays_and_steps_in_for_one_that_is_lost() {
        let mut router = router(Preset::GrinDoc, 8);
        let relay = router.relays()[0];
        router.cover(2);
        assert_eq!((router.relays(), router.covered().len()), (&[relay][..], 2));
        let cover = router.covered()[1];
        assert!((0..100).all(|id| router.relay(Source::Peer(PeerId(id))) == Some(relay)));
        assert!((1..=8).all(|id| router.is_up(PeerId(id)) == (relay == PeerId(id))));
        router.set_candidates((1..=8).map(candidate).filter(|c| c.peer != relay));
        assert_eq!(router.relays(), [cover]);
        assert_eq!(router.covered().len(), 2);
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
    fn each_epoch_spreads_sources_anew() {
        let mut router = router(Preset::DandelionPlusPlus, 8);
        for (begin, source) in [(1, Source::Own), (401, Source::Peer(PeerId(1)))] {
            let first = (begin..begin + 400u64).filter(|epoch| {
                router.handle_timeout(Instant::from_secs(700 * epoch));
                router.relay(source) == Some(router.relays()[0])
            });
            let first = first.count();
            assert!((150..250).contains(&first), "{source:?}: {first} of 400 on the first relay");
        }
    }

    #[test]
    fn relays_of_one_epoch_are_in_different_groups_if_possible() {
        let near = |id| Candidate { group: candidate(1).group, ..candidate(id) };
        for seed in 0..50 {
            let params = Preset::Monero.params();
            let mut router = DandelionRouter::new(params, [seed; 32], Instant::ZERO);
            router.set_candidates((10..20).map(near).chain([candidate(2)]));
            assert!(router.relays().contains(&PeerId(2)));
        }
    }

    fn sink(id: u8) -> SinkId {
        SinkId([id; 32])
    }

    #[test]
    fn where_there_are_sinks_all_is_sealed_if_somebody_carries_it() {
        let mut router = router(Preset::GrinDoc, 4);
        let mut rng = ChaCha12Rng::from_seed([1; 32]);
        let seals = |router: &mut DandelionRouter, rng: &mut ChaCha12Rng| {
            (0..50).filter(|_| router.coin(Source::Own, rng) == Coin::Seal).count()
        };
        assert_eq!(seals(&mut router, &mut rng), 0);
        router.set_sinks(vec![sink(1)], 1);
        assert_eq!(seals(&mut router, &mut rng), 50);
        // Only even ones carry what they cannot read.
        router.set_candidates([candidate(1), candidate(3)]);
        assert_eq!((seals(&mut router, &mut rng), router.carrier(None, 0)), (0, None));
        router.set_candidates((1..=4).map(candidate));
        assert_eq!(seals(&mut router, &mut rng), 50);
        router.set_sinks(Vec::new(), 1);
        assert_eq!(seals(&mut router, &mut rng), 0);
    }

    #[test]
    fn sinks_share_the_load_and_others_stand_by() {
        let mut router = router(Preset::GrinDoc, 4);
        let mut rng = ChaCha12Rng::from_seed([2; 32]);
        router.set_sinks((1..=4).map(sink).collect(), 2);
        assert_eq!(router.sinks(), [sink(1), sink(2)]);
        let mut draw = |avoid: &[SinkId]| {
            let mut drawn: Vec<_> = (0..100).map(|_| router.sink(avoid, &mut rng)).collect();
            drawn.sort_unstable();
            let ones = drawn.iter().filter(|drawn| **drawn == Some(sink(1))).count();
            drawn.dedup();
            (drawn.into_iter().flatten().collect::<Vec<_>>(), ones)
        };
        let (drawn, ones) = draw(&[]);
        assert_eq!(drawn, [sink(1), sink(2)]);
        assert!((30..70).contains(&ones), "{ones} of 100 to the first of two");
        assert_eq!(draw(&[sink(2)]).0, [sink(1)]);
        assert_eq!(draw(&[sink(1), sink(2)]).0, [sink(3)]);
        assert_eq!(draw(&[sink(1), sink(2), sink(3), sink(4)]).0, []);
    }

    #[test]
    fn a_carrier_stays_for_the_epoch_and_each_attempt_has_another_one() {
        let mut router = router(Preset::GrinDoc, 8);
        let first = router.carrier(None, 0).expect("four carry");
        let all: BTreeSet<_> = (0..4).map(|attempt| router.carrier(None, attempt)).collect();
        assert_eq!(all.len(), 4);
        assert_eq!(router.carrier(None, 4), Some(first), "there are no more");
        let second = router.carrier(None, 1).expect("four carry");
        assert_eq!(router.carrier(Some(first), 0), Some(second), "never back");
        router.set_candidates((1..=20).map(candidate));
        assert_eq!(router.carrier(None, 0), Some(first), "who comes does not push in");
        router.set_candidates((1..=20).map(candidate).filter(|c| c.peer != first));
        assert_eq!(router.carrier(None, 0), Some(second));
        let firsts: BTreeSet<_> = (1..100u64)
            .map(|epoch| {
                router.handle_timeout(Instant::from_secs(600 * epoch));
                router.carrier(None, 0)
            })
            .collect();
        assert_eq!(firsts.len(), 9, "all have their turn");
    }

    #[test]
    fn under_cover_only_those_who_are_covered_carry() {
        let mut router = router(Preset::GrinDoc, 0);
        router.cover(2);
        router.set_sinks(vec![sink(1)], 1);
        let carrying = |id| Candidate { carries: true, ..candidate(id) };
        router.set_candidates((1..=8).map(carrying));
        for epoch in 1..20 {
            router.handle_timeout(Instant::from_secs(600 * epoch));
            let carriers: BTreeSet<_> = (0..8).filter_map(|n| router.carrier(None, n)).collect();
            assert_eq!(carriers, router.covered().iter().copied().collect());
            let [first, second] = [0, 1].map(|attempt| router.carrier(None, attempt));
            assert_eq!(router.carrier(first, 0), second, "never back");
        }
        // Of the two only one carries, then neither does.
        let [one, other] = *router.covered() else { panic!("two are covered") };
        let others = |not: &[PeerId], router: &mut DandelionRouter| {
            router.set_candidates(
                (1..=8)
                    .map(|id| Candidate { carries: !not.contains(&PeerId(id)), ..candidate(id) }),
            );
            (router.carrier(None, 0), router.carrier(None, 1))
        };
        assert_eq!(others(&[one], &mut router), (Some(other), Some(other)));
        assert_eq!(others(&[one, other], &mut router), (None, None));
        let mut rng = ChaCha12Rng::from_seed([3; 32]);
        assert_ne!(router.coin(Source::Own, &mut rng), Coin::Seal, "there is nobody to hand it to");
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
