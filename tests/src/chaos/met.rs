use std::collections::HashSet;

use scape_aggregate::Hash;
use scape_p2p::wire::Message;
use scape_pool::{FluffReason, Instant, Notice, Source};

use crate::invariant::{Breach, Invariants};
use crate::net::{Happening, Network, Observation, Watch};

/// What met at sinks.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Met {
    /// How many sealed transactions were on the way.
    pub sealed: usize,
    /// How many kernels sinks fluffed when their windows closed.
    pub gathered: usize,
    /// In how many aggregates.
    pub aggregates: usize,
}

/// What went through anonymity networks and white noise.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Hidden {
    /// How many nodes and zones of nodes are on an anonymity network.
    pub zones: usize,
    /// How many have white noise.
    pub noisy: usize,
    /// How many kernels came out of an anonymity network onto the stem in the clear, counted for
    /// each node that brought them.
    pub handed_over: usize,
    /// How many stem transactions left in frames.
    pub messages: usize,
    /// How many frames left.
    pub frames: u64,
}

/// Judges a network, and counts what meets at sinks and what is hidden.
pub(super) struct Judge {
    pub(super) laws: Invariants,
    sealed: HashSet<Hash>,
    met: Met,
    handed_over: usize,
    messages: usize,
}

impl Judge {
    pub(super) fn new(laws: Invariants) -> Self {
        let (sealed, met) = (HashSet::new(), Met::default());
        Self { laws, sealed, met, handed_over: 0, messages: 0 }
    }

    pub(super) fn met(&self) -> Met {
        Met { sealed: self.sealed.len(), ..self.met }
    }

    pub(super) fn hidden(&self, net: &Network) -> Hidden {
        let configs = || net.nodes().map(|(_, node)| node.config());
        Hidden {
            zones: configs().filter(|config| config.network.is_anonymous()).count(),
            noisy: configs().filter(|config| config.noise.is_some()).count(),
            handed_over: self.handed_over,
            messages: self.messages,
            frames: net.frames(),
        }
    }
}

impl Watch for Judge {
    type Fault = Breach;

    fn after(&mut self, net: &Network, at: Instant, what: &[Happening]) -> Result<(), Breach> {
        for happening in what {
            match happening {
                Happening::Sent { message: Message::SealedStem { sealed, .. }, .. } => {
                    self.sealed.insert(Hash::of(&[sealed]));
                }
                Happening::Sent { from, message: Message::StemTransaction(_), .. }
                    if net.node(*from).config().noise.is_some() =>
                {
                    self.messages += 1;
                }
                Happening::Observed(
                    _,
                    Observation::Notice(Notice::Stemmed { kernels, source: Source::Zone }),
                ) => self.handed_over += kernels.len(),
                Happening::Observed(
                    _,
                    Observation::Notice(Notice::Fluffed { kernels, reason, .. }),
                ) if *reason == FluffReason::Gathered => {
                    self.met.gathered += kernels.len();
                    self.met.aggregates += 1;
                }
                _ => {}
            }
        }
        self.laws.after(net, at, what)
    }
}
