//! Encrypted links between nodes of our own kind, over any transport.
//!
//! Grin's protocol is in the clear. Two nodes that both say [`Capabilities::ENCRYPTED`] in `Hand`
//! and `Shake` go on with `Noise_XX_25519_ChaChaPoly_BLAKE2s`; a Grin node drops the bit, never
//! says it, and gets Grin's plain protocol. [`choose`] decides, [`Handshake`] runs, and the
//! [`SecureLink`] that comes of it turns bytes into records and back. All of it is sans-IO.
//!
//! # On the wire
//!
//! Three messages of 32, 128 and 96 bytes, then records: `length (u16, masked) ++ ciphertext`. The
//! mask is a key stream that both sides agreed on in the handshake, so that not even lengths stand
//! out from random bytes. Inside is `kind (u8) ++ length (u16) ++ payload ++ zeros`, padded to a
//! size class ([`CLASSES`]). White noise goes unpadded, since its frames have one size already.
//! Keys change every [`REKEY_RECORDS`] records or [`REKEY_BYTES`] bytes, on both sides alike.
//!
//! # Security
//!
//! Who only listens learns sizes by class, and times. Who alters, replays, reorders or leaves out
//! records breaks the link, and one who cuts it is told from a peer that said goodbye.
//!
//! `Hand` and `Shake` are bound into the handshake byte for byte: whoever alters them, for example
//! to lie about a port or a height, breaks the link as well. One who sits in between can do two
//! things that no protocol without known keys prevents:
//!
//! - **Take the bit out of both `Hand` and `Shake`**: both sides believe the other cannot encrypt.
//!   (Out of one only: one side encrypts, the other does not understand, the link breaks.) It shows
//!   as [`Suspicion::Downgraded`] where the peer is known to encrypt, and with [`Policy::Required`]
//!   there is no link.
//! - **Answer in the peer's place with a key of its own.** It shows as [`KeyCheck::Changed`] where
//!   the peer's key is known ([`KnownKeys`]). Onion services and I2P destinations are not exposed to either: there
//!   the name is the key.
//!
//! The key of the side that dials is shown to whoever is dialled, and the same key twice shows that
//! both dials are of one node. So who dials should [generate](StaticKey::generate) a key for each
//! dial, and must do so on Tor and I2P, or isolated streams isolate nothing. The side that listens
//! has one key for each zone: the same in two zones would join them.

mod choose;
mod error;
mod handshake;
mod keys;
mod known;
mod link;
mod padding;
#[cfg(test)]
mod tests;

#[cfg(doc)]
use crate::peer::Capabilities;

pub use choose::{Choice, KeyCheck, Policy, Protection, Suspicion, check_key, choose};
pub use error::SecureError;
pub(crate) use handshake::Resolver;
pub use handshake::{Greetings, Handshake};
pub use keys::{PublicKey, StaticKey};
pub use known::{KnownKeys, KnownKeysError};
pub use link::{REKEY_BYTES, REKEY_RECORDS, Record, SecureLink};
pub use padding::{CLASSES, MAX_PAYLOAD, Overhead, RECORD_OVERHEAD};
