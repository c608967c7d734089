//! The protocol of Ferry, without input and output.
//!
//! [`link::Link`] is a pure state machine: events and the present time go in, actions with operation
//! ids and the next deadline come out. [`perform::perform`] runs one action on the [`ports`]; the daemon
//! calls it from its workers, a simulator in an order drawn from its seed. Nothing here reads a clock, a
//! file or a random number.
#![warn(missing_docs)]

pub mod action;
pub mod breaks;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod contract;
pub mod coverage;
pub mod cut;
pub mod delay;
mod group;
pub mod link;
pub mod perform;
pub mod ports;
pub mod ranges;
pub mod receiver;
pub mod retention;
pub mod sender;
pub mod settings;
pub mod time;
