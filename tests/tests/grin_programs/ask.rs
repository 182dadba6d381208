//! The questions of Grin's wallet, answered through a relay.

use serde_json::{Value, json};

use crate::grin::Grin;
use crate::keys::Keys;
use crate::relay::Relay;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the program grin, named by SCAPE_GRIN"]
async fn a_wallet_that_asks_a_relay_gets_the_answers_of_the_real_node() {
    let keys = Keys::start().await;
    let grin = Grin::start(&keys.url()).await;
    let relay = Relay::start(&grin);
    relay.until_ready().await;
    grin.until_height(6).await;
    let (wallet, node) = (relay.wallet_client(), grin.foreign_client());

    let block = grin.foreign("get_block", json!([3, null, null])).await.unwrap();
    let kernel = &block["kernels"][0]["excess"];
    let output = &block["outputs"][0]["commit"];
    let unknown = "09".repeat(33);
    // As `HTTPNodeClient` of grin_wallet_impls 5.5.1 asks, of blocks that stay as they are.
    let questions = [
        ("get_version", Value::Null),
        ("get_outputs", json!([[output, unknown], null, null, false, false])),
        ("get_unspent_outputs", json!([1, 4, 1000, true])),
        ("get_pmmr_indices", json!([2, 4])),
        ("get_kernel", json!([kernel, 1, null])),
        ("get_kernel", json!([unknown, null, null])),
        ("get_kernel", json!(["no hex", null, null])),
        ("get_outputs", json!([])),
    ];
    let mut answered = 0;
    for (method, params) in questions {
        let theirs = node.call::<Value>(method, params.clone()).await;
        let ours = wallet.call::<Value>(method, params.clone()).await;
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"), "{method} {params}");
        answered += usize::from(ours.is_ok());
    }
    assert_eq!(answered, 5, "the others are errors of the node");
    let before = grin.height().await;
    let tip: Value = wallet.call("get_tip", Value::Null).await.unwrap();
    assert!((before..=grin.height().await).contains(&tip["height"].as_u64().unwrap()), "{tip}");
}
