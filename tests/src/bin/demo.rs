//! `cargo demo`: two zones, a gate that misbehaves, real rows, and a comparison at the end.

use std::process::ExitCode;

fn main() -> ExitCode {
    tests::demo::main()
}
