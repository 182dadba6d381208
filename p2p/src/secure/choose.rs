//! Whether to encrypt, and what it means if the other side cannot.

use crate::peer::Capabilities;

use super::error::SecureError;
use super::keys::PublicKey;

/// What a zone wants of its links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Policy {
    /// Plain links only; the bit is not said.
    Never,
    /// Encrypted where the peer can, plain with Grin nodes.
    #[default]
    Offered,
    /// Encrypted or not at all. White noise on the open internet needs it.
    Required,
}

impl Policy {
    /// What to say in `Hand` or `Shake`, given what else we can do.
    pub fn capabilities(self, others: Capabilities) -> Capabilities {
        match self {
            Self::Never => others,
            Self::Offered | Self::Required => others | Capabilities::ENCRYPTED,
        }
    }
}

/// How a link goes on after `Hand` and `Shake`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Choice {
    /// With a [`Handshake`](super::Handshake).
    Encrypted,
    /// With Grin's protocol.
    Plain(Suspicion),
}

/// What a plain link says about who may sit in between. For the owner's eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Suspicion {
    /// Nothing is known against it: a Grin node, for example.
    None,
    /// The peer at this address has encrypted before. It may have been replaced by a Grin node, or
    /// somebody takes the bit out.
    Downgraded,
}

/// Decides from what both sides said. `known` is the key of the peer at this address, if it has
/// encrypted before.
///
/// Both sides come to the same conclusion, or the link breaks: each acts on what it said itself and
/// what it heard, and one that encrypts where the other does not is not understood.
///
/// # Errors
///
/// [`SecureError::PlainRefused`] under [`Policy::Required`].
pub fn choose(
    policy: Policy,
    theirs: Capabilities,
    known: Option<&PublicKey>,
) -> Result<Choice, SecureError> {
    match (policy, theirs.contains(Capabilities::ENCRYPTED)) {
        (Policy::Offered | Policy::Required, true) => Ok(Choice::Encrypted),
        (Policy::Required, false) => Err(SecureError::PlainRefused),
        (Policy::Offered, false) if known.is_some() => Ok(Choice::Plain(Suspicion::Downgraded)),
        (Policy::Never | Policy::Offered, _) => Ok(Choice::Plain(Suspicion::None)),
    }
}

/// How the key of a peer compares with what is known of its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyCheck {
    /// Nothing is known; this key is to be remembered.
    First,
    /// The key is the one that is known.
    Same,
    /// The key is another. The peer may have a new one, or somebody answers in its place.
    Changed {
        /// The key that is known.
        known: PublicKey,
    },
}

/// Compares the key of a peer that we dialled with what is known of its address.
///
/// Only keys of peers that listen are worth remembering; those that dial may change theirs each
/// time.
pub fn check_key(found: &PublicKey, known: Option<&PublicKey>) -> KeyCheck {
    match known {
        None => KeyCheck::First,
        Some(known) if known == found => KeyCheck::Same,
        Some(known) => KeyCheck::Changed { known: *known },
    }
}

/// How a link is protected. For the owner's eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protection {
    /// Not at all: Grin's protocol in the clear.
    Plain(Suspicion),
    /// Encrypted.
    Encrypted {
        /// The key that the peer proved to have.
        key: PublicKey,
        /// How it compares with what is known of the address that we dialled. Of a peer that
        /// dialled us nothing is ever known.
        check: KeyCheck,
    },
}

impl Protection {
    /// Whether the link is encrypted, with whomever it may be.
    pub fn is_encrypted(self) -> bool {
        matches!(self, Self::Encrypted { .. })
    }
}

impl Default for Protection {
    /// A plain link that nothing is known against.
    fn default() -> Self {
        Self::Plain(Suspicion::None)
    }
}
