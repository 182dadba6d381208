//! The handshake: three messages, of which each side sends its part.

use std::fmt;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{CryptoResolver, DefaultResolver};
use snow::types::{Cipher, Dh, Hash, Random};
use snow::{Builder, HandshakeState};

use super::error::SecureError;
use super::keys::{PublicKey, StaticKey};
use super::link::SecureLink;
use super::padding::TAG_LEN;

/// Picked on the machines at hand, see `cargo bench -p scape-tests --bench secure`: AES-GCM is
/// somewhat faster with AES instructions and several times slower without, ChaCha20 is fast and
/// constant in time everywhere.
const PATTERN: &str = "Noise_XX_25519_ChaChaPoly_BLAKE2s";

/// Begins what both sides bind into the handshake. Another version of the records has another.
const LABEL: &[u8] = b"scape link 1";

/// Lengths of the messages: `e`, then `e, ee, s, es` and a seed, then `s, se` and a seed.
const LENGTHS: [usize; 3] = [32, 32 + 48 + 48, 48 + 48];

/// Bytes of the seed that each side adds, for the mask of the lengths that it sends.
const SEED_LEN: usize = 32;

/// What both sides said before, as whole frames, byte for byte as they were on the wire.
#[derive(Debug, Clone, Copy)]
pub struct Greetings<'a> {
    /// The frame of the `Hand`.
    pub hand: &'a [u8],
    /// The frame of the `Shake`.
    pub shake: &'a [u8],
}

/// A handshake that is under way.
///
/// Take bytes with [`handle_bytes`](Self::handle_bytes), send what
/// [`poll_transmit`](Self::poll_transmit) gives, both until [`is_done`](Self::is_done), then
/// [`finish`](Self::finish). How long that may take is the caller's business.
pub struct Handshake {
    noise: HandshakeState,
    ours: PublicKey,
    initiator: bool,
    /// Messages that were written or read so far.
    step: usize,
    failed: bool,
    incoming: Vec<u8>,
    sending_seed: [u8; SEED_LEN],
    receiving_seed: [u8; SEED_LEN],
}

impl Handshake {
    /// Begins on the side that connected. All of its secrets are drawn from `rng` here.
    ///
    /// # Errors
    ///
    /// [`SecureError::Library`], which does not happen.
    pub fn initiate(
        key: &StaticKey,
        greetings: Greetings<'_>,
        rng: &mut (impl Rng + ?Sized),
    ) -> Result<Self, SecureError> {
        Self::new(key, greetings, rng, true)
    }

    /// Begins on the side that was connected to.
    ///
    /// # Errors
    ///
    /// [`SecureError::Library`], which does not happen.
    pub fn respond(
        key: &StaticKey,
        greetings: Greetings<'_>,
        rng: &mut (impl Rng + ?Sized),
    ) -> Result<Self, SecureError> {
        Self::new(key, greetings, rng, false)
    }

    fn new(
        key: &StaticKey,
        greetings: Greetings<'_>,
        rng: &mut (impl Rng + ?Sized),
        initiator: bool,
    ) -> Result<Self, SecureError> {
        let params = PATTERN.parse().map_err(|_| SecureError::Library)?;
        let prologue = prologue(greetings);
        let mut ephemeral = [0; 32];
        rng.fill_bytes(&mut ephemeral);
        let mut sending_seed = [0; SEED_LEN];
        rng.fill_bytes(&mut sending_seed);
        let builder = Builder::with_resolver(params, Box::new(Resolver(ephemeral)))
            .local_private_key(key.secret())
            .and_then(|builder| builder.prologue(&prologue))
            .map_err(|_| SecureError::Library)?;
        let noise = match initiator {
            true => builder.build_initiator(),
            false => builder.build_responder(),
        };
        Ok(Self {
            noise: noise.map_err(|_| SecureError::Library)?,
            ours: key.public(),
            initiator,
            step: 0,
            failed: false,
            incoming: Vec::new(),
            sending_seed,
            receiving_seed: [0; SEED_LEN],
        })
    }

