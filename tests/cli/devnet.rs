//! `scape devnet`.

use super::Home;

#[test]
fn a_development_network_mines_everything_once() {
    let args = ["devnet", "--relays", "4", "--transactions", "16", "--reorgs", "1", "--json"];
    let summary = Home::new().run(&args).json();
    assert_eq!((&summary["transactions"], &summary["mined_once"]), (&16.into(), &16.into()));
    assert!(summary["stem_messages"].as_u64() > Some(0), "{summary}");
    assert!(summary["cut_through_pairs"].as_u64() > Some(0), "{summary}");
}

#[test]
fn each_preset_merges_where_it_says() {
    // Whether it merges on the stem, and whether before it fluffs.
    let presets = [
        ("grin-doc", true, true),
        ("grin-5", false, true),
        ("dandelion++", false, false),
        ("monero", false, false),
    ];
    let run = |preset| {
        let args = ["devnet", "--relays", "4", "--transactions", "16", "--seed", "3", "--json"];
        Home::new().run(&[&args[..], &["--preset", preset]].concat()).json()
    };
    // They spend their time waiting for timers.
    std::thread::scope(|scope| {
        for (preset, on_stem, at_fluff) in presets {
            scope.spawn(move || {
                let summary = run(preset);
                assert_eq!(summary["mined_once"], 16, "{preset}: {summary}");
                let merged = summary["stem_hops"].as_u64() > summary["stem_messages"].as_u64();
                assert_eq!(merged, on_stem, "{preset}: {summary}");
                let merged = summary["aggregates"] != serde_json::json!({ "1": 16 });
                assert_eq!(merged, at_fluff, "{preset}: {summary}");
            });
        }
    });
}

#[test]
fn too_few_relays_are_an_error() {
    let err = Home::new().run(&["devnet", "--relays", "1"]).bad(1);
    assert!(err.contains("at least 2 relays"), "{err}");
}

#[test]
fn an_unknown_preset_names_those_that_exist() {
    let err = Home::new().run(&["devnet", "--preset", "grin"]).bad(2);
    assert!(err.contains("grin-doc, grin-5, dandelion++, monero, scape"), "{err}");
}
