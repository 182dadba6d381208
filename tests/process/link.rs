//! A way to a server that stays at one address, whatever the server does, and that can be cut.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::wiretap::{Connection, Wiretap};

/// Forwards connections to where the server is at the moment.
pub(crate) struct Link {
    addr: SocketAddr,
    target: Arc<Mutex<Option<SocketAddr>>>,
    cuts: watch::Sender<()>,
}

impl Link {
    /// A link that leads nowhere yet. What a relay is sent through it is listened to, if that is
    /// wanted.
    pub(crate) async fn new(wiretap: Option<(Wiretap, usize)>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let addr = listener.local_addr().expect("bound");
        let target = Arc::new(Mutex::new(None));
        let (cuts, cut) = watch::channel(());
        tokio::spawn(accept(listener, target.clone(), cut, wiretap));
        Self { addr, target, cuts }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where new connections go from now on; if nowhere, they are closed at once.
    pub(crate) fn lead_to(&self, target: Option<SocketAddr>) {
        *self.target.lock().expect("no panic") = target;
    }

    /// Ends all connections in the middle of whatever they carry.
    pub(crate) fn cut(&self) {
        self.cuts.send_replace(());
    }
}

async fn accept(
    listener: TcpListener,
    target: Arc<Mutex<Option<SocketAddr>>>,
    cut: watch::Receiver<()>,
    wiretap: Option<(Wiretap, usize)>,
) {
    // It ends with the links.
    while cut.has_changed().is_ok() {
        let Ok((client, _)) = listener.accept().await else { continue };
        let target = *target.lock().expect("no panic");
        let Some(target) = target else { continue };
        let mut cut = cut.clone();
        cut.mark_unchanged();
        let wiretap = wiretap.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = forward(client, target, wiretap) => {}
                _ = cut.changed() => {}
            }
        });
    }
}

async fn forward(client: TcpStream, target: SocketAddr, wiretap: Option<(Wiretap, usize)>) {
    let Ok(server) = TcpStream::connect(target).await else { return };
    let ((from_client, to_client), (from_server, to_server)) =
        (client.into_split(), server.into_split());
    let taps = wiretap.map(|(wiretap, receiver)| wiretap.connection(receiver));
    let (mut there, mut back) = taps.unzip();
    let hear = |tap: &mut Option<Connection>, bytes: &[u8]| {
        if let Some(tap) = tap {
            tap.hear(bytes);
        }
    };
    // If one side has ended, so does the other: neither protocol knows half-closed connections.
    tokio::select! {
        () = pump(from_client, to_server, |bytes| hear(&mut there, bytes)) => {}
        () = pump(from_server, to_client, |bytes| hear(&mut back, bytes)) => {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut listen: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(length) = from.read(&mut buffer).await {
        if length == 0 {
            return;
        }
        listen(&buffer[..length]);
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
