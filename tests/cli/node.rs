//! The commands that ask a running node.

use std::net::TcpListener;

use scape::aggregate::Transaction;
use scape::aggregate::builder::{Faucet, TxBuilder, seeded};
use scape::aggregate::{ChainType, Consensus, ProtocolVersion};
use scape::api::view::{PeerView, StatusView, TransactionView};
use serde_json::json;

use super::fake::{FakeNode, KERNELS, secret};
use super::{Home, Said, text};

/// Asks the fake node.
fn ask(home: &Home, node: &FakeNode, args: &[&str]) -> Said {
    let secret = secret(home);
    home.run(&[args, &["--api", &node.url, "--secret-file", text(&secret)]].concat())
}

fn payment() -> Transaction {
    let consensus = Consensus::of(ChainType::Mainnet);
    let coin = Faucet::new(1).coin(60_000_000_000);
    let built = TxBuilder::new().input(coin).split(1).build(&mut seeded(1, 0), &consensus);
    built.expect("a payment").tx
}

#[test]
fn the_status_is_told() {
    let (home, node) = (Home::new(), FakeNode::start());
    let out = ask(&home, &node, &["status"]).good();
    for part in [
        "mainnet at height 3,456,789",
        "Grin node http://127.0.0.1:3413, ready",
        "up for 1 d 2 h",
        "2 connections, 1,234 addresses known",
        "203.0.113.9:3414, for 8 min 20 s",
        "stem 3 (5 kernels), public 17 (40 kernels), 1 orphan",
        "3, the next ends in 1 min 5 s",
        "12 of 1, 3 of 2, 5 of 7",
        "4 by coin, 1 by embargo",
        "safe, 2 kept",
    ] {
        assert!(out.contains(part), "{part} is not in {out}");
    }
    let json = ask(&home, &node, &["status", "--json"]).json();
    let view: StatusView = serde_json::from_value(json).expect("a status");
    assert_eq!(view, super::view::status());
}

#[test]
fn peers_are_listed_and_cannot_paint_the_terminal() {
    let (home, node) = (Home::new(), FakeNode::start());
    let out = ask(&home, &node, &["peers"]).good();
    assert!(out.contains("203.0.113.9:3414  relay  outbound   encrypted   3,456,789"), "{out}");
    assert!(out.contains("gotcha") && !out.contains('\u{1b}'), "{out}");
    let json = ask(&home, &node, &["peers", "--json"]).json();
    assert_eq!(serde_json::from_value::<Vec<PeerView>>(json).expect("peers").len(), 2);
    let out = ask(&home, &node, &["peers", "--all"]).good();
    assert!(out.contains("192.0.2.66:3414   banned, 2 h left"), "{out}");
    let methods: Vec<_> = node.asked().into_iter().map(|(method, _)| method).collect();
    assert_eq!(methods, ["get_connected_peers", "get_connected_peers", "get_peers"]);
}

#[test]
fn peers_are_banned_and_unbanned() {
    let (home, node) = (Home::new(), FakeNode::start());
    let out = ask(&home, &node, &["peers", "ban", "192.0.2.1:3414"]).good();
    assert_eq!(out, "192.0.2.1 is banned\n");
    let out = ask(&home, &node, &["peers", "unban", "2001:db8::1"]).good();
    assert_eq!(out, "2001:db8::1 is not banned any more\n");
    let asked = node.asked();
    assert_eq!(asked[0], ("ban_peer".to_owned(), json!(["192.0.2.1"])));
    assert_eq!(asked[1], ("unban_peer".to_owned(), json!(["2001:db8::1"])));
    let err = ask(&home, &node, &["peers", "unban", "192.0.2.2"]).bad(4);
    assert!(err.contains("no ban of it"), "{err}");
    node.asked();
    ask(&home, &node, &["peers", "ban", "example.org"]).bad(2);
    assert_eq!(node.asked(), []);
}

#[test]
fn transactions_are_followed() {
    let (home, node) = (Home::new(), FakeNode::start());
    let out = ask(&home, &node, &["tx"]).good();
    assert!(out.contains("in stem     as one of 3, embargo 23 min 20 s"), "{out}");
    assert!(out.contains("mined       at height 3,456,780"), "{out}");
    assert!(out.contains("conflicted  by 0833083308330833…"), "{out}");
    let out = ask(&home, &node, &["tx", KERNELS[1]]).good();
    assert!(out.contains("state   mined, at height 3,456,780"), "{out}");
    let json = ask(&home, &node, &["tx", KERNELS[1], "--json"]).json();
    let view: TransactionView = serde_json::from_value(json).expect("a transaction");
    assert_eq!(view.kernels, [KERNELS[1]]);

    let unknown = "09".repeat(33);
    let err = ask(&home, &node, &["tx", &unknown]).bad(4);
    assert!(err.contains("knows no transaction") && err.contains("scape tx"), "{err}");
    let err = ask(&home, &node, &["tx", "0912"]).bad(2);
    assert!(err.contains("66 digits of hex"), "{err}");
}

#[test]
fn one_is_fluffed_on_demand() {
    let (home, node) = (Home::new(), FakeNode::start());
    assert_eq!(ask(&home, &node, &["fluff", KERNELS[0]]).good(), "fluffed\n");
    assert_eq!(node.asked(), [("fluff_transaction".to_owned(), json!([KERNELS[0]]))]);
    let err = ask(&home, &node, &["fluff", KERNELS[1]]).bad(4);
    assert!(err.contains("the node refuses: it is mined already"), "{err}");
}

#[test]
fn the_configuration_is_read_again() {
    let (home, node) = (Home::new(), FakeNode::start());
    let out = ask(&home, &node, &["reload"]).good();
    assert_eq!(out, "changed        dandelion.patience_secs\nneeds restart  nothing\n");
}

