//! SAM, as an I2P router speaks it.

use data_encoding::BASE64;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::mpsc;

use super::*;
use crate::addr::I2pAddr;

/// A destination with a certificate of four bytes, as routers make them, in I2P's base64.
pub(super) fn destination(fill: u8) -> String {
    let bytes = [&vec![fill; 384][..], &[5, 0, 4, 0, 7, 0, 4]].concat();
    BASE64.encode(&bytes).replace('+', "-").replace('/', "~")
}

pub(super) fn name(fill: u8) -> I2pAddr {
    I2pAddr::of_destination(&[&vec![fill; 384][..], &[5, 0, 4, 0, 7, 0, 4]].concat())
}

/// The key of a destination: itself, and secrets after it.
pub(super) fn key(fill: u8) -> String {
    let bytes = [&vec![fill; 384][..], &[5, 0, 4, 0, 7, 0, 4], &[0xfb; 65]].concat();
    BASE64.encode(&bytes).replace('+', "-").replace('/', "~")
}

/// What a bridge answers to a command: the answer, or `None` to hang up.
pub(super) type Answer = fn(&str) -> Option<String>;

pub(super) fn honest(command: &str) -> Option<String> {
    Some(match command.split(' ').next()? {
        "HELLO" => "HELLO REPLY RESULT=OK VERSION=3.1\n".into(),
        "SESSION" => format!("SESSION STATUS RESULT=OK DESTINATION={}\n", key(1)),
        "NAMING" => format!("NAMING REPLY RESULT=OK NAME=x VALUE={}\n", destination(2)),
        _ => "STREAM STATUS RESULT=OK\n".into(),
    })
}

/// A bridge, and the commands that it gets. After an accept it says that peer 3 has come, who says
/// hello; after a connect it echoes.
async fn bridge(answer: Answer) -> (SamConfig, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bridge = listener.local_addr().unwrap();
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(speak(stream, answer, tell.clone()));
        }
    });
    (SamConfig { bridge, timeouts: PATIENCE }, told)
}

pub(super) async fn speak(stream: TcpStream, answer: Answer, tell: mpsc::UnboundedSender<String>) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
        let command = line.trim_end().to_owned();
        line.clear();
        let _ = tell.send(command.clone());
        let Some(answer) = answer(&command) else { return };
        stream.write_all(answer.as_bytes()).await.unwrap();
        if command.starts_with("STREAM CONNECT") {
            let (mut read, mut write) = tokio::io::split(stream);
            let _ = tokio::io::copy(&mut read, &mut write).await;
            return;
        }
        if command.starts_with("STREAM ACCEPT") {
            let come = format!("{} FROM_PORT=0 TO_PORT=0\nhello", destination(3));
            stream.write_all(come.as_bytes()).await.unwrap();
        }
    }
}

async fn session(answer: Answer) -> Result<SamSession, SamError> {
    let (config, _) = bridge(answer).await;
    create(config, None).await
}

async fn create(config: SamConfig, key: Option<&SamKey>) -> Result<SamSession, SamError> {
    SamSession::create(config, key, &mut ChaCha20Rng::from_seed([1; 32])).await
}

#[tokio::test]
async fn a_session_dials_and_is_dialled() {
    let (config, mut told) = bridge(honest).await;
    let session = Arc::new(create(config, None).await.unwrap());
    assert_eq!(session.addr(), name(1));
    assert_eq!(session.key().secret(), key(1));
    let transport = Transport::Sam(Arc::clone(&session));
    let to = PeerAddr::I2p(name(2), 3414);
    let mut stream = transport.dial(&to, credentials(1)).await.unwrap();
    stream.write_all(b"echo").await.unwrap();
    let mut said = [0; 4];
    stream.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"echo");
    let (mut stream, from) = session.accept().await.unwrap();
    stream.read_exact(&mut said).await.unwrap();
    assert_eq!((from, &said), (name(3), b"hell"), "not a byte too many was read");
    told.close();
    let mut commands = Vec::new();
    while let Some(command) = told.recv().await {
        commands.push(command);
    }
    let id = commands[1].split("ID=").nth(1).unwrap()[..16].to_owned();
    let hello = "HELLO VERSION MIN=3.1 MAX=3.3".to_owned();
    let create = format!(
        "SESSION CREATE STYLE=STREAM ID={id} DESTINATION=TRANSIENT SIGNATURE_TYPE=7 \
         i2cp.leaseSetEncType=4,0"
    );
    let connect = format!("STREAM CONNECT ID={id} DESTINATION={} SILENT=false", destination(2));
    let accept = format!("STREAM ACCEPT ID={id} SILENT=false");
    let lookup = format!("NAMING LOOKUP NAME={}", name(2));
    let expected = [hello.clone(), create, hello.clone(), lookup, connect, hello, accept];
    assert_eq!(commands, expected);
    for other in [ONION, "192.0.2.1:1"] {
        let error = transport.dial(&addr(other), credentials(1)).await.unwrap_err();
        assert!(matches!(error, TransportError::Unsupported(_)));
    }
}

