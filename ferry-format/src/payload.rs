//! The plaintext of a file: salt, then one line a record.

use std::sync::OnceLock;

use crate::error::FormatError;
use crate::limits::{PLAIN_BYTES_MAX, RECORD_BYTES_MAX, RECORDS_MAX, SALT_BYTES};
use crate::{Digest, Plain};

/// The plaintext of a batch: 32 salt bytes, then records that each end in a newline.
#[derive(Debug, Clone)]
pub struct Payload {
    bytes: Vec<u8>,
    records: u64,
    /// Length and digest, once somebody has asked: whoever makes a statement asks, and whoever seals asks again.
    plain: OnceLock<Plain>,
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Payload {}

impl Payload {
    /// A payload without records. The salt is drawn afresh for every statement and kept when it is sealed again.
    #[must_use]
    pub fn new(salt: [u8; SALT_BYTES]) -> Self {
        Self { bytes: salt.to_vec(), records: 0, plain: OnceLock::new() }
    }

    /// Appends a record and its newline. Whether it is canonical is checked when the payload is sealed.
    ///
    /// # Errors
    /// [`FormatError::Limit`] when the record is too long or no further one fits; the payload is then unchanged.
    pub fn push(&mut self, record_line: &[u8]) -> Result<(), FormatError> {
        check(record_line.len() as u64, "record bytes", RECORD_BYTES_MAX as u64)?;
        check(self.records + 1, "records", RECORDS_MAX)?;
        check((self.bytes.len() + record_line.len() + 1) as u64, "plain bytes", PLAIN_BYTES_MAX)?;
        self.bytes.extend_from_slice(record_line);
        self.bytes.push(b'\n');
        self.records += 1;
        self.plain.take();
        Ok(())
    }

    /// The length in bytes, salt included.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "the salt is always there")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// How many records there are.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The records as lines, without their newlines.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes[SALT_BYTES..].split_inclusive(|byte| *byte == b'\n').map(|line| &line[..line.len() - 1])
    }

    /// Length and digest, as a statement gives them.
    #[must_use]
    pub fn plain(&self) -> Plain {
        *self.plain.get_or_init(|| plain_of(&self.bytes))
    }

    /// Salt and records.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes decrypted or stored bytes apart into lines.
    ///
    /// # Errors
    /// When they are no payload, or too long.
    pub fn of_bytes(bytes: Vec<u8>) -> Result<Self, FormatError> {
        if bytes.len() < SALT_BYTES || (bytes.len() > SALT_BYTES && !bytes.ends_with(b"\n")) {
            return Err(FormatError::PlainLength);
        }
        let records = bytes[SALT_BYTES..].iter().filter(|byte| **byte == b'\n').count() as u64;
        check(records, "records", RECORDS_MAX)?;
        Ok(Self { bytes, records, plain: OnceLock::new() })
    }
}

/// Length and SM3 of a plaintext.
pub(crate) fn plain_of(bytes: &[u8]) -> Plain {
    Plain { bytes: bytes.len() as u64, sm3: Digest::of(&[bytes]) }
}

fn check(value: u64, what: &'static str, max: u64) -> Result<(), FormatError> {
    if value > max { Err(FormatError::Limit { what, max }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_as_lines() {
        let mut payload = Payload::new([7; 32]);
        assert_eq!(payload.lines().count(), 0);
        payload.push(b"a").unwrap();
        payload.push(b"").unwrap();
        payload.push(b"b").unwrap();
        assert_eq!(payload.lines().collect::<Vec<_>>(), [&b"a"[..], b"", b"b"]);
        assert_eq!(payload.len(), 32 + 5);
        assert_eq!(Payload::of_bytes(payload.as_bytes().to_vec()).unwrap(), payload);
    }

    #[test]
    fn the_digest_follows_what_is_appended() {
        let mut payload = Payload::new([7; 32]);
        let empty = payload.plain();
        payload.push(b"a").unwrap();
        assert_ne!(payload.plain(), empty);
        assert_eq!(payload.plain(), Payload::of_bytes(payload.as_bytes().to_vec()).unwrap().plain());
    }

    #[test]
    fn limits_leave_the_payload_unchanged() {
        let mut payload = Payload::new([7; 32]);
        let error = payload.push(&vec![b'x'; RECORD_BYTES_MAX + 1]).unwrap_err();
        assert_eq!(error.code(), "limit");
        assert_eq!(payload, Payload::new([7; 32]));
    }
}
