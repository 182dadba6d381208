//! An I2P router's SAM bridge in this process: every destination leads to one port of loopback.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use data_encoding::BASE64;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// The bridge. Dropping it ends all that leads through it.
pub(crate) struct Bridge {
    pub(crate) at: SocketAddr,
    to: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    serving: Option<JoinHandle<()>>,
}

/// A destination with a certificate of four bytes, as routers make them.
pub(crate) fn destination(fill: u8) -> Vec<u8> {
    [&[fill; 384][..], &[5, 0, 4, 0, 7, 0, 4]].concat()
}

/// In I2P's own base64.
fn text(bytes: &[u8]) -> String {
    BASE64.encode(bytes).replace('+', "-").replace('/', "~")
}

impl Bridge {
    pub(crate) async fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let at = listener.local_addr().expect("bound");
        let asked = Arc::default();
        let serving = Some(tokio::spawn(serve(listener, to, Arc::clone(&asked))));
        Self { at, to, asked, serving }
    }

    /// The names that were asked for up to now.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
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
        self.serving = Some(tokio::spawn(serve(listener, self.to, Arc::clone(&self.asked))));
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

async fn serve(listener: TcpListener, to: SocketAddr, asked: Arc<Mutex<Vec<String>>>) {
    // All of them end with this.
    let mut streams = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let asked = Arc::clone(&asked);
        // Whoever asks may hang up at any time.
        streams.spawn(async move { speak(stream, to, &asked).await.ok() });
    }
}

async fn speak(
    stream: TcpStream,
    to: SocketAddr,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        let command = std::mem::take(&mut line);
        if command.starts_with("STREAM ACCEPT") {
            // Nobody ever comes.
            stream.write_all(b"STREAM STATUS RESULT=OK\n").await?;
            return std::future::pending().await;
        }
        if command.starts_with("STREAM CONNECT") {
            let mut there = TcpStream::connect(to).await?;
            stream.write_all(b"STREAM STATUS RESULT=OK\n").await?;
            return tokio::io::copy_bidirectional(&mut stream, &mut there).await.map(|_| ());
        }
        let answer = if let Some((_, name)) = command.trim_end().split_once("NAME=") {
            asked.lock().expect("no panic").push(name.to_owned());
            format!("NAMING REPLY RESULT=OK NAME=x VALUE={}\n", text(&destination(2)))
        } else if command.starts_with("SESSION") {
            let key = [&destination(1)[..], &[0xfb; 65]].concat();
            format!("SESSION STATUS RESULT=OK DESTINATION={}\n", text(&key))
        } else {
            "HELLO REPLY RESULT=OK VERSION=3.1\n".to_owned()
        };
        stream.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}