#[tokio::test]
async fn a_destination_is_kept() {
    let (config, mut told) = bridge(honest).await;
    let kept = SamKey::new(key(1)).unwrap();
    let session = create(config, Some(&kept)).await.unwrap();
    assert_eq!(session.key(), &kept);
    told.recv().await.unwrap();
    assert!(told.recv().await.unwrap().contains(&format!("DESTINATION={}", key(1))));
    assert_eq!(format!("{kept:?}"), "SamKey(..)");
    // A bridge that makes a session of another destination than it was given.
    let other = SamKey::new(key(9)).unwrap();
    let error = create(config, Some(&other)).await.unwrap_err();
    let (asked, found) = (name(9), name(1));
    assert!(
        matches!(error, SamError::WrongDestination { asked: a, found: f } if a == asked && f == found)
    );
    for bad in ["", "AAAA", "not base64", "+/+/", &key(1)[..300]] {
        assert!(matches!(SamKey::new(bad.to_owned()), Err(SamError::BadDestination)), "{bad}");
    }
}

#[tokio::test]
async fn a_bridge_that_lies_about_a_name_is_found_out() {
    let session = session(honest).await.unwrap();
    let error = session.connect(&name(7)).await.unwrap_err();
    assert!(
        matches!(error, SamError::WrongDestination { asked, found } if asked == name(7) && found == name(2))
    );
    assert!(error.is_of_bridge());
}

#[tokio::test]
async fn every_answer_that_is_none_has_its_error() {
    macro_rules! with {
        ($answer:expr) => {
            session(|_| Some($answer.to_string())).await.unwrap_err()
        };
    }
    assert!(matches!(with!("HTTP/1.1 400 Bad\n"), SamError::WrongReply("HELLO REPLY")));
    assert!(matches!(with!("HELLO REPLY VERSION=3.1\n"), SamError::Missing("RESULT")));
    assert!(matches!(with!("HELLO REPLY RESULT=OK\n"), SamError::Missing("VERSION")));
    assert!(matches!(with!("HELLO REPLY RESULT=OK VERSION=2.0\n"), SamError::Version));
    assert!(matches!(
        with!("HELLO REPLY RESULT=NOVERSION\n"),
        SamError::Refused(SamRefusal::NoVersion)
    ));
    assert!(matches!(with!("HELLO REPLY RESULT=OK RESULT=OK\n"), SamError::Malformed));
    assert!(matches!(with!("HELLO\n"), SamError::Malformed));
    assert!(matches!(with!("x".repeat(9_000)), SamError::LineTooLong));
    assert!(matches!(SamReply::parse(b"HELLO \xff"), Err(SamError::NotUtf8)));
    let hung_up = session(|_| None).await.unwrap_err();
    assert!(matches!(hung_up, SamError::Fault(Fault::Closed(Step::Greet) | Fault::Broken(..))));
    let config = SamConfig { bridge: nobody().await, timeouts: PATIENCE };
    let away = create(config, None).await.unwrap_err();
    assert!(matches!(away, SamError::Fault(Fault::Away(_))) && away.is_of_bridge());
}

