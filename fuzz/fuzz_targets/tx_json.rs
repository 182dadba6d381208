//! What is a transaction in JSON is the same one to Grin.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| scape_fuzz::transaction::json_like_grin(data));
