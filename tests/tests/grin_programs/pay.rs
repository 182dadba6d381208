//! Payments between two wallets that ask a relay and no Grin node.

use scape::api::view::{TransactionState, TransactionView};
use serde_json::json;

use crate::grin::Grin;
use crate::program::until;
use crate::relay::Relay;
use crate::wallet::Wallet;

/// By files, as people do it. Returns the excess of its kernel, once it is mined.
async fn pay(payer: &Wallet, payee: &Wallet, amount: &str, relay: &Relay) -> String {
    let (offer, answer) = (payer.file("offer"), payee.file("answer"));
    payer.run(&["send", "-c", "1", "-m", "-u", &offer, amount]).await;
    payee.run(&["receive", "-m", "-i", &offer, "-u", &answer]).await;
    let before: Vec<TransactionView> = relay.ask("get_transactions", json!([])).await;
    payer.run(&["finalize", "-i", &answer]).await;
    until("mined", 240, async || {
        let own: Vec<TransactionView> = relay.ask("get_transactions", json!([])).await;
        let mut mined = own.iter().filter(|t| matches!(t.state, TransactionState::Mined { .. }));
        let kernel = |tx: &TransactionView| tx.kernels[0].clone();
        let known: Vec<_> = before.iter().map(kernel).collect();
        mined.find(|tx| !known.contains(&kernel(tx))).map(kernel)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the programs grin and grin-wallet, named by SCAPE_GRIN and SCAPE_GRIN_WALLET"]
async fn real_wallets_pay_each_other_through_a_relay() {
    let mut grin = Grin::configured();
    let relay = Relay::start(&grin);
    let mut payer = Wallet::init(&relay).await;
    payer.listen();
    let payee = Wallet::init(&relay).await;
    grin.mine_for(&payer.url());
    grin.run().await;
    relay.until_ready().await;
    grin.until_height(8).await;
    assert!(payer.spendable().await > 60.0);

    let kernel = pay(&payer, &payee, "5", &relay).await;
    assert_eq!(payee.spendable().await, 5.0);
    assert!(payer.has_confirmed(&kernel).await);
    assert!(payee.has_confirmed(&kernel).await);
    payee.run(&["scan"]).await;

    // All of it and no change: only the kernel tells its payer that it is in a block.
    let kernel = pay(&payee, &payer, "max", &relay).await;
    assert!(payee.has_confirmed(&kernel).await);
    assert!(payer.has_confirmed(&kernel).await);
    assert_eq!(payee.spendable().await, 0.0);
}
