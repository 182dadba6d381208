//! Two real Grin nodes, one of which mines, and a relay between.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scape::api::view::{TransactionState, TransactionView};
use scape_aggregate::Transaction;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use crate::CONSENSUS;
use crate::grin::Grin;
use crate::keys::Keys;
use crate::program::until;
use crate::relay::{PATIENCE, Relay};

/// An unconfirmed transaction, as a Grin node shows it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Shown {
    kernels: BTreeSet<String>,
    weight: u64,
}

/// All that the pool of a Grin node has shown since this began to look.
struct Watch {
    shown: Arc<Mutex<BTreeSet<Shown>>>,
    task: JoinHandle<()>,
}

impl Watch {
    fn start(grin: &Grin) -> Self {
        let shown = Arc::new(Mutex::new(BTreeSet::new()));
        let (client, seen) = (grin.foreign_client(), Arc::clone(&shown));
        let task = tokio::spawn(async move {
            loop {
                let method = "get_unconfirmed_transactions";
                if let Ok(Value::Array(entries)) = client.call(method, json!([])).await {
                    seen.lock().unwrap().extend(entries.iter().map(Shown::of));
                }
                sleep(Duration::from_millis(100)).await;
            }
        });
        Self { shown, task }
    }

    /// The transactions that had some of these kernels.
    fn with(&self, kernels: &BTreeSet<String>) -> Vec<Shown> {
        let shown = self.shown.lock().unwrap();
        shown.iter().filter(|tx| !tx.kernels.is_disjoint(kernels)).cloned().collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shown {
    fn of(entry: &Value) -> Self {
        let list = |name: &str| entry["tx"]["body"][name].as_array().unwrap();
        let kernels = list("kernels").iter().map(|k| k["excess"].as_str().unwrap().to_owned());
        let (inputs, outputs) = (list("inputs").len(), list("outputs").len());
        let weight = (inputs + 21 * outputs + 3 * list("kernels").len()) as u64;
        Self { kernels: kernels.collect(), weight }
    }
}

fn kernels(txs: &[Transaction]) -> BTreeSet<String> {
    txs.iter().map(|tx| tx.kernels()[0].excess().to_string()).collect()
}

/// How many transactions had how many kernels.
fn sizes(shown: &[Shown]) -> BTreeMap<usize, u64> {
    let mut sizes = BTreeMap::new();
    for tx in shown {
        *sizes.entry(tx.kernels.len()).or_default() += 1;
    }
    sizes
}

/// When the relay's patience runs out next, which something waits for.
#[expect(clippy::disallowed_methods, reason = "the programs run in real time")]
async fn next_firing(relay: &Relay) -> Instant {
    let left = until("waiting", 30, async || relay.status().await.stem.patience_secs_left).await;
    Instant::now() + Duration::from_secs_f64(left)
}

/// Waits until it has run out just now. It does so at regular times.
#[expect(clippy::disallowed_methods, reason = "the programs run in real time")]
async fn until_fired(first: Instant) {
    let mut firing = first;
    while firing < Instant::now() {
        firing += Duration::from_secs(PATIENCE);
    }
    sleep_until(firing + Duration::from_secs(1)).await;
}

/// Until the relay has seen all of them in blocks.
async fn until_mined(relay: &Relay, kernels: &BTreeSet<String>) {
    until("mined", 240, async || {
        let own: Vec<TransactionView> = relay.ask("get_transactions", json!([])).await;
        let mined = own.iter().filter(|tx| matches!(tx.state, TransactionState::Mined { .. }));
        let mined: BTreeSet<_> = mined.flat_map(|tx| tx.kernels.clone()).collect();
        kernels.is_subset(&mined).then_some(())
    })
    .await;
}

/// How often each of them is in the chain of a node.
async fn times_mined(grin: &Grin, kernels: &BTreeSet<String>) -> BTreeMap<String, usize> {
    let mut times: BTreeMap<String, usize> = kernels.iter().map(|k| (k.clone(), 0)).collect();
    for height in 1..=grin.height().await {
        let block = grin.foreign("get_block", json!([height, null, null])).await.unwrap();
        for kernel in block["kernels"].as_array().unwrap() {
            if let Some(times) = times.get_mut(kernel["excess"].as_str().unwrap()) {
                *times += 1;
            }
        }
    }
    times
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the program grin, named by SCAPE_GRIN"]
async fn two_real_nodes_see_what_is_pushed_merged_and_mine_it() {
    let keys = Keys::start().await;
    let (mut miner, mut other) = (Grin::configured(), Grin::configured());
    miner.mine_for(&keys.url());
    miner.dial(other.p2p());
    miner.stem(0);
    other.stem(100);
    // Both directions: the relay is the only one that the other node connects to, and its relay.
    let relay = Relay::start(&miner);
    other.dial(relay.p2p());
    other.run().await;
    miner.run().await;
    relay.until_ready().await;
    let dialled = [relay.p2p().to_string()];
    until("connected", 120, async || (other.outbound().await == dialled).then_some(())).await;
    miner.until_height(18).await;
    let rewards = miner.unspent_rewards(&keys, 12).await;
    let txs: Vec<_> = rewards[..13].iter().map(|reward| keys.spend(reward)).collect();
    assert!(4 * txs[0].weight().0 <= CONSENSUS.chain.max_tx_weight().0);
    assert!(5 * txs[0].weight().0 > CONSENSUS.chain.max_tx_weight().0);
    let watch = Watch::start(&other);

    // One tells when patience runs out, so that the others are all pushed before it does.
    relay.set_stem_probability(0.0).await;
    let (alone, others) = txs.split_first().unwrap();
    relay.push(alone).await;
    let firing = next_firing(&relay).await;
    until_fired(firing).await;
    // The coin says fluff to all, and four are what is not too heavy.
    let (fluffed, stemmed) = others.split_at(8);
    for tx in fluffed {
        relay.push(tx).await;
    }
    until_mined(&relay, &kernels(fluffed)).await;
    let shown = watch.with(&kernels(fluffed));
    assert_eq!(sizes(&shown), BTreeMap::from([(4, 2)]), "{shown:?}");
    assert!(shown.iter().all(|tx| tx.weight <= 226), "{shown:?}");

    // The other direction: one of another wallet comes along the stem of the other node.
    relay.set_stem_probability(1.0).await;
    until_fired(firing).await;
    let (theirs, ours) = stemmed.split_first().unwrap();
    other.foreign("push_transaction", json!([theirs.to_json(), false])).await.unwrap();
    until("in the stem", 30, async || (relay.status().await.pools.stem == 1).then_some(())).await;
    for tx in ours {
        relay.push(tx).await;
    }
    assert_eq!(watch.with(&kernels(stemmed)), [], "nothing of it is public yet");
    until_mined(&relay, &kernels(ours)).await;
    let shown = watch.with(&kernels(stemmed));
    assert!(matches!(&*shown, [tx] if tx.kernels == kernels(stemmed)), "{shown:?}");

    let times = times_mined(&miner, &kernels(&txs)).await;
    assert!(times.values().all(|&times| times == 1), "{times:?}");
    until("followed", 60, async || {
        let height = miner.height().await;
        (miner.hash_at(height).await == other.hash_at(height).await).then_some(())
    })
    .await;
}
