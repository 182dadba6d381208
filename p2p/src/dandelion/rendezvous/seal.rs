//! What nobody reads but the sink.

use rand::Rng;
use scape_aggregate::{ChainType, Consensus, DecodeError, ProtocolVersion, Transaction};
use snow::{Builder, HandshakeState};
use thiserror::Error;

use crate::secure::{PublicKey, Resolver, StaticKey};

/// One message to a known key. It says nothing of who sealed it, and two of the same transaction
/// have nothing in common.
const PATTERN: &str = "Noise_N_25519_ChaChaPoly_BLAKE2s";

/// Begins what is bound into the seal. Another version of the contents has another.
const LABEL: &[u8] = b"scape seal 1";

/// The version of Grin's protocol in which a sealed transaction is written.
const VERSION: ProtocolVersion = ProtocolVersion::V3;

/// Bytes of the key and of the tag around the contents.
const OVERHEAD: usize = 32 + 16;

/// Bytes of the length before the transaction.
const PREFIX: usize = 2;

/// Sizes of sealed transactions in bytes. A transaction of one input and two outputs (some 1,650
/// bytes) takes the first; each other is about twice the one before.
///
/// With the header of a frame and the number of the sink each falls just under a size class of
/// encrypted links ([`crate::secure::CLASSES`]).
pub const SIZES: [usize; 6] = [1_984, 4_032, 8_128, 16_320, 32_704, MAX_SEALED];

/// The longest sealed transaction.
pub const MAX_SEALED: usize = 49_088;

/// Why a transaction cannot be sealed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum SealError {
    /// It is longer than [`MAX_SEALED`] allows.
    #[error("a transaction of {0} bytes is too long to be sealed")]
    TooLong(usize),
    /// The library failed, or the transaction cannot be written; neither happens.
    #[error("a transaction cannot be sealed")]
    Library,
}

/// Why a sealed transaction does not open.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum OpenError {
    /// It has none of the [`SIZES`].
    #[error("no sealed transaction has {0} bytes")]
    Size(usize),
    /// It was sealed to another key or for another chain, or it was altered.
    #[error("it is not sealed to this key")]
    Seal,
    /// The length inside is wrong.
    #[error("a length of {0} is more than there is")]
    Length(usize),
    /// The contents are no transaction.
    #[error(transparent)]
    Transaction(#[from] DecodeError),
}

/// Seals a transaction to the key of a sink. The result has one of the [`SIZES`].
///
/// # Errors
/// [`SealError::TooLong`].
///
/// # Security
/// The generator must not be one that an adversary can predict.
pub fn seal(
    tx: &Transaction,
    sink: &PublicKey,
    chain: ChainType,
    rng: &mut (impl Rng + ?Sized),
) -> Result<Vec<u8>, SealError> {
    let encoded = tx.encode(VERSION).map_err(|_| SealError::Library)?;
    let needed = OVERHEAD + PREFIX + encoded.len();
    let size = SIZES.into_iter().find(|size| needed <= *size);
    let size = size.ok_or(SealError::TooLong(encoded.len()))?;
    let length = u16::try_from(encoded.len()).map_err(|_| SealError::TooLong(encoded.len()))?;
    let mut contents = length.to_be_bytes().to_vec();
    contents.extend(encoded);
    contents.resize(size - OVERHEAD, 0);
    let mut ephemeral = [0; 32];
    rng.fill_bytes(&mut ephemeral);
    let mut sealed = vec![0; size];
    let sender = noise(Side::Sender(sink), chain, ephemeral);
    let written = sender.and_then(|mut noise| noise.write_message(&contents, &mut sealed));
    if written == Ok(size) { Ok(sealed) } else { Err(SealError::Library) }
}

/// Opens what was sealed to a key. Takes the time of one multiplication on the curve, whatever is in
/// it; the result is only decoded, not verified.
///
/// # Errors
/// What is wrong with it.
pub fn open(
    sealed: &[u8],
    key: &StaticKey,
    consensus: &Consensus,
) -> Result<Transaction, OpenError> {
    if !SIZES.contains(&sealed.len()) {
        return Err(OpenError::Size(sealed.len()));
    }
    let mut contents = vec![0; sealed.len()];
    let receiver = noise(Side::Receiver(key), consensus.chain, [0; 32]);
    let read = receiver.and_then(|mut noise| noise.read_message(sealed, &mut contents));
    contents.truncate(read.map_err(|_| OpenError::Seal)?);
    let (length, rest) = contents.split_first_chunk::<PREFIX>().ok_or(OpenError::Seal)?;
    let length = usize::from(u16::from_be_bytes(*length));
    let encoded = rest.get(..length).ok_or(OpenError::Length(length))?;
    Ok(Transaction::decode(encoded, VERSION, consensus)?)
}

