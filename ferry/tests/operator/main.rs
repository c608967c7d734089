//! What operators and auditors see, with the real program.
#![expect(clippy::unwrap_used, reason = "a test ends where something that it needs is missing")]

mod acts;
mod archive;
mod books;
mod command_line;
mod new_database;
mod restore;
mod standing;
mod trace;
mod verify;
