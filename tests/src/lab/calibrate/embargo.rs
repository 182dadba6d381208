use std::collections::HashMap;
use std::time::Duration;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use scape_aggregate::builder::AssumedTx;
use scape_aggregate::{ChainType, Consensus, Hash, ValidTx};
use scape_pool::{
    Capacity, Coin, Context, Effect, Embargo, EmbargoDelay, Instant, Patience, PatienceMode,
    PeerId, Pool, PoolConfig, Router, Source,
};

use super::{Calibration, Check};
use crate::lab::chain::LabChain;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// That of Grin 5.
const NEAR_CONSTANT: EmbargoDelay = EmbargoDelay::Uniform { base: secs(180), spread: secs(30) };
const MEMORYLESS: EmbargoDelay = EmbargoDelay::Exponential { mean: secs(190) };
/// How many nodes hold a transaction when it is swallowed.
const HOLDERS: usize = 5;
/// Between hops.
const PATIENT: [Duration; 2] = [secs(10), secs(20)];
const HASTY: [Duration; 2] = [Duration::from_millis(300); 2];

/// Lets production pools wait for what was swallowed, so many times for each kind of embargo.
pub(super) fn origin_first(swallowed: u64) -> Calibration {
    let check = |name: &str, delay, hop, expected, argued| Check {
        name: name.to_owned(),
        expected,
        argued,
        tolerance: 0.02,
        found: share(delay, hop, swallowed),
    };
    Calibration {
        title: "Who gives up first behind a black hole",
        source: "Five nodes hold a transaction when a black hole swallows it. The probability that \
                 its origin is the first to fluff it, by the embargo of the production pool. Where \
                 hops are short every holder is about as likely as the others: 0.2; by its head start \
                 of 1.2 s in 30 s a near-constant embargo gives 0.225. Within 0.02.",
        checks: vec![
            check("180 s + U(0..30): 10 to 20 s a hop", NEAR_CONSTANT, PATIENT, 0.88, None),
            check("exponential of mean 190 s: 10 to 20 s a hop", MEMORYLESS, PATIENT, 0.33, None),
            check("180 s + U(0..30): 0.3 s a hop", NEAR_CONSTANT, HASTY, 0.2, Some(0.225)),
            check("exponential of mean 190 s: 0.3 s a hop", MEMORYLESS, HASTY, 0.2, None),
        ],
    }
}

fn share(delay: EmbargoDelay, hop: [Duration; 2], swallowed: u64) -> f64 {
    let mut rng = ChaCha12Rng::seed_from_u64(1);
    let consensus = Consensus { chain: ChainType::Mainnet, nrd: false };
    let mut chain = LabChain::new(&consensus);
    let txs: Vec<ValidTx> = (0..swallowed)
        .filter_map(|_| AssumedTx::new().build(&mut rng, &consensus).ok())
        .inspect(|tx| tx.inputs().iter().for_each(|input| chain.add_coin(input.commitment())))
        .collect();
    // They come one after the other, and are swallowed independently.
    let mut arrivals: Vec<Instant> =
        (0..txs.len() as u64).map(|place| Instant::from_micros(place * 50_000)).collect();
    let mut first = vec![(Instant::from_micros(u64::MAX), 0); txs.len()];
    for holder in 0..HOLDERS {
        let ends = ends(delay, &txs, &arrivals, &chain, rng.random());
        for (first, end) in first.iter_mut().zip(ends) {
            *first = (end, holder).min(*first);
        }
        for at in &mut arrivals {
            *at = *at + hop[0] + (hop[1] - hop[0]).mul_f64(rng.random::<f64>());
        }
    }
    first.iter().filter(|(_, holder)| *holder == 0).count() as f64 / txs.len() as f64
}

/// When a pool that relays these transactions at these times, and never hears of them again,
/// fluffs each.
fn ends(
    delay: EmbargoDelay,
    txs: &[ValidTx],
    arrivals: &[Instant],
    chain: &LabChain,
    seed: [u8; 32],
) -> Vec<Instant> {
    let config = PoolConfig {
        rendezvous: None,
        consensus: Consensus { chain: ChainType::Mainnet, nrd: false },
        patience: Patience { interval: Duration::ZERO, phase: None, mode: PatienceMode::FluffOnly },
        // Longer sweeps would only blur what is measured.
        embargo: Embargo { delay, sweep: Duration::from_millis(1) },
        capacity: Capacity::default(),
    };
    let mut pool = Pool::new(config, seed);
    let mut router = AlwaysStem;
    let mut ends: HashMap<Hash, Instant> = HashMap::with_capacity(txs.len());
    let mut coming: Vec<(Instant, &ValidTx)> = arrivals.iter().copied().zip(txs).collect();
    coming.sort_by_key(|(at, _)| *at);
    let mut coming = (0..).zip(coming).peekable();
    loop {
        let next = coming.peek().map(|(_, (at, _))| *at);
        let Some(now) = next.into_iter().chain(pool.poll_timeout()).min() else { break };
        let mut ctx = Context { now, chain, router: &mut router };
        match coming.next_if(|(_, (at, _))| *at == now) {
            // Everyone sends one, so that nobody fills more than a share of the pool.
            Some((peer, (_, tx))) => {
                let _ = pool.handle_stem(tx.clone(), Source::Peer(PeerId(peer)), &mut ctx);
            }
            None => pool.handle_timeout(&mut ctx),
        }
        while let Some(effect) = pool.poll_effect() {
            if let Effect::Fluff { tx, .. } = effect {
                ends.extend(tx.kernels().iter().map(|kernel| (*kernel.hash(), now)));
            }
        }
    }
    let end = |tx: &ValidTx| tx.kernels().first().and_then(|kernel| ends.get(kernel.hash()));
    txs.iter().map(|tx| *end(tx).unwrap_or(&Instant::from_micros(u64::MAX))).collect()
}

/// Hands everything to one relay.
#[derive(Debug)]
struct AlwaysStem;

impl Router for AlwaysStem {
    fn coin(&mut self, _: Source, _: &mut dyn Rng) -> Coin {
        Coin::Stem
    }

    fn relay(&self, _: Source) -> Option<PeerId> {
        Some(PeerId(1))
    }

    fn is_up(&self, _: PeerId) -> bool {
        true
    }

    fn coin_is_sticky(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use scape_p2p::dandelion::Preset;

    use super::*;

    /// What the node tells its owner at the start is what its pool does.
    #[test]
    fn the_formula_of_the_warning_is_what_pools_do() {
        for preset in [Preset::GrinDoc, Preset::Grin5, Preset::DandelionPlusPlus] {
            let params = preset.params();
            let (implied, _) = params.check().expect("possible");
            let found = share(params.embargo.delay, [implied.hop_time; 2], 2_000);
            let difference = (found - implied.origin_first).abs();
            assert!(difference < 0.03, "{preset}: {found}, by formula {}", implied.origin_first);
        }
    }
}
