//! See `akbuild_fuzz::go_imports`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| akbuild_fuzz::go_imports(data));
