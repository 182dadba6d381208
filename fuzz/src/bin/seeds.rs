//! Writes the seeds of all targets: `seeds [directory]`, into `fuzz/corpus` unless told.

use std::path::PathBuf;
use std::{env, fs, io};

use scape_aggregate::Hash;

// Code that is compiled with counters for libFuzzer needs libFuzzer, though it does not run here.
libfuzzer_sys::fuzz_target!(|_data: &[u8]| ());

fn main() -> io::Result<()> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");
    let root = env::args_os().nth(1).map_or_else(|| beside.into(), PathBuf::from);
    for (target, bytes) in scape_fuzz::seeds::all() {
        let dir = root.join(target);
        fs::create_dir_all(&dir)?;
        fs::write(dir.join(Hash::of(&[&bytes]).to_string()), bytes)?;
    }
    Ok(())
}