    /// Whether all messages have been written and read.
    pub fn is_done(&self) -> bool {
        self.step == LENGTHS.len()
    }

    fn is_our_turn(&self) -> bool {
        self.step.is_multiple_of(2) == self.initiator
    }

    /// Takes bytes off the stream; says how many of them were for the handshake. What is left over
    /// belongs to the link.
    ///
    /// # Errors
    ///
    /// [`SecureError::Handshake`] or [`SecureError::Ourselves`]; the handshake is over then.
    pub fn handle_bytes(&mut self, bytes: &[u8]) -> Result<usize, SecureError> {
        if self.failed || self.is_done() || self.is_our_turn() {
            return Ok(0);
        }
        let missing = LENGTHS[self.step] - self.incoming.len();
        let taken = &bytes[..missing.min(bytes.len())];
        self.incoming.extend_from_slice(taken);
        if taken.len() == missing {
            let read = self.read();
            self.failed = read.is_err();
            read?;
        }
        Ok(taken.len())
    }

    fn read(&mut self) -> Result<(), SecureError> {
        let genuine = SecureError::Handshake(self.step as u8 + 1);
        let mut payload = [0; LENGTHS[1]];
        let length = self.noise.read_message(&self.incoming, &mut payload).map_err(|_| genuine)?;
        self.incoming.clear();
        self.step += 1;
        if let (SEED_LEN, Some(seed)) = (length, payload.first_chunk()) {
            self.receiving_seed = *seed;
        }
        match self.noise.get_remote_static() {
            Some(remote) if remote == self.ours.0 => Err(SecureError::Ourselves),
            _ => Ok(()),
        }
    }

    /// The next message to send, if it is our turn.
    ///
    /// # Errors
    ///
    /// [`SecureError::Library`], which does not happen.
    pub fn poll_transmit(&mut self) -> Result<Option<Vec<u8>>, SecureError> {
        if self.failed || self.is_done() || !self.is_our_turn() {
            return Ok(None);
        }
        // The first message goes out in the clear.
        let payload = if self.step == 0 { &[] } else { &self.sending_seed[..] };
        let length = LENGTHS[self.step];
        // The library wants room for a tag, also where there is none.
        let mut message = vec![0; length + TAG_LEN];
        self.failed = self.noise.write_message(payload, &mut message) != Ok(length);
        if self.failed {
            return Err(SecureError::Library);
        }
        message.truncate(length);
        self.step += 1;
        Ok(Some(message))
    }

    /// The link, with the key that the peer proved to have.
    ///
    /// # Errors
    ///
    /// [`SecureError::NotDone`].
    pub fn finish(self) -> Result<SecureLink, SecureError> {
        if self.failed || !self.is_done() {
            return Err(SecureError::NotDone);
        }
        let noise = self.noise.into_transport_mode().map_err(|_| SecureError::NotDone)?;
        let remote = noise.get_remote_static().and_then(|key| key.try_into().ok());
        let remote = PublicKey(remote.ok_or(SecureError::NotDone)?);
        Ok(SecureLink::new(noise, remote, self.sending_seed, self.receiving_seed))
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Handshake");
        shown.field("initiator", &self.initiator).field("step", &self.step).finish_non_exhaustive()
    }
}

/// What both sides must have seen alike. Lengths keep a byte of the one from passing for a byte of
/// the other.
fn prologue(greetings: Greetings<'_>) -> Vec<u8> {
    let mut prologue = LABEL.to_vec();
    for part in [greetings.hand, greetings.shake] {
        prologue.extend((part.len() as u64).to_be_bytes());
        prologue.extend(part);
    }
    prologue
}

/// The library's own primitives, with our randomness.
pub(crate) struct Resolver(pub(crate) [u8; 32]);

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(Seeded(ChaCha20Rng::from_seed(self.0))))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        DefaultResolver.resolve_dh(choice)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        DefaultResolver.resolve_cipher(choice)
    }
}

struct Seeded(ChaCha20Rng);

impl Random for Seeded {
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), snow::Error> {
        self.0.fill_bytes(bytes);
        Ok(())
    }
}
