//! `ferry` that stops where a test aims at, for one test: it kills the daemon there.

use std::process::ExitCode;

fn main() -> ExitCode {
    ferry::cli::main()
}
