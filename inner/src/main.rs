//! The program `inner-node`. Everything lies in the library, so that tests reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    node::program::main::<inner::program::InnerNode>()
}
