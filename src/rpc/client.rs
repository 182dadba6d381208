use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Request, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{RpcError, Secret, Url};

/// How much of a server is put up with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RpcLimits {
    /// For a whole call.
    pub timeout: Duration,
    /// Of an answer, in bytes.
    pub answer: usize,
}

/// A client of one API of one server. Connections are kept open and used again; clones share them.
#[derive(Clone, Debug)]
pub struct RpcClient {
    http: Client<HttpConnector, Full<Bytes>>,
    uri: Uri,
    authorization: Option<String>,
    limits: RpcLimits,
}

/// JSON-RPC as it is answered.
#[derive(Deserialize)]
struct Answer<T> {
    // Not `serde(default)`, which would ask for a default of `T`.
    result: Option<T>,
    error: Option<Failure>,
}

/// A call that is passed on.
#[derive(Serialize)]
struct Call<'a> {
    jsonrpc: &'static str,
    id: u8,
    method: &'a str,
    params: &'a RawValue,
}

/// The answer to a call that was passed on: one of the two.
#[derive(Debug, Deserialize)]
pub struct Forwarded {
    /// What the method returned, wrapped as it is.
    #[serde(default)]
    pub result: Option<Box<RawValue>>,
    /// The error of JSON-RPC.
    #[serde(default)]
    pub error: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Failure {
    code: i64,
    message: String,
}

/// Results as Grin wraps them.
#[derive(Deserialize)]
enum Wrapped<T> {
    Ok(T),
    Err(Value),
}

impl RpcClient {
    /// A client that has not connected yet. `path` is that of the API, `/v2/foreign` or
    /// `/v2/owner`.
    pub fn new(url: &Url, path: &'static str, secret: Option<&Secret>, limits: RpcLimits) -> Self {
        Self {
            http: Client::builder(TokioExecutor::new()).build_http(),
            uri: url.join(path),
            authorization: secret.map(Secret::authorization),
            limits,
        }
    }

    /// Calls a method whose result is wrapped as Grin wraps it.
    ///
    /// # Errors
    /// Why there is no such result.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
    ) -> Result<T, RpcError> {
        match self.answer::<Wrapped<T>>(method, params).await? {
            Some(Wrapped::Ok(result)) => Ok(result),
            Some(Wrapped::Err(value)) => Err(RpcError::Refused(value)),
            None => Err(RpcError::Shape(serde::de::Error::missing_field("result"))),
        }
    }

    /// Calls a method and returns its result as it came.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn call_raw(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        Ok(self.answer(method, params).await?.unwrap_or(Value::Null))
    }

    /// Reads the answer in one go: those of a Grin node may be megabytes.
    async fn answer<T: DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
    ) -> Result<Option<T>, RpcError> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer: Answer<T> = serde_json::from_slice(&self.post(body.to_string()).await?)?;
        match answer.error {
            Some(Failure { code, message }) => Err(RpcError::Call { code, message }),
            None => Ok(answer.result),
        }
    }

    /// Passes a call on, and returns its result or its error as they came.
    ///
    /// # Errors
    /// Why there is neither.
    pub async fn forward(&self, method: &str, params: &RawValue) -> Result<Forwarded, RpcError> {
        let call = Call { jsonrpc: "2.0", id: 1, method, params };
        Ok(serde_json::from_slice(&self.post(serde_json::to_string(&call)?).await?)?)
    }

    async fn post(&self, body: String) -> Result<Bytes, RpcError> {
        let limit = self.limits.timeout;
        timeout(limit, self.exchange(body)).await.unwrap_or(Err(RpcError::Timeout(limit)))
    }

    async fn exchange(&self, body: String) -> Result<Bytes, RpcError> {
        let mut request = Request::post(&self.uri).header(CONTENT_TYPE, "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request =
            request.body(Full::new(Bytes::from(body))).map_err(|error| self.unreachable(&error))?;
        let answer = self.http.request(request).await.map_err(|error| self.unreachable(&error))?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => return Err(RpcError::Unauthorized),
            status => return Err(RpcError::Status(status.as_u16())),
        }
        let body = Limited::new(answer.into_body(), self.limits.answer).collect().await;
        let body = body.map_err(|error| match error.is::<LengthLimitError>() {
            true => RpcError::TooLong(self.limits.answer),
            false => self.unreachable(&*error),
        })?;
        Ok(body.to_bytes())
    }

    /// The innermost cause says most: "connection refused", not "client error".
    fn unreachable(&self, error: &(dyn std::error::Error + 'static)) -> RpcError {
        let mut cause = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        RpcError::Unreachable { url: format!("http://{authority}"), reason: cause.to_string() }
    }
}
