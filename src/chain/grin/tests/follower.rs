use std::time::Duration;

use scape_aggregate::{ChainType, Consensus};
use scape_pool::{ChainUpdate, ChainView, Instant};
use tokio::time::{sleep, timeout};

use super::server::{FakeChain, FakeGrin, Mood};
use super::world::commitment;
use crate::chain::grin::index::WINDOW;
use crate::chain::{ChainAway, ChainState, ChainStatus, GrinChain, GrinChange, GrinConfig};
use scape_aggregate::OutputFeatures;

const LATER: Instant = Instant::from_micros(120_000_000);

pub(super) fn config(server: &FakeGrin) -> GrinConfig {
    GrinConfig {
        url: server.url().parse().expect("a URL"),
        secret: None,
        consensus: Consensus::of(ChainType::AutomatedTesting),
        reorg_depth: 60,
        poll: Duration::from_millis(50),
        grace: GrinConfig::GRACE,
        seed: [7; 32],
    }
}

fn genesis() -> FakeChain {
    FakeChain::new((0..5).map(|number| (commitment(number), OutputFeatures::Plain)))
}

/// A chain and all that it has told of.
pub(super) struct Watched {
    chain: GrinChain,
    changes: Vec<GrinChange>,
}

impl Watched {
    pub(super) fn start(server: &FakeGrin) -> Self {
        Self::with(config(server))
    }

    fn with(config: GrinConfig) -> Self {
        Self { chain: GrinChain::start(config), changes: Vec::new() }
    }

    /// Handles what happens until something holds.
    pub(super) async fn until(&mut self, what: &str, holds: impl Fn(&GrinChain) -> bool) {
        let search = async {
            while !holds(&self.chain) {
                let event = self.chain.event().await;
                self.changes.extend(self.chain.handle(event, Instant::ZERO));
            }
        };
        timeout(Duration::from_secs(20), search).await.expect(what);
    }

    /// Until it is as the server's.
    pub(super) async fn until_same(&mut self, server: &FakeGrin) {
        self.until("the same chain", |chain| {
            is_ready(chain) && chain.tip() == server.chain().tip()
        })
        .await;
        let unspent = server.chain().unspent();
        assert_eq!(self.chain.index.as_ref().expect("found").len(), unspent.len());
        assert!(unspent.iter().all(|commitment| self.chain.utxo(commitment).is_some()));
    }

    async fn until_away(&mut self, why: &str) {
        self.until(why, |chain| error(chain).is_some_and(|error| error.contains(why))).await;
    }

    fn moves(&self) -> Vec<&ChainUpdate> {
        let moves = self.changes.iter().filter_map(|change| match change {
            GrinChange::Moved(update) => Some(update),
            GrinChange::Found(_) => None,
        });
        moves.collect()
    }
}

fn state(chain: &GrinChain) -> ChainState {
    match chain.status(Instant::ZERO) {
        ChainStatus::Grin { state, .. } => state,
        ChainStatus::Embedded => panic!("it is a Grin node"),
    }
}

fn is_ready(chain: &GrinChain) -> bool {
    state(chain) == ChainState::Ready
}

fn error(chain: &GrinChain) -> Option<String> {
    match state(chain) {
        ChainState::Away { error, .. } => Some(error),
        _ => None,
    }
}

#[tokio::test]
async fn a_short_chain_is_read_from_its_beginning_and_followed() {
    let server = FakeGrin::start(genesis());
    let mut watched = Watched::start(&server);
    watched.until_same(&server).await;
    for blocks in [1, 3, 450] {
        server.chain().grow(blocks, 1, 2);
        watched.until_same(&server).await;
    }
    assert!(!server.chain().calls.contains_key("get_unspent_outputs"));
    let connected: Vec<_> = watched.moves().iter().flat_map(|update| &update.connected).collect();
    let heights: Vec<_> = connected.iter().map(|block| block.height).collect();
    assert_eq!(heights, (1..=454).collect::<Vec<_>>());
    // From nothing, a fork down to the genesis can be undone.
    server.chain().fork(300);
    server.chain().grow(301, 2, 1);
    watched.until_same(&server).await;
    let undone: usize = watched.moves().iter().map(|update| update.disconnected.len()).sum();
    assert_eq!(undone, 300);
}

