//! How wallets and the owner reach the node over HTTP.
//!
//! ```text
//! wallet -> POST /v2/foreign -> server (limits, password) -> jsonrpc -> foreign -> node, Grin node
//! owner  -> POST /v2/owner   -> server (limits, password) -> jsonrpc -> owner   -> node
//! owner  -> GET /metrics     -> server (limits, password) -> snapshot
//! anyone -> GET /health      -> server (limits)           -> snapshot
//! ```
//!
//! The two are listeners of their own, each with its password. Shapes, names and errors are those
//! of a Grin node's APIs where that has the same, so that its wallets and tools work.

mod foreign;
mod jsonrpc;
mod metrics;
mod owner;
mod reload;
mod server;
mod show;
pub mod view;
mod wrapped;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use rand::Rng;
use thiserror::Error;
use tokio::sync::watch;

use crate::config::{Config, ConfigError};
use crate::node::NodeHandle;
use crate::rpc::{RpcClient, RpcLimits, Secret, SecretError, Url};
use foreign::Foreign;
use metrics::{Health, Snapshot, observe};
use owner::Owner;
use reload::Reloader;
pub use reload::{Reloaded, SetFilter};
use server::{Endpoint, Guard, Server};

/// For a call that is passed on to the Grin node.
const GRIN: RpcLimits = RpcLimits { timeout: Duration::from_secs(30), answer: 64 << 20 };
/// The most that an owner's request has, in bytes.
const OWNER_BODY: usize = 64 << 10;

/// Where a configuration came from, and what else can follow it.
#[derive(Clone, Default)]
pub struct Origin {
    /// The file, to be read again.
    pub path: Option<PathBuf>,
    /// Makes the log follow `log.filter`.
    pub set_filter: Option<SetFilter>,
}

