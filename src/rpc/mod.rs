//! JSON-RPC 2.0 over HTTP as Grin's APIs speak it: POST, basic auth, results wrapped in `Ok` or
//! `Err`. The client of a Grin node, and of this node for the command line.

mod client;
mod error;
mod secret;
#[cfg(test)]
mod tests;
mod url;

pub use client::{Forwarded, RpcClient, RpcLimits};
pub use error::RpcError;
pub use secret::{Secret, SecretError};
pub use url::{Url, UrlError};
