//! The owner's transactions over crashes, with real nodes, sockets and files.

#[path = "kit/config.rs"]
mod config;
mod kit;
#[path = "kit/zone.rs"]
mod zone;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use scape::aggregate::{Hash, Transaction};
use scape::journal::JournalError;
use scape::node::{JournalState, NodeError, PushFailed, Status};
use scape::p2p::zone::ZoneConfig;
use scape::pool::{Accepted, FluffReason, Notice, Source};
use tokio::time::{sleep, timeout};

use config::config;
use kit::{CONSENSUS, Relay, coins, spend};
use zone::{params, peers};

const EMBARGO: Duration = Duration::from_secs(6);
const AGES: Duration = Duration::from_secs(100_000);

fn payment(index: usize) -> Transaction {
    spend(coins()[index], index as u64).tx
}

fn kernels(tx: &Transaction) -> Vec<Hash> {
    tx.kernels().iter().map(|kernel| *kernel.hash()).collect()
}

/// A node that always stems, to `relay` if there is one, when its patience ends.
async fn start(
    data_dir: Option<&Path>,
    relay: Option<SocketAddr>,
    patience: Duration,
    embargo: Duration,
) -> Result<Relay, NodeError> {
    let zone = ZoneConfig {
        params: params(1.0, patience, embargo),
        peers: peers(relay),
        ..ZoneConfig::new(CONSENSUS)
    };
    let mut config = config(zone, 7);
    // Nobody is dialled who is not named.
    config.book.allow_private = false;
    config.data_dir = data_dir.map(Path::to_owned);
    kit::start(config).await
}

impl Relay {
    async fn notice(&mut self, wanted: impl Fn(&Notice) -> bool) -> Notice {
        let search = async {
            loop {
                let notice = self.notices.recv().await.expect("the node runs");
                if wanted(&notice) {
                    return notice;
                }
            }
        };
        timeout(Duration::from_secs(30), search).await.expect("a notice in time")
    }

    /// What has been said and not been looked at yet.
    fn notices(&mut self) -> Vec<Notice> {
        std::iter::from_fn(|| self.notices.try_recv().ok()).collect()
    }

    async fn status(&self) -> Status {
        self.node.status().await.expect("the node runs")
    }

    async fn eventually(&self, what: &str, holds: impl Fn(&Status) -> bool) {
        let search = async {
            while !holds(&self.status().await) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(30), search).await.expect(what);
    }
}

fn safe(records: usize) -> JournalState {
    JournalState::Safe { records, unreadable: 0 }
}

/// What a process that is killed at this moment leaves behind.
fn killed(data: &Path, copy: &str) -> PathBuf {
    let copy = data.with_file_name(copy);
    fs::create_dir(&copy).expect("a folder");
    fs::copy(data.join("journal.redb"), copy.join("journal.redb")).expect("copied");
    copy
}

fn is_stemmed_by_peer(notice: &Notice) -> bool {
    matches!(notice, Notice::Stemmed { source: Source::Peer(_), .. })
}

#[expect(clippy::disallowed_methods, reason = "the test measures real time")]
fn clock() -> std::time::Instant {
    std::time::Instant::now()
}

#[tokio::test]
async fn what_was_sent_is_fluffed_at_its_first_embargo_and_not_stemmed_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("data");
    let moment = Duration::from_millis(100);
    // It keeps what it gets, and says nothing.
    let mut relay = start(None, None, AGES, AGES).await.expect("started");
    let addr = relay.node.local_addr();
    let mut first = start(Some(&data), addr, moment, EMBARGO).await.expect("started");
    first.eventually("a relay", |status| !status.relays.is_empty()).await;
    let tx = payment(0);
    let pushed = clock();
    first.node.push(tx.clone(), false).await.expect("accepted");
    first.notice(|notice| matches!(notice, Notice::Relayed { .. })).await;
    relay.notice(is_stemmed_by_peer).await;
    assert_eq!(first.status().await.journal, safe(1));
    let left = killed(&data, "left");
    first.node.shutdown().await;
    sleep(EMBARGO / 3).await;

    let mut second = start(Some(&left), addr, moment, EMBARGO).await.expect("started");
    second.eventually("a relay", |status| !status.relays.is_empty()).await;
    assert_eq!(second.status().await.pools.stem, 1);
    let fluffed = second.notice(|notice| matches!(notice, Notice::Fluffed { .. })).await;
    let after = pushed.elapsed();
    let Notice::Fluffed { kernels: fluffed, reason, .. } = fluffed else { unreachable!() };
    assert_eq!((fluffed, reason), (kernels(&tx), FluffReason::Embargo));
    // A new embargo would end two seconds later.
    assert!(after >= EMBARGO && after < EMBARGO + Duration::from_millis(1_500), "{after:?}");
    relay.notice(|notice| matches!(notice, Notice::Seen { .. })).await;
    assert!(!relay.notices().iter().any(is_stemmed_by_peer));
    assert!(!second.notices().iter().any(|n| matches!(n, Notice::Relayed { .. })));

    let block = second.node.propose(1).await.expect("the node runs");
    second.node.deliver(block).await.expect("the node runs").expect("a good block");
    assert_eq!(second.status().await.journal, safe(0));
    second.node.shutdown().await;
    let bytes = fs::read(left.join("journal.redb")).expect("still there");
    let kernel = tx.kernels()[0].excess().0;
    assert!(!bytes.windows(kernel.len()).any(|window| window == kernel), "it can still be read");
}

