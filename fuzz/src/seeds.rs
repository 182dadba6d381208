//! Real messages to start from.

use std::net::SocketAddr;

use rand::Rng;
use scape::config::{Config, SECTIONS};
use scape_aggregate::builder::{Built, Coin, Damage, Recipe, TxBuilder, corpus, seeded};
use scape_aggregate::{Consensus, Hash, NrdRelativeHeight, ProtocolVersion, Transaction};
use scape_p2p::handshake::{Local, hand};
use scape_p2p::peer::Capabilities;
use scape_p2p::wire::{BanReason, Message, Shake, Tip};

use crate::chain::{BEGIN, COINS};
use crate::{SMALL, VERSIONS, noise, proxies};

/// The name of a target and an input for it.
pub(crate) type Seed = (&'static str, Vec<u8>);

/// All seeds of all targets; the same ones every time.
pub fn all() -> Vec<Seed> {
    let built = corpus(1, 10, &Recipe::variety(&SMALL), &SMALL).expect("buildable");
    let txs: Vec<Transaction> = built.into_iter().map(|Built { tx, .. }| tx).collect();
    let mut seeds = Vec::new();
    transactions(&txs, &mut seeds);
    streams(&txs, &mut seeds);
    relayed(&families(), &mut seeds);
    configurations(&mut seeds);
    stories(&mut seeds);
    noise::seeds(&mut seeds);
    proxies::seeds(&mut seeds);
    let mut random = seeded(3, 0);
    for length in [0, 16, 64, 256, 256, 1_024, 1_024, 1_024] {
        let mut bytes = vec![0; length];
        random.fill_bytes(&mut bytes);
        seeds.push(("aggregate_ops", bytes.clone()));
        seeds.push(("tx_decode_diff", [&[0x80 | length as u8 >> 4 | 0x18], &bytes[..]].concat()));
    }
    seeds
}

fn frame(message: &Message) -> Vec<u8> {
    message.encode(ProtocolVersion::LOCAL, SMALL.chain.magic()).expect("writable").to_vec()
}

/// The first byte of inputs for [`crate::transaction`]: the small chain and this version.
fn head(version: ProtocolVersion, consensus: &Consensus) -> u8 {
    let index = VERSIONS.iter().position(|known| *known == version).unwrap_or_default();
    0x18 | u8::from(consensus.nrd) << 2 | index as u8
}

fn transactions(txs: &[Transaction], seeds: &mut Vec<Seed>) {
    let rng = &mut seeded(2, 0);
    for consensus in [SMALL, Consensus::of(SMALL.chain)] {
        for (tx, version) in txs.iter().flat_map(|tx| VERSIONS.map(|version| (tx, version))) {
            if let Ok(bytes) = tx.encode(version) {
                let head = head(version, &consensus);
                seeds.push(("tx_decode_diff", [&[head], &bytes[..]].concat()));
            }
        }
        for tx in txs {
            let head = head(ProtocolVersion::LOCAL, &consensus);
            let json = tx.to_json().to_string().into_bytes();
            seeds.push(("tx_json", [&[head], &json[..]].concat()));
        }
        for (damage, version) in Damage::ALL.into_iter().flat_map(|d| VERSIONS.map(|v| (d, v))) {
            if let Ok(bytes) = damage.apply(&txs[0], version, &consensus, rng) {
                let head = head(version, &consensus);
                seeds.push(("tx_decode_diff", [&[head], &bytes[..]].concat()));
            }
        }
    }
}

fn streams(txs: &[Transaction], seeds: &mut Vec<Seed>) {
    let addr: SocketAddr = ([192, 0, 2, 7], 3_414).into();
    let local = Local {
        genesis: SMALL.chain.genesis(),
        capabilities: Capabilities::RELAY,
        user_agent: "MW/Grin 5.5.2".into(),
        listen: addr,
        total_difficulty: 9,
    };
    let shake = Message::Shake(Shake {
        version: ProtocolVersion::LOCAL,
        capabilities: local.capabilities,
        total_difficulty: local.total_difficulty,
        user_agent: local.user_agent.clone(),
        genesis: local.genesis,
    });
    let tip = Tip { total_difficulty: 1_000, height: 1_000 };
    let kernel = *txs[0].kernels()[0].hash();
    let mut messages = vec![
        Message::Ping(tip),
        Message::Pong(tip),
        Message::GetPeerAddrs(Capabilities::RELAY),
        Message::PeerAddrs(vec![addr, "[2001:db8::7]:3414".parse().expect("an address")]),
        Message::TransactionKernel(Hash([5; 32])),
        Message::TransactionKernel(kernel),
        Message::GetTransaction(kernel),
        Message::BanReason(BanReason(2)),
    ];
    messages.extend(txs.iter().cloned().map(Message::StemTransaction));
    messages.extend(txs.iter().cloned().map(Message::Transaction));
    for nonce in [1, 77] {
        let hand = frame(&Message::Hand(hand(&local, nonce, addr)));
        let then = frame(&messages[0]);
        seeds.push(("handshake", [&[0], &hand[..], &then].concat()));
        seeds.push(("wire_stream", [&[3, 3, 1, 20, 100], &hand[..], &then].concat()));
    }
    seeds.push(("handshake", [&[1], &frame(&shake)[..]].concat()));
    seeds.push(("wire_stream", [&[7, 1, 11], &frame(&shake)[..]].concat()));
    for message in &messages {
        let frame = frame(message);
        seeds.push(("wire_stream", [&[11, 2, 5, 9], &frame[..], &frame].concat()));
        seeds.push(("stem_message", [&[3, 0x0a], &frame[..], &[0x4b], &frame].concat()));
    }
}

/// Transactions that spend the coins of the chain and of each other, some of them twice.
fn families() -> Vec<Transaction> {
    let rng = &mut seeded(4, 0);
    let mut build = |tx: TxBuilder| tx.build(rng, &SMALL).expect("buildable");
    let spend = |coin: &Coin| TxBuilder::new().input(*coin);
    let parent = build(spend(&COINS[0]).split(2));
    let child = build(spend(&parent.coins[0]).split(1));
    let uncle = build(spend(&parent.coins[1]).input(COINS[1]).split(2));
    let grandchild = build(TxBuilder::new().inputs([child.coins[0], uncle.coins[0]]).split(1));
    let rival = build(spend(&COINS[0]).split(1));
    let locked = build(spend(&COINS[2]).height_locked(BEGIN + 3).split(1));
    let nrd = build(spend(&COINS[3]).nrd(NrdRelativeHeight::new(12).expect("in range")).split(1));
    let shifted = build(spend(&COINS[4]).fee_shift(2).split(1));
    let immature = build(spend(&COINS[16]).split(1));
    let others = COINS[5..9].iter().map(|coin| build(spend(coin).split(1))).collect::<Vec<_>>();
    let all = [parent, child, uncle, grandchild, rival, locked, nrd, shifted, immature];
    all.into_iter().chain(others).map(|built| built.tx).collect()
}

/// Transactions come in this order and that, from one peer and from all, slowly and at once,
/// between what else happens.
fn relayed(txs: &[Transaction], seeds: &mut Vec<Seed>) {
    let stem = |tx: &Transaction| frame(&Message::StemTransaction(tx.clone()));
    let public = |tx: &Transaction| frame(&Message::Transaction(tx.clone()));
    let happens = |kind: u8| [&SMALL.chain.magic()[..], &[kind], &[0; 8]].concat();
    let orders: [&[usize]; 6] = [
        &[0, 1, 2, 3],
        &[3, 2, 1, 0],
        &[4, 0, 1],
        &[5, 6, 7, 8],
        &[9, 10, 11, 12],
        &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
    ];
    for (order, operation) in orders.into_iter().flat_map(|o| [0x08, 0x38, 0xf9].map(|op| (o, op)))
    {
        for kind in 99..107 {
            let mut said = vec![3];
            for (place, index) in order.iter().enumerate() {
                let from = operation + (place as u8 & 2);
                said.extend([&[from], &stem(&txs[*index])[..]].concat());
                if place % 2 == 1 {
                    said.extend([&[from], &happens(kind)[..]].concat());
                }
            }
            said.extend([&[operation], &public(&txs[order[0]])[..]].concat());
            for kind in [102, kind, 104] {
                said.extend([&[operation], &happens(kind)[..]].concat());
            }
            seeds.push(("stem_message", said));
        }
    }
}

fn configurations(seeds: &mut Vec<Seed>) {
    seeds.push(("config", Config::documented().into_bytes()));
    for section in &SECTIONS {
        let keys = section.keys.iter().map(|key| format!("{} = {}\n", key.name, key.toml()));
        let text = format!("[{}]\n{}", section.name, keys.collect::<String>());
        seeds.push(("config", text.into_bytes()));
    }
    let wrong = "[dandelion]\npatiense_secs = 1e400\nembargo = 'uniform'\n[pool]\nshares = -0x1\n";
    seeds.push(("config", wrong.as_bytes().to_vec()));
    // Patterns of this kind took minutes to compile, before they were refused.
    let pattern = format!("[log]\nfilter = \"a[{{b = {}}}]\"\n", "l|.L".repeat(50));
    seeds.push(("config", pattern.into_bytes()));
}

/// Stories of a pool, each in all setups: the first byte of an operation says what happens
/// (0 to 6: something new comes, 7: something again, 9: merged, 11: time passes, 15: a block,
/// 17: a reorg, 18: other routes, 19: something was not delivered).
fn stories(seeds: &mut Vec<Seed>) {
    let family = [[0, 1, 0, 0], [0, 1, 2, 0], [0, 2, 2, 0], [0, 3, 4, 0x10]];
    let fluffed = [[0, 20, 0, 0], [0, 20, 2, 0], [15, 0, 0xff, 0]];
    let passing = [[11, 6, 0, 0], [11, 31, 0, 0], [11, 31, 0, 0]];
    let back = [[9, 2, 0b0111, 0], [7, 3, 1, 0], [7, 4, 0, 0]];
    let rival = [[0, 20, 6, 1], [0, 4, 6, 2]];
    let chain = [[15, 1, 0b0101, 0], [17, 3, 0b0110, 0], [17, 0, 0, 0]];
    let ways = [[18, 0xff, 0, 0], [18, 0, 0x3f, 0], [19, 0, 0, 0]];
    let told: [&[&[[u8; 4]]]; 7] = [
        &[&family, &passing],
        &[&family, &back, &passing],
        &[&family, &passing[..1], &back, &ways, &passing],
        &[&family, &rival, &chain],
        &[&fluffed, &family, &chain, &passing],
        &[&family, &passing, &chain, &rival, &passing],
        &[&ways[1..], &family, &passing[..1], &ways, &fluffed, &back, &chain],
    ];
    for (story, setup) in told.into_iter().flat_map(|story| (0..32).map(move |s| (story, s))) {
        let ops = story.concat().concat();
        seeds.push(("pool_ops", [&[setup], &ops[..]].concat()));
    }
    let mut noise = seeded(5, 0);
    for setup in 0..32 {
        let mut bytes = vec![0; 1 + 4 * 96];
        noise.fill_bytes(&mut bytes);
        bytes[0] = setup;
        seeds.push(("pool_ops", bytes));
    }
}
