//! A real `grin_p2p` server and a Scape node in one process, over sockets on the loopback: they
//! shake hands in both directions, and whatever one says the other understands, byte for byte.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]
#![expect(clippy::panic, reason = "likewise")]

mod addresses;
mod announce;
mod ban;
mod greet;
mod grin;
mod pace;
mod reconnect;
mod refuse;
mod relay;
mod skip;
mod stem;
mod talker;
mod version;

use std::time::Duration;

/// Nothing here takes nearly as long; a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for something that tells nobody when it happens.
async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(PATIENCE, wait).await.is_err() {
        panic!("not yet: {what}");
    }
}
