use crate::chain::{TestChain, follow};
use crate::pair::{Pair, kernels};
use crate::wallet::Wallet;

/// Grin's `test_transaction_pool_block_reconciliation`.
#[test]
fn what_a_block_makes_impossible_leaves_and_the_rest_stays() {
    follow(false);
    let wallet = Wallet::new(500_000);
    let chain = TestChain::new(&wallet);
    let mut pair = Pair::new(&chain, false);
    chain.mine_empty(4, &wallet);
    let split = wallet.spend_reward(&chain.header_at(1), &[1_000, 2_000, 3_000, 4_000]);
    pair.mine(&[split], &wallet);

    let in_the_block = wallet.tx(&[1_000], &[800]);
    let conflict = wallet.tx(&[2_000], &[1_200, 600]);
    let valid = wallet.tx(&[3_000], &[1_300, 1_500]);
    let child_in_the_block = wallet.tx(&[800], &[500, 100]);
    let child_of_the_block = wallet.tx(&[500], &[300]);
    let child_of_conflict = wallet.tx(&[1_200], &[200]);
    // The block creates what it spends, too.
    let valid_child_of_conflict = wallet.tx(&[600], &[400]);
    // The block creates what it creates, too.
    let output_conflict = wallet.tx(&[1_300], &[900]);
    let valid_child = wallet.tx(&[1_500], &[1_100]);
    let child_of_both = wallet.tx(&[200, 1_100], &[700]);
    let txs = [
        &in_the_block,
        &conflict,
        &valid,
        &child_in_the_block,
        &child_of_the_block,
        &child_of_conflict,
        &valid_child_of_conflict,
        &output_conflict,
        &valid_child,
        &child_of_both,
    ];
    for tx in txs {
        let (grin, ours) = pair.fluff(tx);
        assert!(grin.is_ok() && ours.is_ok());
    }
    assert_eq!(pair.sizes(), (10, 0));

    // Grin's test mines the likes of the first and the fourth; here they are themselves, so that a
    // kernel in a block is tried as well as an input that a block spends.
    let rival = wallet.tx(&[2_000], &[600]);
    let same_output = wallet.tx(&[4_000], &[900, 2_900]);
    let txs = [in_the_block, rival, child_in_the_block, same_output];
    let block = pair.mine_unheard(&txs, &wallet);
    assert_eq!(pair.sizes(), (10, 0), "nobody has told them");
    pair.hear(&block);
    assert_eq!(pair.sizes(), (4, 0));
    let remaining = [&valid, &child_of_the_block, &valid_child_of_conflict, &valid_child];
    assert_eq!(pair.ours.public(), remaining.map(kernels));
    assert_eq!(pair.grin_public(), remaining.map(kernels));
}

/// The same transactions and the same block, with all of them in the stempool.
#[test]
fn the_stempool_is_reconciled_like_the_txpool() {
    follow(false);
    let wallet = Wallet::new(500_000);
    let chain = TestChain::new(&wallet);
    let mut pair = Pair::new(&chain, false);
    chain.mine_empty(4, &wallet);
    let split = wallet.spend_reward(&chain.header_at(1), &[1_000, 2_000, 3_000, 4_000]);
    pair.mine(&[split], &wallet);
    let in_the_block = wallet.tx(&[1_000], &[800]);
    let conflict = wallet.tx(&[2_000], &[1_200, 600]);
    let child_of_the_block = wallet.tx(&[800], &[500, 100]);
    let child_of_conflict = wallet.tx(&[1_200], &[200]);
    let valid_child_of_conflict = wallet.tx(&[600], &[400]);
    let output_conflict = wallet.tx(&[3_000], &[900]);
    let txs = [
        &in_the_block,
        &conflict,
        &child_of_the_block,
        &child_of_conflict,
        &valid_child_of_conflict,
        &output_conflict,
    ];
    for tx in txs {
        let (grin, ours) = pair.stem(tx);
        assert!(grin.is_ok() && ours.is_ok());
    }
    assert_eq!(pair.sizes(), (0, 6));
    let rival = wallet.tx(&[2_000], &[600]);
    let same_output = wallet.tx(&[4_000], &[900, 2_900]);
    pair.mine(&[in_the_block, rival, same_output], &wallet);
    assert_eq!(pair.sizes(), (0, 2));
    let remaining = [&child_of_the_block, &valid_child_of_conflict];
    assert_eq!(pair.ours.stem(), remaining.map(kernels));
}
