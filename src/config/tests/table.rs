use std::collections::BTreeSet;

use scape_p2p::dandelion::Preset;
use scape_p2p::net::NetConfig;
use scape_p2p::zone::ZoneConfig;

use super::*;

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
