//! Stem transactions, both ways.

use std::time::Duration;

use grin_core::core::hash::Hashed;
use grin_core::core::{Transaction, Weighting};
use grin_core::pow::Difficulty;
use scape_aggregate::{Hash, ProtocolVersion, ValidTx, aggregate};
use scape_pool::{Notice, Source};

use super::eventually;
use super::grin::{self, DIFFICULTY, Grin, HEIGHT, Seen};
use super::relay::{Relay, config, elaborate_payment, finish, patience, payment, payments};

fn kernels(tx: &Transaction) -> Vec<Hash> {
    let hash = |hash: grin_core::core::hash::Hash| Hash(hash.as_bytes().try_into().unwrap());
    tx.kernels().iter().map(|kernel| hash(kernel.hash())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stem_transaction_of_grin_is_secret_until_we_fluff_it() {
    let mut grin = Grin::start();
    let mut config = config(&[]);
    config.zone.params.stem_probability = 0.0;
    config.zone.params.patience = patience(Duration::from_secs(3));
    let mut relay = Relay::start(config).await;
    let peer = grin.connect(relay.addr).await.unwrap();
    let here = relay.peer().await.id;
    let tx = grin::read(&payment());
    let kernel = tx.kernels()[0].hash();

    peer.send_stem_transaction(&tx).unwrap();
    let (kernels, source) = (kernels(&tx), Source::Peer(here));
    assert_eq!(relay.notice().await, Notice::Stemmed { kernels, source });
    // Messages are taken in order: once we have heard the ping, the request was answered.
    peer.send_tx_request(kernel).unwrap();
    grin.server.peers.check_all(Difficulty::from_num(DIFFICULTY), HEIGHT + 1);
    let heard = async || relay.peer().await.height == Some(HEIGHT + 1);
    eventually("the request was heard", heard).await;
    let pools = relay.status().await.pools;
    assert_eq!((pools.stem, pools.public), (1, 0));
    assert_eq!(grin.rest(), []);

    // Then patience ends, and the coin says fluff. The one transaction that comes is the answer to
    // what Grin asks when it hears of it.
    assert!(matches!(relay.notice().await, Notice::Fluffed { parts: 1, .. }));
    assert_eq!(grin.next().await, Seen::Kernel(kernel));
    let Seen::Transaction(got) = grin.next().await else { panic!("not the transaction") };
    assert_eq!(grin::write(&got), grin::write(&tx));
    got.validate(Weighting::AsTransaction).unwrap();
    let pools = relay.status().await.pools;
    assert_eq!((pools.stem, pools.public), (0, 1));
    assert_eq!(grin.rest(), []);
    finish(relay, grin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_of_the_owner_goes_to_grin_on_the_stem() {
    let mut grin = Grin::start();
    let mut relay = Relay::start(config(&[grin.addr])).await;
    relay.relay().await;
    let tx = payment();
    relay.node.push(tx.clone(), false).await.unwrap();
    assert!(matches!(relay.notice().await, Notice::Stemmed { source: Source::Own, .. }));
    assert!(matches!(relay.notice().await, Notice::Relayed { parts: 1, .. }));
    let Seen::Stem(got) = grin.next().await else { panic!("not on the stem") };
    assert_eq!(grin::write(&got), tx.encode(ProtocolVersion::LOCAL).unwrap());
    got.validate(Weighting::AsTransaction).unwrap();
    assert_eq!(grin.rest(), []);
    finish(relay, grin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_within_one_patience_reaches_grin_as_one_aggregate() {
    let mut grin = Grin::start();
    let mut config = config(&[grin.addr]);
    config.zone.params.patience = patience(Duration::from_secs(3));
    let mut relay = Relay::start(config).await;
    let txs = payments(2);
    relay.relay().await;
    for tx in &txs {
        relay.node.push(tx.clone(), false).await.unwrap();
        assert!(matches!(relay.notice().await, Notice::Stemmed { .. }));
    }
    assert!(matches!(relay.notice().await, Notice::Relayed { parts: 2, .. }));
    let Seen::Stem(got) = grin.next().await else { panic!("not on the stem") };
    got.validate(Weighting::AsTransaction).unwrap();
    assert_eq!((got.inputs().len(), got.outputs().len(), got.kernels().len()), (2, 2, 2));

    let parts: Vec<_> = txs.iter().map(grin::read).collect();
    let by_grin = grin_core::core::transaction::aggregate(&parts).unwrap();
    assert_eq!(grin::write(&got), grin::write(&by_grin));
    let parts: Vec<_> = txs.into_iter().map(ValidTx::assumed).collect();
    let by_us = aggregate(&parts).unwrap();
    let by_us = by_us.as_transaction().encode(ProtocolVersion::LOCAL).unwrap();
    assert_eq!(grin::write(&got), by_us);
    assert_eq!(grin.rest(), []);
    finish(relay, grin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_with_features_cross_over_both_ways() {
    let mut grin = Grin::start();
    let mut config = config(&[grin.addr]);
    config.zone.params.stem_probability = 0.0;
    config.zone.params.own_always_stem = true;
    let relay = Relay::start(config).await;
    relay.relay().await;
    relay.mine().await;
    let tx = elaborate_payment();
    let as_wallet_wrote_it = grin::read_at(&tx, grin_core::ser::ProtocolVersion(2));
    as_wallet_wrote_it.validate(Weighting::AsTransaction).unwrap();
    let on_the_wire = grin::write(&as_wallet_wrote_it);

    relay.node.push(tx, false).await.unwrap();
    let Seen::Stem(got) = grin.next().await else { panic!("not on the stem") };
    got.validate(Weighting::AsTransaction).unwrap();
    assert_eq!(grin::write(&got), on_the_wire);

    // Grin is done with the stem, and gives it back to the public.
    grin.hold(&as_wallet_wrote_it);
    grin.server.peers.broadcast_transaction(&as_wallet_wrote_it);
    assert!(matches!(grin.next().await, Seen::Asked(_)));
    let public = async || relay.status().await.pools.public == 1;
    eventually("it is in our txpool", public).await;
    let kernel = got.kernels()[0].hash();
    grin.peer().await.send_tx_request(kernel).unwrap();
    let Seen::Transaction(got) = grin.next().await else { panic!("not the transaction") };
    assert_eq!(grin::write(&got), on_the_wire);
    finish(relay, grin).await;
}
