//! The sealed part of a status as canonical JSON, and the rules that it keeps.

use crate::batch_header::read_digests;
use crate::canon::{Value, object, text};
use crate::error::FormatError;
use crate::fields::{Fields, as_integer, as_text, ascend, bad};
use crate::ident::{hex_decode_vec, hex_encode};
use crate::limits::{
    ACT_TOLD_BYTES_MAX, ACTS_MAX, CARD_BYTES_MAX, CARDS_MAX, CODES_MAX, CONTRACTS_MAX, FORMATS_MAX, RANGES_MAX,
    REPORTS_MAX, STREAMS_MAX, WANTS_MAX,
};
use crate::{
    ActReport, BatchReport, CodeCount, Counters, IncomingReport, OutgoingReport, Parked, Refusal, SeqRange, StatusBody,
    Want, WantKind,
};

pub(crate) fn write(body: &StatusBody) -> Value {
    let contracts =
        body.contracts.iter().map(|(stream, digest)| object([("digest", text(digest)), ("stream", text(stream))]));
    object([
        ("acts", Value::Array(body.acts.iter().map(write_act).collect())),
        ("acts_listed", Value::Array(body.acts_listed.iter().map(text).collect())),
        ("cards", Value::Array(body.cards.iter().map(|card| text(hex_encode(card))).collect())),
        ("contracts", Value::Array(contracts.collect())),
        ("counters", write_counters(&body.counters)),
        ("formats", Value::Array(body.formats.iter().map(|format| Value::Integer(*format)).collect())),
        ("incoming", Value::Array(body.incoming.iter().map(write_incoming).collect())),
        ("outgoing", Value::Array(body.outgoing.iter().map(write_outgoing).collect())),
        ("turned_away", Value::Array(body.turned_away.iter().map(write_code_count).collect())),
        ("wants", Value::Array(body.wants.iter().map(write_want).collect())),
    ])
}

pub(crate) fn read(value: Value) -> Result<StatusBody, FormatError> {
    let mut fields = Fields::of(value, "body")?;
    let body = StatusBody {
        acts: fields.objects("acts", "acts", ACTS_MAX, read_act)?,
        acts_listed: read_digests(&mut fields, "acts_listed", ACTS_MAX)?,
        incoming: fields.objects("incoming", "streams", STREAMS_MAX, read_incoming)?,
        outgoing: fields.objects("outgoing", "streams", STREAMS_MAX, read_outgoing)?,
        contracts: fields.objects("contracts", "contracts", CONTRACTS_MAX, |entry| {
            Ok((entry.parsed("stream")?, entry.parsed("digest")?))
        })?,
        formats: read_formats(&mut fields)?,
        cards: read_cards(&mut fields)?,
        wants: fields.objects("wants", "wants", WANTS_MAX, read_want)?,
        counters: read_counters(fields.object("counters")?)?,
        turned_away: fields.objects("turned_away", "codes", CODES_MAX, read_code_count)?,
    };
    fields.done()?;
    let ordered = ascend(&body.incoming, |report| report.stream.clone())
        && ascend(&body.outgoing, |report| report.stream.clone())
        && ascend(&body.contracts, Clone::clone)
        && ascend(&body.formats, |format| *format)
        && ascend(&body.turned_away, |entry| entry.code.clone());
    if !ordered {
        return Err(FormatError::Inconsistent { reason: "a list of the body does not ascend" });
    }
    Ok(body)
}

fn write_act(report: &ActReport) -> Value {
    object([("act", text(hex_encode(&report.act))), ("at", Value::Integer(report.at_ms)), ("code", text(&report.code))])
}

fn read_act(fields: &mut Fields) -> Result<ActReport, FormatError> {
    Ok(ActReport {
        act: fields.hex("act", ACT_TOLD_BYTES_MAX)?,
        code: fields.free_text("code")?,
        at_ms: fields.integer("at")?,
    })
}

fn write_incoming(report: &IncomingReport) -> Value {
    let mut entries = vec![
        ("epoch", Value::Integer(report.epoch)),
        ("held", write_ranges(&report.held)),
        ("missing", write_ranges(&report.missing)),
        ("parked_rows", Value::Integer(report.parked_rows)),
        ("reports", Value::Array(report.reports.iter().map(write_report).collect())),
        ("stream", text(&report.stream)),
    ];
    if let Some(refusal) = &report.refused {
        entries.push(("refused", write_refusal(refusal)));
    }
    if let Some(parked) = &report.parked {
        entries.push(("parked", object([("code", text(&parked.code)), ("seq", Value::Integer(parked.seq))])));
    }
    object(entries)
}

