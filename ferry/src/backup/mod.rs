//! A copy of a zone's database with its anchor, and how it is put back.
//!
//! A backup is a directory of three files: the database, the anchor, and a manifest that is written last. A directory without
//! its manifest is no backup. The anchor is read after the database was copied: what the zone sent meanwhile stands in it, so
//! that a zone that is put back knows what to take back.

mod make;
mod manifest;
mod put_back;

pub use make::{Made, make};
pub use put_back::{AnchorKept, PutBack, put_back};

/// The copy of the database.
const DATABASE: &str = "zone.db";
/// The copy of the anchor.
const ANCHOR: &str = "anchor";
/// What the backup is of.
const MANIFEST: &str = "backup.json";
