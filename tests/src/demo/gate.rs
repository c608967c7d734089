//! The gate between the zones: `gap-sim bridge` with the demo's seed.

use std::path::Path;
use std::process::Command;

use super::failure::Failure;
use super::folder::Folder;
use super::outcome::Asked;
use super::process::Program;
use super::zone::Zone;

/// Starts the gate between the drop directories of the two zones; it writes its report to `report`.
///
/// # Errors
/// When it cannot be started.
pub fn start(
    gap_sim: &Path,
    folder: &Folder,
    asked: &Asked,
    [inner, outer]: [&Zone; 2],
    report: &Path,
) -> Result<Program, Failure> {
    let mut command = Command::new(gap_sim);
    command.arg("bridge").args(["--profile", &asked.profile]);
    command.args(["--seed", &asked.seed.to_string()]).args(["--time-scale", &asked.time_scale.to_string()]);
    command.arg("--inner-to-gate").arg(&inner.to_gate).arg("--inner-from-gate").arg(&inner.from_gate);
    command.arg("--outer-to-gate").arg(&outer.to_gate).arg("--outer-from-gate").arg(&outer.from_gate);
    command.arg("--work").arg(folder.root().join("gate")).arg("--report").arg(report);
    Program::start("gap-sim", &mut command, folder.log("gap-sim"))
}
