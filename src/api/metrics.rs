//! Metrics for Prometheus, and whether the node is well.
//!
//! # Security
//! Metrics are read by who watches machines, and often kept elsewhere. Who reads them every second,
//! sees the network besides and sends transactions of its own must not learn of a single stem
//! transaction. So:
//! * Nothing is here that moves when one arrives, waits or is passed on: not the size of the
//!   stempool, of the orphans or of the journal, no count of verifications, of messages or of bytes
//!   on the wire, no memory, no time that anything took. The owner API has what the owner wants to
//!   know of the stem.
//! * What is here is the node's state as everybody could know it (peers, chain, txpool) and whether
//!   it is well. It is a snapshot, made anew every 15 s whoever asks: when exactly the txpool
//!   has grown is told no better than peers are told, who hear of it after random delays.
//! * Zones beside the main one have a label; what moves is said of each by the same rules.
//! * That a transaction was fluffed by this node is a hint at its way. Counts of fluffs move every
//!   ten minutes, and only if by then there were [`TOGETHER`] of them, so that each stands for many.
//!   What the owner asked to be fluffed is never counted.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};
use std::time::Duration;

use scape_p2p::peer::Direction;
use scape_pool::FluffReason;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::show::reason_name;
use crate::config::Config;
use crate::node::{JournalState, NodeHandle, Status, Tally, ZoneStatus};

/// How often the node is asked how it is.
const LOOK: Duration = Duration::from_secs(1);
/// After how many looks metrics are made anew.
const SNAPSHOT: u64 = 15;
/// After how many looks fluffs may be counted.
const ROUND: u64 = 600;
/// How many fluffs are counted together at least.
const TOGETHER: u64 = 16;
/// How long the node may take to say how it is.
const STALLED: Duration = Duration::from_secs(10);

/// Whether the node is well, in a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Health {
    /// It is.
    Ok,
    /// The journal cannot be written, and pushes are refused.
    Journal,
    /// The Grin node's chain is not known, and pushes are refused.
    Chain,
    /// It does not answer.
    Stalled,
    /// It has stopped.
    Stopped,
}

impl Health {
    fn of(status: &Status) -> Self {
        match status.journal {
            JournalState::Failing { .. } => Self::Journal,
            JournalState::Off | JournalState::Safe { .. } if status.chain.is_known() => Self::Ok,
            JournalState::Off | JournalState::Safe { .. } => Self::Chain,
        }
    }
}

impl Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Journal => "journal",
            Self::Chain => "chain",
            Self::Stalled => "stalled",
            Self::Stopped => "stopped",
        })
    }
}

/// What is known of the node at a moment.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) health: Health,
    /// In the text format of Prometheus.
    pub(super) metrics: String,
}

/// Looks at the node until it has stopped or nobody wants to know any more.
pub(super) async fn observe(node: NodeHandle, config: Config, snapshots: watch::Sender<Snapshot>) {
    let (mut looks, mut counted) = (0_u64, Counted::default());
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = snapshots.closed() => return,
        }
        match timeout(STALLED, node.status()).await {
            Ok(Ok(status)) => {
                let health = Health::of(&status);
                if looks.is_multiple_of(ROUND) {
                    counted.update(&status.tally);
                }
                snapshots.send_modify(|snapshot| {
                    snapshot.health = health;
                    if looks.is_multiple_of(SNAPSHOT) {
                        snapshot.metrics = render(&status, &counted, &config);
                    }
                });
                looks += 1;
            }
            Ok(Err(_)) => {
                snapshots.send_modify(|snapshot| snapshot.health = Health::Stopped);
                return;
            }
            Err(_) => snapshots.send_modify(|snapshot| snapshot.health = Health::Stalled),
        }
    }
}

/// Fluffs as far as they are told.
#[derive(Default)]
struct Counted(BTreeMap<FluffReason, u64>);

impl Counted {
    /// What the owner asked for is as if it had not been.
    const REASONS: [FluffReason; 6] = [
        FluffReason::Coin,
        FluffReason::Gathered,
        FluffReason::Embargo,
        FluffReason::NoRelay,
        FluffReason::Loop,
        FluffReason::Family,
    ];

    fn get(&self, reason: FluffReason) -> u64 {
        self.0.get(&reason).copied().unwrap_or(0)
    }

    fn update(&mut self, tally: &Tally) {
        let counts = Self::REASONS.map(|reason| (reason, tally.reasons.get(&reason).copied()));
        let counts = counts.map(|(reason, count)| (reason, count.unwrap_or(0)));
        let (now, told) = (counts.iter().map(|(_, n)| n).sum::<u64>(), self.0.values().sum());
        if now.saturating_sub(told) >= TOGETHER {
            self.0 = counts.into();
        }
    }
}

