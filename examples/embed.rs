//! A host with a network and a chain of its own embeds a relay: it feeds in what happens, and
//! carries out the effects that come back. Run with `cargo run --example embed`.

use std::num::NonZeroUsize;

use anyhow::Result;
use scape::aggregate::builder::{Faucet, TxBuilder, seeded};
use scape::aggregate::{ChainType, Consensus, ProtocolVersion, Verifier};
use scape::chain::DevLedger;
use scape::p2p::addr::PeerAddr;
use scape::p2p::book::{Book, BookConfig, UnixTime};
use scape::p2p::dandelion::Preset;
use scape::p2p::handshake::PeerInfo;
use scape::p2p::peer::{Capabilities, Direction};
use scape::p2p::secure::Protection;
use scape::p2p::zone::{Effect, Zone, ZoneConfig, ZoneContext};
use scape::pool::{Instant, PeerId};

fn main() -> Result<()> {
    // The host's chain; a real one implements `ChainView` over its own store.
    let consensus = Consensus::of(ChainType::Testnet);
    let coins = Faucet::new(1).coins(3, 60_000_000_000);
    let mut chain =
        DevLedger::new(consensus, coins.iter().map(|coin| (coin.commitment(), coin.features())));

    let book = Book::new(BookConfig::default());
    let params = Preset::GrinDoc.params();
    let config = ZoneConfig { params, ..ZoneConfig::new(consensus) };
    let mut zone = Zone::new(config, book, [7; 32], Instant::ZERO);
    let verifier = Verifier::new(NonZeroUsize::MIN.saturating_add(9_999));
    let mut now = Instant::ZERO;

    // The host's network has connected to a peer, which becomes the relay.
    let addr: PeerAddr = "203.0.113.7:13414".parse()?;
    let info = PeerInfo {
        version: ProtocolVersion::LOCAL,
        capabilities: Capabilities::RELAY,
        user_agent: "peer".to_owned(),
        total_difficulty: 1,
        listen: Some(addr),
        protection: Protection::default(),
    };
    let ctx = ZoneContext { now, unix: UnixTime(0), chain: &chain };
    zone.handle_connected(PeerId(1), Some(addr), Direction::Outbound, info, &ctx);

    // Three payments of the owner.
    for (index, coin) in coins.into_iter().enumerate() {
        let payment = TxBuilder::new().input(coin).split(2);
        zone.push(payment.build(&mut seeded(1, index as u64), &consensus)?.tx, false);
    }

    // Virtual time: go from timer to timer, and let the host mine now and then.
    for round in 0..200u64 {
        while let Some(effect) = zone.poll_effect() {
            let ctx = ZoneContext { now, unix: UnixTime(0), chain: &chain };
            match effect {
                Effect::Verify { ticket, tx, .. } => {
                    zone.handle_verified(ticket, verifier.verify(tx), &ctx);
                }
                Effect::Send { peer, message } => println!("to {peer}: type {}", message.kind()),
                Effect::Notice(notice) => {
                    println!("{:>5} s: {notice:?}", now.as_micros() / 1_000_000)
                }
                other => println!("to do: {other:?}"),
            }
        }
        now = zone.poll_timeout().max(now);
        zone.handle_timeout(&ZoneContext { now, unix: UnixTime(0), chain: &chain });
        if round % 10 == 9 {
            let update = chain.accept(chain.propose(zone.pool().public(), round))?;
            zone.handle_chain(&update, &ZoneContext { now, unix: UnixTime(0), chain: &chain });
        }
    }
    println!("{} of 3 payments are mined", chain.kernel_count());
    anyhow::ensure!(chain.kernel_count() == 3);
    Ok(())
}
