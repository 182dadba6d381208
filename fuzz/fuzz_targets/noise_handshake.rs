//! Encrypted links, with somebody in between.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| scape_fuzz::noise::shake_hands(data));
