//! Renaming without the care for durability that the appliance needs.

use std::fs;
use std::io;
use std::path::Path;

/// Renames a file; one that bears the new name is replaced.
#[expect(
    clippy::disallowed_methods,
    reason = "a gatekeeper promises nothing after a power cut, so neither does its model"
)]
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}