#[tokio::test]
async fn blocks_that_come_while_outputs_are_read_are_not_missed() {
    let mut chain = genesis();
    chain.grow(WINDOW + 100, 1, 2);
    chain.page = 500;
    chain.meanwhile = [2, 0, 1, 0, 0, 3]
        .map(|blocks| Box::new(move |chain: &mut FakeChain| chain.grow(blocks, 2, 1)) as Box<_>)
        .into();
    let server = FakeGrin::start(chain);
    let mut watched = Watched::start(&server);
    watched.until_same(&server).await;
    assert!(server.chain().calls["get_unspent_outputs"] > 6);
    let GrinChange::Found(recent) = &watched.changes[0] else { panic!("it is found first") };
    assert_eq!(recent.len(), WINDOW);
}

#[tokio::test]
async fn a_fork_while_outputs_are_read_begins_the_reading_anew() {
    let mut chain = genesis();
    chain.grow(WINDOW + 100, 1, 2);
    chain.page = 1_000;
    chain.meanwhile.push_back(Box::new(|chain| {
        chain.fork(2);
        chain.grow(3, 2, 1);
    }));
    let server = FakeGrin::start(chain);
    let mut watched = Watched::start(&server);
    watched.until_away("changed while it was read").await;
    assert!(matches!(watched.chain.check(Instant::ZERO), Err(ChainAway::Away { .. })));
    watched.until_same(&server).await;
}

#[tokio::test]
async fn a_node_that_has_forgotten_its_first_blocks_is_read_all_the_same() {
    let mut chain = genesis();
    chain.grow(300, 1, 2);
    chain.tail = 290;
    let server = FakeGrin::start(chain);
    let mut watched = Watched::start(&server);
    watched.until_same(&server).await;
    let mut nrd = config(&server);
    nrd.consensus = nrd.consensus.with_nrd();
    Watched::with(nrd).until_away("NRD rules need the last 301 blocks").await;
}

#[tokio::test]
async fn a_fork_below_what_can_be_undone_is_read_anew() {
    let mut chain = genesis();
    chain.grow(WINDOW + 100, 1, 2);
    let server = FakeGrin::start(chain);
    let mut watched = Watched::start(&server);
    watched.until_same(&server).await;
    let known = server.chain().tip();
    server.chain().grow(1, 1, 1);
    watched.until_same(&server).await;
    // What was before the outputs were read cannot be undone.
    server.chain().fork(3);
    server.chain().grow(4, 2, 2);
    watched.until("reading anew", |chain| matches!(state(chain), ChainState::Syncing { .. })).await;
    assert!(matches!(watched.chain.check(Instant::ZERO), Err(ChainAway::Syncing { .. })));
    watched.until_same(&server).await;
    let update = watched.moves().into_iter().rfind(|update| !update.disconnected.is_empty());
    let update = update.expect("it says what went");
    assert!(update.disconnected.contains(&known.hash));
    assert_eq!(update.connected.last().map(|block| block.hash), Some(server.chain().tip().hash));
    // Below what is remembered there is no common block at all.
    server.chain().fork(WINDOW + 50);
    server.chain().grow(WINDOW + 51, 2, 2);
    watched.until_same(&server).await;
}

#[tokio::test]
async fn a_node_that_goes_back_is_followed_back() {
    let mut chain = genesis();
    chain.grow(10, 0, 2);
    let server = FakeGrin::start(chain);
    let mut watched = Watched::start(&server);
    watched.until_same(&server).await;
    server.chain().fork(4);
    watched.until_same(&server).await;
    assert_eq!(watched.chain.tip().height, 6);
}

#[tokio::test]
async fn a_restart_of_the_node_is_survived() {
    let mut server = FakeGrin::start(genesis());
    let mut watched = Watched::start(&server);
    watched.until_same(&server).await;
    server.go_away();
    watched.until_away("refused").await;
    // What was known a moment ago is as good as ever; a minute later it is not.
    assert_eq!(watched.chain.check(Instant::ZERO), Ok(()));
    let lasting = Duration::from_secs(120);
    assert_eq!(watched.chain.check(LATER), Err(ChainAway::Away { lasting }));
    server.chain().grow(3, 1, 1);
    server.come_back();
    watched.until_same(&server).await;
    assert_eq!(watched.chain.check(LATER), Ok(()));
}

