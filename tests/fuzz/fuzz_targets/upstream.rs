//! See `akbuild_fuzz::upstream`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| akbuild_fuzz::upstream(data));
