use grin_core::core::{KernelFeatures, NRDRelativeHeight};
use grin_pool::PoolError;
use scape_aggregate::DecodeError;

use crate::chain::{TestChain, follow};
use crate::node::No;
use crate::pair::Pair;
use crate::wallet::Wallet;

/// Grin's `test_nrd_kernels_disabled`.
#[test]
fn without_the_flag_an_nrd_kernel_is_refused_at_any_height() {
    follow(true);
    // Only the two pools are to know nothing of NRD kernels, not the wallet.
    let wallet = Wallet::new(500_000);
    let relative_height = NRDRelativeHeight::new(1440).unwrap();
    let fee = (600_u64 * 500_000).try_into().unwrap();
    let features = KernelFeatures::NoRecentDuplicate { fee, relative_height };
    let nrd = wallet.tx_with_features(&[1_000, 2_000], &[2_400], features);
    follow(false);
    let chain = TestChain::new(&wallet);
    let mut pair = Pair::new(&chain, false);
    chain.mine_empty(3, &wallet);
    let split = wallet.spend_reward(&chain.header_at(1), &[1_000, 2_000, 3_000, 4_000]);
    pair.mine(&[split], &wallet);
    assert_eq!(pair.fluff(&nrd), (Err(PoolError::NRDKernelNotEnabled), refused()));
    // On to the third hard fork, since which there may be NRD kernels.
    chain.mine_empty(5, &wallet);
    for stem in [false, true] {
        assert_eq!(pair.add(&nrd, stem), (Err(PoolError::NRDKernelNotEnabled), refused()));
    }
    assert_eq!(pair.sizes(), (0, 0));
    assert_eq!(pair.grin.prepare_mineable_transactions().unwrap(), []);
    assert_eq!(pair.offered(), []);
}

/// Here it is no transaction at all.
fn refused<T>() -> Result<T, No> {
    Err(No::Decoder(DecodeError::NrdDisabled))
}
