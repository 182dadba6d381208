//! The messages about sinks.

use super::SinkKey;
use crate::addr::{MAX_UNKNOWN, NamesError, put_addr, take, take_addr};
use crate::secure::PublicKey;

/// The byte of the message with a sealed transaction:
/// `key of the sink (32 bytes) ++ what is sealed`.
pub const SEALED_STEM: u8 = 225;

/// The byte of the message with keys: `count (u16) ++ count x (address ++ key (32 bytes))`, with
/// addresses as in [`PEER_NAMES`](crate::addr::PEER_NAMES).
pub const SINK_KEYS: u8 = 226;

/// The most keys that one message carries.
pub const MAX_KEYS: usize = 128;

/// The longest body of a message with keys, in bytes.
pub const MAX_KEYS_BODY: usize = 2 + MAX_KEYS * (1 + 1 + MAX_UNKNOWN + 2 + 32);

/// Keys as the body of a message.
///
/// # Errors
/// [`NamesError::TooMany`], and [`NamesError::ZeroPort`], for what a reader would refuse.
pub fn encode_keys(keys: &[SinkKey]) -> Result<Vec<u8>, NamesError> {
    let count = u16::try_from(keys.len()).unwrap_or(u16::MAX);
    if keys.len() > MAX_KEYS {
        return Err(NamesError::TooMany(keys.len()));
    }
    let mut out = count.to_be_bytes().to_vec();
    for SinkKey { addr, key } in keys {
        put_addr(&mut out, addr)?;
        out.extend(key.0);
    }
    Ok(out)
}

/// Reads a body. Nodes of unknown networks are skipped.
///
/// # Errors
/// One [`NamesError`] per rule; one bad address spoils the message.
pub fn decode_keys(body: &[u8]) -> Result<Vec<SinkKey>, NamesError> {
    let mut rest = body;
    let count = usize::from(u16::from_be_bytes(take(&mut rest)?));
    if count > MAX_KEYS {
        return Err(NamesError::TooMany(count));
    }
    let mut keys = Vec::new();
    for _ in 0..count {
        let addr = take_addr(&mut rest)?;
        let key = PublicKey(take(&mut rest)?);
        keys.extend(addr.map(|addr| SinkKey { addr, key }));
    }
    match rest.len() {
        0 => Ok(keys),
        extra => Err(NamesError::Trailing(extra)),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use proptest::prelude::*;

    use super::*;
    use crate::addr::PeerAddr;

    fn sink(group: u16, host: u16, key: u8) -> SinkKey {
        let ([a, b], [c, d]) = (group.to_be_bytes(), host.to_be_bytes());
        let addr = PeerAddr::from(SocketAddr::from(([a, b, c, d], 3_414)));
        SinkKey { addr, key: PublicKey([key; 32]) }
    }

    proptest! {
        #[test]
        fn keys_come_back_as_they_went(numbers in prop::collection::vec(any::<(u16, u16, u8)>(), 0..128)) {
            let keys: Vec<_> = numbers.into_iter().map(|(a, b, key)| sink(a, b, key)).collect();
            let body = encode_keys(&keys).expect("as many as allowed");
            prop_assert_eq!(decode_keys(&body), Ok(keys));
        }

        #[test]
        fn whatever_comes_is_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(keys) = decode_keys(&body) {
                prop_assert!(keys.len() <= MAX_KEYS);
            }
        }
    }
}
