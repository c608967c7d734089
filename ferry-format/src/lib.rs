//! The bytes that cross the gap: batch files, status files, cards, and who is trusted to write them.
//!
//! This crate has no clock, no files and no randomness of its own: entropy is passed in, so the
//! writer's bytes can be pinned by test vectors. The byte-level specification is `docs/format.md`.
#![warn(missing_docs)]

pub mod act;
mod approvals;
mod batch_header;
pub mod canon;
pub mod card;
pub mod carrier;
pub mod chunks;
pub mod compress;
pub mod deed;
pub mod digest;
pub mod entropy;
pub mod envelope;
pub mod error;
mod fields;
pub mod file_name;
pub mod head;
pub mod ident;
pub mod keyed;
pub mod keys;
mod layout;
pub mod limits;
pub mod lines;
pub mod magic;
pub mod merkle;
pub mod open;
pub mod payload;
pub mod reason;
pub mod records;
pub mod revocation;
pub mod seal;
pub mod signed_line;
pub mod soft_keys;
pub mod statement;
pub mod status;
mod status_body;
mod status_header;
pub mod supersede;
#[cfg(feature = "toy-keys")]
pub mod toy_keys;
pub mod trust;
mod verified;
pub mod verify;

pub use act::{Act, ActTime, SignedAct};
pub use batch_header::STATUS_STREAM;
pub use card::{Card, fingerprint_text};
pub use carrier::Carrier;
pub use compress::Compression;
pub use deed::{ActRange, Deed, Substitute};
pub use digest::{Digest, Digester, KeyId};
pub use entropy::{Entropy, EntropyError};
pub use envelope::{Envelope, Recipient, SUITE};
pub use error::{FormatError, SealError};
pub use fields::is_table_name;
pub use file_name::{FileName, NameKind};
pub use head::{SignedHead, batch_head, inspect_head, verify_head};
pub use ident::{ActId, BootNonce, EpochId, IdentError, Instance, LinkId, StreamName, ZoneName};
pub use keyed::{KEYED_DIGEST_BYTES, KEYED_SECRET_BYTES, KeyedDigest};
pub use keys::{DataKey, KeyError, KeyProvider, PublicKey};
pub use magic::{Kind, peek};
pub use merkle::Frontier;
pub use open::{Batch, Status, open_batch, open_status};
pub use payload::Payload;
pub use reason::{Reason, ReasonError};
pub use records::{Op, Record, RecordError, Value, parse_record, parse_record_head, write_record, write_value};
pub use revocation::{REVOCATION_APPROVALS, Revocation, SignedRevocation};
pub use seal::{Sealed, Sealing, reseal_batch, seal_batch, seal_status};
pub use signed_line::{SignedLine, signed_part, write_signed_line};
pub use soft_keys::{EncryptKey, SignKey, SoftKeys};
pub use statement::{
    Approval, BatchStatement, Checkpoint, Group, Mark, Plain, Requirement, STATEMENT_LABEL, Supersedes, TableSummary,
    genesis,
};
pub use status::{
    ActReport, BatchReport, CodeCount, Counters, Echo, IncomingReport, OutgoingReport, Parked, Refusal, SeqRange,
    StatusBody, StatusStatement, Want, WantKind,
};
pub use status_header::STATUS_LABEL;
pub use supersede::supersede_act;
pub use trust::{KeyState, TrustEntry, TrustStore};
pub use verified::Verified;
pub use verify::{Expect, SignedBatch, SignedStatus, UnverifiedBatch, inspect_batch, verify_batch, verify_status};
