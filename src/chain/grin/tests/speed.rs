//! How fast a chain is caught up with, and how fast the server itself is.

use std::time::{Duration, Instant};

use super::follower::{Watched, config};
use super::server::{FakeChain, FakeGrin};
use super::world::commitment;
use crate::chain::grin::api::Api;
use crate::chain::grin::pages::Pages;
use scape_aggregate::OutputFeatures;
use scape_pool::ChainView;

const BLOCKS: usize = 10_000;

#[expect(clippy::disallowed_methods, reason = "the test measures real time")]
fn clock() -> Instant {
    Instant::now()
}

fn chain(blocks: usize) -> FakeChain {
    let mut chain = FakeChain::new([(commitment(0), OutputFeatures::Plain)]);
    chain.grow(blocks, 3, 5);
    chain
}

fn rate(what: &str, blocks: usize, time: Duration) -> f64 {
    let rate = blocks as f64 / time.as_secs_f64();
    println!("{what:40} {blocks:6} blocks in {time:>10.3?}: {rate:8.0} blocks/s");
    rate
}

/// `cargo test --release -p scape --lib speed -- --ignored --nocapture`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures, for minutes in a debug build"]
async fn ten_thousand_blocks_are_caught_up_with() {
    let server = FakeGrin::start(chain(BLOCKS));
    let api = Api::new(&config(&server).url, None);
    for (size, in_flight) in [(50, 1), (200, 1), (1_000, 1), (50, 3), (200, 3), (500, 3), (200, 6)]
    {
        let start = clock();
        let mut pages = Pages::sized(api.clone(), 0, BLOCKS as u64, size, in_flight);
        let mut blocks = 0;
        while let Some(page) = pages.next().await.expect("blocks") {
            blocks += page.len();
        }
        rate(&format!("read and parsed, {in_flight} pages of {size}"), blocks, start.elapsed());
    }
    let start = clock();
    let pages = (0..BLOCKS as u64).step_by(200);
    for first in pages {
        api.skip_blocks(first, first + 199).await.expect("blocks");
    }
    rate("the server alone, 1 page of 200", BLOCKS, start.elapsed());
    let start = clock();
    let mut watched = Watched::start(&server);
    watched.until_same(&server).await;
    rate("first reading, outputs and a day of blocks", BLOCKS, start.elapsed());
    // Another chain of that length instead: everything has to be fetched.
    let server = FakeGrin::start(chain(0));
    let mut watched = Watched::start(&server);
    watched.until_same(&server).await;
    *server.chain() = chain(BLOCKS);
    let start = clock();
    watched.until("caught up", |chain| chain.tip() == server.chain().tip()).await;
    let rate = rate("catching up, all blocks", BLOCKS, start.elapsed());
    assert!(rate >= 500.0);
}
