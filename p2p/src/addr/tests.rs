//! Names, their checksums, and the message that carries them.

use proptest::prelude::*;

use super::*;
use crate::wire::Blame;

/// From Tor's `rend-spec-v3`, "Encoding onion addresses".
const ONIONS: [&str; 3] = [
    "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion",
    "sp3k262uwy4r2k3ycr5awluarykdpag6a7y33jxop4cs2lu5uz5sseqd.onion",
    "xa4r2iadxm55fbnqgwwi5mymqdcofiu3w6rpbtqn7b2dyn7mgwj64jyd.onion",
];

/// A hash that I2P's documentation of names uses.
const I2P: &str = "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p";

fn read(text: &str) -> Result<PeerAddr, AddrError> {
    text.parse()
}

#[test]
fn names_are_read_and_written_back() {
    for name in ONIONS.into_iter().chain([I2P, "192.0.2.1", "[2001:db8::1]"]) {
        let text = format!("{name}:3414");
        assert_eq!(read(&text).unwrap().to_string(), text);
        assert_eq!(read(&text.to_ascii_uppercase()).unwrap(), read(&text).unwrap());
    }
    assert_eq!(read(&format!("{I2P}:1")).unwrap().network(), Network::I2p);
    assert_eq!(read(&format!("{}:1", ONIONS[0])).unwrap().network(), Network::Tor);
    assert_eq!(read("192.0.2.1:80").unwrap().network(), Network::Clearnet);
    assert_eq!(read("[::ffff:192.0.2.1]:80"), read("192.0.2.1:80"));
}

#[test]
fn every_rule_has_its_error() {
    let cut = &ONIONS[0][1..];
    let not_base32 = ONIONS[0].replacen('p', "1", 1);
    let of_version_2 = ONIONS[0].replacen("yd.onion", "yc.onion", 1);
    let mistyped = ONIONS[0].replacen("pg6", "pg7", 1);
    let encrypted = format!("{}.b32.i2p", "a".repeat(56));
    // Four bits are left over in the last character, and have to be zero.
    let loose = I2P.replacen("kdq.b32", "kdr.b32", 1);
    for (host, error) in [
        (cut, AddrError::OnionLength(55)),
        ("facebookcorewwwi.onion", AddrError::OnionLength(16)),
        (".onion", AddrError::OnionLength(0)),
        (&not_base32, AddrError::OnionNotBase32),
        (&of_version_2, AddrError::OnionVersion(2)),
        (&mistyped, AddrError::OnionChecksum),
        ("stats.i2p", AddrError::I2pNotHash),
        ("aaaa.b32.i2p", AddrError::I2pLength(4)),
        (&encrypted, AddrError::I2pEncrypted(56)),
        (&loose, AddrError::I2pNotBase32),
        ("example.org", AddrError::UnknownHost),
        ("localhost", AddrError::UnknownHost),
        ("2001:db8::1", AddrError::UnknownHost),
        ("", AddrError::UnknownHost),
    ] {
        assert_eq!(read(&format!("{host}:3414")), Err(error), "{host}");
    }
    for (port, error) in [
        ("", AddrError::NoPort),
        (":", AddrError::BadPort),
        (":0", AddrError::ZeroPort),
        (":65536", AddrError::BadPort),
        (":+1", AddrError::BadPort),
        (":1x", AddrError::BadPort),
    ] {
        assert_eq!(read(&format!("{}{port}", ONIONS[0])), Err(error), "{port}");
    }
}

#[test]
fn every_mistyped_character_of_an_onion_name_is_noticed() {
    let name = ONIONS[1];
    for place in 0..56 {
        for letter in "abcdefghijklmnopqrstuvwxyz234567".chars() {
            let mut typed: Vec<char> = name.chars().collect();
            typed[place] = letter;
            let typed: String = typed.into_iter().collect();
            let read = read(&format!("{typed}:1"));
            // Two bytes of checksum miss one mistake in 65,536; none of these.
            assert_eq!(read.is_ok(), typed == name, "{typed}");
        }
    }
}

#[test]
fn a_destination_is_named_by_its_hash() {
    let addr = I2pAddr::of_destination(b"");
    let empty = "4oymiquy7qobjgx36tejs35zeqt24qpemsnzgtfeswmrw6csxbkq.b32.i2p";
    assert_eq!(addr.to_string(), empty);
    assert_eq!(empty.parse(), Ok(addr));
}

