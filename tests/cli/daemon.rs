//! `scape run`.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Home, text};

/// A relay that disturbs nobody.
fn relay(home: &Home, more: &str) -> PathBuf {
    let data = home.path("data");
    let text = format!(
        "[node]\ndata_dir = {:?}\n[network]\nlisten = \"127.0.0.1:0\"\nallow_private = true\n\
         seeds = [\"127.0.0.1:9\"]\n[chain]\ntype = \"usernet\"\n[ledger]\noutputs = 3\n\
         [api]\nforeign = \"off\"\nowner = \"off\"\n{more}",
        data.display().to_string(),
    );
    home.file("relay.toml", &text)
}

/// Runs it until it listens, sends a signal, and returns all that it wrote.
fn run_until(home: &Home, config: &Path, signal: &str) -> String {
    let mut daemon = home
        .command(&["run", "--config", text(config)])
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut log = BufReader::new(daemon.stderr.take().expect("piped"));
    let mut lines = String::new();
    while !lines.contains("listening") {
        assert_ne!(log.read_line(&mut lines).expect("a line"), 0, "it ended early: {lines}");
    }
    let id = daemon.id().to_string();
    let kill = Command::new("kill").args([&format!("-{signal}"), &id]).status();
    assert!(kill.expect("kill runs").success());
    log.read_to_string(&mut lines).expect("the rest of the log");
    assert!(daemon.wait().expect("it ends").success(), "{lines}");
    // It is saved at the start as well, which may be under way when the signal comes.
    assert!(!lines.contains("the address book was not saved"), "{lines}");
    lines
}

#[test]
fn the_daemon_stops_cleanly_and_keeps_its_address_book() {
    for signal in ["INT", "TERM"] {
        let home = Home::new();
        run_until(&home, &relay(&home, ""), signal);
        let book = std::fs::read_to_string(home.path("data/usernet/peers.txt")).expect("saved");
        assert!(book.contains("127.0.0.1:9"), "{book}");
    }
}

fn messages(lines: &str) -> Vec<String> {
    let objects = lines.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    objects
        .map(|object: serde_json::Value| object["message"].as_str().expect("text").to_owned())
        .collect()
}

#[test]
fn the_log_goes_to_a_file_as_well_and_to_its_last_line() {
    let home = Home::new();
    let more = format!("[log]\njson = true\ndir = {:?}\n", home.path("log").display().to_string());
    let lines = run_until(&home, &relay(&home, &more), "TERM");
    let files: Vec<_> = std::fs::read_dir(home.path("log")).expect("made").collect();
    let [Ok(file)] = files.as_slice() else { unreachable!("{files:?}") };
    let in_file = messages(&std::fs::read_to_string(file.path()).expect("read"));
    assert_eq!(in_file, messages(&lines));
    assert!(in_file.iter().any(|message| message == "listening"), "{in_file:?}");
    assert!(in_file.iter().any(|message| message == "stopping"), "{in_file:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode();
        assert_eq!(mode(&home.path("log")) & 0o777, 0o700);
        assert_eq!(mode(&file.path()) & 0o777, 0o600);
    }
}

#[test]
fn the_environment_decides_what_is_logged() {
    let home = Home::new();
    let config = relay(&home, "[log]\nfilter = \"off\"\n");
    let mut quiet = home.command(&["run", "--config", text(&config)]);
    let mut loud = home.command(&["run", "--config", text(&config)]);
    // A damaged journal ends it at once.
    std::fs::create_dir_all(home.path("data/usernet")).expect("made");
    home.file("data/usernet/journal.redb", "no journal");
    let quiet = super::Said::of(&mut quiet).bad(1);
    assert_eq!(quiet.lines().count(), 1, "{quiet}");
    let loud = super::Said::of(loud.env("RUST_LOG", "info"));
    assert!(loud.err.contains("INFO") && loud.err.lines().count() > 1, "{loud:?}");
}

#[test]
fn a_damaged_journal_is_refused_with_what_to_do() {
    let home = Home::new();
    let config = relay(&home, "");
    std::fs::create_dir_all(home.path("data/usernet")).expect("made");
    home.file("data/usernet/journal.redb", "no journal");
    let said = home.run(&["run", "--config", text(&config)]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("journal.redb") && said.err.contains("move it away"), "{said:?}");
}

#[test]
fn a_log_that_cannot_be_written_is_told_before_anything_else() {
    let home = Home::new();
    let in_the_way = home.file("log", "");
    let more = format!("[log]\ndir = {:?}\n", in_the_way.display().to_string());
    let config = relay(&home, &more);
    let err = home.run(&["run", "--config", text(&config)]).bad(1);
    assert!(err.contains(text(&in_the_way)) && err.contains("set log.dir"), "{err}");
    assert!(!home.path("data").exists());
}

#[test]
fn a_password_that_cannot_be_read_is_named_with_its_key() {
    let home = Home::new();
    let nobody = "[grin]\nurl = \"http://127.0.0.1:1\"\nsecret_file = \"nowhere\"\n";
    let err = home.run(&["run", "--config", text(&home.file("scape.toml", nobody))]).bad(1);
    assert!(err.contains("grin.secret_file") && err.contains("nowhere"), "{err}");
}
