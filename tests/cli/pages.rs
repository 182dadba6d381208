//! Help, completions and manual pages.

use std::process::{Command, Stdio};

use super::Home;

const COMMANDS: [&str; 13] = [
    "run",
    "devnet",
    "status",
    "peers",
    "tx",
    "push",
    "decode",
    "fluff",
    "reload",
    "top",
    "config",
    "completions",
    "man",
];

#[test]
fn help_names_every_command_and_exit_code() {
    let home = Home::new();
    let help = home.run(&["--help"]).good();
    for command in COMMANDS {
        assert!(help.contains(&format!("\n  {command} ")), "{command}: {help}");
        let own = home.run(&[command, "--help"]).good();
        assert!(own.contains(&format!("Usage: scape {command}")), "{own}");
        assert!(own.contains("Examples:\n"), "{own}");
    }
    for code in 0..=5 {
        assert!(help.contains(&format!("\n  {code}  ")), "{code}: {help}");
    }
    assert_eq!(home.run(&[]).code, Some(2));
    assert!(home.run(&["--version"]).good().contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn every_shell_has_its_completions() {
    let home = Home::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = home.run(&["completions", shell]).good();
        for word in COMMANDS.iter().chain(&["secret-file", "unban"]) {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
    let err = home.run(&["completions", "cmd"]).bad(2);
    assert!(err.contains("bash"), "{err}");
}

#[test]
fn bash_can_read_its_completions() {
    let script = Home::new().run(&["completions", "bash"]).good();
    let Ok(mut bash) = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn() else { return };
    std::io::Write::write_all(&mut bash.stdin.take().expect("piped"), script.as_bytes())
        .expect("written");
    assert!(bash.wait().expect("it ends").success());
}

#[test]
fn every_command_has_a_manual_page() {
    let home = Home::new();
    let page = home.run(&["man"]).good();
    assert!(page.contains(".TH scape 1") && page.contains("\nExit codes:"), "{page}");
    let dir = home.path("man1");
    home.run(&["man", "--dir", super::text(&dir)]).good();
    for command in COMMANDS.iter().chain(&["peers-ban", "config-init"]) {
        let page = std::fs::read_to_string(dir.join(format!("scape-{command}.1"))).expect("there");
        assert!(page.contains(".SH NAME") && !page.contains("EXTRA"), "{page}");
    }
    assert_eq!(std::fs::read_to_string(dir.join("scape.1")).expect("there"), page);
    let Ok(groff) = Command::new("groff")
        .args(["-man", "-Tutf8", "-ww"])
        .args(std::fs::read_dir(dir).expect("read").map(|page| page.expect("a page").path()))
        .output()
    else {
        return;
    };
    assert!(groff.status.success() && groff.stderr.is_empty(), "{groff:?}");
}
