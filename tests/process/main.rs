//! Relays as processes on loopback, beside a Grin node, while everything goes wrong: they are killed
//! with SIGKILL, stopped and started again, their connections are cut, their disks are full, the
//! Grin node is away, blocks are undone. What they acknowledged is mined.
//!
//! What happens is drawn from a seed, which is printed; `SCAPE_PROCESS_SEED=n` tries another one.
//! The timing of processes is their own, so the same seed need not come to the same end.
//! `SCAPE_BIN` names the binary to try instead of the one of this build.
#![cfg(target_os = "linux")]

mod drive;
mod flow;
mod grin;
mod link;
mod log;
mod miner;
mod plan;
mod proof;
mod relay;
mod wiretap;

use drive::Site;
use miner::Miner;
use plan::Plan;

/// Tries a plan of so many rounds.
async fn play(seed: u64, rounds: u64) {
    let flow = flow::flow();
    let plan = Plan::draw(seed, rounds, flow);
    println!("SCAPE_PROCESS_SEED={seed}: {plan:#?}");
    let site = Site::start().await;
    let miner = Miner::new(&site);
    tokio::select! {
        () = miner.run() => {}
        () = async {
            site.carry_out(plan).await;
            proof::prove(&site, flow).await;
        } => {}
    }
}

/// A number in the environment.
fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_mined_whatever_happens() {
    play(number("SCAPE_PROCESS_SEED").unwrap_or(1), 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute for each seed"]
async fn over_many_seeds() {
    let all = 1..=number("SCAPE_PROCESS_SEEDS").unwrap_or(10);
    for seed in number("SCAPE_PROCESS_SEED").map_or(all, |seed| seed..=seed) {
        play(seed, 2).await;
    }
}
