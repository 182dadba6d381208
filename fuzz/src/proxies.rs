//! What proxies and bridges answer.

use scape_aggregate::builder::seeded;
use scape_p2p::addr::{I2pAddr, PeerAddr};
use scape_p2p::net::transport::{
    Credentials, DialTimeouts, MAX_LINE, SamClient, SamError, SamReply, negotiate,
};
use tokio::io::join;

use crate::seeds::Seed;

const NAME: I2pAddr = I2pAddr::from_hash([7; 32]);

fn run<T>(work: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime without sockets");
    }
    RUNTIME.with(|runtime| runtime.block_on(work))
}

/// `[how] [answers]`: the proxy says `answers`, all at once. A stream comes of it exactly if they
/// are what RFC 1928 and 1929 want, and not a byte is read beyond them.
pub fn socks(data: &[u8]) {
    let Some((&how, answers)) = data.split_first() else { return };
    let addr = match how >> 1 & 3 {
        0 => PeerAddr::Ip(([192, 0, 2, 1], 3_414).into()),
        1 => PeerAddr::Ip(([9; 16], 3_414).into()),
        2 => PeerAddr::I2p(NAME, 3_414),
        _ => PeerAddr::Onion(scape_p2p::addr::OnionAddr::from_key([7; 32]), 3_414),
    };
    let credentials = (how & 1 == 1).then(|| Credentials::draw(&mut seeded(1, 0)));
    let mut stream = join(answers, Vec::new());
    let timeouts = DialTimeouts::default();
    let outcome = run(negotiate(&mut stream, &addr, credentials.as_ref(), &timeouts));
    let (left, asked) = stream.into_inner();
    assert_eq!(asked[..3], [5, 1, if how & 1 == 1 { 2 } else { 0 }]);
    match (outcome, expected(answers, how & 1 == 1)) {
        (Ok(()), Some(read)) => {
            assert_eq!(left, &answers[read..]);
            assert_eq!(asked[asked.len() - 2..], 3_414u16.to_be_bytes());
        }
        (Err(_), None) => {}
        (outcome, expected) => panic!("{outcome:?} where {expected:?} was due"),
    }
}

/// How long good answers are.
fn expected(answers: &[u8], password: bool) -> Option<usize> {
    let greeting: &[u8] = if password { &[5, 2, 1, 0] } else { &[5, 0] };
    let reply = answers.strip_prefix(greeting)?.strip_prefix(&[5, 0, 0])?;
    let (kind, address) = reply.split_first()?;
    let length = match kind {
        1 => 4,
        4 => 16,
        3 => usize::from(*address.first()?) + 1,
        _ => return None,
    };
    let read = greeting.len() + 4 + length + 2;
    (answers.len() >= read).then_some(read)
}

/// `[what] [answers]`: a bridge says `answers`, all at once, to a greeting and to one question.
/// What is taken for a stream begins right behind its line, and a name is that of its destination.
pub fn sam(data: &[u8]) {
    let Some((&what, answers)) = data.split_first() else { return };
    let _ = SamReply::parse(answers);
    let (left, lines) = match run(ask(what, answers)) {
        Ok(done) => done,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let Some(left) = left else { return };
    let read = answers.len() - left;
    let ends = answers[..read].iter().filter(|byte| **byte == b'\n').count();
    assert_eq!((ends, answers[..read].last()), (lines, Some(&b'\n')));
    assert!(read <= lines * (MAX_LINE + 1));
}

/// How much is left for the stream, if it is one, and how many lines came before it.
async fn ask(what: u8, answers: &[u8]) -> Result<(Option<usize>, usize), SamError> {
    let stream = join(answers, Vec::new());
    let mut client = SamClient::hello(stream, DialTimeouts::default()).await?;
    match what & 3 {
        0 => client.create_session("id", "TRANSIENT").await.map(|_| (None, 2)),
        1 => client.lookup(&NAME).await.map(|_| panic!("a destination with a hash of sevens")),
        2 => client.connect("id", "AAAA").await.map(|s| (Some(s.into_inner().0.len()), 2)),
        _ => client.accept("id").await.map(|(s, _)| (Some(s.into_inner().0.len()), 3)),
    }
}

pub(crate) fn seeds(seeds: &mut Vec<Seed>) {
    for how in 0..8 {
        let greeting: &[u8] = if how & 1 == 1 { &[5, 2, 1, 0] } else { &[5, 0] };
        for reply in [
            &b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50hello"[..],
            b"\x05\x00\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x50hello",
            b"\x05\x00\x00\x03\x04name\x00\x50hello",
            b"\x05\xf0\x00\x01\x00\x00\x00\x00\x00\x00",
        ] {
            seeds.push(("socks", [&[how], greeting, reply].concat()));
        }
    }
    seeds.push(("socks", b"\x01\x05\xff".to_vec()));
    let hello = "HELLO REPLY RESULT=OK VERSION=3.1\n";
    // 391 bytes of zeros but for the certificate, in I2P's base64.
    let destination = format!("{}BQAEAAAAAA==", "A".repeat(512));
    for (what, answer) in [
        (0, format!("SESSION STATUS RESULT=OK DESTINATION={destination}\n")),
        (0, "SESSION STATUS RESULT=DUPLICATED_ID\n".into()),
        (1, format!("NAMING REPLY RESULT=OK NAME=x VALUE={destination}\n")),
        (1, "NAMING REPLY RESULT=KEY_NOT_FOUND NAME=x\n".into()),
        (2, "STREAM STATUS RESULT=OK\nhello".into()),
        (2, "STREAM STATUS RESULT=CANT_REACH_PEER MESSAGE=\"so it \\\"is\\\"\"\n".into()),
        (3, format!("STREAM STATUS RESULT=OK\n{destination} FROM_PORT=0 TO_PORT=0\nhello")),
        (3, "STREAM STATUS RESULT=OK\nSTREAM STATUS RESULT=I2P_ERROR\n".into()),
    ] {
        seeds.push(("sam", [&[what], format!("{hello}{answer}").as_bytes()].concat()));
    }
    seeds.push(("sam", b"\x00HELLO REPLY RESULT=NOVERSION\n".to_vec()));
}
