//! The node that is asked: where it is, with what password, and what its refusals mean.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use scape::config::Config;
use scape::rpc::{RpcClient, RpcError, RpcLimits, Secret, SecretError, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::CliError;
use super::args::Global;

/// A push waits for the verification of all that came before it.
const LIMITS: RpcLimits = RpcLimits { timeout: Duration::from_secs(30), answer: 64 << 20 };

/// Which of a node's two APIs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Api {
    Owner,
    Foreign,
}

/// One API of a node.
pub(super) struct Remote {
    api: Api,
    client: RpcClient,
    url: Url,
    secret_file: PathBuf,
    has_secret: bool,
}

impl Api {
    fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Foreign => "foreign",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Owner => "/v2/owner",
            Self::Foreign => "/v2/foreign",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Owner => "api.owner",
            Self::Foreign => "api.foreign",
        }
    }

    fn listen(self, config: &Config) -> Option<SocketAddr> {
        match self {
            Self::Owner => config.owner_listen(),
            Self::Foreign => config.foreign_listen(),
        }
    }

    fn secret_file(self, config: &Config) -> Result<PathBuf, CliError> {
        Ok(match self {
            Self::Owner => config.owner_secret_file()?,
            Self::Foreign => config.foreign_secret_file()?,
        })
    }
}

impl Remote {
    /// The node of the arguments, or of the configuration. Nothing is sent yet.
    pub(super) fn new(global: &Global, config: &Config, api: Api) -> Result<Self, CliError> {
        let url = match &global.api {
            Some(url) => url.clone(),
            None => {
                api.listen(config).and_then(url_of).ok_or(CliError::NoApi { key: api.key() })?
            }
        };
        let (secret_file, secret) = match &global.secret_file {
            Some(path) => (path.clone(), Some(Secret::load(path)?)),
            None => usual_secret(api.secret_file(config)?)?,
        };
        let client = RpcClient::new(&url, api.path(), secret.as_ref(), LIMITS);
        Ok(Self { api, client, url, secret_file, has_secret: secret.is_some() })
    }

    /// Where it is.
    pub(super) fn url(&self) -> String {
        self.url.to_string()
    }

    /// Asks it for the result of a method.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
    ) -> Result<T, CliError> {
        self.client.call(method, params).await.map_err(|error| self.blame(method, error))
    }

    fn blame(&self, method: &str, error: RpcError) -> CliError {
        let url = self.url.to_string();
        match error {
            RpcError::Unreachable { reason, .. } => CliError::Unreachable { url, reason },
            error @ RpcError::Timeout(_) => {
                CliError::Unreachable { url, reason: error.to_string() }
            }
            RpcError::Unauthorized => {
                let file = self.secret_file.clone();
                match self.has_secret {
                    true => CliError::Password { url, file },
                    false => CliError::NoPassword { url, file },
                }
            }
            RpcError::Refused(Value::String(why)) if why == "NotFound" => match method {
                "unban_peer" => CliError::NotBanned,
                _ => CliError::Unknown,
            },
            RpcError::Refused(why) => CliError::Refused(reason(&why)),
            RpcError::Call { code, message } if code != METHOD_NOT_FOUND => {
                CliError::Refused(super::output::harmless(&message))
            }
            error => CliError::NotUnderstood { url, api: self.api.name(), error },
        }
    }
}

/// As JSON-RPC defines it: another API, or an older node.
const METHOD_NOT_FOUND: i64 = -32601;

/// Grin's errors are `"Name"` or `{"Name": "text"}`; the text says most.
fn reason(why: &Value) -> String {
    let inner = match why {
        Value::Object(fields) if fields.len() == 1 => fields.values().next().unwrap_or(why),
        why => why,
    };
    match inner {
        Value::String(text) => super::output::harmless(text),
        _ => why.to_string(),
    }
}

/// A node that listens everywhere is also here. Which port it took if any was allowed, only it
/// knows.
fn url_of(listen: SocketAddr) -> Option<Url> {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    match listen.port() {
        0 => None,
        port => format!("http://{}", SocketAddr::new(ip, port)).parse().ok(),
    }
}

/// A file that is not there need not matter: there may be no node either, which says more.
fn usual_secret(path: PathBuf) -> Result<(PathBuf, Option<Secret>), CliError> {
    match Secret::load(&path) {
        Ok(secret) => Ok((path, Some(secret))),
        Err(SecretError::File { error, .. }) if error.kind() == ErrorKind::NotFound => {
            Ok((path, None))
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_listens_everywhere_is_found_here() {
        let url = |listen: &str| url_of(listen.parse().expect("an address"));
        let text = |listen| url(listen).expect("a URL").to_string();
        assert_eq!(text("0.0.0.0:3419"), "http://127.0.0.1:3419");
        assert_eq!(text("[::]:3419"), "http://[::1]:3419");
        assert_eq!(text("192.0.2.1:80"), "http://192.0.2.1:80");
        assert_eq!(url("127.0.0.1:0"), None);
    }

    #[test]
    fn reasons_are_the_text_in_grins_errors() {
        assert_eq!(reason(&serde_json::json!({"Internal": "no\u{1b}"})), "no\u{fffd}");
        assert_eq!(reason(&serde_json::json!("PeerNotFound")), "PeerNotFound");
        assert_eq!(reason(&serde_json::json!({"a": 1})), r#"{"a":1}"#);
    }
}