#[tokio::test]
async fn a_refusal_says_whether_peer_or_bridge_is_the_trouble() {
    macro_rules! refusing {
        ($verb:literal, $result:literal) => {
            session(|command| match command.starts_with($verb) {
                true => {
                    let words = if $verb == "NAMING" { "NAMING REPLY" } else { "STREAM STATUS" };
                    Some(format!("{words} RESULT={} MESSAGE=\"so it \\\"is\\\"\"\n", $result))
                }
                false => honest(command),
            })
            .await
            .unwrap()
            .connect(&name(2))
            .await
            .unwrap_err()
        };
    }
    let refused = |error: SamError, refusal, of_bridge| {
        assert_eq!(error.is_of_bridge(), of_bridge, "{error}");
        assert!(matches!(error, SamError::Refused(found) if found == refusal), "{error}");
    };
    refused(refusing!("STREAM", "CANT_REACH_PEER"), SamRefusal::CantReachPeer, false);
    refused(refusing!("STREAM", "TIMEOUT"), SamRefusal::Timeout, false);
    refused(refusing!("STREAM", "INVALID_ID"), SamRefusal::InvalidId, true);
    refused(refusing!("STREAM", "I2P_ERROR"), SamRefusal::I2pError, true);
    refused(refusing!("STREAM", "WHATEVER"), SamRefusal::Unknown, true);
    refused(refusing!("NAMING", "KEY_NOT_FOUND"), SamRefusal::KeyNotFound, false);
}

/// A bridge that says half an answer to a command, and nothing more.
async fn half_answering(silent: &'static str) -> SamConfig {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = SamConfig { bridge: listener.local_addr().unwrap(), timeouts: HASTE };
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
                    let answer = honest(line.trim_end()).unwrap();
                    let half = line.starts_with(silent);
                    let said = if half { &answer[..5] } else { &answer[..] };
                    stream.write_all(said.as_bytes()).await.unwrap();
                    line.clear();
                }
            });
        }
    });
    config
}

#[tokio::test]
async fn who_is_slow_is_given_up_at_every_step() {
    let slow = async |silent| {
        let session = create(half_answering(silent).await, None).await;
        let error = match session {
            Ok(session) if silent == "STREAM ACCEPT" => session.accept().await.map(|_| ()),
            Ok(session) => session.connect(&name(2)).await.map(|_| ()),
            Err(error) => Err(error),
        };
        match error {
            Err(SamError::Fault(Fault::Slow(step))) => step,
            other => panic!("{other:?}"),
        }
    };
    let steps = tokio::join!(
        slow("HELLO"),
        slow("SESSION"),
        slow("NAMING"),
        slow("STREAM CONNECT"),
        slow("STREAM ACCEPT"),
    );
    let expected = (Step::Greet, Step::Session, Step::Lookup, Step::Reach, Step::Accept);
    assert_eq!(steps, expected);
}

#[tokio::test]
async fn the_end_of_a_session_is_noticed_and_pings_are_answered() {
    let (pinged, mut pongs) = mpsc::unbounded_channel();
    let bridge = serve(|stream| async move {
        let mut stream = BufReader::new(stream);
        for _ in 0..2 {
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            stream.write_all(honest(line.trim_end()).unwrap().as_bytes()).await.unwrap();
        }
        stream.write_all(b"PING 17\n").await.unwrap();
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        pinged.send(line).unwrap();
    })
    .await;
    let session = create(SamConfig { bridge, timeouts: PATIENCE }, None).await.unwrap();
    let ended = session.closed().await;
    assert!(matches!(ended, SamError::Fault(Fault::Closed(Step::Session))), "{ended}");
    assert_eq!(pongs.recv().await.unwrap(), "PONG 17\n");
}

#[tokio::test]
async fn a_session_that_ends_while_it_waits_for_peers_says_so() {
    let session = session(|command| match command.starts_with("STREAM ACCEPT") {
        true => Some(
            "STREAM STATUS RESULT=OK\nSTREAM STATUS RESULT=I2P_ERROR MESSAGE=\"gone\"\n".into(),
        ),
        false => honest(command),
    })
    .await
    .unwrap();
    let error = session.accept().await.unwrap_err();
    assert!(matches!(error, SamError::Refused(SamRefusal::I2pError)), "{error}");
}

#[test]
fn answers_are_words_and_pairs() {
    let reply = SamReply::parse(b"A B X=1 Y=\"two words\" Z Q=\"\\\"\" E=").unwrap();
    let get = |key| reply.get(key);
    assert_eq!((get("X"), get("Y"), get("Z")), (Some("1"), Some("two words"), Some("")));
    assert_eq!((get("Q"), get("E"), get("N")), (Some("\""), Some(""), None));
    for bad in ["", "A", "A B =1", "A B X=\"open", "A B X=\"a\"b", "A B X=1 X=2", "A B X=\"\\"] {
        assert!(matches!(SamReply::parse(bad.as_bytes()), Err(SamError::Malformed)), "{bad}");
    }
}
