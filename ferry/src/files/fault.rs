//! What an operator is told when a file cannot be read or written.

use ferry_core::ports::{FaultKind, PortError};

use crate::lang::Text;
use crate::{ExitCode, Fault, text};

/// The fault that a failed port is.
#[must_use]
pub fn storage_fault(error: &PortError) -> Fault {
    let exit = match error.kind {
        FaultKind::Full => ExitCode::DiskFull,
        FaultKind::Corrupt => ExitCode::Corrupt,
        FaultKind::Transient | FaultKind::Unknown | FaultKind::Conflict => ExitCode::Storage,
    };
    Fault::new(
        "storage",
        exit,
        text!("{error}", "{error}"),
        Text::fixed("look at the path that is named, mend it, and start again", "请检查所指路径，修复后重新启动"),
    )
}