enum Side<'a> {
    Sender(&'a PublicKey),
    Receiver(&'a StaticKey),
}

fn noise(
    side: Side<'_>,
    chain: ChainType,
    ephemeral: [u8; 32],
) -> Result<HandshakeState, snow::Error> {
    let prologue = [LABEL, chain.genesis().as_bytes()].concat();
    let builder = Builder::with_resolver(PATTERN.parse()?, Box::new(Resolver(ephemeral)));
    let builder = builder.prologue(&prologue)?;
    match side {
        Side::Sender(key) => builder.remote_public_key(&key.0)?.build_initiator(),
        Side::Receiver(key) => builder.local_private_key(key.secret())?.build_responder(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;
    use scape_aggregate::builder::AssumedTx;
    use scape_aggregate::{ValidTx, aggregate};

    use super::*;

    const CONSENSUS: Consensus = Consensus::of(ChainType::Mainnet);

    fn rng(seed: u8) -> ChaCha20Rng {
        ChaCha20Rng::from_seed([seed; 32])
    }

    fn tx(parts: usize) -> ValidTx {
        let mut rng = rng(9);
        let mut part = || AssumedTx::new().build(&mut rng, &CONSENSUS).unwrap();
        let parts: Vec<_> = (0..parts).map(|_| part()).collect();
        aggregate(&parts).unwrap()
    }

    fn key(seed: u8) -> StaticKey {
        StaticKey::generate(&mut rng(seed))
    }

    fn sealed(tx: &ValidTx, seed: u8) -> Vec<u8> {
        seal(tx.as_transaction(), &key(1).public(), ChainType::Mainnet, &mut rng(seed)).unwrap()
    }

    #[test]
    fn the_sink_opens_what_was_sealed_to_it_and_nobody_else_does() {
        for parts in [1, 2, 5, 20] {
            let tx = tx(parts);
            let sealed = sealed(&tx, 3);
            assert_eq!(open(&sealed, &key(1), &CONSENSUS), Ok(tx.as_transaction().clone()));
            assert_eq!(open(&sealed, &key(2), &CONSENSUS), Err(OpenError::Seal));
            let testnet = Consensus::of(ChainType::Testnet);
            assert_eq!(open(&sealed, &key(1), &testnet), Err(OpenError::Seal));
        }
    }

    #[test]
    fn sizes_are_few_and_seals_have_nothing_in_common() {
        let sizes = |parts| sealed(&tx(parts), 3).len();
        assert_eq!(
            [sizes(1), sizes(2), sizes(3), sizes(5)],
            [SIZES[0], SIZES[1], SIZES[2], SIZES[2]]
        );
        let (one, other) = (sealed(&tx(1), 3), sealed(&tx(1), 4));
        let alike = one.iter().zip(&other).filter(|(a, b)| a == b).count();
        assert!(alike < 30, "{alike} of {} bytes alike", one.len());
        assert_eq!(one, sealed(&tx(1), 3), "the generator decides everything");
    }

    #[test]
    fn what_is_too_long_is_not_sealed() {
        let tx = tx(40);
        let sealed = seal(tx.as_transaction(), &key(1).public(), ChainType::Mainnet, &mut rng(3));
        assert!(matches!(sealed, Err(SealError::TooLong(bytes)) if bytes > MAX_SEALED - 50));
    }

    #[test]
    fn a_seal_around_something_else_is_refused() {
        for (contents, error) in [
            (vec![0xff; 100], OpenError::Length(0xffff)),
            (vec![0; 100], OpenError::Transaction(DecodeError::UnexpectedEnd)),
        ] {
            let mut contents = contents;
            contents.resize(SIZES[0] - OVERHEAD, 0);
            let mut sealed = vec![0; SIZES[0]];
            let public = key(1).public();
            let mut noise = noise(Side::Sender(&public), ChainType::Mainnet, [5; 32]).unwrap();
            noise.write_message(&contents, &mut sealed).unwrap();
            assert_eq!(open(&sealed, &key(1), &CONSENSUS), Err(error));
        }
        assert_eq!(open(&[0; 100], &key(1), &CONSENSUS), Err(OpenError::Size(100)));
    }

    proptest! {
        #[test]
        fn who_alters_a_byte_breaks_the_seal(place in 0..SIZES[0], bit in 0u8..8) {
            let mut sealed = sealed(&tx(1), 3);
            sealed[place] ^= 1 << bit;
            prop_assert_eq!(open(&sealed, &key(1), &CONSENSUS), Err(OpenError::Seal));
        }

        #[test]
        fn whatever_comes_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..64), size in 0usize..6) {
            let mut sealed = bytes;
            sealed.resize(SIZES[size], 0x5a);
            prop_assert_eq!(open(&sealed, &key(1), &CONSENSUS), Err(OpenError::Seal));
        }
    }
}
