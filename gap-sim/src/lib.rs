//! The gatekeeper, simulated: a pure model of a gate that carries files one way between two zones.
//!
//! This library has no clock, no files and no randomness of its own. Time is a number of milliseconds
//! that the caller passes in, and every decision is drawn from a seed, so the same gate serves
//! worlds in one process and the bridge between real directories (`gap-sim bridge`).
//! Like a real gatekeeper it knows names and sizes of files, and nothing of what is in them.
#![warn(missing_docs)]

pub mod check;
pub mod delay;
pub mod direction;
pub mod exercise;
pub mod gate;
pub mod prng;
pub mod profile;
pub mod rate;
pub mod scenario;
pub mod tally;
pub mod world;

pub use direction::{Direction, Side};
pub use gate::{Act, Damage, Discarded, Gate, Hand, PickUpId, Refusal, Seen, Visibility, WhichCopy};
pub use gate::{RENAMED_SUFFIX, TEMPORARY_SUFFIX};
pub use profile::{Profile, ProfileError};
pub use rate::Rate;
pub use tally::Tally;
