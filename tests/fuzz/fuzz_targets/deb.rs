//! See `akbuild_fuzz::deb`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| akbuild_fuzz::deb(data));
