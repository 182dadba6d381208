use bytes::Bytes;
use scape_aggregate::{Consensus, Hash, ProtocolVersion, RuleError, Transaction};
use scape_p2p::wire::{EncodeError, FrameDecoder, Message, WireError};

/// How messages travel.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Wire {
    /// As values: fast.
    #[default]
    Values,
    /// As the bytes that would be on the socket, through the real codec.
    Bytes,
}

/// A message on its way.
#[derive(Clone, Debug)]
pub(super) enum Parcel {
    Value(Message),
    Bytes(Bytes),
    /// A frame of white noise.
    Frame(Bytes),
}

impl Wire {
    pub(super) fn pack(
        self,
        message: Message,
        version: ProtocolVersion,
        consensus: &Consensus,
    ) -> Result<Parcel, EncodeError> {
        match self {
            Self::Values => Ok(Parcel::Value(message)),
            Self::Bytes => message.encode(version, consensus.chain.magic()).map(Parcel::Bytes),
        }
    }
}

impl Parcel {
    pub(super) fn unpack(
        self,
        version: ProtocolVersion,
        consensus: &Consensus,
    ) -> Result<Option<Message>, WireError> {
        match self {
            Self::Value(message) => check_weight(&message, consensus).map(|()| Some(message)),
            Self::Bytes(bytes) => {
                let mut decoder = FrameDecoder::opened(*consensus, version);
                decoder.push(&bytes);
                decoder.next()
            }
            // What it hides is for the zone to find out.
            Self::Frame(_) => Ok(None),
        }
    }

    /// What tells this parcel from others.
    pub(super) fn digest(&self) -> Hash {
        match self {
            Self::Bytes(bytes) | Self::Frame(bytes) => Hash::of(&[bytes]),
            Self::Value(message) => digest(message),
        }
    }
}

/// The one rule that a transaction can break which was not read from bytes.
fn check_weight(message: &Message, consensus: &Consensus) -> Result<(), WireError> {
    let (Message::StemTransaction(tx) | Message::Transaction(tx)) = message else { return Ok(()) };
    let (weight, max) = (tx.weight(), consensus.chain.max_tx_weight());
    match weight > max {
        true => Err(WireError::BadTransaction(RuleError::TooHeavy { weight, max }.into())),
        false => Ok(()),
    }
}

fn digest(message: &Message) -> Hash {
    let kind = [message.kind()];
    match message {
        Message::StemTransaction(tx) | Message::Transaction(tx) => digest_tx(kind, tx),
        Message::TransactionKernel(hash) | Message::GetTransaction(hash) => {
            Hash::of(&[&kind, hash.as_bytes()])
        }
        Message::Ping(tip) | Message::Pong(tip) => {
            Hash::of(&[&kind, &tip.height.to_be_bytes(), &tip.total_difficulty.to_be_bytes()])
        }
        small => Hash::of(&[&kind, format!("{small:?}").as_bytes()]),
    }
}

/// Elements are hashed already, but proofs: those are told apart by their outputs.
fn digest_tx(kind: [u8; 1], tx: &Transaction) -> Hash {
    let mut parts: Vec<&[u8]> = vec![&kind, &tx.offset().0];
    parts.extend(tx.inputs().iter().map(|input| &input.hash().as_bytes()[..]));
    parts.extend(tx.outputs().iter().map(|output| &output.hash().as_bytes()[..]));
    parts.extend(tx.kernels().iter().map(|kernel| &kernel.hash().as_bytes()[..]));
    Hash::of(&parts)
}