#[tokio::test]
async fn every_failure_is_shown_and_gone_on_from() {
    let server = FakeGrin::start(genesis());
    server.chain().mood = Mood::Locked;
    let mut watched = Watched::start(&server);
    watched.until_away("password is wrong or missing").await;
    assert!(watched.chain.check(Instant::ZERO).is_err());
    server.chain().mood = Mood::Good;
    watched.until_same(&server).await;
    let moods = [
        (Mood::Says(503, ""), "status 503"),
        (Mood::Says(200, "<html>"), "not understood"),
        (Mood::Says(200, r#"{"id":1,"result":{"Ok":{"height":7}}}"#), "not understood"),
        (Mood::Says(200, r#"{"id":1,"result":{"Err":{"Internal":"no"}}}"#), "Internal"),
        (Mood::Says(200, r#"{"id":1,"error":{"code":-32601,"message":"what"}}"#), "what"),
        (Mood::Says(200, r#"{"id":1}"#), "not understood"),
    ];
    for (mood, why) in moods {
        server.chain().mood = mood;
        watched.until_away(why).await;
        server.chain().mood = Mood::Good;
        server.chain().grow(1, 0, 1);
        watched.until_same(&server).await;
    }
    server.chain().mood = Mood::Slow(Duration::from_millis(200));
    server.chain().grow(300, 1, 1);
    watched.until_same(&server).await;
}

#[tokio::test]
async fn blocks_that_cannot_be_are_not_believed() {
    let mut chain = genesis();
    chain.grow(5, 0, 1);
    let server = FakeGrin::start(chain);
    let mut watched = Watched::start(&server);
    watched.until_same(&server).await;
    let good = watched.chain.tip();
    // A block that spends what does not exist, on a chain that then turns out to have had it.
    server.chain().break_inputs();
    watched.until("reading anew", |chain| matches!(state(chain), ChainState::Syncing { .. })).await;
    assert_eq!(watched.chain.tip(), good);
    watched.until_away("spends an output that does not exist").await;
    assert_eq!(watched.chain.tip(), good);
    assert!(watched.chain.check(Instant::ZERO).is_err());
    server.chain().fork(1);
    server.chain().grow(2, 0, 1);
    watched.until_same(&server).await;
    // Heights that do not follow.
    server.chain().grow(3, 0, 1);
    let hidden = server.chain().blocks.remove(7);
    watched.until_away("block 7 does not follow").await;
    server.chain().blocks.insert(7, hidden);
    watched.until_same(&server).await;
}

#[tokio::test]
async fn a_node_of_another_chain_is_not_followed() {
    let server = FakeGrin::start(genesis());
    let consensus = Consensus::of(ChainType::Testnet);
    let mut watched = Watched::with(GrinConfig { consensus, ..config(&server) });
    watched.until_away("is of another chain").await;
    assert_eq!(watched.chain.tip().height, 0);
    assert!(watched.chain.check(Instant::ZERO).is_err());
}

/// However many blocks peers tell of, the Grin node is asked once a second.
#[tokio::test]
async fn hints_are_followed_at_once_and_not_more_than_once_a_second() {
    let server = FakeGrin::start(genesis());
    let poll = Duration::from_secs(3_600);
    let mut watched = Watched::with(GrinConfig { poll, ..config(&server) });
    watched.until_same(&server).await;
    server.chain().grow(1, 0, 1);
    watched.chain.hint();
    watched.until_same(&server).await;
    let (before, start) = (server.chain().calls["get_tip"], clock());
    for _ in 0..250 {
        watched.chain.hint();
        sleep(Duration::from_millis(10)).await;
    }
    let looks = server.chain().calls["get_tip"] - before;
    let most = usize::try_from(start.elapsed().as_secs()).expect("seconds") + 1;
    assert!((1..=most).contains(&looks), "{looks} looks, not {most}");
}

#[expect(clippy::disallowed_methods, reason = "the test measures real time")]
fn clock() -> std::time::Instant {
    std::time::Instant::now()
}
