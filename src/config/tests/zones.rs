use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use scape_p2p::addr::Network;
use scape_p2p::dandelion::Preset;
use scape_p2p::net::Way;
use scape_p2p::net::transport::Isolation;
use scape_p2p::zone::ZoneConfig;

use super::*;

const ONION: &str = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:3414";

#[test]
fn zones_are_described_each_by_its_section() {
    let text = format!(
        "[tor]\nenabled = true\nlisten = \"127.0.0.1:3420\"\nname = \"{ONION}\"\n\
         preset = \"monero\"\noutbound = 3\n[node]\nuser_agent = \"mine\"\n\
         [i2p]\nenabled = true\nproxy = \"127.0.0.1:4447\""
    );
    let config = Config::from_toml(&text).expect("valid");
    assert_eq!(config.networks(), [Network::Clearnet, Network::Tor, Network::I2p]);
    assert_eq!(config.origin(), [Network::Tor, Network::I2p]);
    let setups = config.zone_setups(&mut ChaCha12Rng::seed_from_u64(1)).expect("valid");
    let [clearnet, tor, i2p] = setups.as_slice() else { panic!("{} zones", setups.len()) };
    assert_eq!(clearnet.net.way, Way::Direct);
    assert_eq!((clearnet.chain_lag, clearnet.zone.hand_over), (Duration::ZERO, None));
    assert_eq!(clearnet.net.user_agent, "mine");
    assert_eq!(tor.zone.params.embargo, Preset::Monero.params().embargo);
    assert!(tor.zone.params.own_always_stem);
    assert_eq!(
        (tor.zone.network, tor.net.network, tor.book.network),
        (Network::Tor, Network::Tor, Network::Tor)
    );
    assert_eq!(tor.zone.peers.own_name, Some(ONION.parse().expect("a name")));
    assert!(matches!(&tor.net.way, Way::Socks { isolation: Isolation::PerDial, .. }));
    assert!(matches!(&i2p.net.way, Way::Socks { isolation: Isolation::None, .. }));
    for hidden in [tor, i2p] {
        assert_eq!(hidden.zone.hand_over, Some(ZoneConfig::HAND_OVER));
        assert_eq!(hidden.net.user_agent, "MW/Scape", "not the owner's own");
        assert_ne!(hidden.seed, clearnet.seed);
        assert_ne!(hidden.net.seed, clearnet.net.seed);
        assert!(!hidden.chain_lag.is_zero());
    }
    let alone = Config::from_toml("[network]\nenabled = false\n[tor]\nenabled = true");
    let setups = alone.expect("valid").zone_setups(&mut ChaCha12Rng::seed_from_u64(1));
    let setups = setups.expect("valid");
    assert_eq!(setups.len(), 1);
    assert_eq!((setups[0].chain_lag, setups[0].zone.hand_over), (Duration::ZERO, None));
}

#[test]
fn zones_that_cannot_be_are_refused() {
    let tor = |more: &str| refused(&format!("[tor]\nenabled = true\n{more}"));
    assert!(refused("[network]\nenabled = false").contains("all zones are off"));
    assert!(refused("[node]\norigin = []").contains("node.origin is empty"));
    assert!(refused("[node]\norigin = [\"tor\"]").contains("node.origin names tor, which is off"));
    assert!(refused("[node]\norigin = [\"tot\"]").contains("did you mean `tor`"));
    assert!(tor("outbound = 0").contains("no outbound connections"));
    assert!(tor("listen = \"0.0.0.0:3420\"").contains("must be on loopback"));
    assert!(tor(&format!("name = \"{ONION}\"")).contains("set tor.listen"));
    assert!(tor("name = \"192.0.2.1:3414\"").contains("a name in .onion or .b32.i2p"));
    assert!(tor("peers = [\"example.org:1\"]").contains("a list of names"));
    let i2p = "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p:3414";
    assert!(tor(&format!("peers = [\"{i2p}\"]")).contains("a name of i2p"));
    let own = format!("name = \"{ONION}\"\nlisten = \"127.0.0.1:1\"\nseeds = [\"{ONION}\"]");
    assert!(tor(&own).contains("the node itself"));
    assert!(Config::from_toml("[tor]\nenabled = true\n[node]\norigin = [\"clearnet\"]").is_ok());
}

#[test]
fn noise_is_a_matter_of_each_zone() {
    let text = "[noise]\ninterval_secs = 20\n[tor]\nenabled = true\nnoise = true";
    let setups = Config::from_toml(text).expect("valid");
    let setups = setups.zone_setups(&mut ChaCha12Rng::seed_from_u64(1)).expect("valid");
    let intervals = setups.iter().map(|setup| Some(setup.zone.noise?.config().interval));
    assert_eq!(intervals.collect::<Vec<_>>(), [None, Some(Duration::from_secs(20))]);
}

#[test]
fn noise_that_hides_nothing_is_refused() {
    let plain = refused("[network]\nnoise = true\nencryption = \"off\"");
    assert!(plain.contains("network.noise needs encrypted links"), "{plain}");
    let three = refused("[network]\nnoise = true\n[dandelion]\nrelays = 3");
    assert!(three.contains("clearnet.noise reaches 2 relays, but there are to be 3"), "{three}");
    let often = refused("[noise]\ninterval_secs = 2");
    assert!(often.contains("`noise.interval_secs`"), "{often}");
    assert!(
        Config::from_toml("[dandelion]\nrelays = 3").is_ok(),
        "without noise there is no limit"
    );
}