#[test]
fn json_and_hex_are_pushed_alike() {
    let (home, node) = (Home::new(), FakeNode::start());
    let tx = payment();
    let json = home.file("tx.json", &tx.to_json().to_string());
    let hex = hex::encode(tx.encode(ProtocolVersion::V3).expect("encoded"));
    let hex_file = home.file("tx.hex", &format!("0x{hex}\n"));
    let excess = tx.kernels()[0].excess().to_string();
    for file in [&json, &hex_file] {
        let out = ask(&home, &node, &["push", text(file)]).good();
        assert_eq!(out, format!("{excess}\n"));
        let asked = node.asked();
        assert_eq!(asked, [("push_transaction".to_owned(), json!([tx.to_json(), false]))]);
    }
    let secret = secret(&home);
    let args = ["push", "-", "--json", "--api", &node.url, "--secret-file", text(&secret)];
    let said = home.run_with_input(&args, &hex).json();
    assert_eq!(said, json!({ "kernels": [excess] }));
}

#[test]
fn what_a_node_has_against_a_push_is_told() {
    let (home, node) = (Home::new(), FakeNode::start());
    let file = home.file("tx.json", &payment().to_json().to_string());
    let err = ask(&home, &node, &["push", "--fluff", text(&file)]).bad(4);
    assert_eq!(err, "error: the node refuses: already in the\u{fffd}[31m pool\n");
    assert_eq!(node.asked()[0].1[1], true);
}

#[test]
fn what_is_no_transaction_is_not_sent() {
    let (home, node) = (Home::new(), FakeNode::start());
    let mut unsorted = payment().to_json();
    unsorted["body"]["outputs"][0]["features"] = "Coinbase".into();
    let broken = home.file("broken.json", &unsorted.to_string());
    let err = ask(&home, &node, &["push", text(&broken)]).bad(5);
    assert!(err.contains("no coinbase outputs") && err.contains("scape decode"), "{err}");
    let slate = home.file("slate", "BEGINSLATEPACK. 4H1qx1wHe668tFW yC2gfL8PPd8kSgv");
    let err = ask(&home, &node, &["push", text(&slate)]).bad(5);
    assert!(err.contains("finalize"), "{err}");
    let err = ask(&home, &node, &["push", "nowhere.json"]).bad(1);
    assert!(err.contains("cannot read nowhere.json"), "{err}");
    assert_eq!(node.asked(), []);
}

#[test]
fn a_node_that_is_not_there_is_told_apart() {
    let home = Home::new();
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    let url = format!("http://{gone}");
    let push = home.file("tx.json", &payment().to_json().to_string());
    for command in [
        &["status"][..],
        &["peers"],
        &["peers", "ban", "192.0.2.1:3414"],
        &["tx"],
        &["fluff", KERNELS[0]],
        &["reload"],
        &["push", text(&push)],
    ] {
        let err = home.run(&[command, &["--api", &url]].concat()).bad(3);
        assert!(err.contains(&format!("no node answers at {url} (Connection refused")), "{err}");
        assert!(err.contains("start one with `scape run`, or give --api"), "{err}");
    }
}

#[test]
fn a_wrong_password_is_told_from_a_missing_one() {
    let (home, node) = (Home::new(), FakeNode::start());
    let err = home.run(&["status", "--api", &node.url]).bad(4);
    let usual = home.path(".scape/mainnet/.owner_api_secret");
    assert!(err.contains("wants a password") && err.contains(text(&usual)), "{err}");
    let wrong = home.file("wrong", "abracadabra");
    let args = ["status", "--api", &node.url, "--secret-file", text(&wrong)];
    let err = home.run(&args).bad(4);
    assert!(err.contains("refuses the password in") && err.contains("wrong"), "{err}");
    let err = home.run(&["status", "--api", &node.url, "--secret-file", "nowhere"]).bad(1);
    assert!(err.contains("secret file nowhere"), "{err}");
    assert_eq!(node.asked(), []);
}

#[test]
fn the_node_is_where_the_configuration_says() {
    let (home, node) = (Home::new(), FakeNode::start());
    secret(&home);
    let addr = node.url.strip_prefix("http://").expect("a URL");
    let secret_file = text(&home.path("secret")).to_owned();
    let config = format!(
        "[api]\nowner = \"{addr}\"\nowner_secret_file = \"{secret_file}\"\n\
         foreign = \"127.0.0.1:0\"\n"
    );
    let path = home.file("scape.toml", &config);
    assert!(home.run(&["status", "--config", text(&path)]).good().contains("mainnet"));
    let tx = home.file("tx.json", &payment().to_json().to_string());
    let err = home.run(&["push", text(&tx), "--config", text(&path)]).bad(1);
    assert!(err.contains("api.foreign") && err.contains("--api"), "{err}");
}

#[test]
fn another_server_is_told_apart() {
    let (home, node) = (Home::new(), FakeNode::start());
    // The wallets' API has no such method; nor is there anything on another path.
    let secret = secret(&home);
    let err = home.run(&["status", "--api", "https://127.0.0.1:1"]).bad(2);
    assert!(err.contains("only http is spoken"), "{err}");
    let missing = scape::rpc::RpcError::Status(404).to_string();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a call");
        let mut request = [0; 4_096];
        let _ = std::io::Read::read(&mut stream, &mut request);
        let answer = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
        std::io::Write::write_all(&mut stream, answer).expect("written");
    });
    let err = home.run(&["status", "--api", &url, "--secret-file", text(&secret)]).bad(1);
    assert!(err.contains(&missing) && err.contains("the owner API of a Scape node?"), "{err}");
    server.join().expect("it answered");
    drop(node);
}
