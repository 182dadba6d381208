//! Who may talk to us, and at which protocol version: pure functions over [`Hand`] and [`Shake`].
//!
//! The rules are those of `grin_p2p::handshake`: both sides are on the same chain, nobody talks to
//! itself, and the version is the smaller of both. Timeouts belong to the glue.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use scape_aggregate::{Hash, ProtocolVersion};

use crate::addr::PeerAddr;
use crate::peer::Capabilities;
use crate::secure::Protection;
use crate::wire::{Blame, Hand, Shake};

/// What we say about ourselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// Hash of the first block of our chain.
    pub genesis: Hash,
    /// What we can do.
    pub capabilities: Capabilities,
    /// Name and version of our software, at most [`MAX_USER_AGENT`](crate::wire::MAX_USER_AGENT)
    /// bytes.
    pub user_agent: String,
    /// Where we listen. Peers believe the port and take the address from the socket.
    pub listen: SocketAddr,
    /// Total difficulty of our chain.
    pub total_difficulty: u64,
}

/// What the other side said about itself. Only `version` was agreed on, and `protection` is what
/// came of both sides' capabilities; the rest is a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerInfo {
    /// The protocol version of the link: the smaller of both.
    pub version: ProtocolVersion,
    /// What the peer can do.
    pub capabilities: Capabilities,
    /// Name and version of the peer's software.
    pub user_agent: String,
    /// Total difficulty of the peer's chain.
    pub total_difficulty: u64,
    /// Where the peer can be reached: for an inbound peer the address of its socket with the port
    /// that it claims to listen on, for an outbound one the address that we connected to. `None`
    /// for a peer that came to our onion service, since it shows no address.
    pub listen: Option<PeerAddr>,
    /// How the link is protected. Both halves of the handshake are in the clear; what follows need
    /// not be.
    pub protection: Protection,
}

/// Why a handshake fails. One variant per rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// Both sides are on the same chain.
    #[error("the peer's genesis is {theirs}, ours {ours}")]
    GenesisMismatch {
        /// Our first block.
        ours: Hash,
        /// The peer's first block.
        theirs: Hash,
    },
    /// A `Hand` with a nonce of our own comes from ourselves.
    #[error("connected to ourselves")]
    ConnectedToSelf,
}

impl HandshakeError {
    /// Who is to blame.
    pub fn blame(&self) -> Blame {
        match self {
            Self::GenesisMismatch { .. } => Blame::Incompatible,
            Self::ConnectedToSelf => Blame::Ours,
        }
    }
}

/// The nonces of our latest `Hand`s, oldest out first (`NONCES_CAP` in Grin).
#[derive(Debug, Clone, Default)]
pub struct Nonces(VecDeque<u64>);

impl Nonces {
    /// How many are remembered.
    pub const CAPACITY: usize = 100;

    /// Remembers the nonce of a `Hand` that is about to be sent.
    pub fn remember(&mut self, nonce: u64) {
        if self.0.len() == Self::CAPACITY {
            self.0.pop_front();
        }
        self.0.push_back(nonce);
    }

    /// Whether the nonce is one of ours.
    pub fn contains(&self, nonce: u64) -> bool {
        self.0.contains(&nonce)
    }
}

/// No address: for peers that are names, which Grin's messages cannot hold.
pub const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// The first message of the side that connects. `nonce` must have been given to [`Nonces`].
pub fn hand(local: &Local, nonce: u64, receiver: impl Into<PeerAddr>) -> Hand {
    let receiver = match receiver.into() {
        PeerAddr::Ip(addr) => addr,
        PeerAddr::Onion(..) | PeerAddr::I2p(..) => NOWHERE,
    };
    Hand {
        version: ProtocolVersion::LOCAL,
        capabilities: local.capabilities,
        nonce,
        total_difficulty: local.total_difficulty,
        sender_addr: local.listen,
        receiver_addr: receiver,
        user_agent: local.user_agent.clone(),
        genesis: local.genesis,
    }
}

/// Checks a `Hand` that came in from `remote`, `None` if that is not shown; gives the answer to send
/// and what is now known. A port is believed of an IP address only: names are not known by it.
///
/// # Errors
///
/// [`HandshakeError::GenesisMismatch`], then [`HandshakeError::ConnectedToSelf`]; Grin closes the
/// connection without an answer, and so should the caller.
pub fn answer(
    local: &Local,
    nonces: &Nonces,
    hand: Hand,
    remote: Option<PeerAddr>,
) -> Result<(Shake, PeerInfo), HandshakeError> {
    check_genesis(local, hand.genesis)?;
    if nonces.contains(hand.nonce) {
        return Err(HandshakeError::ConnectedToSelf);
    }
    let shake = Shake {
        version: ProtocolVersion::LOCAL,
        capabilities: local.capabilities,
        total_difficulty: local.total_difficulty,
        user_agent: local.user_agent.clone(),
        genesis: local.genesis,
    };
    let info = PeerInfo {
        version: negotiate(hand.version),
        capabilities: hand.capabilities,
        user_agent: hand.user_agent,
        total_difficulty: hand.total_difficulty,
        listen: remote.map(|remote| match remote {
            PeerAddr::Ip(addr) => SocketAddr::new(addr.ip(), hand.sender_addr.port()).into(),
            name => name,
        }),
        protection: Protection::default(),
    };
    Ok((shake, info))
}

