//! Gives what libFuzzer invents to the target `trust`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::trust(bytes);
});
