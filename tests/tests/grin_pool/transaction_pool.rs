use std::time::Duration;

use grin_core::core::transaction;
use grin_pool::{PoolError, TxSource};
use scape_pool::{Accepted, Refusal};

use crate::chain::{TestChain, follow};
use crate::node::No;
use crate::pair::{Pair, Verdicts};
use crate::wallet::Wallet;

const IN_STEM: Verdicts = (Ok(()), Ok(Accepted::Stem));
const IN_PUBLIC: Verdicts = (Ok(()), Ok(Accepted::Public));

/// A pair with one transaction in the txpool that makes outputs for the others to spend, and the
/// two that Grin's test adds next: the second spends from the first.
struct Start {
    wallet: Wallet,
    pair: Pair,
    tx1: transaction::Transaction,
    tx2: transaction::Transaction,
}

fn start() -> Start {
    follow(false);
    let wallet = Wallet::new(500_000);
    let chain = TestChain::new(&wallet);
    let mut pair = Pair::new(&chain, false);
    chain.mine_empty(4, &wallet);
    let values = [500, 600, 700, 800, 900, 1000, 1100, 1200, 1300, 1400];
    let first = wallet.spend_reward(&chain.header_at(1), &values);
    assert_eq!(pair.fluff(&first), IN_PUBLIC);
    assert_eq!(pair.sizes(), (1, 0));
    let tx1 = wallet.tx(&[500, 600], &[469, 569]);
    let tx2 = wallet.tx(&[469, 700], &[498]);
    for tx in [&tx1, &tx2] {
        assert_eq!(pair.fluff(tx), IN_PUBLIC);
    }
    assert_eq!(pair.sizes(), (3, 0));
    Start { wallet, pair, tx1, tx2 }
}

/// `test_the_transaction_pool`, in pieces: what must not come in.
#[test]
fn conflicts_and_duplicates_are_refused() {
    let Start { wallet, mut pair, tx1, .. } = start();
    let refused = |verdicts: Verdicts, ours: Refusal| {
        assert!(verdicts.0.is_err());
        assert_eq!(verdicts.1, Err(No::Pool(ours)));
    };
    // Grin's test calls this a double spend; the reward that it spends is another one, and fresh.
    let fresh = wallet.spend_reward(&pair.chain.head(), &[501]);
    let double = wallet.spend_reward(&pair.chain.header_at(1), &[501]);
    let same_ends = wallet.tx(&[500, 600], &[469, 569]);
    let same_output = wallet.tx(&[900], &[498]);
    let spent = wallet.tx(&[500], &[467]);
    for stem in [false, true] {
        let immature = pair.add(&fresh, stem);
        assert_eq!(immature.0, Err(PoolError::ImmatureCoinbase));
        refused(immature, Refusal::ImmatureCoinbase { matures: 7 });
        refused(pair.add(&double, stem), Refusal::Conflict);
        let again = pair.add(&tx1, stem);
        assert_eq!(again.0, Err(PoolError::DuplicateTx));
        refused(again, Refusal::Known);
        refused(pair.add(&same_ends, stem), Refusal::OutputExists);
        refused(pair.add(&same_output, stem), Refusal::OutputExists);
        refused(pair.add(&spent, stem), Refusal::Conflict);
    }
    assert_eq!(pair.sizes(), (3, 0));
}

