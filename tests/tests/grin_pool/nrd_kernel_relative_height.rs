use grin_core::core::{HeaderVersion, KernelFeatures, NRDRelativeHeight, Transaction, TxKernel};
use grin_core::libtx::aggsig;
use grin_keychain::{BlindingFactor, Keychain};
use grin_pool::PoolError;
use scape_pool::{Accepted, Refusal};

use crate::chain::{TestChain, follow};
use crate::node::No;
use crate::pair::{Pair, Verdicts};
use crate::wallet::Wallet;

const SCALE: u64 = 50_000;

const IN_STEM: Verdicts = (Ok(()), Ok(Accepted::Stem));
const IN_PUBLIC: Verdicts = (Ok(()), Ok(Accepted::Public));
const PENDING: Verdicts = refused(Refusal::PendingNrd);

/// Grin has one word for both of our reasons.
const fn refused(ours: Refusal) -> Verdicts {
    (Err(PoolError::NRDKernelRelativeHeight), Err(No::Pool(ours)))
}

/// Grin's `test_nrd_kernel_relative_height`.
#[test]
fn nrd_kernels_of_one_excess_keep_their_distance() {
    follow(true);
    let wallet = Wallet::new(SCALE);
    let chain = TestChain::new(&wallet);
    let mut pair = Pair::new(&chain, true);
    chain.mine_empty(3, &wallet);
    let split = wallet.spend_reward(&chain.header_at(1), &[1_000, 2_000, 3_000, 4_000]);
    pair.mine(&[split], &wallet);
    chain.mine_empty(8, &wallet);
    assert_eq!(chain.head().version, HeaderVersion(5));
    let [tx1, tx2, tx3] = transactions(&wallet);

    assert_eq!(pair.stem(&tx1), IN_STEM);
    assert_eq!(pair.stem(&tx2), PENDING, "beside the one in the stempool");
    assert_eq!(pair.fluff(&tx1), IN_PUBLIC);
    assert_eq!(pair.sizes(), (1, 0));
    assert_eq!(pair.stem(&tx2), PENDING, "beside the one in the txpool");
    assert_eq!(pair.fluff(&tx2), PENDING);
    assert_eq!(pair.sizes(), (1, 0));

    mine_all(&mut pair, &wallet);
    let too_soon = refused(Refusal::RecentNrd { allowed: 15 });
    assert_eq!(pair.stem(&tx2), too_soon, "one block after the first, and it wants two");
    assert_eq!(pair.fluff(&tx2), too_soon);
    pair.mine(&[], &wallet);
    assert_eq!(pair.stem(&tx2), IN_STEM);
    assert_eq!(pair.sizes(), (0, 1));
    assert_eq!(pair.stem(&tx3), PENDING);
    assert_eq!(pair.fluff(&tx2), IN_PUBLIC);
    assert_eq!(pair.fluff(&tx3), PENDING);
    assert_eq!(pair.sizes(), (1, 0));

    mine_all(&mut pair, &wallet);
    assert_eq!(pair.stem(&tx3), IN_STEM, "it wants one block, the next");
    assert_eq!(pair.sizes(), (0, 1));
    assert_eq!(pair.fluff(&tx3), IN_PUBLIC);
    assert_eq!(pair.sizes(), (1, 0));
}

/// Mines what both offer a miner.
fn mine_all(pair: &mut Pair, wallet: &Wallet) {
    let txs = pair.grin.prepare_mineable_transactions().unwrap();
    assert_eq!((txs.len(), pair.offered().len()), (1, 1));
    pair.mine(&pair.offered(), wallet);
    assert_eq!(pair.sizes(), (0, 0));
}

/// A chain of three transactions, all with NRD kernels of one excess.
fn transactions(wallet: &Wallet) -> [Transaction; 3] {
    let excess = BlindingFactor::rand(wallet.keychain.secp());
    let tx = |inputs: &[u64], output: u64, blocks| {
        let fee = inputs.iter().sum::<u64>() - output;
        let kernel = kernel(wallet, fee * SCALE, blocks, &excess);
        wallet.tx_with_kernel(inputs, &[output], kernel, excess.clone())
    };
    [tx(&[1_000, 2_000], 2_400, 2), tx(&[2_400], 1_800, 2), tx(&[1_800], 1_500, 1)]
}

/// Signed with a nonce drawn anew, so that no two of these are the same.
fn kernel(wallet: &Wallet, fee: u64, blocks: u64, excess: &BlindingFactor) -> TxKernel {
    let secp = wallet.keychain.secp();
    let mut kernel = TxKernel::with_features(KernelFeatures::NoRecentDuplicate {
        fee: fee.try_into().unwrap(),
        relative_height: NRDRelativeHeight::new(blocks).unwrap(),
    });
    let message = kernel.msg_to_sign().unwrap();
    kernel.excess = secp.commit(0, excess.secret_key(secp).unwrap()).unwrap();
    let key = kernel.excess.to_pubkey(secp).unwrap();
    kernel.excess_sig = aggsig::sign_with_blinding(secp, &message, excess, Some(&key)).unwrap();
    kernel
}
