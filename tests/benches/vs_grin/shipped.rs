use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value};

use crate::options::Options;

/// Builds this bench with the library as its build script has it, 32-bit, and runs Grin's side.
///
/// `.cargo/config.toml` sets the C flags only where the environment does not, so that flags which
/// mean nothing take its switches away.
pub(crate) fn run(options: &Options) -> Map<String, Value> {
    let target = options.target.join("as_shipped");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["bench", "-p", "scape-tests", "--bench", "vs_grin", "--", "--grin-only"])
        .args(options.forwarded())
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .env("CARGO_TARGET_DIR", &target);
    for triple in TRIPLES {
        command.env(format!("CFLAGS_{triple}"), "-DSCAPE_AS_SHIPPED");
    }
    eprintln!("as shipped: building and running in {}", target.display());
    assert!(command.status().unwrap().success(), "the bench as shipped failed");
    let json = std::fs::read(target.join("vs_grin.json")).unwrap();
    serde_json::from_slice(&json).unwrap()
}

/// The targets that the configuration switches to 64 bits.
const TRIPLES: [&str; 6] = [
    "x86_64_unknown_linux_gnu",
    "x86_64_unknown_linux_musl",
    "x86_64_apple_darwin",
    "aarch64_unknown_linux_gnu",
    "aarch64_unknown_linux_musl",
    "aarch64_apple_darwin",
];