/// Checks the `Shake` that answers our `Hand` from `remote`.
///
/// # Errors
///
/// [`HandshakeError::GenesisMismatch`].
pub fn conclude(
    local: &Local,
    shake: Shake,
    remote: impl Into<PeerAddr>,
) -> Result<PeerInfo, HandshakeError> {
    check_genesis(local, shake.genesis)?;
    Ok(PeerInfo {
        version: negotiate(shake.version),
        capabilities: shake.capabilities,
        user_agent: shake.user_agent,
        total_difficulty: shake.total_difficulty,
        listen: Some(remote.into()),
        protection: Protection::default(),
    })
}

fn check_genesis(local: &Local, theirs: Hash) -> Result<(), HandshakeError> {
    if theirs == local.genesis {
        return Ok(());
    }
    Err(HandshakeError::GenesisMismatch { ours: local.genesis, theirs })
}

fn negotiate(theirs: ProtocolVersion) -> ProtocolVersion {
    ProtocolVersion(ProtocolVersion::LOCAL.0.min(theirs.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(agent: &str, port: u16) -> Local {
        Local {
            genesis: Hash([1; 32]),
            capabilities: Capabilities::RELAY,
            user_agent: agent.into(),
            listen: SocketAddr::new([0, 0, 0, 0].into(), port),
            total_difficulty: 9,
        }
    }

    fn remote() -> PeerAddr {
        "9.8.7.6:50000".parse().unwrap()
    }

    #[test]
    fn both_sides_learn_about_each_other() {
        let (alice, bob) = (local("alice", 1), local("bob", 2));
        let hand = hand(&alice, 77, "5.5.5.5:2".parse::<PeerAddr>().unwrap());
        let (shake, at_bob) = answer(&bob, &Nonces::default(), hand, Some(remote())).unwrap();
        let at_alice = conclude(&alice, shake, "5.5.5.5:2".parse::<PeerAddr>().unwrap()).unwrap();
        assert_eq!(at_bob.user_agent, "alice");
        assert_eq!(at_bob.listen, Some("9.8.7.6:1".parse().unwrap()));
        assert_eq!(at_bob.version, ProtocolVersion::LOCAL);
        assert_eq!(at_alice.user_agent, "bob");
        assert_eq!(at_alice.listen, Some("5.5.5.5:2".parse().unwrap()));
        assert_eq!(at_alice.total_difficulty, 9);
    }

    #[test]
    fn the_smaller_version_is_used() {
        for (theirs, agreed) in [(1, 1), (3, 3), (1000, 1000), (4000, 1000)] {
            let mut hand = hand(&local("a", 1), 1, remote());
            hand.version = ProtocolVersion(theirs);
            let (_, info) =
                answer(&local("b", 2), &Nonces::default(), hand, Some(remote())).unwrap();
            assert_eq!(info.version, ProtocolVersion(agreed));
        }
    }

    #[test]
    fn another_chain_is_refused_by_both_sides() {
        let mut other = local("a", 1);
        other.genesis = Hash([2; 32]);
        let error =
            answer(&other, &Nonces::default(), hand(&local("b", 1), 1, remote()), Some(remote()));
        assert!(matches!(error, Err(HandshakeError::GenesisMismatch { .. })));
        let hand = hand(&other, 1, remote());
        let (shake, _) = answer(&other, &Nonces::default(), hand, Some(remote())).unwrap();
        let error = conclude(&local("b", 1), shake, remote()).unwrap_err();
        assert_eq!(error.blame(), Blame::Incompatible);
    }

    #[test]
    fn our_own_nonce_is_ourselves_while_it_is_remembered() {
        let mut nonces = Nonces::default();
        nonces.remember(5);
        let ours = || hand(&local("a", 1), 5, remote());
        let error = answer(&local("a", 1), &nonces, ours(), Some(remote())).unwrap_err();
        assert_eq!(error, HandshakeError::ConnectedToSelf);
        (100..200).for_each(|nonce| nonces.remember(nonce));
        assert!(nonces.contains(199) && nonces.contains(100));
        assert!(answer(&local("a", 1), &nonces, ours(), Some(remote())).is_ok());
    }
}
