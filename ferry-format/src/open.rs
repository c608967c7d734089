//! Opens files with a private key: everything that `verify` checks, and then the rows.

use crate::chunks::{Stream, TAG_BYTES};
use crate::compress::decompress;
use crate::envelope::{Envelope, check_chunk_bytes};
use crate::error::FormatError;
use crate::keys::{DataKey, KeyProvider};
use crate::layout::{Layout, Tail};
use crate::limits::SALT_BYTES;
use crate::lines::read_status_body;
use crate::payload::{Payload, plain_of};
use crate::records::{Op, check_record};
use crate::verified::Verified;
use crate::verify::{Expect, check_batch, check_status};
use crate::{BatchStatement, Digest, KeyId, Plain, StatusBody, StatusStatement};

/// A batch with its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// What it states.
    pub statement: BatchStatement,
    /// Its identity.
    pub digest: Digest,
    /// Whose signature it bears.
    pub signer: KeyId,
    /// Salt and rows.
    pub payload: Payload,
}

impl Batch {
    /// The records as lines, each canonical, without their newlines.
    pub fn records(&self) -> impl Iterator<Item = &[u8]> {
        self.payload.lines()
    }
}

/// A status with its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// What it states.
    pub statement: StatusStatement,
    /// Its sealed part.
    pub body: StatusBody,
    /// Its identity.
    pub digest: Digest,
    /// Whose signature it bears.
    pub signer: KeyId,
    /// Who can open it.
    pub recipients: Vec<KeyId>,
}

/// Opens a batch: verifies it, unwraps the data key, decrypts, decompresses within the stated size, and checks
/// length, digest, the form of every record and the counts by table.
///
/// # Errors
/// The first check that fails.
pub fn open_batch(bytes: &[u8], expect: &Expect<'_>, keys: &dyn KeyProvider) -> Result<Verified<Batch>, FormatError> {
    let (statement, layout, tail) = check_batch(bytes, expect)?;
    let payload = Payload::of_bytes(unseal(&layout, &tail, statement.plain, keys)?)?;
    check_records(&statement, &payload)?;
    Ok(Verified::new(Batch { statement, digest: layout.digest, signer: layout.envelope.signer, payload }))
}

/// Opens a status, as [`open_batch`] does a batch.
///
/// # Errors
/// The first check that fails.
pub fn open_status(bytes: &[u8], expect: &Expect<'_>, keys: &dyn KeyProvider) -> Result<Verified<Status>, FormatError> {
    let (statement, layout, tail) = check_status(bytes, expect)?;
    let plain = unseal(&layout, &tail, statement.plain, keys)?;
    let line = plain.get(SALT_BYTES..).and_then(|line| line.strip_suffix(b"\n")).ok_or(FormatError::PlainLength)?;
    let body = read_status_body(line)?;
    let recipients = layout.envelope.recipients.iter().map(|recipient| recipient.key).collect();
    Ok(Verified::new(Status { statement, body, digest: layout.digest, signer: layout.envelope.signer, recipients }))
}

/// Checks that every record is canonical and that the statement counts exactly these.
pub(crate) fn check_records(statement: &BatchStatement, payload: &Payload) -> Result<(), FormatError> {
    if payload.records() != statement.records {
        return Err(FormatError::CountMismatch);
    }
    let mut left: Vec<[u64; 3]> =
        statement.tables.iter().map(|table| [table.inserts, table.updates, table.deletes]).collect();
    for (index, line) in payload.lines().enumerate() {
        let (table, op) = check_record(line).map_err(|error| FormatError::BadRecord { index: index as u64, error })?;
        let table = statement.tables.binary_search_by(|known| known.name.as_str().cmp(table.as_ref()));
        let op = match op {
            Op::Insert => 0,
            Op::Update => 1,
            Op::Delete => 2,
        };
        let count = &mut left[table.map_err(|_| FormatError::CountMismatch)?][op];
        *count = count.checked_sub(1).ok_or(FormatError::CountMismatch)?;
    }
    // As many records as the sum of the counts, and none was exceeded: so each count is met.
    Ok(())
}

fn unseal(layout: &Layout<'_>, tail: &Tail<'_>, plain: Plain, keys: &dyn KeyProvider) -> Result<Vec<u8>, FormatError> {
    let key = unwrap(&layout.envelope, keys)?;
    let compressed = decrypt(layout, tail.body, &key)?;
    let plain_bytes = usize::try_from(plain.bytes).map_err(|_| FormatError::PlainLength)?;
    let bytes = decompress(layout.envelope.compression, compressed, plain_bytes)?;
    if plain_of(&bytes) != plain {
        return Err(FormatError::PlainDigest);
    }
    Ok(bytes)
}

fn unwrap(envelope: &Envelope, keys: &dyn KeyProvider) -> Result<DataKey, FormatError> {
    let own = keys.encrypt_key_ids();
    let recipient = envelope.recipients.iter().find(|recipient| own.contains(&recipient.key));
    let recipient = recipient.ok_or(FormatError::NotARecipient)?;
    keys.unwrap(recipient.key, &recipient.wrap).map_err(FormatError::Unwrap)
}

fn decrypt(layout: &Layout<'_>, body: &[u8], key: &DataKey) -> Result<Vec<u8>, FormatError> {
    let envelope = &layout.envelope;
    let chunk_bytes = check_chunk_bytes(envelope.chunk_bytes)?;
    let stream = Stream::new(key, envelope.nonce, layout.digest, chunk_bytes);
    let sealed_bytes = usize::try_from(chunk_bytes).map_err(|_| FormatError::Truncated)? + TAG_BYTES;
    let mut out = Vec::with_capacity(body.len());
    let count = envelope.chunks.len();
    for (index, sealed) in body.chunks(sealed_bytes).enumerate() {
        let error = FormatError::Undecryptable { index };
        let place = u32::try_from(index).map_err(|_| error.clone())?;
        let (chunk, tag) = sealed.split_last_chunk::<TAG_BYTES>().ok_or_else(|| error.clone())?;
        let start = out.len();
        out.extend_from_slice(chunk);
        stream.decrypt(place, index + 1 == count, &mut out[start..], tag).map_err(|_| error)?;
    }
    Ok(out)
}
