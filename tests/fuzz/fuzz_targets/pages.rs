//! See `akbuild_fuzz::pages`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| akbuild_fuzz::pages(data));
