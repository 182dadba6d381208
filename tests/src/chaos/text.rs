//! Scenarios as text: a line for each thing, words with spaces between, times in milliseconds.
//!
//! ```text
//! seed 7
//! node 0 scape honest dials 1,2 knows - outbound 0 ppm 0 ahead 0 room 0
//! node 1 scape honest dials 2,3 knows - outbound 0 ppm 0 ahead 0 room 0 on tor beside 0 noise 5000
//! tx 0 spends c0 outputs 2 lock 0 pays 1
//! tx 1 spends t0.1,c1 outputs 1 lock 0 pays 1 nrd 5.3
//! tx 2 merges 0,1
//! at 12345 push 0 0 stem
//! at 20000 tell 3 0 2 stem
//! ```
//!
//! `c1` is a coin of the genesis, `t0.1` the second output of the first transaction, `5.3` an NRD
//! kernel of the fifth excess, three blocks apart. A node is in the clear and without noise if nothing
//! else is said: node 1 is node 0 `on` Tor, with frames of white noise every 5 s and up to half as
//! much again. `push` is what the owner of a node does; `tell` is
//! a node that sends something to a peer of its own accord. `tests/scenarios/` has examples.

use std::fmt;
use std::str::{FromStr, SplitWhitespace};
use std::time::Duration;

use scape_p2p::addr::Network as AddrNetwork;

use super::scenario::{Action, NodePlan, Role, Scenario, Step};
use crate::flow::{CoinPlan, TxPlan};
use crate::net::{Clock, Disk, LinkConfig};

/// A line that is not understood, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ParseError {
    /// The number of the line, from 1.
    pub line: usize,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} is not understood", self.line)
    }
}

impl std::error::Error for ParseError {}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        writeln!(f, "minutes {}", self.minutes)?;
        writeln!(f, "coins {}", self.coins)?;
        writeln!(f, "pings {}", self.pings.as_millis())?;
        writeln!(f, "blocks {}", self.blocks.as_millis())?;
        writeln!(f, "verify {}", self.verify.as_millis())?;
        writeln!(f, "codec {}", self.codec)?;
        writeln!(f, "links {}", link(&self.link))?;
        for (a, b, config) in &self.links {
            writeln!(f, "link {a} {b} {}", link(config))?;
        }
        for (index, node) in self.nodes.iter().enumerate() {
            writeln!(f, "node {index} {}", self::node(node))?;
        }
        for (index, tx) in self.txs.iter().enumerate() {
            writeln!(f, "tx {index} {}", self::tx(tx))?;
        }
        for step in &self.steps {
            writeln!(f, "at {} {}", step.at.as_millis(), action(&step.action))?;
        }
        Ok(())
    }
}

fn link(link: &LinkConfig) -> String {
    let LinkConfig { delay, jitter, loss, duplicate, reorder, rate } = link;
    let (delay, jitter, rate) = (delay.as_millis(), jitter.as_millis(), rate.unwrap_or(0));
    format!(
        "delay {delay} jitter {jitter} loss {loss} duplicate {duplicate} reorder {reorder} rate {rate}"
    )
}

fn node(node: &NodePlan) -> String {
    if node.absent {
        return "absent".to_owned();
    }
    let NodePlan { preset, role, dials, knows, outbound, clock, room, network, .. } = node;
    let (dials, knows) = (list(dials), list(knows));
    let (ppm, ahead) = (clock.ppm, clock.ahead.as_millis());
    let clock = format!("ppm {ppm} ahead {ahead}");
    let peers = format!("dials {dials} knows {knows} outbound {outbound}");
    let mut text = format!("{preset} {} {peers} {clock} room {room}", role.name());
    if network.is_anonymous() {
        text += &format!(" on {network}");
    }
    if let Some(public) = node.beside {
        text += &format!(" beside {public}");
    }
    if !node.noise.is_zero() {
        text += &format!(" noise {}", node.noise.as_millis());
    }
    text
}

fn tx(plan: &TxPlan) -> String {
    let TxPlan { merges, spends, outputs, lock, nrd, generosity } = plan;
    if !merges.is_empty() {
        return format!("merges {}", list(merges));
    }
    let spends = list(spends);
    let nrd = nrd.map(|nrd| format!(" nrd {nrd}")).unwrap_or_default();
    format!("spends {spends} outputs {outputs} lock {lock} pays {generosity}{nrd}")
}