/// A metric: its name, its type, what it is.
type Metric = (&'static str, &'static str, &'static str);

const INFO: Metric = ("scape_info", "gauge", "Always 1; the labels say what runs.");
const UPTIME: Metric = ("scape_uptime_seconds", "gauge", "How long the node runs.");
const HEALTHY: Metric = ("scape_healthy", "gauge", "1 if /health says ok.");
const JOURNAL: Metric = ("scape_journal_failing", "gauge", "1 if the journal cannot be written.");
const CHAIN: Metric = ("scape_chain_known", "gauge", "1 if the chain is known and up to date.");
const HEIGHT: Metric = ("scape_chain_height", "gauge", "The height of the last block.");
const DIFFICULTY: Metric = ("scape_chain_difficulty", "gauge", "The work in the chain.");
const PEERS: Metric = ("scape_peers", "gauge", "Connections, by who opened them.");
const RELAYS: Metric = ("scape_relays", "gauge", "How many relays this epoch has.");
const ADDRESSES: Metric = ("scape_addresses", "gauge", "Known addresses.");
const TXPOOL: Metric = ("scape_txpool_transactions", "gauge", "Transactions in the public pool.");
const KERNELS: Metric = ("scape_txpool_kernels", "gauge", "Kernels in the public pool.");
const FLUFFS: Metric =
    ("scape_fluffs_total", "counter", "Aggregates fluffed here by reason, told late and together.");

#[cfg(test)]
const ALL: [Metric; 13] = [
    INFO, UPTIME, HEALTHY, JOURNAL, CHAIN, HEIGHT, DIFFICULTY, PEERS, RELAYS, ADDRESSES, TXPOOL,
    KERNELS, FLUFFS,
];

fn render(status: &Status, counted: &Counted, config: &Config) -> String {
    let one_if = |holds: bool| u64::from(holds);
    let peers = |direction| status.peers.iter().filter(|peer| peer.direction == direction).count();
    let mut text = Text::default();
    let labels =
        format!("{{version=\"{}\",chain=\"{}\"}}", env!("CARGO_PKG_VERSION"), config.chain.r#type);
    text.labelled(INFO, [(labels, 1)]);
    text.plain(UPTIME, status.uptime.as_secs());
    text.plain(HEALTHY, one_if(Health::of(status) == Health::Ok));
    text.plain(JOURNAL, one_if(matches!(status.journal, JournalState::Failing { .. })));
    text.plain(CHAIN, one_if(status.chain.is_known()));
    text.plain(HEIGHT, status.tip.height);
    text.plain(DIFFICULTY, status.tip.total_difficulty);
    let others = status.zones.iter().skip(1);
    let zoned = |count: fn(&ZoneStatus) -> usize| {
        let label = |zone: &ZoneStatus| format!("{{zone=\"{}\"}}", zone.network);
        others.clone().map(move |zone| (label(zone), count(zone)))
    };
    let zoned_peers = others.clone().flat_map(|zone| {
        [("inbound", Direction::Inbound), ("outbound", Direction::Outbound)].map(|(name, way)| {
            let count = zone.peers.iter().filter(|peer| peer.direction == way).count();
            (format!("{{direction=\"{name}\",zone=\"{}\"}}", zone.network), count)
        })
    });
    let main_peers = [
        ("{direction=\"inbound\"}".to_owned(), peers(Direction::Inbound)),
        ("{direction=\"outbound\"}".to_owned(), peers(Direction::Outbound)),
    ];
    let main = |value: usize| std::iter::once((String::new(), value));
    text.labelled(PEERS, main_peers.into_iter().chain(zoned_peers));
    text.labelled(RELAYS, main(status.relays.len()).chain(zoned(|zone| zone.relays.len())));
    text.labelled(ADDRESSES, main(status.addresses).chain(zoned(|zone| zone.addresses)));
    text.labelled(TXPOOL, main(status.pools.public).chain(zoned(|zone| zone.pools.public)));
    let kernels = zoned(|zone| zone.pools.public_kernels);
    text.labelled(KERNELS, main(status.pools.public_kernels).chain(kernels));
    let fluffs = Counted::REASONS
        .map(|reason| (format!("{{reason=\"{}\"}}", reason_name(reason)), counted.get(reason)));
    text.labelled(FLUFFS, fluffs);
    text.0
}

/// The text format of Prometheus.
#[derive(Default)]
struct Text(String);

impl Text {
    fn plain(&mut self, metric: Metric, value: impl Display) {
        self.labelled(metric, [(String::new(), value)]);
    }

    fn labelled(
        &mut self,
        (name, kind, help): Metric,
        values: impl IntoIterator<Item = (String, impl Display)>,
    ) {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        for (labels, value) in values {
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn tally(coin: u64, asked: u64) -> Tally {
        let reasons = [(FluffReason::Coin, coin), (FluffReason::Asked, asked)].into();
        Tally { reasons, ..Tally::default() }
    }

    #[test]
    fn fluffs_are_counted_together_and_those_asked_for_never() {
        let mut counted = Counted::default();
        counted.update(&tally(TOGETHER - 1, 100));
        assert_eq!(counted.get(FluffReason::Coin), 0);
        counted.update(&tally(TOGETHER, 100));
        assert_eq!(counted.get(FluffReason::Coin), TOGETHER);
        assert_eq!(counted.get(FluffReason::Asked), 0);
        counted.update(&tally(2 * TOGETHER - 1, 200));
        assert_eq!(counted.get(FluffReason::Coin), TOGETHER);
    }

    #[test]
    fn the_dashboard_shows_these_metrics_and_no_others() {
        let dashboard = include_str!("../../packaging/grafana.json");
        serde_json::from_str::<serde_json::Value>(dashboard).expect("JSON");
        let letter = |c: char| c.is_ascii_lowercase() || c == '_';
        let names = dashboard.match_indices("scape_").map(|(start, _)| {
            let name = &dashboard[start..];
            &name[..name.find(|c| !letter(c)).unwrap_or(name.len())]
        });
        let shown: BTreeSet<&str> = names.collect();
        assert_eq!(shown, ALL.iter().map(|(name, ..)| *name).collect());
    }
}
