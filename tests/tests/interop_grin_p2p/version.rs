//! Peers of other versions of the protocol.

use grin_core::core::hash::{Hash, Hashed};
use grin_core::core::{Transaction, Weighting};
use grin_core::ser::ProtocolVersion;
use grin_p2p::msg::Type;

use super::grin;
use super::relay::{Relay, config, payments_with_features};
use super::talker::Talker;

/// Puts a transaction on our stem and takes it back when it is public.
fn send_and_get_back(talker: &mut Talker, tx: &Transaction) {
    talker.say(Type::StemTransaction as u8, &talker.write(tx));
    let kernel = tx.kernels()[0].hash();
    // A new peer is told what else is public, too.
    while talker.hear::<Hash>(Type::TransactionKernel) != kernel {}
    talker.say(Type::GetTransaction as u8, &talker.write(&kernel));
    let got: Transaction = talker.hear(Type::Transaction);
    assert_eq!(talker.write(&got), talker.write(tx));
    got.validate(Weighting::AsTransaction).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_smaller_version_is_spoken() {
    let mut config = config(&[]);
    config.zone.params.stem_probability = 0.0;
    let relay = Relay::start(config).await;
    let versions = [1, 2, 3, 1000, 5000];
    for (version, tx) in versions.into_iter().zip(payments_with_features(versions.len())) {
        let addr = relay.addr;
        let talk = tokio::task::spawn_blocking(move || {
            let tx = grin::read_at(&tx, ProtocolVersion(version.min(2)));
            let mut talker = Talker::connect(addr, ProtocolVersion(version));
            send_and_get_back(&mut talker, &tx);
            talker.ping();
            talker
        });
        let talker = talk.await.unwrap();
        let spoken = relay.peer().await.version;
        assert_eq!(spoken, scape_aggregate::ProtocolVersion(version.min(1000)));
        drop(talker);
        let gone = async || relay.status().await.peers.is_empty();
        super::eventually("the peer is gone", gone).await;
    }
    relay.node.shutdown().await;
}
