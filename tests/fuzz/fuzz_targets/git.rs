//! See `akbuild_fuzz::git`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| akbuild_fuzz::git(data));
