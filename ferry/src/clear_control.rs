//! `ferry` without encryption, for one test: it must find in the files of this program what it must not find in those of
//! the real one.

use std::process::ExitCode;

fn main() -> ExitCode {
    ferry::cli::main()
}
