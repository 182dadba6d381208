//! What is different on a terminal, which `script` of util-linux plays.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

use super::fake::{FakeNode, secret};
use super::{Home, text};

/// What ends the full screen.
const RESTORED: &str = "\u{1b}[?1049l";

/// The binary on a terminal of 80 by 24.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    seen: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Terminal {
    /// `before` is what the shell does first.
    fn start(home: &Home, before: &str, args: &[&str]) -> Self {
        let quoted: Vec<_> = args.iter().map(|arg| format!("'{arg}'")).collect();
        let binary = env!("CARGO_BIN_EXE_scape");
        let line = format!("stty rows 24 cols 80; {before} exec '{binary}' {}", quoted.join(" "));
        let mut child = Command::new("script")
            .args(["-qfec", &line, "/dev/null"])
            .env("HOME", home.0.path())
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .env_remove("SCAPE_CONFIG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script, of util-linux, runs");
        let keys = child.stdin.take().expect("piped");
        let mut out = child.stdout.take().expect("piped");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = seen.clone();
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(read @ 1..) = out.read(&mut bytes) {
                sink.lock().expect("no panic").extend_from_slice(&bytes[..read]);
            }
        });
        Self { child, keys, seen, reader }
    }

    fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().expect("no panic")).into_owned()
    }

    fn wait_for(&self, text: &str) {
        for _ in 0..600 {
            if self.seen().contains(text) {
                return;
            }
            sleep(Duration::from_millis(50));
        }
        unreachable!("no {text:?} in {:?}", self.seen());
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("it reads");
        self.keys.flush().expect("it reads");
    }

    /// Waits for the end, and returns all that was seen.
    fn end(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().expect("it ends");
        self.reader.join().expect("no panic");
        let seen = String::from_utf8_lossy(&self.seen.lock().expect("no panic")).into_owned();
        (status.code(), seen)
    }
}

fn on_terminal(home: &Home, before: &str, args: &[&str]) -> String {
    let (code, seen) = Terminal::start(home, before, args).end();
    assert_eq!(code, Some(0), "{seen}");
    seen
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let (home, node) = (Home::new(), FakeNode::start());
    let secret = secret(&home);
    let args = ["peers", "--api", &node.url, "--secret-file", text(&secret)];
    assert!(!home.run(&args).good().contains('\u{1b}'));
    assert!(on_terminal(&home, "", &args).contains("\u{1b}[32mrelay\u{1b}[0m"));
    for before in ["NO_COLOR=1; export NO_COLOR;", "TERM=dumb; export TERM;"] {
        let seen = on_terminal(&home, before, &args);
        assert!(seen.contains("relay") && !seen.contains('\u{1b}'), "{seen:?}");
    }
    // Unset by being empty, as no-color.org has it.
    assert!(on_terminal(&home, "NO_COLOR=; export NO_COLOR;", &args).contains('\u{1b}'));
}

#[test]
fn the_live_view_shows_the_node_and_restores_the_terminal() {
    let (home, node) = (Home::new(), FakeNode::start());
    let secret = secret(&home);
    let args = ["top", "--api", &node.url, "--secret-file", text(&secret)];
    let mut terminal = Terminal::start(&home, "", &args);
    terminal.wait_for("3,456,789");
    terminal.wait_for("203.0.113.9:3414");
    terminal.press("?");
    terminal.wait_for("Patience:");
    terminal.press(" ");
    drop(node);
    terminal.wait_for("retrying");
    terminal.press("q");
    let (code, seen) = terminal.end();
    assert_eq!(code, Some(0));
    assert!(seen.contains(RESTORED), "{seen:?}");
    assert!(!seen.contains("\u{1b}[2Jgotcha"));
}

#[test]
fn the_live_view_waits_for_a_node_and_ends_on_a_signal() {
    let home = Home::new();
    for signal in ["TERM", "INT", "HUP"] {
        let args = ["top", "--interval", "0.1", "--api", "http://127.0.0.1:9"];
        let terminal = Terminal::start(&home, "echo pid $$.;", &args);
        terminal.wait_for("retrying");
        let seen = terminal.seen();
        let id = seen.split("pid ").nth(1).and_then(|rest| rest.split('.').next()).expect("an id");
        let kill = Command::new("kill").args([&format!("-{signal}"), id]).status();
        assert!(kill.expect("kill runs").success());
        let (code, seen) = terminal.end();
        assert_eq!(code, Some(0), "{seen:?}");
        assert!(seen.contains(RESTORED), "{seen:?}");
    }
}

#[test]
fn the_live_view_needs_a_terminal() {
    let err = Home::new().run(&["top"]).bad(2);
    assert!(err.contains("needs a terminal"), "{err}");
}

/// Something to look at: runs until the test is stopped.
#[test]
#[ignore = "for people: prints how to reach a node that is not one"]
fn a_node_to_look_at() {
    let home = Home::new();
    let node = FakeNode::start();
    println!("\nscape top --api {} --secret-file {}", node.url, secret(&home).display());
    sleep(Duration::from_secs(3_600));
}