#[test]
fn groups_are_by_network() {
    let group = |text: &str| read(text).unwrap().group().to_string();
    assert_eq!(group("192.0.2.1:1"), "192.0.0.0/16");
    assert_eq!(group(&format!("{}:1", ONIONS[0])), "tor/7");
    assert_eq!(group(&format!("{I2P}:1")), "i2p/a");
    let groups: std::collections::BTreeSet<_> =
        (0..=255).map(|byte| PeerAddr::Onion(OnionAddr::from_key([byte; 32]), 1).group()).collect();
    assert_eq!(groups.len(), 16);
}

fn any_addr() -> impl Strategy<Value = PeerAddr> {
    let port = 1u16..;
    prop_oneof![
        (any::<[u8; 4]>(), port.clone())
            .prop_map(|(ip, port)| SocketAddr::new(ip.into(), port).into()),
        (any::<[u8; 16]>(), port.clone())
            .prop_map(|(ip, port)| SocketAddr::new(ip.into(), port).into()),
        (any::<[u8; 32]>(), port.clone())
            .prop_map(|(key, port)| PeerAddr::Onion(OnionAddr::from_key(key), port)),
        (any::<[u8; 32]>(), port)
            .prop_map(|(hash, port)| PeerAddr::I2p(I2pAddr::from_hash(hash), port)),
    ]
}

proptest! {
    #[test]
    fn any_address_survives_text_and_message(addrs in prop::collection::vec(any_addr(), 0..20)) {
        for addr in &addrs {
            prop_assert_eq!(read(&addr.to_string()), Ok(*addr));
        }
        let body = encode_addrs(&addrs).unwrap();
        prop_assert!(body.len() <= MAX_NAMES_BODY);
        prop_assert_eq!(decode_addrs(&body), Ok(addrs));
        for cut in 0..body.len() {
            prop_assert_eq!(decode_addrs(&body[..cut]), Err(NamesError::Truncated));
        }
    }

    #[test]
    fn bytes_of_strangers_do_no_harm(body in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(addrs) = decode_addrs(&body) {
            prop_assert!(addrs.len() <= MAX_NAMES);
            prop_assert_eq!(decode_addrs(&encode_addrs(&addrs).unwrap()), Ok(addrs));
        }
    }
}

#[test]
fn the_message_has_bounds() {
    let addr = read("192.0.2.1:1").unwrap();
    assert!(encode_addrs(&[addr; MAX_NAMES]).is_ok());
    assert_eq!(encode_addrs(&[addr; MAX_NAMES + 1]), Err(NamesError::TooMany(257)));
    assert_eq!(decode_addrs(&[1, 1]), Err(NamesError::TooMany(257)));
    assert_eq!(NamesError::TooMany(257).blame(), Blame::Misbehaved);
    let none = PeerAddr::Ip(([192, 0, 2, 1], 0).into());
    assert_eq!(encode_addrs(&[none]), Err(NamesError::ZeroPort));
}

#[test]
fn every_rule_of_the_message_has_its_error() {
    let wrong_length = [0, 1, 4, 31];
    assert_eq!(decode_addrs(&wrong_length), Err(NamesError::Length { network: 4, length: 31 }));
    assert_eq!(decode_addrs(&[0, 1, 99, 65]), Err(NamesError::Length { network: 99, length: 65 }));
    assert_eq!(decode_addrs(&[0, 1, 1, 4, 9, 9, 9, 9, 0, 0]), Err(NamesError::ZeroPort));
    assert_eq!(decode_addrs(&[0, 0, 7]), Err(NamesError::Trailing(1)));
    let mapped = [&[0, 1, 2, 16][..], &[0; 10], &[255, 255, 1, 2, 3, 4, 0, 1]].concat();
    assert_eq!(decode_addrs(&mapped), Err(NamesError::Mapped));
    assert_eq!(NamesError::Mapped.blame(), Blame::Malformed);
}

#[test]
fn unknown_networks_are_skipped() {
    let body = [0, 2, 99, 3, 1, 2, 3, 0, 0, 1, 4, 192, 0, 2, 1, 0, 80];
    assert_eq!(decode_addrs(&body), Ok(vec![read("192.0.2.1:80").unwrap()]));
}
