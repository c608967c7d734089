//! How `gap-sim` ends: the numbers and meanings are those of `docs/exit-codes.md`, the table of all our programs.

use std::process::ExitCode;

/// How `gap-sim` ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or stopped by SIGTERM or SIGINT with everything put down in order.
    Ok = 0,
    /// A failure that has no code of its own.
    Internal = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The profile is missing or wrong.
    Config = 10,
    /// A drop directory or the work directory is missing, not writable, or the same as another.
    Directories = 15,
    /// Another bridge uses the work directory.
    InUse = 19,
    /// There is no scenario of that name.
    NotFound = 21,
    /// The report, standard output or a file of an earlier run cannot be written.
    Storage = 32,
    /// A simulated world crashed.
    Crash = 40,
    /// A simulated world broke an invariant.
    Correctness = 41,
    /// A simulated world did not converge in time.
    Liveness = 42,
    /// A simulated world was not judged, which is no pass.
    Undecided = 43,
    /// The answer to an exercise is wrong.
    WrongAnswer = 44,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
