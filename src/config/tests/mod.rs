mod dandelion;
mod table;
mod zones;

use std::time::Duration;

use proptest::prelude::*;
use scape_aggregate::ChainType;
use scape_pool::EmbargoDelay;

use super::*;

/// The message of the refusal.
#[track_caller]
fn refused(text: &str) -> String {
    Config::from_toml(text).expect_err("must be refused").to_string()
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
