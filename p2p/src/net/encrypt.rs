//! The encrypted handshake over a stream, after both sides have greeted each other.

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::secure::{Handshake, SecureLink};

use super::event::ConnectError;
use super::greet::within;
use super::hub::Hub;

/// Runs a handshake to its end. `rest` is what came after the greeting. The time runs for all of
/// it, so trickling does not help.
pub(super) async fn encrypt<S: AsyncRead + AsyncWrite + Unpin>(
    hub: &Hub,
    stream: &mut S,
    mut handshake: Handshake,
    mut rest: BytesMut,
) -> Result<SecureLink, ConnectError> {
    within(hub.config.timeouts.handshake_read, async {
        loop {
            while let Some(message) = handshake.poll_transmit()? {
                stream.write_all(&message).await?;
            }
            if handshake.is_done() {
                break;
            }
            let taken = handshake.handle_bytes(&rest)?;
            rest.advance(taken);
            if taken == 0 && stream.read_buf(&mut rest).await? == 0 {
                return Err(ConnectError::Closed);
            }
        }
        let mut link = handshake.finish()?;
        link.push(&rest);
        Ok(link)
    })
    .await
}
