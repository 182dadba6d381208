//! One connection from its handshake to its end: a reader and a writer over one stream.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use scape_aggregate::ProtocolVersion;
use scape_pool::Instant;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::addr::PeerAddr;
use crate::link::Meter;
use crate::peer::{Direction, PeerId};
use crate::wire::{BanReason, FrameDecoder, Message, WireError};

use super::cover::{Cover, Opened};
use super::event::{LinkError, NetEvent, Refusal, Unsent};
use super::greet::Greeted;
use super::hub::{Hub, Place};
use super::outbox::Outbox;
use super::write::write;

const READ_CHUNK: usize = 16 * 1024;

/// The handle of one connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) id: PeerId,
    version: ProtocolVersion,
    magic: [u8; 2],
    pub(super) cover: Cover,
    pub(super) outbox: Outbox,
    pub(super) closing: CancellationToken,
    farewell: Mutex<Option<Bytes>>,
}

impl Link {
    pub(super) fn send(&self, message: Message) -> Result<(), Box<Unsent>> {
        match message.encode(self.version, self.magic) {
            Ok(frame) if !self.closing.is_cancelled() => self.outbox.push(message, frame),
            Ok(_) => Err(Box::new(Unsent { message, reason: Refusal::Gone })),
            Err(error) => Err(Box::new(Unsent { message, reason: error.into() })),
        }
    }

    /// Schedules a frame of white noise.
    pub(super) fn schedule(&self, at: Instant, frame: Bytes) -> Result<(), Refusal> {
        match self.cover.is_sealed() {
            true if self.closing.is_cancelled() => Err(Refusal::Gone),
            true => self.outbox.schedule(at, frame),
            false => Err(Refusal::Plain),
        }
    }

    /// Ends the link once the frame that is being written is out, with a last word if wanted.
    pub(super) fn close(&self, reason: Option<BanReason>) {
        let frame =
            reason.and_then(|why| Message::BanReason(why).encode(self.version, self.magic).ok());
        *self.farewell.lock().unwrap_or_else(PoisonError::into_inner) = frame;
        self.closing.cancel();
    }

    pub(super) fn take_farewell(&self) -> Option<Bytes> {
        self.farewell.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Runs a connection until it ends. Gives its place back before it reports the end.
pub(super) async fn run<S: AsyncRead + AsyncWrite>(
    hub: Arc<Hub>,
    stream: S,
    addr: Option<PeerAddr>,
    direction: Direction,
    Greeted { info, cover, decoder }: Greeted,
    place: Option<Place>,
) {
    let peer = hub.next_id();
    let link = Arc::new(Link {
        id: peer,
        version: info.version,
        magic: hub.config.consensus.chain.magic(),
        cover,
        outbox: Outbox::new(hub.config.outbox),
        closing: hub.shutdown.child_token(),
        farewell: Mutex::default(),
    });
    hub.insert(Arc::clone(&link));
    hub.emit(NetEvent::Connected { peer, addr, direction, info }).await;
    let error = drive(&hub, &link, stream, decoder).await.err();
    debug!(?peer, ?error, "link ended");
    hub.remove(peer);
    let unsent = link.outbox.close();
    drop(place);
    hub.emit(NetEvent::Disconnected { peer, error, unsent }).await;
}

/// Reads and writes until either fails or the link is closed.
async fn drive<S: AsyncRead + AsyncWrite>(
    hub: &Hub,
    link: &Link,
    stream: S,
    decoder: FrameDecoder,
) -> Result<(), LinkError> {
    let (input, mut output) = tokio::io::split(stream);
    let ended = {
        let overdue = async {
            link.closing.cancelled().await;
            tokio::time::sleep(hub.config.timeouts.handshake_write).await;
        };
        let reader = Reader::new(hub, link, input, decoder);
        let writer = async {
            let ended = write(hub, link, &mut output).await;
            if ended.is_err() {
                // What the peer sent before it vanished can still be read.
                tokio::time::sleep(hub.config.timeouts.handshake_write).await;
            }
            ended
        };
        tokio::select! {
            biased;
            ended = writer => ended,
            Err(error) = reader.run() => Err(error),
            () = overdue => Ok(()),
        }
    };
    // Tells the peer that nothing more comes; if that fails the socket is gone already.
    let _ = timeout(hub.config.timeouts.handshake_write, output.shutdown()).await;
    if link.closing.is_cancelled() { Ok(()) } else { ended }
}

/// What a peer sends.
enum Heard {
    Message(Message),
    Frame(Bytes),
}

/// Reads messages and reports them.
struct Reader<'a, R> {
    hub: &'a Hub,
    link: &'a Link,
    input: R,
    decoder: FrameDecoder,
    meter: Meter,
    /// When the frame began that is being read.
    frame_began: Instant,
}

impl<'a, R: AsyncRead + Unpin> Reader<'a, R> {
    fn new(hub: &'a Hub, link: &'a Link, input: R, decoder: FrameDecoder) -> Self {
        let meter = Meter::new(hub.config.meter);
        Self { hub, link, input, decoder, meter, frame_began: hub.clock.now() }
    }

