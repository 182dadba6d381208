//! HTTP: one listener, its limits, and the password.
//!
//! A client costs at most one of a bounded number of connections for a bounded time, whatever it
//! does: heads, bodies and whole connections have their time-outs, and a body is not read before
//! the password is right. There is no CORS: no page of a browser has any business here.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use scape_aggregate::Hash;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::jsonrpc::{Methods, answer};
use crate::rpc::Secret;

/// From one request, or the beginning, to the end of the head of the next.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// For a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// After this a connection takes no new request.
const CONNECTION_AGE: Duration = Duration::from_secs(60);
/// After that what it is at may still be finished for so long: who reads slowly is cut off.
const LAST_ANSWER: Duration = Duration::from_secs(60);
/// The same when the node stops.
const STOP: Duration = Duration::from_secs(3);
/// How long to wait when the system has no connection to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Bytes of heads that are held for one connection.
const BUFFER: usize = 64 << 10;
/// Requests whose bodies are held at the same time.
const REQUESTS: usize = 32;

/// A listener that serves until it is stopped.
#[derive(Debug)]
pub(super) struct Server {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    pub(super) async fn start(
        listen: SocketAddr,
        connections: usize,
        router: Router,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let addr = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept_all(listener, connections, router, stopped));
        Ok(Self { addr, stop, task })
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Takes no more connections, and waits a little for those that are up.
    pub(super) async fn stop(self) {
        // If it has ended by itself there is nothing to stop.
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

async fn accept_all(
    listener: TcpListener,
    connections: usize,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(connections));
    let mut serving = JoinSet::new();
    loop {
        while serving.try_join_next().is_some() {}
        let next = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let accepted = tokio::select! {
            accepted = next => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match accepted {
            (Ok(place), Ok((stream, _))) => {
                let (router, stop) = (router.clone(), stop.clone());
                serving.spawn(async move {
                    serve(stream, router, stop).await;
                    drop(place);
                });
            }
            (_, Err(error)) => {
                debug!(%error, "cannot accept");
                sleep(ACCEPT_PAUSE).await;
            }
            (Err(_), _) => unreachable!("the semaphore is never closed"),
        }
    }
    drop(listener);
    // What does not end in time ends here.
    let _ = timeout(STOP, async { while serving.join_next().await.is_some() {} }).await;
}

async fn serve(stream: TcpStream, router: Router, mut stop: watch::Receiver<bool>) {
    // Without it a small answer may wait for the client's next packet.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    tokio::select! {
        // How a connection ends is the client's business.
        _ = connection.as_mut() => return,
        () = sleep(CONNECTION_AGE) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(LAST_ANSWER, connection).await;
}

/// Who may come in: user `grin` and the password.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    expected: Hash,
    realm: HeaderValue,
}

impl Guard {
    pub(super) fn new(secret: &Secret, realm: &'static str) -> Self {
        let expected = Hash::of(&[secret.authorization().as_bytes()]);
        Self { expected, realm: HeaderValue::from_static(realm) }
    }

    /// Compares digests: how long that takes depends neither on the password nor on its length.
    fn admits(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(AUTHORIZATION).map_or(b"".as_slice(), HeaderValue::as_bytes);
        let given = Hash::of(&[given]);
        let pairs = given.as_bytes().iter().zip(self.expected.as_bytes());
        std::hint::black_box(pairs.fold(0, |different, (a, b)| different | (a ^ b))) == 0
    }

    /// # Errors
    /// The answer to who may not.
    #[expect(clippy::result_large_err, reason = "it is the answer")]
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Response> {
        match self.admits(headers) {
            true => Ok(()),
            false => {
                let challenge = [(WWW_AUTHENTICATE, self.realm.clone())];
                Err((StatusCode::UNAUTHORIZED, challenge).into_response())
            }
        }
    }
}

/// One API: what can be asked, by whom and at what length.
pub(super) struct Endpoint<M> {
    guard: Guard,
    methods: M,
    body: usize,
    requests: Semaphore,
}

impl<M: Methods> Endpoint<M> {
    /// `body` is the most that a request has, in bytes.
    pub(super) fn new(guard: Guard, methods: M, body: usize) -> Self {
        Self { guard, methods, body, requests: Semaphore::new(REQUESTS) }
    }

    /// Answers one request, as Grin does where it is not a POST: with 404.
    pub(super) async fn handle(&self, request: Request) -> Response {
        self.respond(request).await.unwrap_or_else(|refusal| refusal)
    }

    async fn respond(&self, request: Request) -> Result<Response, Response> {
        self.guard.check(request.headers())?;
        if request.method() != Method::POST {
            return Err(StatusCode::NOT_FOUND.into_response());
        }
        let place = self.requests.acquire().await;
        let body = self.read(request.into_body()).await.map_err(IntoResponse::into_response)?;
        let answer = answer(&body, &self.methods).await;
        drop(place);
        Ok(match answer {
            Some(answer) => ([(CONTENT_TYPE, "application/json")], answer).into_response(),
            None => StatusCode::NO_CONTENT.into_response(),
        })
    }

    async fn read(&self, body: Body) -> Result<Bytes, StatusCode> {
        if body.size_hint().lower() > self.body as u64 {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let body = timeout(BODY_TIMEOUT, Limited::new(body, self.body).collect()).await;
        match body {
            Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
            Ok(Err(_)) => Err(StatusCode::BAD_REQUEST),
        }
    }
}
