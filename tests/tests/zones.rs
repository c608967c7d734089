//! Real daemons, real files, real databases: what must be refused, what must stop nothing, what must not leak.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "zones/acts.rs"]
mod acts;
#[path = "zones/archive.rs"]
mod archive;
#[path = "zones/capture.rs"]
mod capture;
#[path = "zones/disks.rs"]
mod disks;
#[path = "zones/epochs.rs"]
mod epochs;
#[path = "zones/flood.rs"]
mod flood;
#[path = "zones/hashes.rs"]
mod hashes;
#[path = "zones/kills.rs"]
mod kills;
#[path = "zones/manual.rs"]
mod manual;
#[path = "zones/office.rs"]
mod office;
#[path = "zones/parked.rs"]
mod parked;
#[path = "zones/refusals.rs"]
mod refusals;
#[path = "zones/restores.rs"]
mod restores;
#[path = "zones/rotation.rs"]
mod rotation;
#[path = "zones/secrecy.rs"]
mod secrecy;
#[path = "zones/service.rs"]
mod service;
#[path = "zones/starts.rs"]
mod starts;
#[path = "zones/supersede.rs"]
mod supersede;
#[path = "zones/trace.rs"]
mod trace;