    /// The socket is not read while the events have no room: then the peer has to wait.
    async fn run(mut self) -> Result<Infallible, LinkError> {
        let mut chunk = vec![0; READ_CHUNK];
        loop {
            self.report_all().await?;
            let read = self.read(&mut chunk).await?;
            if !self.is_mid_frame() {
                self.frame_began = self.hub.clock.now();
            }
            self.meter.handle_bytes(read as u64, self.hub.clock.now())?;
            self.link.cover.push(&chunk[..read], &mut self.decoder);
        }
    }

    /// Reports every message that is there. Room for an event is taken before its message is cut
    /// from the stream, so that none is lost between the two.
    async fn report_all(&mut self) -> Result<(), LinkError> {
        loop {
            let Ok(room) = self.hub.events.reserve().await else {
                return std::future::pending().await;
            };
            if self.link.closing.is_cancelled() {
                return std::future::pending().await;
            }
            match self.next()? {
                Some(event) => room.send(event),
                None => return Ok(()),
            }
            self.frame_began = self.hub.clock.now();
        }
    }

    fn next(&mut self) -> Result<Option<NetEvent>, LinkError> {
        let peer = self.link.id;
        let event = match self.decode() {
            Ok(None) => return Ok(None),
            Ok(Some(Heard::Message(message))) => NetEvent::Message { peer, message },
            Ok(Some(Heard::Frame(frame))) => NetEvent::Frame { peer, frame },
            Err(LinkError::Wire(WireError::BadTransaction(error))) => {
                NetEvent::BadTransaction { peer, error }
            }
            Err(error) => return Err(error),
        };
        self.meter.handle_message(self.hub.clock.now())?;
        if let NetEvent::Message { message: Message::Ping(_), .. } = event {
            // Not taken only if the link is about to end.
            let _ = self.link.send(Message::Pong(self.hub.tip()));
        }
        Ok(Some(event))
    }

    /// The next message, out of as many records as it takes.
    fn decode(&mut self) -> Result<Option<Heard>, LinkError> {
        loop {
            if let Some(message) = self.decoder.next()? {
                return Ok(Some(Heard::Message(message)));
            }
            match self.link.cover.open(&mut self.decoder)? {
                None => return Ok(None),
                Some(Opened::Data) => {}
                Some(Opened::Noise(frame)) => return Ok(Some(Heard::Frame(frame))),
                Some(Opened::Close) => return Err(LinkError::Closed),
            }
        }
    }

    fn is_mid_frame(&self) -> bool {
        self.decoder.is_mid_frame() || self.link.cover.is_mid_record()
    }

    async fn read(&mut self, chunk: &mut [u8]) -> Result<usize, LinkError> {
        let timeouts = &self.hub.config.timeouts;
        let frame_left = match self.is_mid_frame() {
            true => {
                let spent = self.hub.clock.now().saturating_since(self.frame_began);
                Some(timeouts.frame.saturating_sub(spent))
            }
            false => None,
        };
        let limit = frame_left.map_or(timeouts.idle, |left| left.min(timeouts.idle));
        match timeout(limit, self.input.read(chunk)).await {
            Ok(Ok(0)) => {
                Err(self.link.cover.handle_eof().err().map_or(LinkError::Closed, Into::into))
            }
            Ok(read) => Ok(read?),
            Err(_) if frame_left == Some(limit) => Err(LinkError::SlowFrame),
            Err(_) => Err(LinkError::Idle),
        }
    }
}
