//! The `ferry` program. Everything lies in the library, so that tests reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    ferry::cli::main()
}
