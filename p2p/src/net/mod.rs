//! Sockets and clock: thin glue around the pure modules.
//!
//! [`Net`] accepts and opens connections, shakes hands, and turns each link into [`NetEvent`]s. It
//! decides nothing about transactions, relays or bans; that is the business of its owner.
//!
//! With peers of our own kind a link is [encrypted](crate::secure) right after the handshake.
//!
//! Each connection is one task in which a reader and a writer take turns. The writer is paced and
//! answers pings first; the reader stops reading its socket while the owner has no room for events.
//! All queues are bounded, so memory is.

mod clock;
mod config;
mod cover;
mod encrypt;
mod event;
mod file;
mod greet;
mod hub;
mod link;
mod outbox;
mod session;
#[cfg(test)]
mod tests;
pub mod transport;
mod way;
mod write;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tracing::debug;

use crate::addr::{Host, PeerAddr};
use crate::handshake::HandshakeError;
use crate::peer::{Direction, PeerId};
use crate::secure::KnownKeys;
use crate::wire::{BanReason, MAX_USER_AGENT, Message, Tip};

pub use config::{NetConfig, OutboxLimits, Timeouts};
pub use event::{ConnectError, LinkError, NetError, NetEvent, Refusal, Unsent};
pub use file::replace_file;
use hub::{Hub, Place};
pub use way::{Way, WayState};

/// How long accepting pauses after the system refused a connection (out of files, for example).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The network. Dropping it ends every connection; [`Net::shutdown`] also waits for that.
///
/// Its methods return at once; what follows from them comes as events. They must be called inside
/// a tokio runtime.
#[derive(Debug)]
pub struct Net {
    hub: Arc<Hub>,
    local_addr: Option<SocketAddr>,
    /// Every task holds a clone; when all are gone, `tasks_gone` ends.
    task: mpsc::Sender<()>,
    tasks_gone: mpsc::Receiver<()>,
}

impl Net {
    /// Starts listening, if so configured, and reports to `events` from now on. The capacity of
    /// that channel is how many events wait for the owner.
    ///
    /// # Errors
    ///
    /// [`NetError`] if the address cannot be bound or must not be listened on, or the user agent is
    /// too long.
    pub async fn start(
        config: NetConfig,
        events: mpsc::Sender<NetEvent>,
    ) -> Result<Self, NetError> {
        if config.user_agent.len() > MAX_USER_AGENT {
            return Err(NetError::UserAgentTooLong(config.user_agent.len()));
        }
        let (listener, local_addr) = match config.listen {
            Some(addr) if config.network.is_anonymous() && !addr.ip().is_loopback() => {
                return Err(NetError::Exposed(addr));
            }
            Some(addr) => {
                let bind = |error| NetError::Bind { addr, error };
                let listener = TcpListener::bind(addr).await.map_err(bind)?;
                let bound = listener.local_addr().map_err(bind)?;
                (Some(listener), Some(bound))
            }
            None => (None, None),
        };
        let (task, tasks_gone) = mpsc::channel(1);
        let net = Self {
            hub: Arc::new(Hub::new(config, events, local_addr)),
            local_addr,
            task,
            tasks_gone,
        };
        if let Some(listener) = listener {
            let accepting = accept_all(Arc::clone(&net.hub), listener, net.task.clone());
            net.spawn(accepting);
        }
        if matches!(net.hub.config.way, Way::Sam { .. }) {
            net.spawn(session::keep(Arc::clone(&net.hub), net.task.clone()));
        }
        Ok(net)
    }