/// `test_the_transaction_pool`: an input that is nowhere. Grin refuses the transaction, we let it
/// wait for its parent, apart from the pools. Neither relays it.
#[test]
fn what_spends_an_unknown_output_waits() {
    let Start { wallet, mut pair, .. } = start();
    let unknown = || Err(PoolError::Other("failed to validate inputs".into()));
    let (parent, child) = (wallet.tx(&[800], &[769]), wallet.tx(&[769], &[738]));
    for (index, tx) in [wallet.tx(&[10_001], &[9_900]), child.clone()].iter().enumerate() {
        for stem in [false, true] {
            let (grin, ours) = pair.add(tx, stem);
            assert_eq!((grin, ours), (unknown(), Ok(Accepted::Orphan)));
        }
        assert_eq!(pair.ours.pool.counts().orphans, 2 * (index + 1), "one of each kind");
    }
    assert_eq!(pair.sizes(), (3, 0));
    // When the parent comes the child follows by itself. Grin has to be told of it again.
    assert_eq!(pair.fluff(&parent), IN_PUBLIC);
    assert_eq!((pair.grin.total_size(), pair.ours.public().len()), (4, 5));
    let (grin, ours) = pair.fluff(&child);
    assert_eq!((grin, ours), (Ok(()), Err(No::Pool(Refusal::Known))));
    assert_eq!(pair.sizes(), (5, 0));
    assert_eq!(pair.ours.pool.counts().orphans, 2, "the stem had it too; it is public now");
}

/// `test_the_transaction_pool`: the stempool, and what is fluffed from it.
#[test]
fn an_aggregate_of_the_stempool_is_fluffed() {
    let Start { wallet, mut pair, .. } = start();
    assert_eq!(pair.stem(&wallet.tx(&[569], &[538])), IN_STEM);
    assert_eq!(pair.stem(&wallet.tx(&[538], &[507])), IN_STEM);
    assert_eq!(pair.sizes(), (3, 2));
    let all = pair.grin.stempool.all_transactions_aggregate(None).unwrap().unwrap();
    assert_eq!(all.kernels().len(), 2);
    assert_eq!(pair.fluff(&all), IN_PUBLIC);
    assert_eq!(pair.sizes(), (4, 0));
}

/// `test_the_transaction_pool`: a stem transaction that comes back.
///
/// Grin fluffs it at once. That tells who sent it that it came round, and when; we say so to
/// nobody, and fluff it when we look at fresh transactions next.
#[test]
fn what_comes_round_on_the_stem_is_fluffed() {
    let Start { wallet, mut pair, .. } = start();
    let tx = wallet.tx(&[569], &[538]);
    assert_eq!(pair.stem(&tx), IN_STEM);
    pair.wait(Duration::from_secs(10));
    assert_eq!(pair.sizes(), (3, 1), "handed on, and kept");
    assert_eq!(pair.stem(&tx), (Ok(()), Ok(Accepted::Loop)));
    assert_eq!((pair.grin.total_size(), pair.grin.stempool.size()), (4, 0));
    assert_eq!(pair.ours.stem().len(), 1);
    pair.wait(Duration::from_secs(10));
    assert_eq!(pair.sizes(), (4, 0));
}

/// `test_the_transaction_pool`: only what is new of an aggregate is added.
#[test]
fn the_known_part_of_a_fluffed_aggregate_is_subtracted() {
    let Start { wallet, mut pair, tx1, tx2 } = start();
    let tx4 = wallet.tx(&[800], &[769]);
    let all = transaction::aggregate(&[tx1, tx2, tx4.clone()]).unwrap();
    assert_eq!(pair.fluff(&all), IN_PUBLIC);
    assert_eq!(pair.sizes(), (4, 0), "the two hold the same, by kernels");
    let last = pair.grin.txpool.entries.last().unwrap();
    assert_eq!((last.tx.kernels(), last.src), (tx4.kernels(), TxSource::Deaggregate));
}

/// The same on the stem, where Grin refuses: it does not subtract there. To a relay this would be a
/// black hole, since who merged the two parts knows the second from us alone.
#[test]
fn the_known_part_of_a_stem_aggregate_is_subtracted_where_grin_refuses() {
    let Start { wallet, mut pair, tx1, .. } = start();
    let tx4 = wallet.tx(&[800], &[769]);
    let both = transaction::aggregate(&[tx1, tx4.clone()]).unwrap();
    let (grin, ours) = pair.stem(&both);
    assert!(grin.is_err());
    assert_eq!(ours, Ok(Accepted::Stem));
    assert_eq!(pair.stem(&tx4), (Ok(()), Ok(Accepted::Loop)), "the rest is what it had kept");
    assert_eq!(pair.sizes(), (3, 1));
}
