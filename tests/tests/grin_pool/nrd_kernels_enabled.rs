use grin_core::consensus::MILLI_GRIN;
use grin_core::core::{HeaderVersion, KernelFeatures, NRDRelativeHeight};
use grin_pool::PoolError;
use scape_pool::Accepted;

use crate::chain::{TestChain, follow};
use crate::pair::Pair;
use crate::wallet::Wallet;

/// Grin's `test_nrd_kernels_enabled`.
#[test]
fn with_the_flag_an_nrd_kernel_is_taken() {
    follow(true);
    let wallet = Wallet::new(MILLI_GRIN);
    let chain = TestChain::new(&wallet);
    let mut pair = Pair::new(&chain, true);
    chain.mine_empty(3, &wallet);
    let split = wallet.spend_reward(&chain.header_at(1), &[1_000, 2_000, 3_000, 4_000]);
    pair.mine(&[split], &wallet);
    let relative_height = NRDRelativeHeight::new(1440).unwrap();
    let fee = (600 * MILLI_GRIN).try_into().unwrap();
    let features = KernelFeatures::NoRecentDuplicate { fee, relative_height };
    let nrd = wallet.tx_with_features(&[1_000, 2_000], &[2_400], features);

    // Before the third hard fork Grin has none. We know no hard forks: all chains that there are
    // have passed the last one, and headers are not the pool's to see.
    assert!(chain.head().version < HeaderVersion(4));
    let header = chain.head();
    let source = grin_pool::TxSource::Broadcast;
    let early = pair.grin.add_to_pool(source, nrd.clone(), false, &header);
    assert_eq!(early, Err(PoolError::NRDKernelPreHF3));

    chain.mine_empty(5, &wallet);
    assert_eq!(chain.head().version, HeaderVersion(4));
    assert_eq!(pair.fluff(&nrd), (Ok(()), Ok(Accepted::Public)));
    assert_eq!(pair.sizes(), (1, 0));
    assert_eq!(pair.grin.prepare_mineable_transactions().unwrap().len(), 1);
    assert_eq!(pair.offered().len(), 1);
}
