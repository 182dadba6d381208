//! A client of SOCKS5 (RFC 1928) with passwords (RFC 1929).
//!
//! Our own, since what matters here is what the usual crates do not offer: to insist on the
//! password, without which Tor isolates nothing, to tell Tor's reasons apart, and never to read a
//! byte too many.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use data_encoding::HEXLOWER;
use rand::Rng;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::addr::PeerAddr;

use super::fault::{Fault, Step, within};
use super::{DialTimeouts, connect};

const VERSION: u8 = 5;
const PASSWORD_VERSION: u8 = 1;
const NO_AUTH: u8 = 0;
const PASSWORD: u8 = 2;
const NO_METHOD: u8 = 0xff;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// A SOCKS5 proxy.
#[derive(Debug, Clone, Copy)]
pub struct Socks {
    /// Where it listens. An address, not a name: there is no DNS.
    pub proxy: SocketAddr,
    /// Whether streams are kept apart.
    pub isolation: Isolation,
    /// How long the steps may take.
    pub timeouts: DialTimeouts,
}

/// Whether a proxy keeps streams apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Isolation {
    /// Each dial shows credentials of its own, and Tor gives it a circuit of its own
    /// (`IsolateSOCKSAuth`, which is on unless it was turned off). A proxy that wants no password
    /// is refused: it would put all streams on one path without a word.
    PerDial,
    /// No credentials: for tunnels that have one path anyway, as those of I2P.
    None,
}

/// A name and a password that say nothing but that this stream is none of the others.
pub struct Credentials {
    name: String,
    password: String,
}

impl Credentials {
    /// Fresh ones.
    pub fn draw(rng: &mut (impl Rng + ?Sized)) -> Self {
        let mut word = || {
            let mut bytes = [0; 16];
            rng.fill_bytes(&mut bytes);
            HEXLOWER.encode(&bytes)
        };
        Self { name: word(), password: word() }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Why a proxy did not give a stream. One variant per rule.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SocksError {
    /// The conversation failed.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// Each answer begins with its version.
    #[error("an answer of version {found} instead of {expected}: no SOCKS5 proxy")]
    Version {
        /// The version that was due.
        expected: u8,
        /// What came.
        found: u8,
    },
    /// The proxy takes none of the methods that were offered.
    #[error("the proxy wants another authentication than {0:?}")]
    NoMethod(Isolation),
    /// The proxy chooses among the methods that were offered.
    #[error("the proxy chose method {0}, which was not offered")]
    MethodNotOffered(u8),
    /// The proxy refuses the credentials.
    #[error("the proxy refuses the credentials with status {0}")]
    Credentials(u8),
    /// A reserved byte is zero.
    #[error("a reserved byte is {0}")]
    Reserved(u8),
    /// The proxy says what it bound as an IP address or a name.
    #[error("an address of unknown type {0}")]
    AddressType(u8),
    /// The proxy cannot or will not reach the peer.
    #[error("{0}")]
    Refused(SocksRefusal),
}

impl SocksError {
    /// Whether the proxy itself is the trouble.
    pub fn is_of_proxy(&self) -> bool {
        match self {
            Self::Fault(Fault::Slow(Step::Reach) | Fault::Closed(Step::Reach)) => false,
            Self::Refused(refusal) => *refusal == SocksRefusal::Failure,
            _ => true,
        }
    }
}

/// What a proxy says when it gives no stream (RFC 1928, section 6; from `OnionNotFound` on those
/// that Tor adds with `ExtendedErrors`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SocksRefusal {
    /// 1: the proxy has a fault of its own. Tor, for example, is not connected.
    #[error("general failure of the proxy")]
    Failure,
    /// 2: the proxy's rules forbid it.
    #[error("not allowed by the proxy's rules")]
    NotAllowed,
    /// 3.
    #[error("network unreachable")]
    NetworkUnreachable,
    /// 4.
    #[error("host unreachable")]
    HostUnreachable,
    /// 5.
    #[error("connection refused by the peer")]
    ConnectionRefused,
    /// 6. Tor says it when a stream took too long.
    #[error("timed out at the proxy")]
    Expired,
    /// 7: the proxy does not connect.
    #[error("the proxy knows no such command")]
    Command,
    /// 8: the proxy takes no names, or no addresses of this kind.
    #[error("the proxy takes no such address")]
    AddressType,
    /// 0xf0: the service has no descriptor.
    #[error("the onion service is not found")]
    OnionNotFound,
    /// 0xf1: the descriptor of the service is invalid.
    #[error("the onion service is invalid")]
    OnionInvalid,
    /// 0xf2: introduction failed.
    #[error("the onion service does not answer introductions")]
    OnionIntroduction,
    /// 0xf3: rendezvous failed.
    #[error("the onion service does not come to the rendezvous")]
    OnionRendezvous,
    /// 0xf4 and 0xf5: the service wants to know who comes.
    #[error("the onion service wants authorization")]
    OnionAuthorization,
    /// 0xf6: the name is wrong.
    #[error("the onion address is invalid")]
    OnionAddress,
    /// 0xf7: introduction timed out.
    #[error("the introduction to the onion service timed out")]
    OnionTimedOut,
    /// Any other number.
    #[error("refused for unknown reason {0}")]
    Unknown(u8),
}

impl SocksRefusal {
    fn of(code: u8) -> Self {
        match code {
            1 => Self::Failure,
            2 => Self::NotAllowed,
            3 => Self::NetworkUnreachable,
            4 => Self::HostUnreachable,
            5 => Self::ConnectionRefused,
            6 => Self::Expired,
            7 => Self::Command,
            8 => Self::AddressType,
            0xf0 => Self::OnionNotFound,
            0xf1 => Self::OnionInvalid,
            0xf2 => Self::OnionIntroduction,
            0xf3 => Self::OnionRendezvous,
            0xf4 | 0xf5 => Self::OnionAuthorization,
            0xf6 => Self::OnionAddress,
            0xf7 => Self::OnionTimedOut,
            code => Self::Unknown(code),
        }
    }
}

impl Socks {
    pub(super) async fn dial(
        &self,
        addr: &PeerAddr,
        credentials: &Credentials,
    ) -> Result<TcpStream, SocksError> {
        let mut stream = connect(self.proxy, &self.timeouts).await?;
        let credentials = match self.isolation {
            Isolation::PerDial => Some(credentials),
            Isolation::None => None,
        };
        negotiate(&mut stream, addr, credentials, &self.timeouts).await?;
        Ok(stream)
    }
}

/// Asks a proxy at the other end of `stream` for a stream to a peer. When it is done the next byte
/// is the peer's.
///
/// # Errors
///
/// [`SocksError`].
pub async fn negotiate<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    addr: &PeerAddr,
    credentials: Option<&Credentials>,
    timeouts: &DialTimeouts,
) -> Result<(), SocksError> {
    let method = if credentials.is_some() { PASSWORD } else { NO_AUTH };
    let ask = [VERSION, 1, method];
    let [version, chosen] = within(Step::Greet, timeouts.answer, say(stream, &ask)).await?;
    check_version(VERSION, version)?;
    match (chosen, credentials) {
        (NO_METHOD, Some(_)) => return Err(SocksError::NoMethod(Isolation::PerDial)),
        (NO_METHOD, None) => return Err(SocksError::NoMethod(Isolation::None)),
        (chosen, _) if chosen != method => return Err(SocksError::MethodNotOffered(chosen)),
        (_, Some(credentials)) => authenticate(stream, credentials, timeouts).await?,
        (_, None) => {}
    }
    let asked = within(Step::Reach, timeouts.reach, say(stream, &request(addr))).await?;
    check_reply(asked)?;
    let [.., kind] = asked;
    within(Step::Reach, timeouts.answer, skip_address(stream, kind)).await?
}

