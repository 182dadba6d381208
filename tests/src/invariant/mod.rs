//! What must hold in every network at every moment, one file each.
//!
//! An [`Invariant`] sees everything that happens in a network, event by event, and says what is
//! wrong as soon as it is. [`Invariants`] are all of them together, to be passed to
//! [`Network::run_watched`]. Nodes that are not expected to keep the protocol are not judged.

mod bounded;
mod fair;
mod lossless;
mod ordered;
mod private;
mod prompt;
mod routed;
mod sound;

use std::fmt;
use std::str::FromStr;

use scape_aggregate::Hash;
use scape_pool::Instant;

use crate::flow::Mint;
use crate::net::{Happening, Network, NodeId, Watch};

pub use bounded::Bounded;
pub use fair::Fair;
pub use lossless::{Fates, Lossless};
pub use ordered::Ordered;
pub use private::Private;
pub use prompt::Prompt;
pub use routed::Routed;
pub use sound::Sound;

/// What must hold.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Law {
    /// No accepted transaction is lost.
    Lossless,
    /// Nothing that a node says depends on its stempool.
    Private,
    /// No child goes before its parent.
    Ordered,
    /// Whatever leaves a node would be accepted by a Grin node.
    Sound,
    /// Nobody waits for others longer than for the timers.
    Prompt,
    /// Routes stay for an epoch, relays are outbound and in sync, a lost relay is replaced at once.
    Routed,
    /// Pools keep to their capacity.
    Bounded,
    /// The same seed gives the same trace.
    Repeatable,
    /// No honest node bans another, and none makes a bad block.
    Fair,
    /// Nothing panics.
    Sane,
}

impl Law {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Lossless,
        Self::Private,
        Self::Ordered,
        Self::Sound,
        Self::Prompt,
        Self::Routed,
        Self::Bounded,
        Self::Repeatable,
        Self::Fair,
        Self::Sane,
    ];

    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lossless => "lossless",
            Self::Private => "private",
            Self::Ordered => "ordered",
            Self::Sound => "sound",
            Self::Prompt => "prompt",
            Self::Routed => "routed",
            Self::Bounded => "bounded",
            Self::Repeatable => "repeatable",
            Self::Fair => "fair",
            Self::Sane => "sane",
        }
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Law {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|law| law.name() == name).ok_or(())
    }
}

/// What is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Breach {
    /// What should hold.
    pub law: Law,
    /// When it was noticed.
    pub at: Instant,
    /// What is wrong, in words.
    pub what: String,
    /// The kernels that it is about.
    pub kernels: Vec<Hash>,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.at.as_micros() as f64 / 1e6;
        write!(f, "{} at {seconds:.3} s: {}", self.law, self.what)
    }
}

impl Breach {
    fn new(law: Law, net: &Network, what: impl Into<String>, kernels: &[Hash]) -> Self {
        Self { law, at: net.now(), what: what.into(), kernels: kernels.to_vec() }
    }
}

/// Something that must hold in every network.
pub trait Invariant {
    /// Looks at what happened during one event.
    ///
    /// # Errors
    /// What is wrong.
    fn after(&mut self, net: &Network, what: &[Happening]) -> Result<(), Breach>;
}

/// One invariant alone.
pub struct Alone<I>(pub I);

impl<I: Invariant> Watch for Alone<I> {
    type Fault = Breach;

    fn after(&mut self, net: &Network, _at: Instant, what: &[Happening]) -> Result<(), Breach> {
        self.0.after(net, what)
    }
}

/// All invariants together.
pub struct Invariants {
    lossless: Lossless,
    others: Vec<Box<dyn Invariant>>,
}

impl Invariants {
    /// All of them. `mint` knows every transaction that exists.
    pub fn new(mint: &Mint) -> Self {
        let others: Vec<Box<dyn Invariant>> = vec![
            Box::new(Private),
            Box::new(Ordered::new(mint.clone())),
            Box::new(Sound::new(mint.clone())),
            Box::new(Prompt::default()),
            Box::new(Routed::new(mint.clone())),
            Box::new(Bounded::default()),
            Box::new(Fair),
        ];
        Self { lossless: Lossless::new(mint.clone()), others }
    }

    /// Whether nothing is lost and nothing is left to wait for.
    ///
    /// # Errors
    /// A transaction that is neither mined nor impossible.
    pub fn settled(&self, net: &Network) -> Result<Fates, Breach> {
        self.lossless.settled(net)
    }
}

impl Watch for Invariants {
    type Fault = Breach;

    fn after(&mut self, net: &Network, _at: Instant, what: &[Happening]) -> Result<(), Breach> {
        self.lossless.after(net, what)?;
        self.others.iter_mut().try_for_each(|invariant| invariant.after(net, what))
    }
}

/// The node of a happening, if it is expected to keep the protocol.
fn honest(net: &Network, node: NodeId) -> bool {
    net.node(node).is_honest()
}

/// Whether a kernel is public or mined as far as a node knows.
fn is_out(net: &Network, node: NodeId, kernel: &Hash) -> bool {
    let node = net.node(node);
    node.ledger().kernel_height(kernel).is_some()
        || node.zone().is_some_and(|zone| zone.pool().knows_public(kernel))
}
