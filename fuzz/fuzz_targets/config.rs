//! No text makes the configuration panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| scape_fuzz::settings::read(data));
