use std::collections::HashSet;

use scape_aggregate::Hash;
use scape_p2p::wire::Message;
use scape_pool::{FluffReason, Instant, Notice};

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

/// Judges a network, and counts what meets at sinks.
pub(super) struct Judge {
    pub(super) laws: Invariants,
    sealed: HashSet<Hash>,
    met: Met,
}

impl Judge {
    pub(super) fn new(laws: Invariants) -> Self {
        Self { laws, sealed: HashSet::new(), met: Met::default() }
    }

    pub(super) fn met(&self) -> Met {
        Met { sealed: self.sealed.len(), ..self.met }
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
