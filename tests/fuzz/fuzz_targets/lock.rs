//! See `akbuild_fuzz::lock`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| akbuild_fuzz::lock(data));
