//! A recorder on the wire between two nodes of ours: what it has of a link that carries payload in
//! every frame and of one that carries none, both over real sockets, side by side, with the
//! production schedule, encryption and writer. Frames come more often than in life.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]
#![expect(clippy::panic, reason = "likewise")]
#![expect(clippy::disallowed_methods, reason = "a recorder has the time of the wire")]

mod link;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant as Clock};

use bytes::Bytes;
use scape_p2p::net::NetEvent;
use scape_p2p::noise::{Channel, NoiseConfig, Reassembler, Ticket};
use scape_p2p::secure::RECORD_OVERHEAD;
use scape_pool::{Instant, Source};
use scape_tests::stats::{chi_square_uniform, two_sample_ks};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep_until;

use link::{next, node, settle};

const FRAMES: usize = 24;
const NOISE: NoiseConfig = NoiseConfig {
    interval: Duration::from_millis(200),
    spread: Duration::from_millis(100),
    lead: Duration::from_millis(100),
    ..NoiseConfig::DEFAULT
};
const WIRE: usize = NOISE.frame.bytes() + RECORD_OVERHEAD;
/// Sockets and keys differ from run to run, so chance has its part. It is left this much.
const IMPOSSIBLE: f64 = 1e-6;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sender {
    Silent,
    Talking,
    /// Sends a frame with payload as soon as it is made.
    Leaky,
}

/// What was written to the socket, and when.
type Tape = Arc<Mutex<Vec<(Clock, Vec<u8>)>>>;

struct Recording {
    /// How long after its time each frame was on the wire whole, in microseconds.
    late: Vec<i64>,
    /// How often each byte came in all frames.
    bytes: Vec<u64>,
    /// Bytes from the first frame on.
    total: usize,
    frames: usize,
    payload: usize,
}

/// Passes on everything between whoever comes and `to`; records what the first one says.
async fn recorder(to: SocketAddr) -> (SocketAddr, Tape) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (addr, tape) = (listener.local_addr().unwrap(), Tape::default());
    let recorded = Arc::clone(&tape);
    tokio::spawn(async move {
        let (inner, _) = listener.accept().await.unwrap();
        let outer = TcpStream::connect(to).await.unwrap();
        let ((mut from, mut back), (mut answers, mut on)) =
            (inner.into_split(), outer.into_split());
        tokio::spawn(async move { tokio::io::copy(&mut answers, &mut back).await });
        let mut chunk = vec![0; 1 << 16];
        while let Ok(read @ 1..) = from.read(&mut chunk).await {
            recorded.lock().unwrap().push((Clock::now(), chunk[..read].to_vec()));
            on.write_all(&chunk[..read]).await.unwrap();
        }
    });
    (addr, tape)
}

async fn record(sender: Sender, seed: u8) -> Recording {
    let (bob, mut to_bob) = node(true, seed).await;
    let (alice, mut to_alice) = node(false, seed + 1).await;
    let (addr, tape) = recorder(bob.local_addr().unwrap()).await;
    alice.connect(addr);
    let (peer, _) = tokio::join!(settle(&mut to_alice), settle(&mut to_bob));
    tape.lock().unwrap().clear();

    let begin = Clock::now();
    let mut channel = Channel::new(&NOISE.check().unwrap(), [seed; 32], Instant::ZERO);
    channel.attach(peer);
    let (mut plan, mut said, mut payload) = (Vec::new(), Vec::new(), 0);
    while plan.len() < FRAMES {
        let made = begin + Duration::from_micros(channel.poll_timeout().as_micros());
        sleep_until(made.into()).await;
        if sender != Sender::Silent && channel.held() == 0 {
            // Zeros, which would show if they were not encrypted; three frames of them.
            let message = Bytes::from(vec![said.len() as u8; 7_000]);
            channel.push(Source::Own, Ticket(said.len() as u64), message.clone()).unwrap();
            said.push(message);
        }
        let (held, now) =
            (channel.held(), Instant::from_micros(begin.elapsed().as_micros() as u64));
        // Nothing is made if this task woke up too late for it.
        let Some(due) = channel.handle_timeout(now) else { continue };
        let after = match sender {
            Sender::Leaky if held > 0 => Duration::ZERO,
            _ => due.at.saturating_since(now),
        };
        alice.send_noise(peer, due.frame.into(), after).unwrap();
        plan.push(due.at.as_micros());
        payload += usize::from(held > 0);
    }

    let (mut heard, mut reassembler) = (Vec::new(), Reassembler::new(NOISE.frame));
    for _ in 0..FRAMES {
        let NetEvent::Frame { frame, .. } = next(&mut to_bob).await else { panic!("no frame") };
        heard.extend(reassembler.handle_frame(&frame).unwrap());
    }
    assert_eq!(heard, said[..heard.len()]);
    assert_eq!(heard.len(), payload / 3);
    play_back(&tape.lock().unwrap(), begin, &plan, payload)
}

/// Cuts what was recorded into frames; each is there with its last byte.
fn play_back(tape: &[(Clock, Vec<u8>)], begin: Clock, plan: &[u64], payload: usize) -> Recording {
    let (mut bytes, mut total, mut late) = (vec![0; 256], 0, Vec::new());
    for (at, chunk) in tape {
        chunk.iter().for_each(|byte| bytes[usize::from(*byte)] += 1);
        total += chunk.len();
        while late.len() < total / WIRE {
            let at = at.saturating_duration_since(begin).as_micros() as i64;
            late.push(at - plan[late.len()] as i64);
        }
    }
    Recording { frames: late.len(), late, bytes, total, payload }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorder_on_the_wire_sees_no_payload() {
    let senders = [Sender::Silent, Sender::Talking, Sender::Leaky];
    let [silent, talking, leaky] = senders;
    let (silent, talking, leaky) =
        tokio::join!(record(silent, 10), record(talking, 20), record(leaky, 30));
    assert_eq!([silent.payload, talking.payload, leaky.payload], [0, FRAMES, FRAMES]);
    for recording in [&silent, &talking] {
        // All frames, and nothing else.
        assert_eq!((recording.frames, recording.total), (FRAMES, FRAMES * WIRE));
        assert!(recording.late.iter().all(|late| *late >= 0), "{:?}", recording.late);
        let chi_square = chi_square_uniform(&recording.bytes);
        assert!(chi_square.p > IMPOSSIBLE, "{chi_square:?}");
    }
    let ks = two_sample_ks(&mut silent.late.clone(), &mut talking.late.clone());
    println!("silent and talking: {ks:?}");
    assert!(ks.p > IMPOSSIBLE, "{ks:?}, {:?}, {:?}", silent.late, talking.late);
    // The recorder would notice one that leaks.
    assert!(leaky.late.iter().any(|late| *late < 0), "{:?}", leaky.late);
    let ks = two_sample_ks(&mut silent.late.clone(), &mut leaky.late.clone());
    println!("silent and leaky: {ks:?}");
    assert!(ks.p < IMPOSSIBLE, "{ks:?}, {:?}, {:?}", silent.late, leaky.late);
}
