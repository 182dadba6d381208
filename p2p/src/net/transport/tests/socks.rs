//! SOCKS5.

use tokio::sync::mpsc;

use super::*;

fn proxy(proxy: SocketAddr, isolation: Isolation, timeouts: DialTimeouts) -> Transport {
    Transport::Socks(Socks { proxy, isolation, timeouts })
}

/// What a proxy was asked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) methods: Vec<u8>,
    pub(super) name_and_password: Option<(String, String)>,
    pub(super) kind: u8,
    pub(super) host: Vec<u8>,
    pub(super) port: u16,
}

async fn exact(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await.unwrap();
    bytes
}

async fn counted(stream: &mut TcpStream) -> Vec<u8> {
    let length = stream.read_u8().await.unwrap();
    exact(stream, length.into()).await
}

/// The side of the proxy, up to its last answer.
async fn hear(stream: &mut TcpStream) -> Asked {
    assert_eq!(stream.read_u8().await.unwrap(), 5);
    let methods = counted(stream).await;
    let chosen = methods[0];
    stream.write_all(&[5, chosen]).await.unwrap();
    let mut name_and_password = None;
    if chosen == 2 {
        assert_eq!(stream.read_u8().await.unwrap(), 1);
        let word = |bytes| String::from_utf8(bytes).unwrap();
        name_and_password = Some((word(counted(stream).await), word(counted(stream).await)));
        stream.write_all(&[1, 0]).await.unwrap();
    }
    let head = exact(stream, 4).await;
    assert_eq!(head[..3], [5, 1, 0]);
    let host = match head[3] {
        1 => exact(stream, 4).await,
        4 => exact(stream, 16).await,
        3 => counted(stream).await,
        other => panic!("address type {other}"),
    };
    let port = stream.read_u16().await.unwrap();
    Asked { methods, name_and_password, kind: head[3], host, port }
}

/// A proxy that tells what it was asked and then connects everything to `target`.
pub(super) async fn honest(target: SocketAddr) -> (SocketAddr, mpsc::UnboundedReceiver<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let asked = hear(&mut stream).await;
            // The reply with a name of 255 bytes, the longest there is.
            let reply = [&[5, 0, 0, 3, 255], &[b'x'; 255][..], &[1, 2]].concat();
            stream.write_all(&reply).await.unwrap();
            tell.send(asked).unwrap();
            tokio::spawn(async move {
                let mut there = TcpStream::connect(target).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut there).await;
            });
        }
    });
    (at, told)
}

#[tokio::test]
async fn names_go_to_the_proxy_as_they_are() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (at, mut asked) = honest(target.local_addr().unwrap()).await;
    let transport = proxy(at, Isolation::PerDial, PATIENCE);
    for (to, kind, host) in [
        (ONION, 3, ONION.trim_end_matches(":3414").as_bytes().to_vec()),
        (I2P, 3, I2P.trim_end_matches(":3414").as_bytes().to_vec()),
        ("192.0.2.7:3414", 1, vec![192, 0, 2, 7]),
        (
            "[2001:db8::7]:3414",
            4,
            "2001:db8::7".parse::<std::net::Ipv6Addr>().unwrap().octets().into(),
        ),
    ] {
        transport.dial(&addr(to), credentials(1)).await.unwrap();
        let asked = asked.recv().await.unwrap();
        assert_eq!((asked.kind, asked.host, asked.port), (kind, host, 3414));
        assert_eq!(asked.methods, [2], "nothing but the password is offered");
    }
}

#[tokio::test]
async fn each_dial_has_credentials_of_its_own() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (at, mut asked) = honest(target.local_addr().unwrap()).await;
    let transport = proxy(at, Isolation::PerDial, PATIENCE);
    let rng = &mut ChaCha20Rng::from_seed([9; 32]);
    let mut shown = std::collections::BTreeSet::new();
    for _ in 0..20 {
        transport.dial(&addr(ONION), Credentials::draw(rng)).await.unwrap();
        let (name, password) = asked.recv().await.unwrap().name_and_password.unwrap();
        assert_eq!((name.len(), password.len()), (32, 32));
        assert!(shown.insert(name) && shown.insert(password));
    }
    let transport = proxy(at, Isolation::None, PATIENCE);
    transport.dial(&addr(I2P), credentials(1)).await.unwrap();
    let asked = asked.recv().await.unwrap();
    assert_eq!((asked.methods, asked.name_and_password), (vec![0], None));
}

#[tokio::test]
async fn what_the_peer_says_at_once_is_not_lost() {
    let at = serve(|mut stream| async move {
        hear(&mut stream).await;
        stream.write_all(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00at once").await.unwrap();
    })
    .await;
    let transport = proxy(at, Isolation::PerDial, PATIENCE);
    let mut stream = transport.dial(&addr(ONION), credentials(1)).await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "at once");
}

/// What comes of a proxy that says just this, and then nothing.
async fn answer(said: &[&[u8]], isolation: Isolation) -> SocksError {
    answer_within(PATIENCE, said, isolation).await
}

