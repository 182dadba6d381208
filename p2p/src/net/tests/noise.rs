//! Frames of white noise over real sockets: in time, or not at all.

use scape_aggregate::builder::AssumedTx;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use scape_pool::Instant;

use crate::net::clock::Clock;
use crate::secure::Policy;

use super::*;

fn noise_frame(first: u8) -> Bytes {
    let mut frame = vec![0; 3_072];
    frame[0] = first;
    frame.into()
}

async fn encrypted_pair(edit: impl Fn(&mut NetConfig)) -> (Node, PeerId, Node, PeerId) {
    let mut alice = Node::start(|config| {
        config.seed = [2; 32];
        edit(config);
    })
    .await;
    let mut bob = Node::start(&edit).await;
    alice.net.connect(bob.addr());
    let (to_bob, to_alice) = (alice.connected().await, bob.connected().await);
    (alice, to_bob, bob, to_alice)
}

#[tokio::test]
async fn a_frame_has_its_time_whatever_else_is_sent() {
    let (alice, to_bob, mut bob, to_alice) = encrypted_pair(|_| {}).await;
    // More than what is let through at once: the last take seconds.
    (0..100).for_each(|n| alice.net.send(to_bob, kernel(n)).unwrap());
    let clock = Clock::start();
    let wait = Duration::from_millis(500);
    alice.net.send_noise(to_bob, noise_frame(1), wait).unwrap();
    assert_eq!(alice.net.send_noise(to_bob, noise_frame(2), wait), Err(Refusal::Full));
    let mut before = 0;
    loop {
        match bob.next().await {
            NetEvent::Message { message: Message::TransactionKernel(_), .. } => before += 1,
            NetEvent::Frame { peer, frame } => {
                assert_eq!((peer, frame), (to_alice, noise_frame(1)));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(clock.now() >= Instant::ZERO + wait, "{:?}", clock.now());
    assert!(before < 100, "it waits for nothing");
    // And the other way, where nothing else is.
    let mut alice = alice;
    bob.net.send_noise(to_alice, noise_frame(3), Duration::ZERO).unwrap();
    let NetEvent::Frame { frame, .. } = alice.next().await else { panic!() };
    assert_eq!(frame, noise_frame(3));
}

#[tokio::test]
async fn frames_go_on_encrypted_links_only() {
    let (alice, to_bob, mut bob, _) = encrypted_pair(|c| c.encryption = Policy::Never).await;
    let plain = alice.net.send_noise(to_bob, noise_frame(1), Duration::ZERO);
    assert_eq!(plain, Err(Refusal::Plain));
    alice.net.disconnect(to_bob, None);
    bob.disconnected().await;
    let gone = alice.net.send_noise(PeerId(99), noise_frame(1), Duration::ZERO);
    assert_eq!(gone, Err(Refusal::Gone));
}

/// A frame that would be late shows that something was in its way.
#[tokio::test]
async fn a_full_socket_costs_the_link_and_not_the_time() {
    let main = Consensus::of(ChainType::Mainnet);
    let edit = |config: &mut NetConfig| {
        (config.consensus, config.genesis) = (main, main.chain.genesis());
        config.outbox.bytes = usize::MAX;
    };
    let mut alice = Node::start(|config| {
        edit(config);
        config.seed = [2; 32];
    })
    .await;
    // Whose owner takes no events reads no more than fits.
    let mut bob = Node::with_capacity(2, edit).await;
    alice.net.connect(bob.addr());
    let to_bob = alice.connected().await;
    bob.connected().await;
    let tx = AssumedTx::new().outputs(1_850).build(&mut ChaCha8Rng::from_seed([3; 32]), &main);
    let message = Message::StemTransaction(tx.unwrap().as_transaction().clone());
    (0..16).for_each(|_| alice.net.send(to_bob, message.clone()).unwrap());
    alice.net.send_noise(to_bob, noise_frame(1), Duration::from_secs(1)).unwrap();
    let (error, unsent) = alice.disconnected().await;
    assert!(matches!(error, Some(LinkError::LateFrame)), "{error:?}");
    assert!(!unsent.is_empty(), "what was not sent is not lost");
}
