//! The command line, as a user sees it: the real binary.

mod config;
mod daemon;
mod decode;
mod devnet;
mod fake;
mod node;
mod packaging;
mod pages;
#[cfg(target_os = "linux")]
mod terminal;
mod view;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A home of its own, in which nothing of the machine that tests is found.
struct Home(TempDir);

/// What a command said, and how it ended.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, and returns where it is.
    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scape"));
        command.args(args).env("HOME", self.0.path());
        for name in ["RUST_LOG", "SCAPE_CONFIG", "NO_COLOR"] {
            command.env_remove(name);
        }
        command
    }

    fn run(&self, args: &[&str]) -> Said {
        Said::of(self.command(args).stdin(Stdio::null()))
    }

    fn run_with_input(&self, args: &[&str], input: &str) -> Said {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let mut stdin = child.stdin.take().expect("piped");
        // Who does not read it to its end may still have an answer.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().expect("it ends").into()
    }
}

impl Said {
    fn of(command: &mut Command) -> Self {
        command.output().expect("the binary runs").into()
    }

    /// What it said on stdout, if it succeeded.
    fn good(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.good()).expect("JSON")
    }

    /// What it said on stderr, if it failed in this way.
    fn bad(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.err.lines().any(|line| line.starts_with("error: ")), "{self:?}");
        self.err
    }
}

impl From<std::process::Output> for Said {
    fn from(output: std::process::Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_owned()).expect("UTF-8");
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        Self { code: output.status.code(), out, err }
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
