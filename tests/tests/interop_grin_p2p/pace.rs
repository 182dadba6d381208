//! We never send so much that Grin would ban us.

use std::time::{Duration, Instant};

use super::grin::{Grin, Seen};
use super::relay::{Relay, config, finish, payments};

/// Grin bans who sends more in a minute (`grin_p2p::peer`, `MAX_PEER_MSG_PER_MIN`).
const GRIN_LIMIT: u64 = 500;
const BURST: u64 = 50;
const INTERVAL: Duration = Duration::from_millis(150);
/// Grin also counts each of its own reads that came to nothing for so long.
const IDLE_READ: Duration = Duration::from_secs(2);

/// The most that Grin can have counted after this time.
fn allowance(elapsed: Duration) -> u64 {
    let spaced = elapsed.as_millis() / INTERVAL.as_millis();
    let idle = elapsed.as_millis() / IDLE_READ.as_millis();
    BURST + spaced as u64 + idle as u64 + 1
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "what is measured is time")]
async fn grin_never_counts_too_much() {
    const COUNT: usize = 80;
    let txs = payments(COUNT);
    let mut grin = Grin::start();
    grin.stop_asking();
    let start = Instant::now();
    let relay = Relay::start(config(&[grin.addr])).await;
    let peer = grin.peer().await;
    relay.peer().await;
    for tx in txs {
        relay.node.push(tx, true).await.unwrap();
    }
    let counted = || peer.tracker().received_bytes.read().count_per_min();
    for heard in 1..=COUNT as u64 {
        assert!(matches!(grin.next().await, Seen::Kernel(_)));
        let allowed = allowance(start.elapsed());
        assert!(heard <= allowed && counted() <= allowed, "{heard}, {}", counted());
        assert!(!peer.is_abusive());
    }
    // Had we gone on like this for the rest of a minute, it would not have been too much either.
    assert!(counted() >= COUNT as u64 && allowance(Duration::from_secs(60)) < GRIN_LIMIT);
    assert_eq!(relay.status().await.peers.len(), 1);
    finish(relay, grin).await;
}
