//! What chains begin with.

use grin_core::core::Block;
use grin_core::core::hash::Hashed;
use grin_core::global::{self, ChainTypes};
use grin_core::{genesis, pow};
use scape_aggregate::{ChainType, Hash};

fn hash(chain: ChainTypes, genesis: impl FnOnce() -> Block) -> Hash {
    global::set_local_chain_type(chain);
    Hash(genesis().hash().to_vec().try_into().unwrap())
}

/// As the program `grin` has it (`grin_servers::grin::server`), and of the chain that only tests
/// have, as those of Grin's own crates have it.
#[test]
fn chains_begin_with_the_same_block() {
    let mined = || pow::mine_genesis_block().unwrap();
    let main = hash(ChainTypes::Mainnet, genesis::genesis_main);
    assert_eq!(main, ChainType::Mainnet.genesis());
    assert_eq!(hash(ChainTypes::Testnet, genesis::genesis_test), ChainType::Testnet.genesis());
    assert_eq!(hash(ChainTypes::UserTesting, mined), ChainType::UserTesting.genesis());
    let tests = hash(ChainTypes::AutomatedTesting, genesis::genesis_dev);
    assert_eq!(tests, ChainType::AutomatedTesting.genesis());
}
