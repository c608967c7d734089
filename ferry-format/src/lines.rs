//! The canonical lines that files are made of, each by itself, without the file around it. Nothing in them is proven.

use crate::canon::{self, object};
use crate::error::FormatError;
use crate::{BatchStatement, Envelope, StatusBody, StatusStatement, batch_header, layout, status_body, status_header};

/// Reads the header line of a batch, without its newline.
///
/// # Errors
/// When it is not spelled exactly as [`write_batch_header`] does, or contradicts itself.
pub fn read_batch_header(line: &[u8]) -> Result<(Envelope, BatchStatement), FormatError> {
    let (envelope, statement) = layout::read_header(line)?;
    let statement = batch_header::read(statement)?;
    envelope.check_plain(statement.plain)?;
    Ok((envelope, statement))
}

/// The header line of a batch, without its newline.
#[must_use]
pub fn write_batch_header(envelope: &Envelope, statement: &BatchStatement) -> Vec<u8> {
    canon::write(&object([("envelope", envelope.write()), ("statement", batch_header::write(statement))]))
}

/// Reads the header line of a status, without its newline.
///
/// # Errors
/// When it is not spelled exactly as [`write_status_header`] does, or contradicts itself.
pub fn read_status_header(line: &[u8]) -> Result<(Envelope, StatusStatement), FormatError> {
    let (envelope, statement) = layout::read_header(line)?;
    let statement = status_header::read(statement)?;
    envelope.check_plain(statement.plain)?;
    Ok((envelope, statement))
}

/// The header line of a status, without its newline.
#[must_use]
pub fn write_status_header(envelope: &Envelope, statement: &StatusStatement) -> Vec<u8> {
    canon::write(&object([("envelope", envelope.write()), ("statement", status_header::write(statement))]))
}

/// Reads the line that is sealed in a status, without its newline.
///
/// # Errors
/// When it is not spelled exactly as [`write_status_body`] does, or contradicts itself.
pub fn read_status_body(line: &[u8]) -> Result<StatusBody, FormatError> {
    status_body::read(canon::parse(line)?)
}

/// The line that is sealed in a status, without its newline.
#[must_use]
pub fn write_status_body(body: &StatusBody) -> Vec<u8> {
    canon::write(&status_body::write(body))
}
