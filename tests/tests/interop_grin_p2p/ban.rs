//! Bans, both ways, and what each side makes of the other's last word.

use grin_core::core::Transaction;
use grin_core::pow::Difficulty;
use grin_keychain::BlindingFactor;
use grin_p2p::{PeerAddr, ReasonForBan};

use super::eventually;
use super::grin::{self, DIFFICULTY, Grin, HEIGHT, Seen};
use super::relay::{Relay, config, finish, payment};

/// Decodes, keeps all cheap rules, and does not add up.
fn unbalanced() -> Transaction {
    Transaction { offset: BlindingFactor::zero(), ..grin::read(&payment()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grin_that_sends_what_does_not_add_up_is_told_and_hung_up_on() {
    let grin = Grin::start();
    let relay = Relay::start(config(&[])).await;
    let peer = grin.connect(relay.addr).await.unwrap();
    relay.peer().await;
    peer.send_stem_transaction(&unbalanced()).unwrap();
    eventually("we hang up", async || relay.status().await.peers.is_empty()).await;
    // Grin has read the reason and hung up too: it can send no more.
    let gone = async || {
        grin.server.peers.check_all(Difficulty::from_num(DIFFICULTY), HEIGHT);
        grin.peers().is_empty()
    };
    eventually("Grin hangs up", gone).await;
    let pools = relay.status().await.pools;
    assert_eq!((pools.stem, pools.public, pools.orphans), (0, 0, 0));
    finish(relay, grin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_by_one_grin_leaves_us_with_the_others() {
    let (alice, mut bob) = (Grin::start(), Grin::start());
    let mut config = config(&[alice.addr, bob.addr]);
    config.zone.peers.outbound = 2;
    let relay = Relay::start(config).await;
    alice.peer().await;
    bob.peer().await;
    eventually("we have both", async || relay.status().await.peers.len() == 2).await;
    let us = PeerAddr(relay.addr);
    alice.server.peers.ban_peer(us, ReasonForBan::ManualBan).unwrap();
    let left = async || {
        let peers = relay.status().await.peers;
        peers.len() == 1 && peers[0].addr == Some(bob.addr.into())
    };
    eventually("the link to who banned us is over", left).await;
    let tx = payment();
    relay.node.push(tx.clone(), false).await.unwrap();
    assert_eq!(bob.next().await, Seen::Stem(grin::read(&tx)));
    alice.stop().await;
    finish(relay, bob).await;
}
