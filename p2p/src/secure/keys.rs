//! The keys that nodes are known by.

use std::fmt;
use std::str::FromStr;

use rand::Rng;
use snow::params::DHChoice;
use snow::resolvers::{CryptoResolver, DefaultResolver};

/// The public half of a [`StaticKey`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for PublicKey {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digit = |digit: u8| char::from(digit).to_digit(16).ok_or(());
        let mut key = [0; 32];
        for (byte, pair) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
            let &[high, low] = pair else { return Err(()) };
            *byte = u8::try_from(digit(high)? << 4 | digit(low)?).map_err(drop)?;
        }
        if text.len() == 64 { Ok(Self(key)) } else { Err(()) }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A key of X25519. The secret half is never printed.
#[derive(Clone)]
pub struct StaticKey {
    secret: [u8; 32],
    public: PublicKey,
}

impl StaticKey {
    /// A fresh key. The generator must not be one that an adversary can predict.
    pub fn generate(rng: &mut (impl Rng + ?Sized)) -> Self {
        let mut secret = [0; 32];
        rng.fill_bytes(&mut secret);
        Self::from_secret(secret)
    }

    /// The key with this secret half; any 32 bytes are one.
    pub fn from_secret(secret: [u8; 32]) -> Self {
        let mut public = [0; 32];
        // Always there: the crate is built with X25519.
        if let Some(mut dh) = DefaultResolver.resolve_dh(&DHChoice::Curve25519) {
            dh.set(&secret);
            public.copy_from_slice(dh.pubkey());
        }
        Self { secret, public: PublicKey(public) }
    }

    /// The secret half, to be kept where only the owner reads.
    pub fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        self.public
    }
}

impl fmt::Debug for StaticKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticKey").field("public", &self.public).finish_non_exhaustive()
    }
}
