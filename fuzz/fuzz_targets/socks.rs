//! What SOCKS5 proxies answer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| scape_fuzz::proxies::socks(data));
