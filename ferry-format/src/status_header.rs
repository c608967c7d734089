//! A status's statement as canonical JSON.

use crate::batch_header::{read_checkpoint, read_marks, read_plain, write_checkpoint, write_marks, write_plain};
use crate::canon::{Value, object, text};
use crate::error::FormatError;
use crate::fields::{Fields, bad};
use crate::limits::{SALT_BYTES, SEQ_MAX, STATUS_BODY_BYTES_MAX};
use crate::{Echo, StatusStatement};

/// The label before the bytes of a status's statement when it is digested.
pub const STATUS_LABEL: &[u8] = b"ferry-status/1\n";

/// The longest plaintext of a status: salt and body.
pub(crate) const STATUS_PLAIN_BYTES_MAX: u64 = (SALT_BYTES + STATUS_BODY_BYTES_MAX) as u64;

pub(crate) fn write(statement: &StatusStatement) -> Value {
    let mut entries = vec![
        ("audit", write_checkpoint(&statement.audit)),
        ("boot", text(statement.boot)),
        ("clock", Value::Integer(statement.clock_ms)),
        ("from", text(&statement.from)),
        ("instance", text(statement.instance)),
        ("link", text(&statement.link)),
        ("number", Value::Integer(statement.number)),
        ("plain", write_plain(&statement.plain)),
        ("received", write_marks(&statement.received)),
        ("sent", write_marks(&statement.sent)),
        ("superseded", write_marks(&statement.superseded)),
        ("to", text(&statement.to)),
    ];
    if let Some(echo) = &statement.echo {
        let echo = object([("boot", text(echo.boot)), ("number", Value::Integer(echo.number))]);
        entries.push(("echo", echo));
    }
    if let Some(witness) = &statement.witness {
        entries.push(("witness", write_checkpoint(witness)));
    }
    object(entries)
}

pub(crate) fn read(value: Value) -> Result<StatusStatement, FormatError> {
    let mut fields = Fields::of(value, "statement")?;
    let statement = StatusStatement {
        link: fields.parsed("link")?,
        from: fields.parsed("from")?,
        to: fields.parsed("to")?,
        instance: fields.parsed("instance")?,
        boot: fields.parsed("boot")?,
        number: fields.integer("number")?,
        clock_ms: fields.integer("clock")?,
        echo: fields.optional_object("echo")?.map(read_echo).transpose()?,
        received: read_marks(&mut fields, "received")?,
        sent: read_marks(&mut fields, "sent")?,
        superseded: read_marks(&mut fields, "superseded")?,
        audit: read_checkpoint(fields.object("audit")?)?,
        witness: fields.optional_object("witness")?.map(read_checkpoint).transpose()?,
        plain: read_plain(fields.object("plain")?)?,
    };
    fields.done()?;
    check(&statement)?;
    Ok(statement)
}

fn check(statement: &StatusStatement) -> Result<(), FormatError> {
    if statement.from == statement.to {
        return Err(FormatError::Inconsistent { reason: "a zone does not send to itself" });
    }
    if !(1..=SEQ_MAX).contains(&statement.number) {
        return Err(bad("statement.number", "is not from 1 to its maximum"));
    }
    if statement.plain.bytes > STATUS_PLAIN_BYTES_MAX {
        return Err(FormatError::Limit { what: "plain bytes of a status", max: STATUS_PLAIN_BYTES_MAX });
    }
    Ok(())
}

fn read_echo(mut fields: Fields) -> Result<Echo, FormatError> {
    let echo = Echo { boot: fields.parsed("boot")?, number: fields.integer("number")? };
    fields.done()?;
    Ok(echo)
}
