//! Who is at the other end of a connection: ids, direction, capabilities.

use std::ops::BitOr;

pub use scape_pool::PeerId;

/// Which side opened the connection.
///
/// Stem relays are chosen among [`Direction::Outbound`] peers only: an adversary decides whom it
/// connects to, not whom we do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// The peer connected to us.
    Inbound,
    /// We connected to the peer.
    Outbound,
}

/// What a peer says it can do: Grin's bit field of 32 bits, in which unknown bits are dropped
/// (`Capabilities::from_bits_truncate` in `grin_p2p::msg`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Capabilities(u32);

impl Capabilities {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Bit 0: gives the full history of headers.
    pub const HEADER_HIST: Self = Self(1);
    /// Bit 1: gives recent archives of the chain state.
    pub const TXHASHSET_HIST: Self = Self(1 << 1);
    /// Bit 2: gives a list of healthy peers.
    pub const PEER_LIST: Self = Self(1 << 2);
    /// Bit 3: announces and asks for transactions by kernel hash.
    pub const TX_KERNEL_HASH: Self = Self(1 << 3);
    /// Bit 4: gives segments of the chain state.
    pub const PIBD_HIST: Self = Self(1 << 4);
    /// Bit 5: gives blocks of any age.
    pub const BLOCK_HIST: Self = Self(1 << 5);
    /// Bit 6: like bit 4, with the encoding of Grin's fix 3705.
    pub const PIBD_HIST_1: Self = Self(1 << 6);
    /// Bit 31, of our own: goes on with an encrypted link if both sides say it. Grin drops it, and
    /// it is at the end that Grin's own bits reach last.
    pub const ENCRYPTED: Self = Self(1 << 31);
    /// What a relay without a chain offers: a peer list and transactions by kernel hash.
    pub const RELAY: Self = Self(Self::PEER_LIST.0 | Self::TX_KERNEL_HASH.0);

    const KNOWN: u32 = 0x7f | Self::ENCRYPTED.0;

    /// Takes the known bits of `bits` and drops the others.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits & Self::KNOWN)
    }

    /// The bits as they go on the wire.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether every bit of `other` is set here.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Capabilities {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_bits_are_dropped() {
        let all = Capabilities::from_bits(u32::MAX);
        assert_eq!(all.bits(), (1 << 31) | 0b0111_1111);
        assert!(all.contains(Capabilities::RELAY));
        assert!(!Capabilities::RELAY.contains(all));
        assert_eq!(Capabilities::RELAY.bits(), 0b1100);
        assert_eq!(Capabilities::PEER_LIST | Capabilities::TX_KERNEL_HASH, Capabilities::RELAY);
    }
}
