//! How a sealed file is cut: magic line, header line, body, trailer. Every offset follows from the header.

use crate::Digest;
use crate::canon::{self, Value, object};
use crate::envelope::Envelope;
use crate::error::FormatError;
use crate::fields::Fields;
use crate::limits::{FILE_BYTES_MAX, HEADER_BYTES_MAX, SIGNATURE_BYTES_MAX};
use crate::magic::{END_MAGIC, Kind, MAGIC_BYTES, strip};
use crate::statement::STATEMENT_LABEL;
use crate::status_header::STATUS_LABEL;

/// A file of which magic and header were read.
pub(crate) struct Layout<'a> {
    /// The statement, not yet interpreted.
    pub statement: Value,
    /// The identity of that statement.
    pub digest: Digest,
    pub envelope: Envelope,
    /// From the first byte of the magic to the newline of the header.
    pub signed: &'a [u8],
    /// What follows the header.
    rest: &'a [u8],
}

/// What stands behind the header.
pub(crate) struct Tail<'a> {
    pub body: &'a [u8],
    pub signature: &'a [u8],
}

impl<'a> Layout<'a> {
    /// Reads magic and header.
    pub fn read(bytes: &'a [u8], kind: Kind) -> Result<Self, FormatError> {
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(FormatError::Limit { what: "file bytes", max: FILE_BYTES_MAX });
        }
        let header = header_line(strip(bytes, kind)?)?;
        let (signed, rest) = bytes.split_at(MAGIC_BYTES + header.len() + 1);
        let (envelope, statement) = read_header(header)?;
        Ok(Self { digest: statement_digest(kind, &statement), statement, envelope, signed, rest })
    }

    /// Cuts what follows the header, to the exact end of the file.
    pub fn tail(&self) -> Result<Tail<'a>, FormatError> {
        let body_bytes = usize::try_from(self.envelope.body_bytes()).map_err(|_| FormatError::Truncated)?;
        let (body, trailer) = self.rest.split_at_checked(body_bytes).ok_or(FormatError::Truncated)?;
        Ok(Tail { body, signature: signature(trailer)? })
    }

    /// The signature of a head, which has nothing between the header and the trailer, to the exact end of the file.
    pub fn signature_of_head(&self) -> Result<&'a [u8], FormatError> {
        signature(self.rest)
    }
}

/// The signature in a trailer that is nothing else, to its exact end.
fn signature(trailer: &[u8]) -> Result<&[u8], FormatError> {
    let (length, trailer) = trailer.split_first().ok_or(FormatError::Truncated)?;
    let length = usize::from(*length);
    if length > SIGNATURE_BYTES_MAX {
        return Err(FormatError::SignatureEncoding);
    }
    let (signature, end) = trailer.split_at_checked(length).ok_or(FormatError::Truncated)?;
    check_end(end)?;
    Ok(signature)
}

/// The line that `bytes` begin with, without its newline.
pub(crate) fn header_line(bytes: &[u8]) -> Result<&[u8], FormatError> {
    let within = &bytes[..bytes.len().min(HEADER_BYTES_MAX)];
    match within.iter().position(|byte| *byte == b'\n') {
        Some(length) => Ok(&bytes[..length]),
        None if bytes.len() < HEADER_BYTES_MAX => Err(FormatError::Truncated),
        None => Err(FormatError::Limit { what: "header bytes", max: HEADER_BYTES_MAX as u64 }),
    }
}

/// The two parts of a header line. The statement is not yet interpreted.
pub(crate) fn read_header(line: &[u8]) -> Result<(Envelope, Value), FormatError> {
    let mut fields = Fields::of(canon::parse(line)?, "")?;
    let envelope = Envelope::read(fields.object("envelope")?)?;
    let statement = fields.required("statement")?;
    fields.done()?;
    Ok((envelope, statement))
}

/// Checks that `end` is the end magic and nothing else.
pub(crate) fn check_end(end: &[u8]) -> Result<(), FormatError> {
    if end == END_MAGIC {
        return Ok(());
    }
    if END_MAGIC.starts_with(end) {
        return Err(FormatError::Truncated);
    }
    Err(if end.starts_with(END_MAGIC) { FormatError::TrailingBytes } else { FormatError::BadEnd })
}

/// The identity of a statement.
pub(crate) fn statement_digest(kind: Kind, statement: &Value) -> Digest {
    let label = match kind {
        Kind::Status => STATUS_LABEL,
        Kind::Batch | Kind::Card | Kind::Checkpoint | Kind::Act | Kind::Revocation => STATEMENT_LABEL,
    };
    Digest::of(&[label, &canon::write(statement)])
}

/// Magic and header as they are signed.
pub(crate) fn write_signed(kind: Kind, envelope: &Envelope, statement: Value) -> Result<Vec<u8>, FormatError> {
    let header = canon::write(&object([("envelope", envelope.write()), ("statement", statement)]));
    if header.len() >= HEADER_BYTES_MAX {
        return Err(FormatError::Limit { what: "header bytes", max: HEADER_BYTES_MAX as u64 });
    }
    let mut signed = kind.magic().to_vec();
    signed.extend_from_slice(&header);
    signed.push(b'\n');
    Ok(signed)
}