async fn authenticate<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    credentials: &Credentials,
    timeouts: &DialTimeouts,
) -> Result<(), SocksError> {
    let mut shown = vec![PASSWORD_VERSION];
    for part in [&credentials.name, &credentials.password] {
        shown.push(part.len() as u8);
        shown.extend(part.as_bytes());
    }
    let answer = within(Step::Authenticate, timeouts.answer, say(stream, &shown)).await?;
    let [version, status] = answer;
    check_version(PASSWORD_VERSION, version)?;
    if status != 0 {
        return Err(SocksError::Credentials(status));
    }
    Ok(())
}

fn check_version(expected: u8, found: u8) -> Result<(), SocksError> {
    if found == expected { Ok(()) } else { Err(SocksError::Version { expected, found }) }
}

/// `version ++ reply ++ reserved`; the type of the address is looked at when it is read.
fn check_reply([version, code, reserved, _]: [u8; 4]) -> Result<(), SocksError> {
    check_version(VERSION, version)?;
    if code != 0 {
        return Err(SocksError::Refused(SocksRefusal::of(code)));
    }
    if reserved != 0 {
        return Err(SocksError::Reserved(reserved));
    }
    Ok(())
}

fn request(addr: &PeerAddr) -> Vec<u8> {
    let mut request = vec![VERSION, CONNECT, 0];
    let mut put_name = |name: String| {
        // At most 62 characters.
        request.extend([NAME, name.len() as u8]);
        request.extend(name.into_bytes());
    };
    match addr {
        PeerAddr::Onion(addr, _) => put_name(addr.to_string()),
        PeerAddr::I2p(addr, _) => put_name(addr.to_string()),
        PeerAddr::Ip(addr) => match addr.ip() {
            IpAddr::V4(ip) => {
                request.push(IPV4);
                request.extend(ip.octets());
            }
            IpAddr::V6(ip) => {
                request.push(IPV6);
                request.extend(ip.octets());
            }
        },
    }
    request.extend(addr.port().to_be_bytes());
    request
}

/// Sends a question, and reads an answer of known length.
async fn say<S: AsyncRead + AsyncWrite + Unpin, const N: usize>(
    stream: &mut S,
    question: &[u8],
) -> io::Result<[u8; N]> {
    stream.write_all(question).await?;
    stream.flush().await?;
    let mut answer = [0; N];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

/// What the proxy bound is of no use, but has to be read.
async fn skip_address<S: AsyncRead + Unpin>(
    stream: &mut S,
    kind: u8,
) -> io::Result<Result<(), SocksError>> {
    let length = match kind {
        IPV4 => 4,
        IPV6 => 16,
        NAME => usize::from(stream.read_u8().await?),
        kind => return Ok(Err(SocksError::AddressType(kind))),
    };
    let mut address = [0; 255 + 2];
    stream.read_exact(&mut address[..length + 2]).await?;
    Ok(Ok(()))
}
