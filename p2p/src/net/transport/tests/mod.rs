//! Proxies and bridges in this process: honest ones, and one for each way to misbehave.

mod net;
mod sam;
mod socks;

use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const ONION: &str = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:3414";
const I2P: &str = "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p:3414";

/// Short, for tests in which somebody is slow. Not shorter, for the machine may be as well.
const HASTE: DialTimeouts = DialTimeouts {
    connect: Duration::from_secs(1),
    answer: Duration::from_secs(1),
    reach: Duration::from_secs(1),
    session: Duration::from_secs(1),
};

/// Long enough for a machine that does other things as well.
const PATIENCE: DialTimeouts = DialTimeouts {
    connect: Duration::from_secs(20),
    answer: Duration::from_secs(20),
    reach: Duration::from_secs(20),
    session: Duration::from_secs(20),
};

fn addr(text: &str) -> PeerAddr {
    text.parse().unwrap()
}

fn credentials(seed: u8) -> Credentials {
    Credentials::draw(&mut ChaCha20Rng::from_seed([seed; 32]))
}

/// A free port of loopback, and what happens on the first connection to it.
async fn serve<F>(serving: impl FnOnce(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        serving(stream).await;
    });
    addr
}

/// An address on which nobody listens.
async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn a_direct_dial_knows_no_names() {
    let transport = Transport::Direct(PATIENCE);
    for (name, network) in [(ONION, Network::Tor), (I2P, Network::I2p)] {
        let error = transport.dial(&addr(name), credentials(1)).await.unwrap_err();
        assert!(matches!(error, TransportError::Unsupported(found) if found == network));
        assert!(!error.is_of_proxy());
    }
    let there = serve(|mut stream| async move { stream.write_all(b"hello").await.unwrap() }).await;
    let mut stream = transport.dial(&there.into(), credentials(1)).await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "hello");
    let error = transport.dial(&nobody().await.into(), credentials(1)).await.unwrap_err();
    assert!(matches!(error, TransportError::Direct(Fault::Away(_))));
    assert_eq!(error.blame(), Blame::Ours);
}
