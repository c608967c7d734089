//! Gives what libFuzzer invents to the target `gate`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::gate(bytes);
});
