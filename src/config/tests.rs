use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use scape_aggregate::ChainType;
use scape_p2p::addr::Network;
use scape_p2p::dandelion::{ParamsError, Preset, Warning};
use scape_p2p::net::transport::Isolation;
use scape_p2p::net::{NetConfig, Way};
use scape_p2p::zone::ZoneConfig;
use scape_pool::EmbargoDelay;

use super::*;

/// The message of the refusal.
#[track_caller]
fn refused(text: &str) -> String {
    Config::from_toml(text).expect_err("must be refused").to_string()
}

/// The documented file with all lines uncommented whose key passes.
fn uncommented(which: impl Fn(&Section, &Key) -> bool) -> String {
    let mut text = String::new();
    for section in &SECTIONS {
        text += &format!("[{}]\n", section.name);
        for key in section.keys.iter().filter(|key| which(section, key)) {
            text += &format!("{} = {}\n", key.name, key.toml());
        }
    }
    text
}

fn every_key() -> BTreeSet<String> {
    let path = |section: &Section, key: &Key| format!("{}.{}", section.name, key.name);
    SECTIONS.iter().flat_map(|s| s.keys.iter().map(move |key| path(s, key))).collect()
}

#[test]
fn the_documented_file_is_the_default() {
    let text = Config::documented();
    assert_eq!(Config::from_toml(&text).expect("valid"), Config::default());
    for path in every_key() {
        let key = path.split_once('.').expect("a section").1;
        assert!(text.contains(&format!("\n#{key} = ")), "{path} is missing");
        assert!(Config::listing().contains(&path), "{path} is missing in the listing");
    }
    assert!(text.lines().all(|line| line.len() <= 100), "{text}");
}

#[test]
fn the_defaults_of_the_table_are_those_of_the_structs() {
    let text = uncommented(|_, key| matches!(key.default, KeyDefault::Value(_)));
    assert_eq!(Config::from_toml(&text).expect("valid"), Config::default());
}

