//! What strangers say first.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| scape_fuzz::wire::shake_hands(data));
