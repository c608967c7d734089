//! The program of the extranet payment node.

use std::process::ExitCode;

fn main() -> ExitCode {
    node::program::main::<outer::Outer>()
}
