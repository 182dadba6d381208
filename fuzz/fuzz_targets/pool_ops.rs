//! The pool does what a naive model of it says.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| scape_fuzz::pool::live(data));
