//! What peers say to a zone, and what it does for the next hour.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| scape_fuzz::relay::relay(data));
