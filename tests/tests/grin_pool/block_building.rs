use std::collections::BTreeSet;

use crate::chain::{TestChain, follow};
use crate::pair::{Pair, kernels};
use crate::wallet::Wallet;

/// Grin's `test_transaction_pool_block_building`, with the block built of what we offer: Grin's
/// chain takes it as it takes its own.
#[test]
fn a_miner_may_mine_what_is_offered_in_its_order() {
    follow(false);
    let wallet = Wallet::new(500_000);
    let chain = TestChain::new(&wallet);
    let mut pair = Pair::new(&chain, false);
    chain.mine_empty(4, &wallet);
    let split = wallet.spend_reward(&chain.header_at(1), &[100, 200, 300, 400]);
    pair.mine(&[split], &wallet);

    let roots =
        [wallet.tx(&[100, 200], &[240]), wallet.tx(&[300], &[270]), wallet.tx(&[400], &[370])];
    let children = [wallet.tx(&[240], &[210]), wallet.tx(&[370], &[320])];
    for tx in roots.iter().chain(&children) {
        let (grin, ours) = pair.fluff(tx);
        assert!(grin.is_ok() && ours.is_ok());
    }
    assert_eq!(pair.sizes(), (5, 0));

    let offered = pair.offered();
    let place = |tx| offered.iter().position(|one| kernels(one) == kernels(tx)).unwrap();
    assert!(place(&roots[0]) < place(&children[0]) && place(&roots[2]) < place(&children[1]));
    let by_grin = pair.grin.prepare_mineable_transactions().unwrap();
    let set = |txs: &[_]| txs.iter().map(kernels).collect::<BTreeSet<_>>();
    assert_eq!(set(&by_grin), set(&offered));

    let block = pair.mine(&offered, &wallet);
    assert_eq!((block.inputs().len(), block.outputs().len(), block.kernels().len()), (4, 4, 6));
    for tx in roots.iter().chain(&children) {
        assert!(block.kernels().contains(&tx.kernels()[0]));
    }
    assert_eq!(pair.sizes(), (0, 0));
}
