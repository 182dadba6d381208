use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use scape_p2p::addr::{Network, PeerAddr};
use scape_p2p::book::AddError;
use scape_p2p::dandelion::ParamsError;
use scape_p2p::noise::{CHANNELS, NoiseConfigError};
use thiserror::Error;

use super::kind::Kind;
use super::sections::EmbargoKind;

/// Why a configuration is refused. One variant per rule.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The text is not TOML.
    #[error(transparent)]
    Syntax(#[from] toml::de::Error),
    /// A key or a section is there twice.
    #[error("line {line}: `{key}` is there twice")]
    Duplicate {
        /// Of the second one.
        line: usize,
        /// As it is written.
        key: String,
    },
    /// No section has this name.
    #[error("line {line}: unknown section [{section}]{hint}")]
    UnknownSection {
        /// Where it is.
        line: usize,
        /// As it is written.
        section: String,
        /// What may have been meant.
        hint: Hint,
    },
    /// A key outside of all sections.
    #[error("line {line}: `{key}` is outside of a section{hint}")]
    OutsideSection {
        /// Where it is.
        line: usize,
        /// As it is written.
        key: String,
        /// What may have been meant.
        hint: Hint,
    },
    /// A value where a section has to be.
    #[error("line {line}: `{section}` is {found}, but must be a section, [{section}]")]
    NotASection {
        /// Where it is.
        line: usize,
        /// The name.
        section: &'static str,
        /// What is there instead.
        found: &'static str,
    },
    /// No key of the section has this name.
    #[error("line {line}: unknown key `{key}` in [{section}]{hint}")]
    UnknownKey {
        /// Where it is.
        line: usize,
        /// The section it is in.
        section: &'static str,
        /// As it is written.
        key: String,
        /// What may have been meant.
        hint: Hint,
    },
    /// Text where a number has to be, and the like.
    #[error("{at} is {found}, but must be {allowed}")]
    WrongType {
        /// Where.
        at: At,
        /// The type of the value.
        found: &'static str,
        /// What is allowed.
        allowed: &'static Kind,
    },
    /// A value that is not allowed.
    #[error("{at} is {found}, but must be {allowed}{hint}")]
    NotAllowed {
        /// Where.
        at: At,
        /// The value as it is written.
        found: String,
        /// What is allowed.
        allowed: &'static Kind,
        /// What may have been meant.
        hint: Hint,
    },
    /// The kind of embargo needs a value that neither the file nor the preset has.
    #[error("dandelion.embargo = \"{kind}\" needs dandelion.{missing}")]
    EmbargoIncomplete {
        /// The kind of embargo.
        kind: EmbargoKind,
        /// The key.
        missing: &'static str,
    },
    /// A value that the kind of embargo has no use for.
    #[error("dandelion.{key} has no effect on an embargo that is \"{kind}\"; {hint}")]
    EmbargoUnused {
        /// The key.
        key: &'static str,
        /// The kind of embargo.
        kind: EmbargoKind,
        /// How to make use of it.
        hint: EmbargoHint,
    },
    /// Parameters that work against each other so that nothing works.
    #[error("[dandelion] cannot be: {0}")]
    Params(#[from] ParamsError),
    /// An address that nobody can have.
    #[error("`network.{key}` holds {addr}: {reason}")]
    Address {
        /// The key.
        key: &'static str,
        /// The address.
        addr: SocketAddr,
        /// The rule it breaks.
        reason: AddError,
    },
    /// A node has one zone at least.
    #[error("all zones are off: network.enabled, tor.enabled or i2p.enabled must be true")]
    NoZone,
    /// What leaves nowhere never arrives.
    #[error("node.origin is empty: nothing of the owner could ever leave")]
    NoOrigin,
    /// The owner's transactions cannot leave through a zone that is off.
    #[error("node.origin names {0}, which is off")]
    OriginOff(Network),
    /// The owner's transactions leave through outbound peers, of which there must be some.
    #[error("node.origin names {0}, which has no outbound connections")]
    OriginWithoutPeers(Network),
    /// Behind a service only loopback is listened on.
    #[error(
        "{network}.listen is {addr}, but must be on loopback: who reaches it otherwise would \
             know whose service it is"
    )]
    Exposed {
        /// The zone.
        network: Network,
        /// The address.
        addr: SocketAddr,
    },
    /// A zone knows names of its own network only.
    #[error("`{network}.{key}` holds {addr}, which is a name of {}", addr.network())]
    OtherNetwork {
        /// The zone.
        network: Network,
        /// The key.
        key: &'static str,
        /// The name.
        addr: PeerAddr,
    },
    /// A name at which nobody answers is worse than none.
    #[error("{0}.name is told to peers, but the node does not listen there: set {0}.listen")]
    NameWithoutListener(Network),
    /// The node itself is no peer.
    #[error("`{network}.{key}` holds {network}.name, the node itself")]
    OwnNameAmongPeers {
        /// The zone.
        network: Network,
        /// The key.
        key: &'static str,
    },
    /// Frames at impossible times.
    #[error("[noise] cannot be: {0}")]
    Noise(#[from] NoiseConfigError),
    /// Who reads a frame sees whether it holds anything.
    #[error(
        "network.noise needs encrypted links: set network.encryption = \"prefer\" or \"require\""
    )]
    NoiseInTheClear,
    /// Who is a relay without a channel would get nothing.
    #[error("{network}.noise reaches {CHANNELS} relays, but there are to be {relays}")]
    NoiseRelays {
        /// The zone.
        network: Network,
        /// How many relays it is to have.
        relays: usize,
    },
    /// There is a data directory in the home directory, and no home directory.
    #[error("there is no home directory for node.data_dir = \"{}\"", .0.display())]
    NoHome(PathBuf),
}

/// The place of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct At {
    /// Of the file.
    pub line: usize,
    /// The section of the key.
    pub section: &'static str,
    /// The key.
    pub key: &'static str,
}

/// What may have been meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hint {
    /// No idea.
    None,
    /// A name that is spelt nearly so.
    Nearest(&'static str),
    /// A key of this name is in another section.
    Section(&'static str),
}

/// How a value could have an effect on the embargo.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EmbargoHint(pub(super) EmbargoKind);

impl Hint {
    /// The nearest of some names, if it is near enough to be a slip.
    pub(super) fn nearest(name: &str, names: impl IntoIterator<Item = &'static str>) -> Self {
        const SLIP: f64 = 0.8;
        let likeness = |known: &'static str| (strsim::jaro_winkler(name, known), known);
        names
            .into_iter()
            .map(likeness)
            .filter(|(likeness, _)| *likeness > SLIP)
            .max_by(|(a, _), (b, _)| a.total_cmp(b))
            .map_or(Self::None, |(_, known)| Self::Nearest(known))
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: `{}.{}`", self.line, self.section, self.key)
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Nearest(name) => write!(f, "; did you mean `{name}`?"),
            Self::Section(section) => write!(f, "; it belongs in [{section}]"),
        }
    }
}

impl fmt::Display for EmbargoHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "set dandelion.embargo = \"{}\", or take it out", self.0)
    }
}
