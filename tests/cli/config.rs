//! `scape config`, and where the configuration is looked for.

use scape::config::Config;

use super::{Home, Said, text};

#[test]
fn what_init_writes_is_the_default_and_is_not_overwritten() {
    let home = Home::new();
    let out = home.run(&["config", "init"]).good();
    let path = home.path(".scape/scape.toml");
    assert!(out.contains(text(&path)), "{out}");
    assert_eq!(Config::load(&path).expect("it can be used as it is"), Config::default());
    let err = home.run(&["config", "init"]).bad(1);
    assert!(err.contains("is not overwritten"), "{err}");

    let other = home.path("relay/scape.toml");
    home.run(&["config", "init", text(&other)]).good();
    assert_eq!(std::fs::read(other).expect("read"), std::fs::read(path).expect("read"));
}

#[test]
fn what_is_shown_is_a_file_that_says_the_same() {
    let home = Home::new();
    let shown = home.run(&["config", "show"]).good();
    assert_eq!(shown, Config::documented());
    let set = "[dandelion]\npreset = \"grin-doc\"\npatience_secs = 2.5\n\
               [network]\nlisten = \"off\"\npeers = [\"192.0.2.1:3414\"]\n[log]\njson = true\n";
    let path = home.file("relay.toml", set);
    let shown = home.run(&["config", "show", "--config", text(&path)]).good();
    let config = Config::load(&path).expect("valid");
    assert_eq!(Config::from_toml(&shown).expect("valid"), config);
    assert!(shown.contains("\npatience_secs = 2.5\n"), "{shown}");
    let json = home.run(&["config", "show", "--json", "--config", text(&path)]).json();
    assert_eq!(serde_json::from_value::<Config>(json).expect("a configuration"), config);
}

#[test]
fn the_configuration_is_that_of_the_arguments_or_the_usual_one() {
    let home = Home::new();
    let chain = |said: Said| {
        let out = said.good();
        let line = out.lines().find_map(|line| line.strip_prefix("chain"));
        line.expect("a chain").trim().to_owned()
    };
    assert_eq!(chain(home.run(&["config", "check"])), "mainnet");
    std::fs::create_dir(home.path(".scape")).expect("made");
    home.file(".scape/scape.toml", "[chain]\ntype = \"testnet\"\n");
    assert_eq!(chain(home.run(&["config", "check"])), "testnet");
    let other = home.file("other.toml", "[chain]\ntype = \"usernet\"\n");
    assert_eq!(chain(home.run(&["config", "check", "--config", text(&other)])), "usernet");
    let mut by_environment = home.command(&["config", "check"]);
    assert_eq!(chain(Said::of(by_environment.env("SCAPE_CONFIG", &other))), "usernet");
    let missing = home.run(&["config", "check", "--config", "nowhere.toml"]).bad(1);
    assert!(missing.contains("nowhere.toml") && missing.contains("No such file"), "{missing}");
}

#[test]
fn a_check_says_what_the_parameters_imply() {
    let home = Home::new();
    let path = home.file("relay.toml", "[dandelion]\npreset = \"grin-doc\"\n");
    let args = ["config", "check", "--config", text(&path)];
    let out = home.run(&args).good();
    assert!(out.contains("10 hops, 52 s"), "{out}");
    assert!(out.contains("warning: on "), "{out}");
    let json = home.run(&[&args[..], &["--json"]].concat()).json();
    assert_eq!((&json["preset"], &json["stem_secs"]), (&"grin-doc".into(), &51.75.into()));
    assert_eq!(json["warnings"].as_array().expect("a list").len(), 2);
}

#[test]
fn a_mistyped_key_is_refused_with_the_nearest_name() {
    let home = Home::new();
    let path = home.file("scape.toml", "[dandelion]\npatiense_secs = 5\n");
    for command in [&["run"][..], &["status"], &["config", "check"], &["config", "show"]] {
        let err = home.run(&[command, &["--config", text(&path)]].concat()).bad(1);
        assert!(err.contains("patiense_secs") && err.contains("patience_secs"), "{err}");
    }
}
