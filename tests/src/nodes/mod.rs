//! A town: both nodes and both daemons as real processes, and simulators of those that they speak with.

mod outside;
mod program;
mod town;

pub use outside::{Outside, Word};
pub use program::{Ask, Node};
pub use town::{CHANNEL, COUNTER, ITEM, LEDGER, Town, UNIT};
