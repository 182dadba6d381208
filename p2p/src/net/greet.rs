//! The handshake over a stream.

use std::time::Duration;

use bytes::Bytes;
use scape_aggregate::ProtocolVersion;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::addr::PeerAddr;
use crate::handshake::{self, HandshakeError, PeerInfo};
use crate::secure::{Choice, Greetings, Handshake, KeyCheck, Protection, check_key, choose};
use crate::wire::{FrameDecoder, Message, MessageType, WireError};

use super::cover::Cover;
use super::encrypt::encrypt;
use super::event::ConnectError;
use super::hub::Hub;

/// A peer that shook hands.
#[derive(Debug)]
pub(super) struct Greeted {
    pub(super) info: PeerInfo,
    pub(super) cover: Cover,
    /// With whatever the peer sent right after.
    pub(super) decoder: FrameDecoder,
}

/// Shakes hands with a peer that connected to us.
pub(super) async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    hub: &Hub,
    stream: &mut S,
    remote: Option<PeerAddr>,
) -> Result<Greeted, ConnectError> {
    let mut decoder = FrameDecoder::expect_hand(hub.config.consensus);
    let (Message::Hand(hand), heard) = read_one(hub, stream, &mut decoder).await? else {
        return Err(not_due(MessageType::Hand));
    };
    let nonce = hand.nonce;
    let answer = handshake::answer(&hub.local(), &hub.nonces(), hand, remote);
    if answer == Err(HandshakeError::ConnectedToSelf) {
        hub.nonce_returned(nonce);
    }
    let (shake, mut info) = answer?;
    // Whoever is refused for this is not answered.
    let choice = choose(hub.config.encryption, info.capabilities, None)?;
    let said = write_one(hub, stream, Message::Shake(shake), info.version).await?;
    let cover = match choice {
        Choice::Plain(suspicion) => {
            info.protection = Protection::Plain(suspicion);
            Cover::Plain
        }
        Choice::Encrypted => {
            let greetings = Greetings { hand: &heard, shake: &said };
            let handshake = Handshake::respond(&hub.config.key, greetings, &mut hub.next_rng())?;
            let link = encrypt(hub, stream, handshake, decoder.take_rest()).await?;
            info.protection = Protection::Encrypted { key: link.remote(), check: KeyCheck::First };
            Cover::sealed(link)
        }
    };
    decoder.open(info.version);
    Ok(Greeted { info, cover, decoder })
}

/// Shakes hands with a peer that we connected to.
pub(super) async fn initiate<S: AsyncRead + AsyncWrite + Unpin>(
    hub: &Hub,
    stream: &mut S,
    remote: PeerAddr,
) -> Result<Greeted, ConnectError> {
    let nonce = hub.next_nonce();
    let greeted = initiate_with(hub, stream, remote, nonce).await;
    // Whoever answers with silence may be ourselves: the side that was dialled says so.
    match greeted {
        Err(_) if hub.has_returned(nonce) => Err(HandshakeError::ConnectedToSelf.into()),
        greeted => greeted,
    }
}

async fn initiate_with<S: AsyncRead + AsyncWrite + Unpin>(
    hub: &Hub,
    stream: &mut S,
    remote: PeerAddr,
    nonce: u64,
) -> Result<Greeted, ConnectError> {
    let hand = handshake::hand(&hub.local(), nonce, remote);
    let said = write_one(hub, stream, Message::Hand(hand), ProtocolVersion::LOCAL).await?;
    let mut decoder = FrameDecoder::expect_shake(hub.config.consensus);
    let (Message::Shake(shake), heard) = read_one(hub, stream, &mut decoder).await? else {
        return Err(not_due(MessageType::Shake));
    };
    let mut info = handshake::conclude(&hub.local(), shake, remote)?;
    let known = hub.known_key(remote);
    let cover = match choose(hub.config.encryption, info.capabilities, known.as_ref())? {
        Choice::Plain(suspicion) => {
            info.protection = Protection::Plain(suspicion);
            Cover::Plain
        }
        Choice::Encrypted => {
            let greetings = Greetings { hand: &said, shake: &heard };
            let (mut rng, key) = hub.next_key();
            let handshake = Handshake::initiate(&key, greetings, &mut rng)?;
            let link = encrypt(hub, stream, handshake, decoder.take_rest()).await?;
            let check = check_key(&link.remote(), known.as_ref());
            hub.remember_key(remote, link.remote());
            info.protection = Protection::Encrypted { key: link.remote(), check };
            Cover::sealed(link)
        }
    };
    decoder.open(info.version);
    Ok(Greeted { info, cover, decoder })
}

fn not_due(expected: MessageType) -> ConnectError {
    WireError::NotHandshake { expected, found: expected.byte() }.into()
}

/// Reads the one message that is due, and the bytes that it was. The time runs for all of it, so
/// trickling does not help.
async fn read_one<S: AsyncRead + Unpin>(
    hub: &Hub,
    stream: &mut S,
    decoder: &mut FrameDecoder,
) -> Result<(Message, Vec<u8>), ConnectError> {
    within(hub.config.timeouts.handshake_read, async {
        let mut chunk = [0; 512];
        let mut raw = Vec::new();
        loop {
            if let Some(message) = decoder.next()? {
                raw.truncate(raw.len() - decoder.buffered());
                return Ok((message, raw));
            }
            match stream.read(&mut chunk).await? {
                0 => return Err(ConnectError::Closed),
                read => {
                    raw.extend_from_slice(&chunk[..read]);
                    decoder.push(&chunk[..read]);
                }
            }
        }
    })
    .await
}

/// Writes a message; gives the bytes that it was.
async fn write_one<S: AsyncWrite + Unpin>(
    hub: &Hub,
    stream: &mut S,
    message: Message,
    version: ProtocolVersion,
) -> Result<Bytes, ConnectError> {
    let frame = message.encode(version, hub.config.consensus.chain.magic())?;
    let writing = async { Ok(stream.write_all(&frame).await?) };
    within(hub.config.timeouts.handshake_write, writing).await?;
    Ok(frame)
}

/// Runs `work` for at most `limit`.
pub(super) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, ConnectError> {
    timeout(limit, work).await.unwrap_or(Err(ConnectError::TimedOut))
}
