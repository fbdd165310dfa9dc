//! See `akbuild_fuzz::nar`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| akbuild_fuzz::nar(data));