async fn answer_within(timeouts: DialTimeouts, said: &[&[u8]], isolation: Isolation) -> SocksError {
    let said: Vec<Vec<u8>> = said.iter().map(|part| part.to_vec()).collect();
    let at = serve(move |mut stream| async move {
        let mut chunk = [0; 512];
        for part in said {
            let _ = stream.read(&mut chunk).await;
            stream.write_all(&part).await.unwrap();
        }
        // Keeps the connection open.
        while stream.read(&mut chunk).await.is_ok_and(|read| read > 0) {}
    })
    .await;
    match proxy(at, isolation, timeouts).dial(&addr(ONION), credentials(1)).await {
        Err(TransportError::Socks(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_way_to_misbehave_has_its_error() {
    use Isolation::{None, PerDial};
    let asked = |said| answer(said, PerDial);
    assert!(matches!(asked(&[b"HT"]).await, SocksError::Version { expected: 5, found: b'H' }));
    assert!(matches!(asked(&[b"\x04\x02"]).await, SocksError::Version { expected: 5, found: 4 }));
    assert!(matches!(asked(&[b"\x05\xff"]).await, SocksError::NoMethod(PerDial)));
    assert!(matches!(answer(&[b"\x05\xff"], None).await, SocksError::NoMethod(None)));
    // A proxy that would not isolate streams.
    assert!(matches!(asked(&[b"\x05\x00"]).await, SocksError::MethodNotOffered(0)));
    assert!(matches!(answer(&[b"\x05\x02"], None).await, SocksError::MethodNotOffered(2)));
    assert!(matches!(asked(&[b"\x05\x02", b"\x01\x07"]).await, SocksError::Credentials(7)));
    assert!(matches!(
        asked(&[b"\x05\x02", b"\x05\x00"]).await,
        SocksError::Version { expected: 1, found: 5 }
    ));
    let reply = |reply| async move { answer(reply, None).await };
    assert!(matches!(
        reply(&[b"\x05\x00", b"\x04\x00\x00\x01"]).await,
        SocksError::Version { expected: 5, found: 4 }
    ));
    assert!(matches!(reply(&[b"\x05\x00", b"\x05\x00\x01\x01"]).await, SocksError::Reserved(1)));
    assert!(matches!(reply(&[b"\x05\x00", b"\x05\x00\x00\x02"]).await, SocksError::AddressType(2)));
}

#[tokio::test]
async fn who_is_slow_is_given_up_at_every_step() {
    use Isolation::{None, PerDial};
    let slow = async |said: &[&[u8]], isolation| match answer_within(HASTE, said, isolation).await {
        SocksError::Fault(Fault::Slow(step)) => step,
        other => panic!("{other:?}"),
    };
    let steps = tokio::join!(
        slow(&[], PerDial),
        slow(&[b"\x05"], PerDial),
        slow(&[b"\x05\x02"], PerDial),
        slow(&[b"\x05\x02", b"\x01\x00"], PerDial),
        slow(&[b"\x05\x00", b"\x05\x00\x00\x03\xff"], None),
    );
    let expected = (Step::Greet, Step::Greet, Step::Authenticate, Step::Reach, Step::Reach);
    assert_eq!(steps, expected);
}

#[tokio::test]
async fn a_proxy_that_is_away_or_hangs_up_is_told_from_a_peer_that_is() {
    let transport = proxy(nobody().await, Isolation::PerDial, PATIENCE);
    let error = transport.dial(&addr(ONION), credentials(1)).await.unwrap_err();
    assert!(matches!(error, TransportError::Socks(SocksError::Fault(Fault::Away(_)))));
    assert!(error.is_of_proxy());
    let at = serve(|mut stream| async move {
        let _ = stream.read(&mut [0; 512]).await;
    })
    .await;
    let hung_up = proxy(at, Isolation::PerDial, PATIENCE);
    let error = hung_up.dial(&addr(ONION), credentials(1)).await.unwrap_err();
    assert!(matches!(
        error,
        TransportError::Socks(SocksError::Fault(Fault::Closed(_) | Fault::Broken(..)))
    ));
    assert!(error.is_of_proxy());
    for (code, refusal, of_proxy) in [
        (1, SocksRefusal::Failure, true),
        (4, SocksRefusal::HostUnreachable, false),
        (5, SocksRefusal::ConnectionRefused, false),
        (0xf0, SocksRefusal::OnionNotFound, false),
        (0xf3, SocksRefusal::OnionRendezvous, false),
        (0x63, SocksRefusal::Unknown(0x63), false),
    ] {
        let error = answer(&[b"\x05\x00", &[5, code, 0, 1]], Isolation::None).await;
        assert_eq!(error.is_of_proxy(), of_proxy, "{error}");
        assert!(matches!(error, SocksError::Refused(found) if found == refusal), "{error}");
    }
}

#[tokio::test]
async fn credentials_are_not_printed() {
    let credentials = credentials(1);
    assert_eq!(format!("{credentials:?}"), "Credentials { .. }");
}