fn read_incoming(fields: &mut Fields) -> Result<IncomingReport, FormatError> {
    let report = IncomingReport {
        stream: fields.parsed("stream")?,
        epoch: fields.integer("epoch")?,
        held: read_ranges(fields, "held")?,
        missing: read_ranges(fields, "missing")?,
        refused: fields.optional_object("refused")?.map(read_refusal).transpose()?,
        parked: fields.optional_object("parked")?.map(read_parked).transpose()?,
        parked_rows: fields.integer("parked_rows")?,
        reports: fields.objects("reports", "reports", REPORTS_MAX, read_report)?,
    };
    if !ascend(&report.reports, |batch| batch.seq) {
        return Err(fields.refuse("reports", "must ascend by seq"));
    }
    Ok(report)
}

fn write_ranges(ranges: &[SeqRange]) -> Value {
    let write_one = |range: &SeqRange| Value::Array(vec![Value::Integer(range.first), Value::Integer(range.last)]);
    Value::Array(ranges.iter().map(write_one).collect())
}

fn read_ranges(fields: &mut Fields, key: &str) -> Result<Vec<SeqRange>, FormatError> {
    let values = fields.array(key, "ranges", RANGES_MAX)?;
    let path = fields.at(key);
    let ranges = values.into_iter().map(|value| read_range(value, &path)).collect::<Result<Vec<_>, _>>()?;
    // Ranges that touch would be one range with two spellings.
    if !ranges.windows(2).all(|pair| pair[0].last + 1 < pair[1].first) {
        return Err(fields.refuse(key, "must ascend without touching"));
    }
    Ok(ranges)
}

fn read_range(value: Value, path: &str) -> Result<SeqRange, FormatError> {
    let Value::Array(ends) = value else { return Err(bad(path, "must hold pairs")) };
    let [first, last] = ends.as_slice() else { return Err(bad(path, "must hold pairs")) };
    let first = as_integer(first, || path.to_owned())?;
    let last = as_integer(last, || path.to_owned())?;
    if first == 0 || first > last {
        return Err(bad(path, "must hold ranges from 1 on, the first not above the last"));
    }
    Ok(SeqRange { first, last })
}

fn write_refusal(refusal: &Refusal) -> Value {
    let mut entries = vec![("code", text(&refusal.code)), ("seq", Value::Integer(refusal.seq))];
    if let Some(constraint) = &refusal.constraint {
        entries.push(("constraint", text(constraint)));
    }
    if let Some(row) = refusal.row {
        entries.push(("row", Value::Integer(row)));
    }
    if let Some(table) = &refusal.table {
        entries.push(("table", text(table)));
    }
    object(entries)
}

fn read_refusal(mut fields: Fields) -> Result<Refusal, FormatError> {
    let refusal = Refusal {
        code: fields.free_text("code")?,
        seq: fields.integer("seq")?,
        table: fields.optional_free_text("table")?,
        row: fields.optional_integer("row")?,
        constraint: fields.optional_free_text("constraint")?,
    };
    fields.done()?;
    Ok(refusal)
}

fn read_parked(mut fields: Fields) -> Result<Parked, FormatError> {
    let parked = Parked { code: fields.free_text("code")?, seq: fields.integer("seq")? };
    fields.done()?;
    Ok(parked)
}

fn write_report(report: &BatchReport) -> Value {
    let mut entries = vec![
        ("apply_ms", Value::Integer(report.apply_ms)),
        ("parked", Value::Integer(report.parked)),
        ("rows", Value::Integer(report.rows)),
        ("seq", Value::Integer(report.seq)),
        ("wait_ms", Value::Integer(report.wait_ms)),
    ];
    if let Some(digest) = &report.instead {
        entries.push(("instead", text(digest)));
    }
    object(entries)
}

