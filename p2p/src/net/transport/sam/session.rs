//! A session: one destination of ours, and streams to and from it.

use std::fmt;
use std::net::SocketAddr;

use rand::{Rng, RngExt};
use tokio::net::TcpStream;

use crate::addr::I2pAddr;

use super::super::{DialTimeouts, connect};
use super::client::{SamClient, name_of};
use super::error::SamError;

/// Where a bridge is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SamConfig {
    /// Where it listens. Its protocol is in the clear, so it should be on this machine.
    pub bridge: SocketAddr,
    /// How long the steps may take.
    pub timeouts: DialTimeouts,
}

/// The secret key of a destination of ours, in base64. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SamKey(String);

impl SamKey {
    /// The key as a bridge gave it before.
    ///
    /// # Errors
    ///
    /// [`SamError::BadDestination`].
    pub fn new(base64: String) -> Result<Self, SamError> {
        name_of(&base64).map(|_| Self(base64))
    }

    /// The key, to be kept where only the owner reads.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SamKey").finish_non_exhaustive()
    }
}

/// A session of a bridge: our destination and the tunnels that belong to it.
///
/// It lasts as long as this value and the bridge; [`SamSession::closed`] says when the bridge is
/// gone. All peers see the same destination, so a zone has one session and two zones never share
/// one.
#[derive(Debug)]
pub struct SamSession {
    config: SamConfig,
    id: String,
    key: SamKey,
    addr: I2pAddr,
    control: tokio::sync::Mutex<SamClient<TcpStream>>,
}

impl SamSession {
    /// Makes a session, with the destination of an earlier one or a new one.
    ///
    /// # Errors
    ///
    /// [`SamError`].
    pub async fn create(
        config: SamConfig,
        key: Option<&SamKey>,
        rng: &mut (impl Rng + ?Sized),
    ) -> Result<Self, SamError> {
        // Only the router sees it, but it need not say who we are.
        let id = format!("{:016x}", rng.random::<u64>());
        let mut control = client(&config).await?;
        let wanted = key.map_or("TRANSIENT", SamKey::secret);
        let made = SamKey::new(control.create_session(&id, wanted).await?)?;
        let addr = name_of(made.secret())?;
        if let Some(key) = key {
            let asked = name_of(key.secret())?;
            if asked != addr {
                return Err(SamError::WrongDestination { asked, found: addr });
            }
        }
        Ok(Self { config, id, key: made, addr, control: control.into() })
    }

    /// Where peers reach us.
    pub fn addr(&self) -> I2pAddr {
        self.addr
    }

    /// The key of our destination.
    pub fn key(&self) -> &SamKey {
        &self.key
    }

    /// Opens a stream to a peer.
    ///
    /// # Errors
    ///
    /// [`SamError`].
    pub async fn connect(&self, addr: &I2pAddr) -> Result<TcpStream, SamError> {
        let mut client = client(&self.config).await?;
        let destination = client.lookup(addr).await?;
        client.connect(&self.id, &destination).await
    }

    /// Waits for a peer that connects to us; gives the stream and the peer's name.
    ///
    /// # Errors
    ///
    /// [`SamError`].
    pub async fn accept(&self) -> Result<(TcpStream, I2pAddr), SamError> {
        client(&self.config).await?.accept(&self.id).await
    }

    /// Waits until the bridge has given up the session; says why, as far as that can be seen.
    pub async fn closed(&self) -> SamError {
        self.control.lock().await.wait_for_end().await
    }
}

async fn client(config: &SamConfig) -> Result<SamClient<TcpStream>, SamError> {
    let stream = connect(config.bridge, &config.timeouts).await?;
    SamClient::hello(stream, config.timeouts).await
}