/// Why the APIs did not start.
#[derive(Debug, Error)]
pub enum ApiError {
    /// A path in the configuration has no meaning here.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no password.
    #[error("{key}: {error}")]
    Secret {
        /// The key that names its file.
        key: &'static str,
        /// What is wrong with the file.
        error: SecretError,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {addr} for the {name} API: {error}; see api.{name}")]
    Bind {
        /// `foreign` or `owner`.
        name: &'static str,
        /// The address.
        addr: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
}

/// The APIs of a running node. Dropping them leaves them running; [`Apis::stop`] ends them.
#[derive(Debug)]
pub struct Apis {
    foreign: Option<Server>,
    owner: Option<Server>,
}

impl Apis {
    /// Serves a node as its configuration says. Passwords that are not there yet are made.
    ///
    /// # Errors
    /// What could not be started; then nothing is.
    pub async fn start(
        config: &Config,
        origin: Origin,
        node: &NodeHandle,
        rng: &mut impl Rng,
    ) -> Result<Self, ApiError> {
        let foreign = match config.foreign_listen() {
            Some(listen) => Some((listen, foreign_router(config, node, rng)?)),
            None => None,
        };
        let owner = match config.owner_listen() {
            Some(listen) => Some((listen, owner_router(config, origin, node, rng)?)),
            None => None,
        };
        let mut apis = Self { foreign: serve("foreign", config, foreign).await?, owner: None };
        match serve("owner", config, owner).await {
            Ok(server) => apis.owner = server,
            Err(error) => {
                apis.stop().await;
                return Err(error);
            }
        }
        Ok(apis)
    }

    /// Where wallets are served.
    pub fn foreign_addr(&self) -> Option<SocketAddr> {
        self.foreign.as_ref().map(Server::addr)
    }

    /// Where the owner is served.
    pub fn owner_addr(&self) -> Option<SocketAddr> {
        self.owner.as_ref().map(Server::addr)
    }

    /// Takes no more connections, and waits a little for those that are up.
    pub async fn stop(self) {
        for server in [self.foreign, self.owner].into_iter().flatten() {
            server.stop().await;
        }
    }
}

async fn serve(
    name: &'static str,
    config: &Config,
    api: Option<(SocketAddr, Router)>,
) -> Result<Option<Server>, ApiError> {
    let Some((addr, router)) = api else { return Ok(None) };
    let started = Server::start(addr, config.api.connections, router).await;
    started.map(Some).map_err(|error| ApiError::Bind { name, addr, error })
}

fn foreign_router(
    config: &Config,
    node: &NodeHandle,
    rng: &mut impl Rng,
) -> Result<Router, ApiError> {
    let secret = Secret::load_or_create(&config.foreign_secret_file()?, rng)
        .map_err(|error| ApiError::Secret { key: "api.foreign_secret_file", error })?;
    let guard = Guard::new(&secret, "Basic realm=GrinForeignAPI");
    let foreign = Foreign::new(node.clone(), config.consensus(), grin(config)?);
    let body = Foreign::body_limit(config.chain.r#type);
    let endpoint = Arc::new(Endpoint::new(guard, foreign, body));
    let handle = move |request: Request| async move { endpoint.handle(request).await };
    Ok(Router::new().route("/v2/foreign", any(handle)))
}

/// The Grin node and a client of its Foreign API.
fn grin(config: &Config) -> Result<Option<(Url, RpcClient)>, ApiError> {
    let Some(url) = config.grin.url.clone() else { return Ok(None) };
    let client = RpcClient::new(&url, "/v2/foreign", grin_secret(config)?.as_ref(), GRIN);
    Ok(Some((url, client)))
}

/// The password of the Grin node's API, if it has one.
pub(crate) fn grin_secret(config: &Config) -> Result<Option<Secret>, ApiError> {
    let secret = config.grin_secret_file()?.map(|path| Secret::load(&path)).transpose();
    secret.map_err(|error| ApiError::Secret { key: "grin.secret_file", error })
}

fn owner_router(
    config: &Config,
    origin: Origin,
    node: &NodeHandle,
    rng: &mut impl Rng,
) -> Result<Router, ApiError> {
    let secret = Secret::load_or_create(&config.owner_secret_file()?, rng)
        .map_err(|error| ApiError::Secret { key: "api.owner_secret_file", error })?;
    let guard = Guard::new(&secret, "Basic realm=GrinAPI");
    let reloader = Arc::new(Reloader::new(config.clone(), origin.path, origin.set_filter));
    let owner = Owner::new(node.clone(), reloader);
    let endpoint = Arc::new(Endpoint::new(guard.clone(), owner, OWNER_BODY));
    let unknown = Snapshot { health: Health::Stalled, metrics: String::new() };
    let (snapshots, snapshot) = watch::channel(unknown);
    tokio::spawn(observe(node.clone(), config.clone(), snapshots));
    let of_health = snapshot.clone();
    let handle = move |request: Request| async move { endpoint.handle(request).await };
    Ok(Router::new()
        .route("/v2/owner", any(handle))
        .route("/health", get(move || async move { health(of_health).await }))
        .route("/metrics", get(|headers| async move { metrics(&guard, &headers, snapshot).await })))
}

/// The first look has been made before anything is told.
async fn latest(mut snapshots: watch::Receiver<Snapshot>) -> Snapshot {
    let first = snapshots.wait_for(|snapshot| !snapshot.metrics.is_empty());
    // If the node has stopped meanwhile, the last one says so.
    let _ = tokio::time::timeout(Duration::from_secs(1), first).await;
    snapshots.borrow().clone()
}

async fn health(snapshots: watch::Receiver<Snapshot>) -> Response {
    let health = latest(snapshots).await.health;
    let status = match health {
        Health::Ok => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, format!("{health}\n")).into_response()
}

async fn metrics(
    guard: &Guard,
    headers: &HeaderMap,
    snapshots: watch::Receiver<Snapshot>,
) -> Response {
    match guard.check(headers) {
        Ok(()) => {
            let content = [(CONTENT_TYPE, "text/plain; version=0.0.4")];
            (content, latest(snapshots).await.metrics).into_response()
        }
        Err(refusal) => refusal,
    }
}
