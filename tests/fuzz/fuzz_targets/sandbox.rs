//! See `akbuild_fuzz::sandbox`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| akbuild_fuzz::sandbox(data));
