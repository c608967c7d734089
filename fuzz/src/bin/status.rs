//! Gives what libFuzzer invents to the target `status`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::status(bytes);
});
