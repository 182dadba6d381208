//! The command line, as a user sees it: the real binary.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};

fn scape(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scape"));
    command.args(args).env_remove("RUST_LOG").env("NO_COLOR", "1");
    command
}

fn output(args: &[&str]) -> (Output, String, String) {
    let output = scape(args).output().expect("the binary runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    (output, out, err)
}

#[test]
fn a_development_network_mines_everything_once() {
    let args = ["devnet", "--relays", "4", "--transactions", "16", "--reorgs", "1", "--json"];
    let (output, out, err) = output(&args);
    assert!(output.status.success(), "{out}{err}");
    let summary: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((&summary["transactions"], &summary["mined_once"]), (&16.into(), &16.into()));
    assert!(summary["stem_messages"].as_u64() > Some(0), "{out}");
    assert!(summary["cut_through_pairs"].as_u64() > Some(0), "{out}");
}

#[test]
fn too_few_relays_are_an_error() {
    let (output, _, err) = output(&["devnet", "--relays", "1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err.contains("at least 2 relays"), "{err}");
}

#[test]
fn an_unknown_preset_names_those_that_exist() {
    let (output, _, err) = output(&["devnet", "--preset", "grin"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err.contains("grin-doc, grin-5, dandelion++, monero, scape"), "{err}");
}

#[test]
fn the_documented_configuration_is_the_default() {
    let (_, documented, _) = output(&["config"]);
    let config = scape::config::Config::from_toml(&documented).expect("it can be used as it is");
    assert_eq!(config, scape::config::Config::default());
}

#[test]
fn a_mistyped_key_is_refused_with_the_nearest_name() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("scape.toml");
    std::fs::write(&path, "[dandelion]\npatiense_secs = 5\n").expect("written");
    let (output, _, err) = output(&["run", "--config", path.to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err.contains("patiense_secs") && err.contains("patience_secs"), "{err}");
}

#[test]
fn the_daemon_stops_cleanly_and_keeps_its_address_book() {
    for signal in ["INT", "TERM"] {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("scape.toml");
        let data = dir.path().join("data");
        let text = format!(
            "[node]\ndata_dir = {:?}\n[network]\nlisten = \"127.0.0.1:0\"\nallow_private = true\n\
             seeds = [\"127.0.0.1:9\"]\n[chain]\ntype = \"usernet\"\n[ledger]\noutputs = 3\n",
            data.display().to_string(),
        );
        std::fs::write(&path, text).expect("written");
        let mut daemon = scape(&["run", "--config", path.to_str().expect("UTF-8")])
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut log = BufReader::new(daemon.stderr.take().expect("piped"));
        let mut line = String::new();
        while !line.contains("listening") {
            line.clear();
            assert_ne!(log.read_line(&mut line).expect("a line"), 0, "it ended early");
        }
        let id = daemon.id().to_string();
        let kill = Command::new("kill").args([&format!("-{signal}"), &id]).status();
        assert!(kill.expect("kill runs").success());
        let mut rest = String::new();
        log.read_to_string(&mut rest).expect("the rest of the log");
        assert!(daemon.wait().expect("it ends").success(), "{rest}");
        let book = std::fs::read_to_string(data.join("usernet/peers.txt")).expect("saved");
        assert!(book.contains("127.0.0.1:9"), "{book}");
    }
}

#[test]
fn a_damaged_journal_is_refused_with_what_to_do() {
    let dir = tempfile::tempdir().expect("a folder");
    let (path, data) = (dir.path().join("scape.toml"), dir.path().join("data"));
    std::fs::create_dir_all(data.join("usernet")).expect("made");
    std::fs::write(data.join("usernet/journal.redb"), "no journal").expect("written");
    let text = format!(
        "[node]\ndata_dir = {:?}\n[network]\nlisten = \"off\"\n[chain]\ntype = \"usernet\"\n",
        data.display().to_string(),
    );
    std::fs::write(&path, text).expect("written");
    let (output, _, err) = output(&["run", "--config", path.to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err.contains("journal.redb") && err.contains("move it away"), "{err}");
}
