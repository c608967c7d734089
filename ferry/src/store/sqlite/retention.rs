//! How long batches have been archived.

use ferry_core::ports::{Direction, Retained, RetainedMark};
use ferry_format::LinkId;

use super::failure::{DbError, corrupt};
use super::lane::{Columns as _, Session, args, sql};
use super::notes::direction_name;

/// Replaces what was remembered, in the caller's transaction. There are few marks: so many for each stream as
/// [`ferry_core::settings::RETENTION_MARKS_MAX`] allows.
pub(super) fn retain(session: &mut Session, link: &LinkId, retained: &Retained) -> Result<(), DbError> {
    session.run(sql().retention_put, args![link.as_str(), retained.elapsed_ms])?;
    session.run(sql().retention_clear, args![link.as_str()])?;
    for RetainedMark { direction, stream, elapsed_ms, epoch, seq } in &retained.marks {
        let direction = direction_name(*direction);
        session
            .run(sql().retention_mark, args![link.as_str(), direction, stream.as_str(), *elapsed_ms, *epoch, *seq])?;
    }
    Ok(())
}

/// What was remembered last.
pub(super) fn retained(session: &mut Session, link: &LinkId) -> Result<Retained, DbError> {
    let elapsed_ms = session.first(sql().retention_get, args![link.as_str()])?.map(|row| row.int(0)).transpose()?;
    let mut marks = Vec::new();
    for row in session.all(sql().retention_marks, args![link.as_str()])? {
        let direction = match row.string(0)?.as_str() {
            "out" => Direction::Out,
            "in" => Direction::In,
            _ => return Err(corrupt("a mark of the archive has no direction")),
        };
        let (stream, elapsed_ms) = (row.parsed(1)?, row.int(2)?);
        marks.push(RetainedMark { direction, stream, elapsed_ms, epoch: row.int(3)?, seq: row.int(4)? });
    }
    Ok(Retained { elapsed_ms: elapsed_ms.unwrap_or(0), marks })
}
