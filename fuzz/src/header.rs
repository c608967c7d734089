//! Header lines, read as those of a batch and as those of a status.

use ferry_format::canon;
use ferry_format::lines::{read_batch_header, read_status_header, write_batch_header, write_status_header};

use crate::refusal::accepted;

/// Whatever reads as a canonical value, as the header of a batch or as that of a status is spelled exactly so.
pub fn header(bytes: &[u8]) -> bool {
    if let Ok(value) = canon::parse(bytes) {
        assert!(canon::write(&value) == bytes, "a canonical value has a second spelling");
    }
    let batch = accepted(read_batch_header(bytes));
    if let Some((envelope, statement)) = &batch {
        assert!(write_batch_header(envelope, statement) == bytes, "a batch header has a second spelling");
    }
    let status = accepted(read_status_header(bytes));
    if let Some((envelope, statement)) = &status {
        assert!(write_status_header(envelope, statement) == bytes, "a status header has a second spelling");
    }
    batch.is_some() || status.is_some()
}
