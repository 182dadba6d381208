use std::time::Duration;

use scape_aggregate::{ChainType, Consensus};
use scape_p2p::dandelion::rendezvous::SIZES;
use scape_p2p::dandelion::{Params, Preset};
use scape_p2p::secure::PublicKey;
use scape_p2p::wire::Message;
use scape_pool::Instant;
use scape_tests::flow::{Flow, Mint};
use scape_tests::invariant::{Alone, Breach, Invariant, Law};
use scape_tests::net::{Behaviour, Network, NetworkConfig, NodeId, NodeSpec, Pass, Scope};

pub const CONSENSUS: Consensus = Consensus::of(ChainType::Mainnet);
/// The node that breaks something: it dials two others, and the last one dials it.
pub const MUTANT: NodeId = NodeId(0);
pub const NODES: usize = 5;

/// A small network with one mutant, and transactions to hand to it.
pub struct World {
    pub net: Network,
    pub flow: Flow,
    pub mint: Mint,
}

/// Always stems, and fluffs after half a minute to a minute.
pub fn params() -> Params {
    Params { stem_probability: 1.0, ..Preset::GrinDoc.params() }
}

pub fn world(mutate: impl FnOnce(NodeSpec, &Mint, &Flow) -> NodeSpec) -> World {
    slow_world(Duration::from_secs(1), mutate)
}

/// Blocks take up to `block_delay` to reach a node.
pub fn slow_world(
    block_delay: Duration,
    mutate: impl FnOnce(NodeSpec, &Mint, &Flow) -> NodeSpec,
) -> World {
    let flow = Flow::new(CONSENSUS, 5, 100);
    let mint = Mint::new();
    let config = NetworkConfig::new(CONSENSUS, 5).genesis(flow.genesis());
    let config = NetworkConfig { block_delay, ..config };
    let mut net = Network::new(config.mining(Duration::from_secs(60)), mint.clone());
    net.watch();
    let spec = || NodeSpec::new(CONSENSUS).params(params());
    net.add(mutate(spec().dials([NodeId(1), NodeId(2)]), &mint, &flow));
    for node in 1..NODES {
        net.add(spec().dials([NodeId((node + 1) % NODES), NodeId((node + 2) % NODES)]));
    }
    World { net, flow, mint }
}

impl World {
    pub fn with(behaviour: impl Behaviour + 'static) -> Self {
        world(|spec, _, _| spec.mutated(behaviour))
    }

    /// The owner of the mutant pays at 20 s, and spends the change of it at 40 s.
    pub fn pay(&mut self) {
        let parent = self.flow.tx();
        let child = self.flow.child(&parent);
        for (at, tx) in [(20, parent), (40, child)] {
            self.mint.add(&tx);
            self.net.at(Instant::from_secs(at), move |net| {
                net.push(MUTANT, tx.as_transaction().clone(), false);
            });
        }
    }

    pub fn watched_by<I: Invariant>(mut self, invariant: I) -> Result<(), Breach> {
        self.pay();
        self.net.run_watched(Instant::from_secs(300), &mut Alone(invariant))
    }
}

#[track_caller]
pub fn assert_breaks(verdict: Result<(), Breach>, law: Law) {
    let breach = verdict.expect_err("it was not noticed");
    assert_eq!(breach.law, law, "{breach}");
}

/// That it is this clause of the law, too.
#[track_caller]
pub fn assert_says(verdict: Result<(), Breach>, law: Law, clause: &str) {
    let breach = verdict.expect_err("it was not noticed");
    assert!(breach.law == law && breach.what.contains(clause), "{breach}");
}

/// Changes what it says.
struct Says<F>(F);

impl<F: FnMut(NodeId, &Message, &mut Scope<'_>) -> Pass> Behaviour for Says<F> {
    fn outgoing(&mut self, to: NodeId, message: &Message, scope: &mut Scope<'_>) -> Pass {
        (self.0)(to, message, scope)
    }
}

pub fn says(
    change: impl FnMut(NodeId, &Message, &mut Scope<'_>) -> Pass + 'static,
) -> impl Behaviour + 'static {
    Says(change)
}

pub fn sealed_to(sink: PublicKey) -> Message {
    Message::SealedStem { sink, sealed: vec![0; SIZES[0]].into() }
}