#[tokio::test]
async fn what_waited_is_there_after_a_kill_and_after_a_stop() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("data");
    let first = start(Some(&data), None, AGES, AGES).await.expect("started");
    for index in 0..3 {
        first.node.push(payment(index), false).await.expect("accepted");
    }
    assert_eq!(first.status().await.journal, safe(3));
    let left = killed(&data, "left");
    first.node.shutdown().await;
    for data in [left, data] {
        let second = start(Some(&data), None, AGES, AGES).await.expect("started");
        let status = second.status().await;
        assert_eq!((status.pools.stem, status.journal), (3, safe(3)));
        second.node.shutdown().await;
    }
}

#[tokio::test]
async fn without_a_data_folder_there_is_no_journal() {
    let running = start(None, None, AGES, AGES).await.expect("started");
    running.node.push(payment(0), false).await.expect("accepted");
    assert_eq!(running.status().await.journal, JournalState::Off);
}

async fn refusal(data: &Path) -> (PathBuf, JournalError) {
    let started = start(Some(data), None, AGES, AGES).await.map(|running| running.node);
    match started.expect_err("it cannot start") {
        NodeError::Journal { path, error } => (path, error),
        other => unreachable!("{other}"),
    }
}

#[tokio::test]
async fn a_journal_that_cannot_be_used_is_an_error() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("journal.redb");
    fs::write(&file, "no journal").expect("written");
    assert_eq!(refusal(dir.path()).await, (file.clone(), JournalError::Damaged));
    fs::remove_file(&file).expect("removed");
    let running = start(Some(dir.path()), None, AGES, AGES).await.expect("started");
    assert_eq!(refusal(dir.path()).await, (file, JournalError::InUse));
    running.node.shutdown().await;
}

/// Set in the environment of a process that may limit its files.
const LIMITED: &str = "SCAPE_TEST_LIMITED";

/// Limits the files of this process to so many bytes, or not at all: a disk that is full.
fn limit_files(limit: &str) {
    let own = std::process::id().to_string();
    let limit = format!("--fsize={limit}:unlimited");
    let status = Command::new("prlimit").args(["--pid", &own, &limit]).status();
    assert!(status.expect("prlimit, of util-linux, runs").success());
}

/// Runs in a process of its own, which the system does not kill when it passes the limit.
#[tokio::test]
#[ignore = "a part of the next test"]
async fn on_a_full_disk() {
    if std::env::var_os(LIMITED).is_none() {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    limit_files("1");
    assert_eq!(refusal(dir.path()).await.1, JournalError::Full);
    limit_files("unlimited");
    let running = start(Some(dir.path()), None, AGES, AGES).await.expect("started");
    running.node.push(payment(0), false).await.expect("accepted");
    assert_eq!(running.status().await.journal, safe(1));

    limit_files("1");
    for index in 1..4 {
        let verdict = running.node.push(payment(index), false).await;
        assert_eq!(verdict, Err(PushFailed::NotKept(JournalError::Full)));
    }
    // The first one made it known, the others were not taken.
    let status = running.status().await;
    assert_eq!(status.pools.stem, 2);
    let error = JournalError::Full;
    let failing = JournalState::Failing { records: 2, unreadable: 0, unwritten: 2, error };
    assert_eq!(status.journal, failing);

    limit_files("unlimited");
    running.eventually("it is written again", |status| status.journal == safe(2)).await;
    for index in 0..4 {
        running.node.push(payment(index), false).await.expect("accepted");
    }
    let left = killed(dir.path(), &format!("left-{}", std::process::id()));
    running.node.shutdown().await;
    let second = start(Some(&left), None, AGES, AGES).await.expect("started");
    let status = second.status().await;
    assert_eq!((status.pools.stem, status.journal), (4, safe(4)));
    second.node.shutdown().await;
    fs::remove_dir_all(left).expect("removed");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_nothing_is_lost() {
    let tests = std::env::current_exe().expect("this program");
    let run = "trap '' XFSZ; exec \"$0\" --ignored --exact on_a_full_disk";
    let mut child = Command::new("sh");
    let output = child.arg("-c").arg(run).arg(tests).env(LIMITED, "1").output().expect("sh runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// What is pushed in one life after the other: more than one life has time for.
const PAYMENTS: usize = 10;

/// Runs in a process of its own, until that is killed.
#[tokio::test]
#[ignore = "a part of the next test"]
async fn until_it_is_killed() {
    let Some(data) = std::env::var_os(KILLED) else { return };
    let running = start(Some(Path::new(&data)), None, AGES, AGES).await.expect("started");
    for index in 0.. {
        running.node.push(payment(index % PAYMENTS), false).await.expect("accepted");
        println!("\nacknowledged {}", index % PAYMENTS);
    }
}

/// In the environment of a process that is to be killed: its data folder.
const KILLED: &str = "SCAPE_TEST_KILLED";

#[tokio::test]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut acknowledged = BTreeSet::new();
    for more in [1, 1, 2, 3] {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--ignored", "--exact", "--nocapture", "until_it_is_killed"])
            .env(KILLED, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let enough = acknowledged.len() + more;
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        for line in lines.map(|line| line.expect("a line")) {
            let index = line.strip_prefix("acknowledged ").map(|index| index.parse::<usize>());
            acknowledged.extend(index.map(|index| index.expect("a number")));
            if acknowledged.len() >= enough {
                break;
            }
        }
        child.kill().expect("killed");
        child.wait().expect("it is gone");
        let running = start(Some(dir.path()), None, AGES, AGES).await.expect("started");
        // The one that it was at may be there too.
        let kept = running.status().await.pools.stem;
        let expected = acknowledged.len()..=acknowledged.len() + 1;
        assert!(expected.contains(&kept), "{kept} of {acknowledged:?}");
        for index in &acknowledged {
            let again = running.node.push(payment(*index), false).await;
            assert_eq!(again, Ok(Accepted::Loop), "payment {index} is new");
        }
        running.node.shutdown().await;
    }
}
