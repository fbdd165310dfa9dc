//! See `akbuild_fuzz::registry`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| akbuild_fuzz::registry(data));
