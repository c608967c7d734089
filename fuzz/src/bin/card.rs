//! Gives what libFuzzer invents to the target `card`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::card(bytes);
});