    /// Where we listen.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local_addr
    }

    /// Whether the way to the peers works.
    pub fn way_state(&self) -> WayState {
        self.hub.carrier.state()
    }

    /// The name under which a session of a SAM bridge is reached, while there is one.
    pub fn name(&self) -> Option<PeerAddr> {
        self.hub.carrier.destination().map(|name| self.hub.i2p_addr(name))
    }

    /// Connects to an address of the net's network. [`NetEvent::Connected`] or [`NetEvent::ConnectFailed`] follows.
    pub fn connect(&self, addr: impl Into<PeerAddr>) {
        let addr = addr.into();
        let hub = Arc::clone(&self.hub);
        self.spawn(async move {
            if let Err(error) = dial(&hub, addr).await {
                debug!(%addr, %error, "not connected");
                hub.emit(NetEvent::ConnectFailed { addr, error }).await;
            }
        });
    }

    /// Takes over a stream to a peer that was opened elsewhere (through a proxy, in a test) and
    /// shakes hands on it as the side that connected. The same events follow as for
    /// [`Net::connect`]; `addr` is only what they are labelled with and what the peer is told.
    pub fn adopt<S>(&self, mut stream: S, addr: impl Into<PeerAddr>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let addr = addr.into();
        let hub = Arc::clone(&self.hub);
        self.spawn(async move {
            match or_shutdown(&hub, greet::initiate(&hub, &mut stream, addr)).await {
                Ok(greeted) => {
                    link::run(hub, stream, Some(addr), Direction::Outbound, greeted, None).await;
                }
                Err(error) => hub.emit(NetEvent::ConnectFailed { addr, error }).await,
            }
        });
    }

    /// Queues a message for a peer.
    ///
    /// # Errors
    ///
    /// The message comes back if the peer is gone, its outbox is full, or the message cannot be
    /// written at the peer's protocol version. An announcement may then be forgotten; a stem
    /// transaction needs another way. What is accepted here and not written by the end of the link
    /// comes back with [`NetEvent::Disconnected`].
    pub fn send(&self, peer: PeerId, message: Message) -> Result<(), Box<Unsent>> {
        match self.hub.link(peer) {
            Some(link) => link.send(message),
            None => Err(Box::new(Unsent { message, reason: Refusal::Gone })),
        }
    }

    /// Sends a frame of white noise after so much time, past everything that waits for the peer. If
    /// it cannot be on the socket in time it is dropped and the link ends, with
    /// [`LinkError::LateFrame`].
    ///
    /// # Errors
    ///
    /// The peer is gone, its link is not encrypted, or another frame still waits for its time.
    pub fn send_noise(&self, peer: PeerId, frame: Bytes, after: Duration) -> Result<(), Refusal> {
        let link = self.hub.link(peer).ok_or(Refusal::Gone)?;
        link.schedule(self.hub.clock.now() + after, frame)
    }

    /// Ends a connection, telling the peer that it is banned and why if a reason is given.
    /// [`NetEvent::Disconnected`] follows.
    pub fn disconnect(&self, peer: PeerId, reason: Option<BanReason>) {
        if let Some(link) = self.hub.link(peer) {
            link.close(reason);
        }
    }

    /// Sets the tip of our chain, which handshakes, pings and pongs tell.
    pub fn set_tip(&self, total_difficulty: u64, height: u64) {
        self.hub.set_tip(Tip { total_difficulty, height });
    }

    /// Neither accepts nor opens connections to a host for some time. Connections that are up stay.
    /// Of IPv6 the /64 is blocked.
    pub fn block(&self, ip: IpAddr, duration: Duration) {
        self.hub.block(ip, self.hub.clock.now() + duration);
    }

    /// Lifts a block.
    pub fn unblock(&self, ip: IpAddr) {
        self.hub.unblock(ip);
    }

    /// The keys of those whom we dialled and who encrypted, to be saved by the host: without them a
    /// peer that is dialled anew could not be seen to have been downgraded.
    pub fn known_keys(&self) -> KnownKeys {
        self.hub.known_keys()
    }

    /// Ends every connection and waits until all are down. Events go on until then; if nobody
    /// takes them, waiting for each ends after two seconds.
    pub async fn shutdown(mut self) {
        self.hub.shutdown.cancel();
        let (nothing, _) = mpsc::channel(1);
        self.task = nothing;
        // Nothing is ever sent: this waits until the last task has dropped its sender.
        self.tasks_gone.recv().await;
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        spawn(self.task.clone(), work);
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        self.hub.shutdown.cancel();
    }
}

fn spawn(task: mpsc::Sender<()>, work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(async move {
        work.await;
        drop(task);
    });
}

/// Accepts connections until the end. Who is blocked or one too many is hung up on, unread.
async fn accept_all(hub: Arc<Hub>, listener: TcpListener, task: mpsc::Sender<()>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = hub.shutdown.cancelled() => return,
        };
        match accepted {
            Ok((stream, addr)) => {
                // Whoever comes to the onion service comes from loopback, by way of the proxy.
                let addr = Some(addr).filter(|_| !hub.config.network.is_anonymous());
                if addr.is_some_and(|addr| hub.is_blocked(addr.ip())) {
                    continue;
                }
                // A socket for both families shows IPv4 peers as IPv6.
                let addr = addr.map(PeerAddr::from);
                if let Some(place) = hub.take_place(addr.map(Host::from)) {
                    spawn(task.clone(), welcome(Arc::clone(&hub), stream, addr, place));
                }
            }
            Err(error) => {
                debug!(%error, "cannot accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Strangers that fail the handshake cause no event: they could cause any number.
async fn welcome(hub: Arc<Hub>, mut stream: TcpStream, addr: Option<PeerAddr>, place: Place) {
    let greeted = or_shutdown(&hub, async {
        stream.set_nodelay(true)?;
        greet::answer(&hub, &mut stream, addr).await
    });
    match greeted.await {
        Ok(greeted) => {
            link::run(hub, stream, addr, Direction::Inbound, greeted, Some(place)).await;
        }
        Err(error) => debug!(?addr, %error, "handshake failed"),
    }
}

async fn dial(hub: &Arc<Hub>, addr: PeerAddr) -> Result<(), ConnectError> {
    if let PeerAddr::Ip(addr) = addr
        && hub.is_blocked(addr.ip())
    {
        return Err(ConnectError::Blocked);
    }
    // A router need not lead back to where it came from, where the nonce would tell.
    if matches!(addr, PeerAddr::I2p(name, _) if hub.carrier.destination() == Some(name)) {
        return Err(HandshakeError::ConnectedToSelf.into());
    }
    let place = hub.take_address(addr).ok_or(ConnectError::AlreadyConnected)?;
    let (stream, greeted) = or_shutdown(hub, async {
        let mut stream = hub.carrier.dial(&addr, hub.draw_credentials()).await?;
        stream.set_nodelay(true)?;
        let greeted = greet::initiate(hub, &mut stream, addr).await?;
        Ok((stream, greeted))
    })
    .await?;
    let hub = Arc::clone(hub);
    link::run(hub, stream, Some(addr), Direction::Outbound, greeted, Some(place)).await;
    Ok(())
}

async fn or_shutdown<T>(
    hub: &Hub,
    work: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, ConnectError> {
    tokio::select! {
        done = work => done,
        () = hub.shutdown.cancelled() => Err(ConnectError::ShuttingDown),
    }
}
