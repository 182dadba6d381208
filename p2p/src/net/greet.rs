//! The handshake over a stream.

use std::time::Duration;

use scape_aggregate::ProtocolVersion;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::addr::PeerAddr;
use crate::handshake::{self, HandshakeError, PeerInfo};
use crate::wire::{FrameDecoder, Message, MessageType, WireError};

use super::event::ConnectError;
use super::hub::Hub;

/// A peer that shook hands, and the decoder with whatever it sent right after.
pub(super) type Greeted = (PeerInfo, FrameDecoder);

/// Shakes hands with a peer that connected to us.
pub(super) async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    hub: &Hub,
    stream: &mut S,
    remote: Option<PeerAddr>,
) -> Result<Greeted, ConnectError> {
    let mut decoder = FrameDecoder::expect_hand(hub.config.consensus);
    let Message::Hand(hand) = read_one(hub, stream, &mut decoder).await? else {
        return Err(not_due(MessageType::Hand));
    };
    let nonce = hand.nonce;
    let answer = handshake::answer(&hub.local(), &hub.nonces(), hand, remote);
    if answer == Err(HandshakeError::ConnectedToSelf) {
        hub.nonce_returned(nonce);
    }
    let (shake, info) = answer?;
    write_one(hub, stream, Message::Shake(shake), info.version).await?;
    decoder.open(info.version);
    Ok((info, decoder))
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
    write_one(hub, stream, Message::Hand(hand), ProtocolVersion::LOCAL).await?;
    let mut decoder = FrameDecoder::expect_shake(hub.config.consensus);
    let Message::Shake(shake) = read_one(hub, stream, &mut decoder).await? else {
        return Err(not_due(MessageType::Shake));
    };
    let info = handshake::conclude(&hub.local(), shake, remote)?;
    decoder.open(info.version);
    Ok((info, decoder))
}

fn not_due(expected: MessageType) -> ConnectError {
    WireError::NotHandshake { expected, found: expected.byte() }.into()
}

/// Reads the one message that is due. The time runs for all of it, so trickling does not help.
async fn read_one<S: AsyncRead + Unpin>(
    hub: &Hub,
    stream: &mut S,
    decoder: &mut FrameDecoder,
) -> Result<Message, ConnectError> {
    within(hub.config.timeouts.handshake_read, async {
        let mut chunk = [0; 512];
        loop {
            if let Some(message) = decoder.next()? {
                return Ok(message);
            }
            match stream.read(&mut chunk).await? {
                0 => return Err(ConnectError::Closed),
                read => decoder.push(&chunk[..read]),
            }
        }
    })
    .await
}

async fn write_one<S: AsyncWrite + Unpin>(
    hub: &Hub,
    stream: &mut S,
    message: Message,
    version: ProtocolVersion,
) -> Result<(), ConnectError> {
    let frame = message.encode(version, hub.config.consensus.chain.magic())?;
    within(hub.config.timeouts.handshake_write, async { Ok(stream.write_all(&frame).await?) }).await
}

/// Runs `work` for at most `limit`.
pub(super) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, ConnectError> {
    timeout(limit, work).await.unwrap_or(Err(ConnectError::TimedOut))
}