fn read_report(fields: &mut Fields) -> Result<BatchReport, FormatError> {
    Ok(BatchReport {
        seq: fields.integer("seq")?,
        rows: fields.integer("rows")?,
        parked: fields.integer("parked")?,
        wait_ms: fields.integer("wait_ms")?,
        apply_ms: fields.integer("apply_ms")?,
        instead: fields.optional_parsed("instead")?,
    })
}

fn write_outgoing(report: &OutgoingReport) -> Value {
    object([
        ("epoch", Value::Integer(report.epoch)),
        ("epoch_id", text(report.epoch_id)),
        ("oldest_unapplied", Value::Integer(report.oldest_unapplied_ms)),
        ("published", Value::Integer(report.published)),
        ("stream", text(&report.stream)),
    ])
}

fn read_outgoing(fields: &mut Fields) -> Result<OutgoingReport, FormatError> {
    Ok(OutgoingReport {
        stream: fields.parsed("stream")?,
        epoch: fields.integer("epoch")?,
        epoch_id: fields.parsed("epoch_id")?,
        published: fields.integer("published")?,
        oldest_unapplied_ms: fields.integer("oldest_unapplied")?,
    })
}

fn write_want(want: &Want) -> Value {
    object([
        ("epoch", Value::Integer(want.epoch)),
        ("first", Value::Integer(want.range.first)),
        ("kind", text(want_name(want.kind))),
        ("last", Value::Integer(want.range.last)),
        ("stream", text(&want.stream)),
    ])
}

fn read_want(fields: &mut Fields) -> Result<Want, FormatError> {
    let name = fields.text("kind")?;
    let kinds = [WantKind::Resend, WantKind::Return, WantKind::Snapshot, WantKind::Compare];
    let kind = kinds.into_iter().find(|kind| want_name(*kind) == name);
    let range = SeqRange { first: fields.integer("first")?, last: fields.integer("last")? };
    if range.first > range.last {
        return Err(fields.refuse("first", "must not be above last"));
    }
    Ok(Want {
        kind: kind.ok_or_else(|| fields.refuse("kind", "is not a kind of work"))?,
        stream: fields.parsed("stream")?,
        epoch: fields.integer("epoch")?,
        range,
    })
}

fn want_name(kind: WantKind) -> &'static str {
    match kind {
        WantKind::Resend => "resend",
        WantKind::Return => "return",
        WantKind::Snapshot => "snapshot",
        WantKind::Compare => "compare",
    }
}

fn write_code_count(entry: &CodeCount) -> Value {
    object([("code", text(&entry.code)), ("count", Value::Integer(entry.count))])
}

fn read_code_count(fields: &mut Fields) -> Result<CodeCount, FormatError> {
    Ok(CodeCount { code: fields.free_text("code")?, count: fields.integer("count")? })
}

fn write_counters(counters: &Counters) -> Value {
    object([
        ("damaged", Value::Integer(counters.damaged)),
        ("duplicate", Value::Integer(counters.duplicate)),
        ("foreign", Value::Integer(counters.foreign)),
        ("refused", Value::Integer(counters.refused)),
        ("unverified", Value::Integer(counters.unverified)),
    ])
}

fn read_counters(mut fields: Fields) -> Result<Counters, FormatError> {
    let counters = Counters {
        foreign: fields.integer("foreign")?,
        unverified: fields.integer("unverified")?,
        damaged: fields.integer("damaged")?,
        duplicate: fields.integer("duplicate")?,
        refused: fields.integer("refused")?,
    };
    fields.done()?;
    Ok(counters)
}

fn read_formats(fields: &mut Fields) -> Result<Vec<u64>, FormatError> {
    let values = fields.array("formats", "formats", FORMATS_MAX)?;
    values.iter().map(|value| as_integer(value, || fields.at("formats"))).collect()
}

fn read_cards(fields: &mut Fields) -> Result<Vec<Vec<u8>>, FormatError> {
    let values = fields.array("cards", "cards", CARDS_MAX)?;
    let read_one = |value| {
        let card = as_text(value, || fields.at("cards"))?;
        if card.is_empty() || card.len() > 2 * CARD_BYTES_MAX {
            return Err(FormatError::Limit { what: "card bytes", max: CARD_BYTES_MAX as u64 });
        }
        hex_decode_vec(&card).map_err(|_| fields.refuse("cards", "must be lower-case hex"))
    };
    values.into_iter().map(read_one).collect()
}
