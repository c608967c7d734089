//! A town: both nodes and both daemons as real processes, and simulators of those that they speak with.

pub mod accounts;
mod channel;
pub mod kills;
mod line;
mod outside;
mod payer;
pub mod pilot;
mod program;
pub mod stream;
mod tally;
mod town;

pub use channel::{Channel, Fate, Taking, pay_at};
pub use line::{Ask, Line};
pub use outside::{Outside, Word};
pub use payer::Payer;
pub use program::Node;
pub use town::{BANK_COUNTER, CHANNEL, COUNTER, ITEM, LEDGER, Process, Town, UNIT};
