//! Gives what libFuzzer invents to the target `header`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::header(bytes);
});
