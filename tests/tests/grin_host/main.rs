//! A Grin chain, on disk and with its own rules and proof of work, as the host of a zone: what a
//! builder of a node embeds, with real spends of coinbases, blocks, forks and reorgs.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

#[path = "../grin_pool/chain.rs"]
mod chain;
mod copy;
mod host;
#[path = "../grin_pool/wallet.rs"]
#[expect(dead_code, reason = "it is another test's, and this one needs less of it")]
mod wallet;

use proptest::prelude::*;
use scape_aggregate::{ChainType, Consensus, Hash};
use scape_p2p::zone::PushError;
use scape_pool::{Accepted, ChainView, FluffReason, Notice, Refusal};

use chain::follow;
use host::{Host, kernels};
use wallet::Wallet;

/// What a value of one stands for, so that rewards can be split into values that are all different.
const SCALE: u64 = 1_000_000;
const CONSENSUS: Consensus = Consensus::of(ChainType::AutomatedTesting);

fn is_mined(host: &Host, tx: &grin_core::core::Transaction, height: u64) -> bool {
    let kernels = kernels(tx);
    let mined = |notice: &Notice| match notice {
        Notice::Mined { kernels: mined, height: at } => {
            *at == height && mined.contains(&kernels[0])
        }
        _ => false,
    };
    host.notices.iter().any(mined)
}

#[test]
fn coinbases_are_spent_merged_and_mined_and_come_back_after_a_reorg() {
    follow(false);
    let wallet = Wallet::new(SCALE);
    let mut host = Host::new(&wallet);
    host.mine_empty(6, &wallet);
    let twin = host.twin();

    // The reward of a block can be spent three blocks later.
    let immature = wallet.spend_reward(&host.header_at(5), &[20_000, 39_000]);
    let refused = host.push(&immature);
    assert_eq!(refused, Err(PushError::Refused(Refusal::ImmatureCoinbase { matures: 8 })));
    let spends: Vec<_> = (1..=4u64)
        .map(|height| {
            let outputs = [20_000 + height, 39_000 + height];
            wallet.spend_reward(&host.header_at(height), &outputs)
        })
        .collect();
    for tx in &spends[..3] {
        assert_eq!(host.push(tx), Ok(Accepted::Stem));
    }
    // No relay: patience merges the three and fluffs them as one.
    host.wait(20);
    let public = host.offered();
    assert_eq!(public.len(), 1);
    assert_eq!((public[0].kernels().len(), public[0].inputs().len()), (3, 3));
    let fluffed = |notice: &Notice| {
        matches!(notice, Notice::Fluffed { parts: 3, reason: FluffReason::NoRelay, .. })
    };
    assert!(host.notices.iter().any(fluffed));

    // A block of Grin's holds them.
    assert_eq!(host.mine(&wallet), 1);
    assert!(spends[..3].iter().all(|tx| is_mined(&host, tx, 7)));
    assert_eq!(host.zone.pool().counts().public, 0);
    // A child of one of them, and one that knows nothing of them.
    let child = wallet.tx(&[20_001], &[8_001, 11_002]);
    assert_eq!(host.push(&child), Ok(Accepted::Stem));
    assert_eq!(host.push(&spends[3]), Ok(Accepted::Stem));

    // Another miner's branch is longer, and holds the second spend alone.
    host.notices.clear();
    twin.mine(&spends[1..2], &wallet);
    twin.mine_empty(2, &wallet);
    host.import(&twin);
    assert_eq!(host.tip().height, 9);
    let unmined = host.notices.iter().filter(|n| matches!(n, Notice::Unmined { .. }));
    assert!(unmined.count() >= 1);
    assert!(!host.notices.iter().any(|n| matches!(n, Notice::Conflicted { .. })));
    // The others are public again, without it.
    let pending: Vec<Hash> = host.offered().iter().flat_map(kernels).collect();
    let [first, second, third] = [0, 1, 2].map(|index| kernels(&spends[index])[0]);
    assert!(pending.contains(&first) && pending.contains(&third) && !pending.contains(&second));
    host.wait(20);
    host.mine_all(&wallet);
    host.assert_mined_once(spends.iter().chain([&child]));
}

/// What happens to the host.
#[derive(Clone, Debug)]
enum Event {
    /// A reward that nothing was spent of yet, or the change of it, is spent.
    Push {
        fluff: bool,
    },
    Wait(u64),
    Mine,
    /// Blocks of another miner, without the last ones of ours, and how many of what we know of he
    /// has.
    Fork {
        depth: usize,
        knows: usize,
    },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => prop::bool::weighted(0.2).prop_map(|fluff| Event::Push { fluff }),
        2 => (1u64..30).prop_map(Event::Wait),
        2 => Just(Event::Mine),
        1 => (1usize..4, 0usize..4).prop_map(|(depth, knows)| Event::Fork { depth, knows }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 2 } else { 16 }))]

    /// In whatever order coins are spent and spent again, blocks come and are undone: in the end
    /// every transaction is in the chain exactly once.
    #[test]
    fn nothing_is_lost(events in prop::collection::vec(event(), 10..30)) {
        follow(false);
        let wallet = Wallet::new(SCALE);
        let mut host = Host::new(&wallet);
        host.mine_empty(20, &wallet);
        let mut pushed = Vec::new();
        let mut reward = 0u64;
        for event in events {
            match event {
                Event::Push { fluff } if reward < 15 => {
                    // Every third spends what the one before it made.
                    let number = pushed.len() as u64;
                    let tx = if number % 3 == 2 {
                        let coin = 20_000 + number - 1;
                        wallet.tx(&[coin], &[1_000 + number, coin - 2_500 - 2 * number])
                    } else {
                        reward += 1;
                        let outputs = [20_000 + number, 39_000 + number];
                        wallet.spend_reward(&host.header_at(reward), &outputs)
                    };
                    let taken = match fluff {
                        true => host.fluff(&tx),
                        false => host.push(&tx),
                    };
                    prop_assert!(taken.is_ok(), "{taken:?}");
                    pushed.push(tx);
                }
                Event::Push { .. } => {}
                Event::Wait(secs) => host.wait(secs),
                Event::Mine => drop(host.mine(&wallet)),
                Event::Fork { depth, knows } => host.fork(depth, knows, &wallet),
            }
        }
        host.mine_all(&wallet);
        host.assert_mined_once(&pushed);
        let given_up = host.notices.iter().any(|notice| matches!(notice, Notice::Conflicted { .. }));
        prop_assert!(!given_up);
    }
}
