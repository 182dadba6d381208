//! Merging, subtracting and planning keep their promises.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| scape_fuzz::operations::operate(data));
