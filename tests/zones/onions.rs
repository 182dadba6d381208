//! A SOCKS5 proxy in this process, as far as tor's is one: names of onion services lead to ports of
//! loopback. It can go away and misbehave, as a tor can.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use scape::p2p::addr::{OnionAddr, PeerAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What the proxy does with those who ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Mood {
    /// It connects them.
    #[default]
    Honest,
    /// It says that it cannot.
    Refusing,
    /// It says nothing.
    Silent,
    /// It says that it has connected them, and talks nonsense.
    Lying,
}

/// The proxy. Dropping it ends all that leads through it.
pub(crate) struct Onions {
    pub(crate) at: SocketAddr,
    state: Arc<Mutex<State>>,
    serving: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    services: BTreeMap<String, SocketAddr>,
    mood: Mood,
    /// What was asked for, with which credentials.
    asked: Vec<(String, Vec<u8>)>,
    /// So many bytes more are carried to services, if that is limited.
    budget: Option<usize>,
    /// How many streams lead to services.
    open: usize,
}

/// The name of one of the services.
pub(crate) fn onion(number: u8) -> PeerAddr {
    PeerAddr::Onion(OnionAddr::from_key([number; 32]), 3414)
}

impl Onions {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let at = listener.local_addr().expect("bound");
        let state = Arc::default();
        let serving = Some(tokio::spawn(serve(listener, Arc::clone(&state))));
        Self { at, state, serving }
    }

    /// Lets a name lead somewhere from now on.
    pub(crate) fn lead(&self, number: u8, to: SocketAddr) {
        self.with(|state| state.services.insert(onion(number).to_string(), to));
    }

    pub(crate) fn be(&self, mood: Mood) {
        self.with(|state| state.mood = mood);
    }

    /// Carries so many bytes more to services, then ends all streams in the middle of what they
    /// carry and goes on as before.
    pub(crate) fn break_after(&self, bytes: usize) {
        self.with(|state| state.budget = Some(bytes));
    }

    /// Whether the streams were broken.
    pub(crate) fn has_broken(&self) -> bool {
        self.with(|state| state.budget.is_none())
    }

    /// All that was asked for up to now: names, and the credentials with which.
    pub(crate) fn asked(&self) -> Vec<(String, Vec<u8>)> {
        self.with(|state| state.asked.clone())
    }

    /// How many streams lead to services.
    pub(crate) fn open(&self) -> usize {
        self.with(|state| state.open)
    }

    /// Goes away, as a process does that is killed.
    pub(crate) async fn go_away(&mut self) {
        let serving = self.serving.take().expect("it is there");
        serving.abort();
        // Only then the port is free.
        let _ = serving.await;
    }

    pub(crate) async fn come_back(&mut self) {
        let listener = TcpListener::bind(self.at).await.expect("the port is free");
        self.serving = Some(tokio::spawn(serve(listener, Arc::clone(&self.state))));
    }

    fn with<R>(&self, call: impl FnOnce(&mut State) -> R) -> R {
        call(&mut self.state.lock().expect("no panic"))
    }
}

impl Drop for Onions {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    // All of them end with this.
    let mut streams = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        // Whoever asks may hang up at any time.
        streams.spawn(async move { answer(stream, &state).await.ok() });
    }
}

/// Who is served now, and is not any more when this is dropped.
struct Open<'a>(&'a Mutex<State>);

impl<'a> Open<'a> {
    fn new(state: &'a Mutex<State>) -> Self {
        state.lock().expect("no panic").open += 1;
        Self(state)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.lock().expect("no panic").open -= 1;
    }
}

async fn answer(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let (name, credentials) = hear(&mut stream).await?;
    let (mood, to) = {
        let mut state = state.lock().expect("no panic");
        state.asked.push((name.clone(), credentials));
        (state.mood, state.services.get(&name).copied())
    };
    let reply = |code| [5, code, 0, 1, 0, 0, 0, 0, 0, 0];
    match mood {
        Mood::Honest => {
            let there = match to {
                Some(to) => TcpStream::connect(to).await,
                None => Err(std::io::ErrorKind::NotFound.into()),
            };
            let Ok(there) = there else { return stream.write_all(&reply(4)).await };
            stream.write_all(&reply(0)).await?;
            let _open = Open::new(state);
            carry(stream, there, state).await
        }
        Mood::Refusing => stream.write_all(&reply(5)).await,
        Mood::Silent => std::future::pending().await,
        Mood::Lying => {
            stream.write_all(&reply(0)).await?;
            stream.write_all(&[0x55; 4_096]).await
        }
    }
}

/// Who is asked for, and with which credentials.
async fn hear(stream: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let counted = async |stream: &mut TcpStream| {
        let mut bytes = vec![0; stream.read_u8().await?.into()];
        stream.read_exact(&mut bytes).await?;
        std::io::Result::Ok(bytes)
    };
    assert_eq!(stream.read_u8().await?, 5);
    assert_eq!(counted(stream).await?, [2], "nothing but credentials of its own is offered");
    stream.write_all(&[5, 2]).await?;
    assert_eq!(stream.read_u8().await?, 1);
    let credentials = [counted(stream).await?, counted(stream).await?].concat();
    stream.write_all(&[1, 0]).await?;
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    assert_eq!(head, [5, 1, 0, 3], "names alone are asked for");
    let name = String::from_utf8(counted(stream).await?).expect("a name");
    let port = stream.read_u16().await?;
    Ok((format!("{name}:{port}"), credentials))
}

async fn carry(client: TcpStream, service: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_service, mut to_service) = service.into_split();
    let there = async {
        let mut chunk = [0; 1_024];
        loop {
            let read = from_client.read(&mut chunk).await?;
            let allowed = {
                let mut state = state.lock().expect("no panic");
                let left = state.budget.map(|left| left.saturating_sub(read));
                let allowed = state.budget.map_or(read, |budget| budget.min(read));
                state.budget = left.filter(|left| *left > 0);
                allowed
            };
            to_service.write_all(&chunk[..allowed]).await?;
            if allowed < read || read == 0 {
                return std::io::Result::Ok(());
            }
        }
    };
    tokio::select! {
        done = there => done,
        done = tokio::io::copy(&mut from_service, &mut to_client) => done.map(|_| ()),
    }
}
