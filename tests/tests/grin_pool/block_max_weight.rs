use grin_core::core::Transaction;
use grin_core::global;

use crate::chain::{TestChain, follow};
use crate::pair::{Pair, kernels};
use crate::wallet::Wallet;

/// The fee of the test, in nanogrin, for one of Grin's.
const SCALE: u64 = 500;

/// Grin's `test_block_building_max_weight`.
///
/// We mine nothing and choose nothing for a miner: we offer all, parents first. So a miner that
/// chooses by Grin's rules can choose from ours what it would choose from Grin's, and what does not
/// fit into its block stays in both.
#[test]
fn what_does_not_fit_into_a_block_stays() {
    follow(false);
    let wallet = Wallet::new(SCALE);
    let chain = TestChain::new(&wallet);
    let mut pair = Pair::new(&chain, false);
    chain.mine_empty(4, &wallet);
    let values = [1_000_000, 2_000_000, 3_000_000, 10_000_000];
    let split = wallet.spend_reward(&chain.header_at(1), &values);
    pair.mine(&[split], &wallet);

    let txs = [
        wallet.tx(&[10_000_000], &[3_900_000, 1_300_000, 1_200_000, 1_100_000]),
        wallet.tx(&[1_000_000], &[900_000, 10_000]),
        wallet.tx(&[900_000], &[800_000, 20_000]),
        wallet.tx(&[2_000_000], &[1_970_000]),
        wallet.tx(&[3_000_000], &[2_900_000, 30_000]),
        wallet.tx(&[2_900_000], &[2_800_000, 40_000]),
    ];
    let fees = txs.iter().map(|tx| tx.fee() / SCALE);
    assert!(fees.eq([2_500_000, 90_000, 80_000, 30_000, 70_000, 60_000]));
    assert!(txs.iter().map(Transaction::weight).eq([88, 46, 46, 25, 46, 46]));
    for tx in &txs {
        let (grin, ours) = pair.fluff(tx);
        assert!(grin.is_ok() && ours.is_ok(), "{grin:?} {ours:?}");
    }
    assert_eq!(pair.sizes(), (6, 0));

    let chosen = pair.grin.prepare_mineable_transactions().unwrap();
    assert!(chosen.iter().map(|tx| tx.fee() / SCALE).eq([2_500_000, 90_000, 80_000, 70_000]));
    assert!(chosen.iter().map(Transaction::weight).eq([88, 46, 46, 46]));
    let offered: Vec<_> = pair.offered().iter().map(kernels).collect();
    let places = chosen.iter().map(|tx| offered.iter().position(|one| *one == kernels(tx)));
    assert!(places.eq([Some(0), Some(1), Some(2), Some(4)]), "all of it, parents first");

    let block = pair.mine(&chosen, &wallet);
    assert_eq!(block.inputs().len(), 3);
    assert_eq!((block.outputs().len(), block.kernels().len()), (10, 5));
    assert!(block.outputs().len() as u64 * 21 <= global::max_block_weight());
    assert_eq!(pair.sizes(), (2, 0));
}
