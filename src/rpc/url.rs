use std::fmt;
use std::str::FromStr;

use hyper::Uri;
use hyper::http::uri::Scheme;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Where a server is reached over HTTP: scheme, host and port. The path belongs to the call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Url(Uri);

/// Why a text is not such a [`Url`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum UrlError {
    /// Not a URL at all.
    #[error("not a URL")]
    Syntax,
    /// Another scheme than `http`. TLS is for a proxy in front.
    #[error("only http is spoken")]
    Scheme,
    /// A path or a query, which would be ignored.
    #[error("the path belongs to the API and must not be given")]
    Path,
    /// A user and password, which belong in the secret file.
    #[error("the password belongs in the secret file")]
    UserInfo,
}

impl Url {
    /// The address of one of its APIs. The path begins with a slash.
    pub(super) fn join(&self, path: &'static str) -> Uri {
        let mut parts = self.0.clone().into_parts();
        parts.path_and_query = Some(hyper::http::uri::PathAndQuery::from_static(path));
        Uri::from_parts(parts).unwrap_or_else(|_| self.0.clone())
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let uri: Uri = text.parse().map_err(|_| UrlError::Syntax)?;
        let authority = uri.authority().ok_or(UrlError::Syntax)?;
        if uri.scheme() != Some(&Scheme::HTTP) {
            return Err(UrlError::Scheme);
        }
        if authority.as_str().contains('@') {
            return Err(UrlError::UserInfo);
        }
        if uri.path() != "/" || uri.query().is_some() {
            return Err(UrlError::Path);
        }
        Ok(Self(uri))
    }
}

impl TryFrom<String> for Url {
    type Error = UrlError;

    fn try_from(text: String) -> Result<Self, UrlError> {
        text.parse()
    }
}

impl From<Url> for String {
    fn from(url: Url) -> Self {
        url.to_string()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.0.authority().map_or("", |authority| authority.as_str()))
    }
}
