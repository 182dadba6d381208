//! The node that is measured.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use scape::chain::DevLedger;
use scape::node::{Node, NodeConfig};
use scape_aggregate::{Hash, Input, OutputFeatures, Transaction};
use scape_p2p::book::BookConfig;
use scape_p2p::dandelion::Preset;
use scape_p2p::net::NetConfig;
use scape_p2p::zone::ZoneConfig;
use scape_pool::Notice;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::corpus::RULES;

/// How long an arrival may take before the measure has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A node that listens on loopback.
pub(crate) struct Relay {
    runtime: Runtime,
    node: Node,
    stemmed: Receiver<(Hash, Instant)>,
}

impl Relay {
    /// Starts a node on a chain with everything that these spend.
    pub(crate) fn start(txs: &[Transaction]) -> Self {
        let runtime = Runtime::new().unwrap();
        let spent = txs.iter().flat_map(|tx| tx.inputs()).map(Input::commitment);
        let ledger = DevLedger::new(RULES, spent.map(|input| (input, OutputFeatures::Plain)));
        let listen = Some("127.0.0.1:0".parse().unwrap());
        let config = NodeConfig {
            zone: ZoneConfig { params: Preset::GrinDoc.params(), ..ZoneConfig::new(RULES) },
            net: NetConfig { listen, ..NetConfig::new(RULES, [1; 32]) },
            book: BookConfig::default(),
            seeds: Vec::new(),
            zones: Default::default(),
            data_dir: None,
            workers: 0,
            seed: [2; 32],
        };
        let (notices, inbox) = mpsc::unbounded_channel();
        let node = runtime.block_on(Node::start(config, ledger, Some(notices))).unwrap();
        Self { runtime, node, stemmed: watch(inbox) }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.node.local_addr().unwrap()
    }

    /// The kernel of the next transaction that is in the stempool, and since when: the node told
    /// its owner at that time.
    pub(crate) fn next_stemmed(&self) -> (Hash, Instant) {
        self.stemmed.recv_timeout(PATIENCE).expect("a transaction was lost")
    }

    pub(crate) fn stop(self) {
        self.runtime.block_on(self.node.shutdown());
    }
}

/// Reads the clock as soon as the owner is told, whatever else the bench is doing.
fn watch(mut inbox: mpsc::UnboundedReceiver<Notice>) -> Receiver<(Hash, Instant)> {
    let (stemmed, receiver) = channel();
    thread::spawn(move || {
        while let Some(notice) = inbox.blocking_recv() {
            let now = Instant::now();
            if let Notice::Stemmed { kernels, .. } = notice {
                for kernel in kernels {
                    // The measure may have seen enough.
                    let _ = stemmed.send((kernel, now));
                }
            }
        }
    });
    receiver
}
