//! What goes out on a link, and when: messages at a pace, frames of white noise at their time.

use bytes::Bytes;
use scape_pool::Instant;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::link::Pacer;
use crate::wire::Message;

use super::event::LinkError;
use super::hub::Hub;
use super::link::Link;
use super::outbox::Next;

/// Writes what is in the outbox, paced, and pings now and then. Ends with the farewell.
pub(super) async fn write<W: AsyncWrite + Unpin>(
    hub: &Hub,
    link: &Link,
    output: &mut W,
) -> Result<(), LinkError> {
    let mut pacer = Pacer::new();
    // Our half of the handshake counts as well.
    let _ = pacer.poll(hub.clock.now());
    let mut pings = interval(hub.config.timeouts.ping);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = link.closing.cancelled() => break,
            due = link.outbox.due(hub.clock) => {
                write_noise(hub, link, output, due).await?;
                continue;
            }
            _ = pings.tick() => {
                // A link that takes no ping is about to end.
                let _ = link.send(Message::Ping(hub.tip()));
                continue;
            }
            () = link.outbox.filled() => {}
        }
        while let Err(at) = pacer.poll(hub.clock.now()) {
            tokio::select! {
                () = link.closing.cancelled() => break,
                // What is paced does not hold up what has its time.
                due = link.outbox.due(hub.clock) => write_noise(hub, link, output, due).await?,
                () = hub.clock.sleep_until(at) => {}
            }
        }
        if link.closing.is_cancelled() {
            break;
        }
        match link.outbox.next() {
            Some(Next::Urgent(frame)) => {
                write_bytes(hub, link, output, &link.cover.seal(frame)?).await?;
            }
            Some(Next::Head(frame)) => {
                write_bytes(hub, link, output, &link.cover.seal(frame)?).await?;
                link.outbox.written();
            }
            None => {}
        }
    }
    if let Some(frame) = link.take_farewell() {
        write_bytes(hub, link, output, &link.cover.seal(frame)?).await?;
    }
    write_bytes(hub, link, output, &link.cover.seal_close()?).await
}

/// Writes a frame of white noise if it is still in time.
async fn write_noise<W: AsyncWrite + Unpin>(
    hub: &Hub,
    link: &Link,
    output: &mut W,
    (at, frame): (Instant, Bytes),
) -> Result<(), LinkError> {
    let left = hub.config.timeouts.late.saturating_sub(hub.clock.now().saturating_since(at));
    if left.is_zero() {
        return Err(LinkError::LateFrame);
    }
    let sealed = link.cover.seal_noise(&frame)?;
    Ok(timeout(left, output.write_all(&sealed)).await.map_err(|_| LinkError::LateFrame)??)
}

/// Writes a message whole, or finds that a frame of white noise would have to wait for it.
async fn write_bytes<W: AsyncWrite + Unpin>(
    hub: &Hub,
    link: &Link,
    output: &mut W,
    bytes: &[u8],
) -> Result<(), LinkError> {
    let timeouts = &hub.config.timeouts;
    tokio::select! {
        biased;
        written = timeout(timeouts.write, output.write_all(bytes)) => {
            Ok(written.map_err(|_| LinkError::SlowReader)??)
        }
        () = link.outbox.overdue(hub.clock, timeouts.late) => Err(LinkError::LateFrame),
    }
}
