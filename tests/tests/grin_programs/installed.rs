//! Programs that somebody installed, and their files.

use std::fs;
use std::path::{Path, PathBuf};

/// The path of a program, from the environment.
pub(crate) fn named_by(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable);
    assert!(path.is_some(), "{variable} names the program");
    path.unwrap().into()
}

/// Sets a key of a file in TOML that has it once, perhaps as a comment.
pub(crate) fn set_key(path: &Path, key: &str, value: &str) {
    let text = fs::read_to_string(path).unwrap();
    let name = |line: &str| line.split('=').next().unwrap_or("").trim_matches(['#', ' ']) == key;
    assert_eq!(text.lines().filter(|line| name(line)).count(), 1, "{key} in {text}");
    let set = format!("{key} = {value}");
    let lines = text.lines().map(|line| if name(line) { &*set } else { line });
    fs::write(path, lines.collect::<Vec<_>>().join("\n")).unwrap();
}
