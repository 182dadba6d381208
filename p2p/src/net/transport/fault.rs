//! What can go wrong in any conversation, and where.

use std::fmt;
use std::io;
use std::time::Duration;

use tokio::time::timeout;

/// A step on the way to a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Opening a TCP connection.
    Connect,
    /// Agreeing on a version or a method.
    Greet,
    /// Showing credentials.
    Authenticate,
    /// Making a session.
    Session,
    /// Looking a name up.
    Lookup,
    /// Reaching the peer.
    Reach,
    /// Waiting for a peer that connects.
    Accept,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::Greet => "greeting",
            Self::Authenticate => "authentication",
            Self::Session => "making a session",
            Self::Lookup => "looking up a name",
            Self::Reach => "reaching the peer",
            Self::Accept => "accepting a peer",
        })
    }
}

/// What can go wrong in any conversation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Nobody takes the connection.
    #[error("cannot connect: {0}")]
    Away(#[source] io::Error),
    /// A step took too long.
    #[error("{0} took too long")]
    Slow(Step),
    /// The other side hung up.
    #[error("closed while {0}")]
    Closed(Step),
    /// The socket failed.
    #[error("socket, while {0}: {1}")]
    Broken(Step, #[source] io::Error),
}

impl Fault {
    fn of(step: Step, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Closed(step),
            _ => Self::Broken(step, error),
        }
    }
}

/// Runs a part of a conversation for at most `limit`.
pub(super) async fn within<T>(
    step: Step,
    limit: Duration,
    work: impl Future<Output = io::Result<T>>,
) -> Result<T, Fault> {
    match timeout(limit, work).await {
        Ok(done) => done.map_err(|error| Fault::of(step, error)),
        Err(_) => Err(Fault::Slow(step)),
    }
}
