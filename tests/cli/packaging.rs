//! What is shipped beside the binary fits it.

use std::process::Command;

use super::Home;

fn packaged(name: &str) -> String {
    let path = format!("{}/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("it is there")
}

/// Whether systemd is content with the unit; as good as yes where there is no systemd.
fn analyze(args: &[&str], unit: &std::path::Path) -> Option<(bool, String)> {
    let output = Command::new("systemd-analyze").args(args).arg(unit).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
}

#[test]
fn the_unit_is_valid_and_exposes_little() {
    let home = Home::new();
    let text = packaged("packaging/scape.service");
    let here = text.replace("/usr/local/bin/scape", env!("CARGO_BIN_EXE_scape"));
    let unit = home.file("scape.service", &here);
    for args in [&["verify", "--man=no"][..], &["security", "--offline=true", "--threshold=15"]] {
        let Some((is_good, said)) = analyze(args, &unit) else { return };
        assert!(is_good, "{said}");
    }
}

#[test]
fn what_the_packages_run_exists() {
    let home = Home::new();
    let unit = packaged("packaging/scape.service");
    let commands = unit.lines().filter_map(|line| {
        let (key, command) = line.split_once('=')?;
        key.starts_with("Exec").then_some(command)
    });
    let config = home.file("scape.toml", "");
    for command in commands {
        let args = command.strip_prefix("/usr/local/bin/scape ").expect("the binary");
        let args = args.replace("/etc/scape/scape.toml", super::text(&config));
        let args: Vec<_> = args.split(' ').chain(["--help"]).collect();
        home.run(&args).good();
    }
    let dockerfile = packaged("Dockerfile");
    assert!(dockerfile.contains("CMD [\"scape\", \"status\"]"));
    assert!(dockerfile.contains("ENTRYPOINT [\"scape\"]\nCMD [\"run\"]"));
    assert!(dockerfile.contains(concat!("FROM rust:", env!("CARGO_PKG_RUST_VERSION"), "-")));
    let port = scape::config::Config::default().listen().expect("it listens").port();
    assert!(dockerfile.contains(&format!("\nEXPOSE {port}\n")), "{port}");
}
