//! What operators and auditors see, with the real program.

mod archive;
mod books;
mod command_line;
mod verify;
