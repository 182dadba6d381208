//! Messages do not depend on where their stream is cut.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| scape_fuzz::wire::cut_anywhere(data));
