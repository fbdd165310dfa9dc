//! See `akbuild_fuzz::debian`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| akbuild_fuzz::debian(data));
