//! The same bytes mean the same to Grin.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| scape_fuzz::transaction::decode_like_grin(data));