fn action(action: &Action) -> String {
    match action {
        Action::Push { node, tx, fluff: true } => format!("push {node} {tx} fluff"),
        Action::Push { node, tx, fluff: false } => format!("push {node} {tx} stem"),
        Action::Tell { from, to, tx, fluff: true } => format!("tell {from} {to} {tx} fluff"),
        Action::Tell { from, to, tx, fluff: false } => format!("tell {from} {to} {tx} stem"),
        Action::Crash(node) => format!("crash {node}"),
        Action::Restart { node, disk: Disk::Kept } => format!("restart {node} kept"),
        Action::Restart { node, disk: Disk::Lost } => format!("restart {node} lost"),
        Action::Cut(a, b) => format!("cut {a} {b}"),
        Action::Partition(side) => format!("partition {}", list(side)),
        Action::Heal => "heal".to_owned(),
        Action::Reorg { node, depth } => format!("reorg {node} {depth}"),
        Action::Mine(node) => format!("mine {node}"),
    }
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    if items.is_empty() { "-".to_owned() } else { items.join(",") }
}

impl FromStr for Scenario {
    type Err = ParseError;

    /// Lines that are empty or begin with `#` do not count.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut scenario = Self {
            seed: 0,
            minutes: 0,
            coins: 0,
            pings: Duration::from_secs(10),
            blocks: Duration::from_secs(60),
            verify: Duration::ZERO,
            codec: false,
            link: LinkConfig::default(),
            links: Vec::new(),
            nodes: Vec::new(),
            txs: Vec::new(),
            steps: Vec::new(),
        };
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                let read = read_line(&mut scenario, Words(line.split_whitespace()));
                read.ok_or(ParseError { line: index + 1 })?;
            }
        }
        Ok(scenario)
    }
}

/// The words of a line, one after the other.
struct Words<'a>(SplitWhitespace<'a>);

impl<'a> Words<'a> {
    fn word(&mut self) -> Option<&'a str> {
        self.0.next()
    }

    fn read<T: FromStr>(&mut self) -> Option<T> {
        self.word()?.parse().ok()
    }

    fn millis(&mut self) -> Option<Duration> {
        self.read().map(Duration::from_millis)
    }

    fn list<T: FromStr>(&mut self) -> Option<Vec<T>> {
        match self.word()? {
            "-" => Some(Vec::new()),
            items => items.split(',').map(|item| item.parse().ok()).collect(),
        }
    }

    /// Skips a word that must be this one.
    fn skip(&mut self, word: &str) -> Option<&mut Self> {
        (self.word()? == word).then_some(self)
    }
}

fn read_line(scenario: &mut Scenario, mut words: Words<'_>) -> Option<()> {
    match words.word()? {
        "seed" => scenario.seed = words.read()?,
        "minutes" => scenario.minutes = words.read()?,
        "coins" => scenario.coins = words.read()?,
        "pings" => scenario.pings = words.millis()?,
        "blocks" => scenario.blocks = words.millis()?,
        "verify" => scenario.verify = words.millis()?,
        "codec" => scenario.codec = words.read()?,
        "links" => scenario.link = read_link(&mut words)?,
        "link" => scenario.links.push((words.read()?, words.read()?, read_link(&mut words)?)),
        "node" => {
            let index: usize = words.read()?;
            scenario.nodes.push(read_node(&mut words, index)?);
            (index + 1 == scenario.nodes.len()).then_some(())?;
        }
        "tx" => {
            let index: usize = words.read()?;
            scenario.txs.push(read_tx(&mut words, index)?);
            (index + 1 == scenario.txs.len()).then_some(())?;
        }
        "at" => {
            let at = words.millis()?;
            scenario.steps.push(Step { at, action: read_action(&mut words)? });
        }
        _ => return None,
    }
    words.word().is_none().then_some(())
}

fn read_link(words: &mut Words<'_>) -> Option<LinkConfig> {
    Some(LinkConfig {
        delay: words.skip("delay")?.millis()?,
        jitter: words.skip("jitter")?.millis()?,
        loss: words.skip("loss")?.read()?,
        duplicate: words.skip("duplicate")?.read()?,
        reorder: words.skip("reorder")?.read()?,
        rate: words.skip("rate")?.read().map(|rate: u64| Some(rate).filter(|rate| *rate > 0))?,
    })
}

