use grin_pool::PoolError;
use scape_pool::{Accepted, Refusal};

use crate::chain::{TestChain, follow};
use crate::node::No;
use crate::pair::Pair;
use crate::wallet::Wallet;

/// Grin's `test_coinbase_maturity`.
#[test]
fn a_reward_is_spent_when_it_is_mature_and_not_before() {
    follow(false);
    let wallet = Wallet::new(500_000);
    let chain = TestChain::new(&wallet);
    let mut pair = Pair::new(&chain, false);
    chain.mine_empty(1, &wallet);
    let tx = wallet.spend_reward(&chain.header_at(1), &[100]);
    let too_early =
        (Err(PoolError::ImmatureCoinbase), Err(No::Pool(Refusal::ImmatureCoinbase { matures: 4 })));
    assert_eq!(pair.stem(&tx), too_early);
    assert_eq!(pair.fluff(&tx), too_early);
    chain.mine_empty(1, &wallet);
    assert_eq!(pair.stem(&tx), too_early);
    chain.mine_empty(1, &wallet);
    assert_eq!(pair.stem(&tx), (Ok(()), Ok(Accepted::Stem)));
    assert_eq!(pair.fluff(&tx), (Ok(()), Ok(Accepted::Public)));
    assert_eq!(pair.sizes(), (1, 0));
}
