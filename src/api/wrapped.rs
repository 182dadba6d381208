//! Results in Grin's wrapping: `{"Ok": …}` or `{"Err": …}`.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use thiserror::Error;

use super::jsonrpc::CallError;
use crate::node::Stopped;

/// Errors of methods as a Grin node has and writes them (`grin_api::Error`).
#[derive(Clone, PartialEq, Eq, Debug, Error, Serialize)]
pub(super) enum MethodError {
    #[error("Internal error: {0}")]
    Internal(String),
    #[error("Bad arguments: {0}")]
    Argument(String),
    #[error("Not found.")]
    NotFound,
}

impl From<Stopped> for MethodError {
    fn from(stopped: Stopped) -> Self {
        Self::Internal(stopped.to_string())
    }
}

/// Writes a result.
pub(super) fn wrap<T: Serialize>(
    result: &Result<T, MethodError>,
) -> Result<Box<RawValue>, CallError> {
    to_raw_value(result).map_err(CallError::internal)
}
