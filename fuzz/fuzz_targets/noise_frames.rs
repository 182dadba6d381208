//! Frames of white noise, from who does not keep to the rules.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| scape_fuzz::noise::reassemble(data));
