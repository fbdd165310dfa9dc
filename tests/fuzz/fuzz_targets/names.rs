//! See `akbuild_fuzz::names`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| akbuild_fuzz::names(data));
