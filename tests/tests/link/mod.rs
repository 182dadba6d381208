//! A link of two nodes of ours on which nothing comes but what a test sends: with the production
//! encryption and writer, over real sockets.

use std::time::Duration;

use scape_aggregate::{ChainType, Consensus};
use scape_p2p::net::{Net, NetConfig, NetEvent};
use scape_p2p::peer::PeerId;
use scape_p2p::secure::Policy;
use scape_p2p::wire::Message;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);

/// One of the two.
pub(crate) async fn node(listens: bool, seed: u8) -> (Net, Receiver<NetEvent>) {
    let (sender, events) = channel(1_024);
    let consensus = Consensus::of(ChainType::AutomatedTesting);
    let mut config = NetConfig::new(consensus, [seed; 32]);
    config.listen = listens.then(|| "127.0.0.1:0".parse().unwrap());
    config.encryption = Policy::Required;
    // No ping after the first, and a machine that is busy with other things may be late.
    config.timeouts.ping = Duration::from_secs(3_600);
    config.timeouts.late = Duration::from_secs(10);
    (Net::start(config, sender).await.unwrap(), events)
}

pub(crate) async fn next(events: &mut Receiver<NetEvent>) -> NetEvent {
    timeout(PATIENCE, events.recv()).await.unwrap().unwrap()
}

/// Until the first ping of each side is answered: all that comes by itself.
pub(crate) async fn settle(events: &mut Receiver<NetEvent>) -> PeerId {
    let (mut id, mut pings, mut pongs) = (None, 0, 0);
    while id.is_none() || pings == 0 || pongs == 0 {
        match next(events).await {
            NetEvent::Connected { peer, info, .. } => {
                assert!(info.protection.is_encrypted());
                id = Some(peer);
            }
            NetEvent::Message { message: Message::Ping(_), .. } => pings += 1,
            NetEvent::Message { message: Message::Pong(_), .. } => pongs += 1,
            other => unreachable!("{other:?}"),
        }
    }
    id.unwrap()
}
