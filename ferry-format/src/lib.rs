//! The bytes that cross the gap: batch files, status files, cards, and who is trusted to write them.
//!
//! This crate has no clock, no files and no randomness of its own: entropy is passed in, so the
//! writer's bytes can be pinned by test vectors. The byte-level specification is `docs/format.md`.
#![warn(missing_docs)]

pub mod digest;
pub mod ident;
pub mod limits;
pub mod statement;
pub mod status;

pub use digest::{Digest, KeyId};
pub use ident::{BootNonce, EpochId, IdentError, Instance, LinkId, StreamName, ZoneName};
pub use statement::{BatchStatement, Checkpoint, Group, Mark, Plain, Requirement, Supersedes, TableSummary};
pub use status::{
    BatchReport, Counters, Echo, IncomingReport, OutgoingReport, Parked, Refusal, SeqRange, StatusBody,
    StatusStatement, Want, WantKind,
};