#[test]
fn an_uncommented_line_of_the_documented_file_is_valid() {
    let documented = Config::documented();
    let mut heading = "";
    for line in documented.lines() {
        if line.starts_with('[') {
            heading = line;
        }
        let Some(line) = line.strip_prefix('#') else { continue };
        let Some((key, _)) = line.split_once(" = ").filter(|(key, _)| !key.contains(' ')) else {
            continue;
        };
        let preset = if key == "embargo_mean_secs" { "preset = \"monero\"\n" } else { "" };
        let text = format!("{heading}\n{preset}{line}\n");
        Config::from_toml(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

#[test]
fn the_table_and_the_structs_have_the_same_keys() {
    let named = |json: serde_json::Value| -> BTreeSet<String> {
        let sections = json.as_object().expect("sections").clone();
        let keys = |(section, keys): (String, serde_json::Value)| {
            let keys = keys.as_object().expect("keys").clone();
            keys.into_iter().map(move |(key, _)| format!("{section}.{key}"))
        };
        sections.into_iter().flat_map(keys).collect()
    };
    // Every field is written, those without a value as null.
    let json = serde_json::to_value(Config::default()).expect("writable");
    assert_eq!(named(json), every_key());
}

#[test]
fn every_word_of_a_choice_is_read() {
    for section in &SECTIONS {
        for key in section.keys {
            for word in key.kind.words() {
                // The other keys of the embargo are not needed to read the word.
                let value = format!("\"{word}\"");
                let value = if key.kind.is_list() { format!("[{value}]") } else { value };
                let text = format!("[{}]\n{} = {value}", section.name, key.name);
                read::read(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            }
        }
    }
}

#[test]
fn the_examples_of_dandelion_are_the_default_preset() {
    let mean = |key: &Key| key.name == "embargo_mean_secs";
    let text = uncommented(|section, key| section.name == "dandelion" && !mean(key));
    let config = Config::from_toml(&text).expect("valid");
    assert_eq!(config.params().expect("complete"), Preset::Scape.params());
    assert!(config.dandelion.stem_probability.is_some(), "the examples are set");
}

#[test]
fn defaults_are_those_of_the_parts() {
    let config = Config::default();
    let consensus = config.consensus();
    let net = config.net_config([7; 32]);
    let grin = NetConfig::new(consensus, [7; 32]);
    assert_eq!(config.zone_config().expect("complete"), ZoneConfig::new(consensus));
    assert_eq!(config.book_config(), Default::default());
    assert_eq!(net.listen, Some("0.0.0.0:3417".parse().expect("address")));
    assert_eq!(format!("{:?}", NetConfig { listen: None, ..net }), format!("{grin:?}"));
}

#[test]
fn a_file_is_read() {
    let text = r#"
        [chain]
        type = "testnet"
        nrd = true
        [node]
        data_dir = "/var/lib/scape"
        [network]
        peers = ["192.0.2.1:13414", "[2001:db8::1]:13414"]
        whitelist = ["192.0.2.1"]
        ban_secs = 60
        [dandelion]
        preset = "grin-5"
        coin = "transaction"
        patience_secs = 2.5
        patience_mode = "every-hop"
        embargo_spread_secs = 60
        [pool]
        orphan_age_secs = 30
    "#;
    let config = Config::from_toml(text).expect("valid");
    let zone = config.zone_config().expect("complete");
    assert_eq!(zone.consensus.chain, ChainType::Testnet);
    assert!(zone.consensus.nrd);
    assert_eq!(zone.peers.fixed.len(), 2);
    assert_eq!(zone.peers.ban, Duration::from_secs(60));
    assert_eq!(zone.params.patience.interval, Duration::from_millis(2_500));
    assert_eq!(zone.capacity.orphan_age, Duration::from_secs(30));
    let (base, spread) = (Duration::from_secs(180), Duration::from_secs(60));
    assert_eq!(zone.params.embargo.delay, EmbargoDelay::Uniform { base, spread });
    assert_eq!(config.listen().expect("listens").port(), 13_417);
    assert_eq!(config.data_dir().expect("absolute"), Path::new("/var/lib/scape/testnet"));
}

#[test]
fn listening_can_be_set_and_switched_off() {
    let listen = |value: &str| {
        let text = format!("[network]\nlisten = \"{value}\"");
        Config::from_toml(&text).expect("valid").listen()
    };
    assert_eq!(listen("off"), None);
    assert_eq!(listen("127.0.0.1:0"), Some("127.0.0.1:0".parse().expect("address")));
    assert_eq!(listen("[::]:3414"), Some("[::]:3414".parse().expect("address")));
}

#[test]
fn private_addresses_belong_to_networks_of_ones_own() {
    let private = |text: &str| Config::from_toml(text).expect("valid").book_config().allow_private;
    assert!(!private(""));
    assert!(private("[chain]\ntype = \"usernet\""));
    assert!(!private("[chain]\ntype = \"usernet\"\n[network]\nallow_private = false"));
    assert!(private("[network]\nallow_private = true"));
}

#[test]
fn unknown_names_are_refused_with_what_may_have_been_meant() {
    assert_eq!(
        refused("[dandelion]\npatiense_secs = 5"),
        "line 2: unknown key `patiense_secs` in [dandelion]; did you mean `patience_secs`?"
    );
    assert_eq!(
        refused("[dandelion]\nlisten = \"off\""),
        "line 2: unknown key `listen` in [dandelion]; it belongs in [network]"
    );
    assert_eq!(refused("[pool]\nxyzzy = 1"), "line 2: unknown key `xyzzy` in [pool]");
    assert_eq!(
        refused("\n\n[dandelions]"),
        "line 3: unknown section [dandelions]; did you mean `dandelion`?"
    );
    assert_eq!(
        refused("patience_secs = 5"),
        "line 1: `patience_secs` is outside of a section; it belongs in [dandelion]"
    );
    assert_eq!(
        refused("chain = \"mainnet\""),
        "line 1: `chain` is text, but must be a section, [chain]"
    );
}

#[test]
fn the_first_mistake_is_told_first() {
    let text = "[pool]\nshares = 0\nbad = 1\n[chain]\nnrd = 3\n";
    assert_eq!(
        refused(text),
        "line 2: `pool.shares` is 0, but must be a whole number from 1 to 1000000"
    );
}

#[test]
fn what_is_there_twice_is_refused() {
    assert_eq!(refused("[pool]\nshares = 1\nshares = 2"), "line 3: `shares` is there twice");
    assert_eq!(refused("[pool]\n[log]\n[pool]"), "line 3: `pool` is there twice");
}

#[test]
fn what_is_not_toml_is_refused() {
    let error = Config::from_toml("[pool]\nshares 1").expect_err("must be refused");
    assert!(matches!(error, ConfigError::Syntax(_)), "{error:?}");
    assert!(error.to_string().contains("line 2"), "{error}");
}

#[test]
fn values_of_another_type_are_refused() {
    assert_eq!(
        refused("[chain]\nnrd = \"no\""),
        "line 2: `chain.nrd` is text, but must be true or false"
    );
    assert_eq!(
        refused("[network]\noutbound = 8.5"),
        "line 2: `network.outbound` is a number with a fraction, but must be a whole number \
         from 0 to 1000"
    );
    assert_eq!(
        refused("[network]\npeers = \"192.0.2.1:3414\""),
        "line 2: `network.peers` is text, but must be a list of addresses with ports, as \
         [\"192.0.2.1:3414\"]"
    );
    assert_eq!(
        refused("[network]\npeers = [\n  \"192.0.2.1:3414\",\n  3414,\n]"),
        "line 4: `network.peers` is a whole number, but must be a list of addresses with ports, \
         as [\"192.0.2.1:3414\"]"
    );
}

#[test]
fn values_that_are_not_allowed_are_refused() {
    assert_eq!(
        refused("[chain]\ntype = \"mainet\""),
        "line 2: `chain.type` is \"mainet\", but must be \"mainnet\", \"testnet\", \"usernet\" \
         or \"autotest\"; did you mean `mainnet`?"
    );
    for value in ["1.5", "-0.1", "nan", "inf", "2", "99999999999999999999"] {
        let text = format!("[dandelion]\nstem_probability = {value}");
        let message = format!(
            "line 2: `dandelion.stem_probability` is {value}, but must be a number from 0 to 1"
        );
        assert_eq!(refused(&text), message);
    }
    assert_eq!(
        refused("[dandelion]\nepoch_secs = 1e300"),
        "line 2: `dandelion.epoch_secs` is 1e300, but must be a number of seconds from 0.001 to \
         31536000"
    );
    assert_eq!(
        refused("[network]\npeers = [\"node.example:3414\"]"),
        "line 2: `network.peers` is \"node.example:3414\", but must be a list of addresses with \
         ports, as [\"192.0.2.1:3414\"]"
    );
    assert_eq!(
        refused("[log]\nfilter = \"info,scape=loud=\""),
        "line 2: `log.filter` is \"info,scape=loud=\", but must be levels of the log by \
         target, as \"info,scape=debug\""
    );
    assert!(refused("[log]\nfilter = \"[{peer=a|b|c}]=info\"").contains("levels of the log"));
    Config::from_toml("[log]\nfilter = \"warn,scape=debug,scape::node=trace\"").expect("valid");
    assert!(refused("[node]\nuser_agent = \"\"").contains("text of 1 to"));
}

#[test]
fn addresses_that_nobody_can_have_are_refused() {
    assert_eq!(
        refused("[network]\npeers = [\"192.0.2.1:0\"]"),
        "`network.peers` holds 192.0.2.1:0: port 0"
    );
    assert_eq!(
        refused("[network]\nseeds = [\"10.0.0.1:3414\"]"),
        "`network.seeds` holds 10.0.0.1:3414: not a public address"
    );
    assert_eq!(
        refused("[network]\nadvertise = \"0.0.0.0:3414\""),
        "`network.advertise` holds 0.0.0.0:3414: no host has this address"
    );
    Config::from_toml("[network]\npeers = [\"10.0.0.1:3414\"]").expect("a node of one's own");
}

#[test]
fn an_embargo_without_its_values_is_refused() {
    assert_eq!(
        refused("[dandelion]\npreset = \"monero\"\nembargo = \"uniform\"\nembargo_base_secs = 180"),
        "dandelion.embargo = \"uniform\" needs dandelion.embargo_spread_secs"
    );
    assert_eq!(
        refused("[dandelion]\npreset = \"grin-5\"\nembargo = \"exponential\""),
        "dandelion.embargo = \"exponential\" needs dandelion.embargo_mean_secs"
    );
    assert_eq!(
        refused("[dandelion]\npreset = \"monero\"\nembargo_base_secs = 180"),
        "dandelion.embargo_base_secs has no effect on an embargo that is \"exponential\"; set \
         dandelion.embargo = \"uniform\", or take it out"
    );
}

#[test]
fn sinks_can_be_switched_off_and_on_and_set() {
    let rendezvous = |text: &str| {
        let config = Config::from_toml(&format!("[dandelion]\n{text}")).expect("valid");
        config.params().expect("complete").rendezvous
    };
    let default = rendezvous("").expect("the default preset has sinks");
    assert_eq!(rendezvous("sinks = false"), None);
    assert_eq!(rendezvous("sinks = false\nsink_window_secs = 60"), None);
    assert_eq!(rendezvous("preset = \"monero\""), None);
    assert_eq!(rendezvous("preset = \"grin-5\"\nsinks = true"), Some(default));
    let set = "sink_window_secs = 60\nsink_spread_secs = 5\nsink_attempts = 2\nsink_forward = 0.25\n\
               sink_company = 4\nsink_least_known = 3";
    let set = rendezvous(set).expect("the default preset has sinks");
    let secs = Duration::from_secs;
    assert_eq!((set.pool.window, set.pool.spread), (secs(60), secs(5)));
    assert_eq!((set.pool.attempts, set.forward), (2, 0.25));
    assert_eq!((set.company, set.least_known), (4.0, 3));
}

#[test]
fn what_is_impossible_together_is_refused() {
    let text = "[dandelion]\nepoch_secs = 5\npatience_secs = 10";
    let error = Config::from_toml(text).expect_err("impossible");
    assert!(matches!(error, ConfigError::Params(ParamsError::EpochTooShort { .. })), "{error:?}");
    assert_eq!(
        error.to_string(),
        "[dandelion] cannot be: an epoch of 5s is shorter than a patience of 10s"
    );
}

#[test]
fn what_is_possible_is_explained() {
    let check = |text: &str| Config::from_toml(text).and_then(|c| c.check()).expect("possible");
    assert!(!check("[dandelion]\npreset = \"grin-doc\"").warnings.is_empty());
    assert!(check("[dandelion]\nstem_probability = 0.5").implied.stem_hops < 2.5);
}

#[test]
fn a_missing_file_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("scape.toml");
    let error = Config::load(&path).expect_err("not there");
    assert!(error.to_string().contains("scape.toml"), "{error}");
    fs::write(&path, Config::documented()).expect("written");
    assert_eq!(Config::load(&path).expect("valid"), Config::default());
}

/// Text that is nearly a configuration: keys of the table with values of all types.
fn nearly() -> impl Strategy<Value = String> {
    let all: Vec<(&str, &str, &str)> = SECTIONS
        .iter()
        .flat_map(|s| s.keys.iter().map(move |key| (s.name, key.name, key.toml())))
        .collect();
    let value = prop_oneof![
        Just("true".to_owned()),
        Just("[]".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| format!("{n:?}").to_lowercase()),
        (0u64..1 << 40).prop_map(|n| n.to_string()),
        "\"[a-z0-9.:=,]{0,20}\"",
        "\\PC{0,20}",
    ];
    let line = (proptest::sample::select(all), proptest::option::of(value)).prop_map(
        |((section, key, default), value)| {
            format!("{section}.{key} = {}\n", value.as_deref().unwrap_or(default))
        },
    );
    proptest::collection::vec(line, 0..6).prop_map(|lines| lines.concat())
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        let _ = Config::from_toml(&text);
    }

    #[test]
    fn whatever_is_accepted_can_be_used_and_written(text in nearly()) {
        if let Ok(config) = Config::from_toml(&text) {
            config.zone_config().expect("checked");
            config.check().expect("checked");
            let written = toml::to_string(&config).expect("writable");
            prop_assert_eq!(Config::from_toml(&written).expect("valid"), config);
        }
    }
}

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

#[test]
fn waiting_for_frames_is_part_of_the_warning() {
    let early = |text: &str| {
        let warnings = Config::from_toml(text).expect("valid").check().expect("valid").warnings;
        warnings.iter().any(|warning| matches!(warning, Warning::EarlyEmbargo { .. }))
    };
    let embargo = "[dandelion]\npreset = \"dandelion++\"\nembargo_mean_secs = 400\n";
    assert!(!early(embargo));
    assert!(early(&format!("{embargo}[network]\nnoise = true")));
    // Where transactions meet at sinks embargoes are longer by the way there.
    let late = |text: &str| {
        let warnings = Config::from_toml(text).expect("valid").check().expect("valid").warnings;
        warnings.iter().any(|warning| matches!(warning, Warning::EarlyEmbargoAtSink { .. }))
    };
    assert!(!late("[network]\nnoise = true"));
    assert!(late("[dandelion]\nembargo_base_secs = 120\n[network]\nnoise = true"));
}
