use std::time::Duration;

use scape_p2p::dandelion::{ParamsError, Warning};

use super::*;

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
fn waiting_for_frames_is_part_of_the_warning() {
    let early = |text: &str| {
        let warnings = Config::from_toml(text).expect("valid").check().expect("valid").warnings;
        warnings.iter().any(|warning| matches!(warning, Warning::EarlyEmbargo { .. }))
    };
    let preset = "[dandelion]\npreset = \"dandelion++\"\n";
    assert!(!early(preset));
    assert!(early(&format!("{preset}[network]\nnoise = true")));
    // Where transactions meet at sinks embargoes are longer by the way there.
    let late = |text: &str| {
        let warnings = Config::from_toml(text).expect("valid").check().expect("valid").warnings;
        warnings.iter().any(|warning| matches!(warning, Warning::EarlyEmbargoAtSink { .. }))
    };
    assert!(!late("[network]\nnoise = true"));
    assert!(late("[dandelion]\nembargo_base_secs = 120\n[network]\nnoise = true"));
}
