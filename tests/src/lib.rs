//! What the end-to-end tests, the demo and the tests of the repository share: where things lie.

pub mod bench;
pub mod demo;
pub mod forge;
pub mod kills;
pub mod nested_cargo;
pub mod nodes;
pub mod pair;
mod story;

use std::path::Path;

/// The root of the workspace, where `Cargo.toml`, `README.md` and the crates' directories are.
#[must_use]
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate lies one directory below the workspace root")
}