fn read_node(words: &mut Words<'_>, index: usize) -> Option<NodePlan> {
    let preset = match words.word()? {
        "absent" => return Some(NodePlan::absent()),
        preset => preset.parse().ok()?,
    };
    let role = words.word()?;
    let mut plan = NodePlan {
        preset,
        role: Role::ALL.into_iter().find(|known| known.name() == role)?,
        dials: words.skip("dials")?.list()?,
        knows: words.skip("knows")?.list()?,
        outbound: words.skip("outbound")?.read()?,
        clock: Clock { ppm: words.skip("ppm")?.read()?, ahead: words.skip("ahead")?.millis()? },
        room: words.skip("room")?.read()?,
        absent: false,
        ..NodePlan::absent()
    };
    while let Some(word) = words.word() {
        match word {
            "on" => plan.network = read_network(words.word()?)?,
            "beside" => plan.beside = Some(words.read().filter(|public| *public < index)?),
            "noise" => {
                plan.noise = words.millis()?;
                plan.noise()?;
            }
            _ => return None,
        }
    }
    Some(plan)
}

fn read_network(name: &str) -> Option<AddrNetwork> {
    AddrNetwork::ALL.into_iter().find(|network| network.name() == name)
}

fn read_tx(words: &mut Words<'_>, index: usize) -> Option<TxPlan> {
    match words.word()? {
        "merges" => {
            let plan = TxPlan::merging(words.list::<usize>()?);
            return plan.merges.iter().all(|part| *part < index).then_some(plan);
        }
        "spends" => {}
        _ => return None,
    }
    let spends: Vec<CoinPlan> = words.list()?;
    let earlier = |coin: &CoinPlan| !matches!(coin, CoinPlan::Output(tx, _) if *tx >= index);
    spends.iter().all(earlier).then_some(TxPlan {
        merges: Vec::new(),
        spends,
        outputs: words.skip("outputs")?.read()?,
        lock: words.skip("lock")?.read()?,
        generosity: words.skip("pays")?.read()?,
        nrd: match words.word() {
            Some("nrd") => Some(words.read()?),
            Some(_) => return None,
            None => None,
        },
    })
}

fn read_fluff(words: &mut Words<'_>) -> Option<bool> {
    match words.word()? {
        "fluff" => Some(true),
        "stem" => Some(false),
        _ => None,
    }
}

fn read_action(words: &mut Words<'_>) -> Option<Action> {
    Some(match words.word()? {
        "push" => {
            let (node, tx) = (words.read()?, words.read()?);
            Action::Push { node, tx, fluff: read_fluff(words)? }
        }
        "tell" => {
            let (from, to, tx) = (words.read()?, words.read()?, words.read()?);
            Action::Tell { from, to, tx, fluff: read_fluff(words)? }
        }
        "crash" => Action::Crash(words.read()?),
        "restart" => {
            let node = words.read()?;
            let disk = match words.word()? {
                "kept" => Disk::Kept,
                "lost" => Disk::Lost,
                _ => return None,
            };
            Action::Restart { node, disk }
        }
        "cut" => Action::Cut(words.read()?, words.read()?),
        "partition" => Action::Partition(words.list()?),
        "heal" => Action::Heal,
        "reorg" => Action::Reorg { node: words.read()?, depth: words.read()? },
        "mine" => Action::Mine(words.read()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::{Size, generate};

    #[test]
    fn what_is_written_can_be_read() {
        for seed in 0..50 {
            let mut scenario = generate(seed, Size { nodes: 12, minutes: 30 });
            scenario.nodes[3] = NodePlan::absent();
            assert_eq!(scenario.to_string().parse(), Ok(scenario));
        }
    }

    #[test]
    fn nonsense_is_named_by_its_line() {
        let error = |text: &str| text.parse::<Scenario>().map_err(|error| error.line);
        assert_eq!(error("seed 1\n\n# so\nat 5 dance 3"), Err(4));
        assert_eq!(error("tx 0 spends t0.0 outputs 1 lock 0 pays 1"), Err(1));
        assert_eq!(error("seed 1 2"), Err(1));
        assert_eq!(error("tx 0 merges 0"), Err(1));
        let node = |rest: &str| {
            let plain = "node 0 scape honest dials - knows - outbound 0 ppm 0 ahead 0 room 0";
            error(&format!("{plain} {rest}")).map(|read| read.nodes[0].clone())
        };
        assert!(node("on i2p noise 10000").is_ok_and(|plan| plan.noise().is_some()));
        assert_eq!(node("on land"), Err(1));
        // Itself, and more often than noise may come.
        assert_eq!(node("on tor beside 0"), Err(1));
        assert_eq!(node("noise 99"), Err(1));
        assert_eq!(error("tx 0 spends c0 outputs 1 lock 0 pays 1 nrd 1.0"), Err(1));
    }
}
