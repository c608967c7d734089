//! Gives what libFuzzer invents to the target `contract`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::contract(bytes);
});
