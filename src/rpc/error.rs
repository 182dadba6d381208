use std::time::Duration;

use serde_json::Value;
use thiserror::Error;

/// Why a call came to nothing.
#[derive(Debug, Error)]
pub enum RpcError {
    /// The server is not there, or the connection broke.
    #[error("cannot reach {url}: {reason}")]
    Unreachable {
        /// The server.
        url: String,
        /// What the system says.
        reason: String,
    },
    /// No whole answer in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The password is wrong or missing.
    #[error("the password is wrong or missing; give the server's secret file")]
    Unauthorized,
    /// An answer of HTTP that is not success.
    #[error("the server answers with HTTP status {0}")]
    Status(u16),
    /// The answer is longer than is read of one.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    /// The answer is not JSON-RPC, or its result not of the shape that was asked for.
    #[error("the answer is not understood: {0}")]
    Shape(#[from] serde_json::Error),
    /// An error of JSON-RPC: no such method, wrong parameters.
    #[error("the server refuses the call: {message} ({code})")]
    Call {
        /// As JSON-RPC defines it.
        code: i64,
        /// For people.
        message: String,
    },
    /// The method ran and says `Err`.
    #[error("the server refuses: {0}")]
    Refused(Value),
}

impl RpcError {
    /// Whether the server itself answered, so that it is there and asking again is no use.
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::Unauthorized | Self::Call { .. } | Self::Refused(_))
    }
}
