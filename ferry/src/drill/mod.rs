//! Places between two steps of an action, at which a test kills the daemon. They do something in builds with the feature
//! `drill` only, which no program that is shipped has; everywhere else they are empty.

#[cfg(feature = "drill")]
mod aimed;

#[cfg(feature = "drill")]
pub use aimed::{begin, begin_start, end, pass};

/// A worker begins an action.
#[cfg(not(feature = "drill"))]
pub const fn begin(_action: &ferry_core::action::Action) {}

/// The daemon begins to take up its work.
#[cfg(not(feature = "drill"))]
pub const fn begin_start() {}

/// A thread has ended what it began.
#[cfg(not(feature = "drill"))]
pub const fn end() {}

/// A thread is at a place, named after what was done last.
#[cfg(not(feature = "drill"))]
pub const fn pass(_place: &'static str) {}
