//! Records: one JSON array a line, in the one spelling that databases give it with `json_array`.

use std::borrow::Cow;

use thiserror::Error;

use crate::fields::is_table_name;
use crate::limits::{COLUMNS_MAX, RECORD_BYTES_MAX};

/// A value of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// A 64-bit integer; booleans are 0 and 1.
    Integer(i64),
    /// Text; bytes are lower-case hex, JSON is its text.
    Text(Cow<'a, str>),
}

/// What a record does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// Adds a row; the values are all columns in contract order.
    Insert,
    /// Replaces a row; the values are all columns in contract order.
    Update,
    /// Removes a row; the values are the key columns in contract order.
    Delete,
}

impl Op {
    /// The letter in a record: `i`, `u` or `d`.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Insert => 'i',
            Self::Update => 'u',
            Self::Delete => 'd',
        }
    }
}

/// One change of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// The table.
    pub table: Cow<'a, str>,
    /// What happens to the row.
    pub op: Op,
    /// The row, or its key.
    pub values: Vec<Value<'a>>,
}

/// Why a line is not a canonical record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The line is longer than [`RECORD_BYTES_MAX`].
    #[error("longer than {RECORD_BYTES_MAX} bytes")]
    TooLong,
    /// The line is not UTF-8.
    #[error("not UTF-8")]
    Utf8,
    /// The line is not `["table","op",value,...]` without blanks.
    #[error("not a record at byte {at}")]
    Syntax {
        /// Where, from the start of the line.
        at: usize,
    },
    /// A text is escaped in another way than the canonical one.
    #[error("not the canonical escape at byte {at}")]
    Escape {
        /// Where, from the start of the line.
        at: usize,
    },
    /// A number is not a canonical 64-bit integer.
    #[error("not a canonical integer at byte {at}")]
    Number {
        /// Where, from the start of the line.
        at: usize,
    },
    /// The table is not `[a-z][a-z0-9_]*`.
    #[error("not the name of a table")]
    Table,
    /// The operation is not `i`, `u` or `d`.
    #[error("not an operation")]
    Op,
    /// There are no values, or more than [`COLUMNS_MAX`].
    #[error("not 1 to {COLUMNS_MAX} values")]
    Columns,
}

impl RecordError {
    /// The stable code of the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "record-too-long",
            Self::Utf8 => "record-utf8",
            Self::Syntax { .. } => "record-syntax",
            Self::Escape { .. } => "record-escape",
            Self::Number { .. } => "record-number",
            Self::Table => "record-table",
            Self::Op => "record-op",
            Self::Columns => "record-columns",
        }
    }
}

/// Room for the columns of most tables, so that a row is one allocation.
const VALUES_EXPECTED: usize = 16;

/// Parses one line, without its newline. Texts without escapes are borrowed.
///
/// # Errors
/// When the line is not exactly what [`write_record`] writes.
pub fn parse_record(line: &[u8]) -> Result<Record<'_>, RecordError> {
    let mut parser = Parser::of_line(line)?;
    let (table, op) = parser.head()?;
    let mut values = Vec::with_capacity(VALUES_EXPECTED);
    parser.values(usize::MAX, |value| values.push(value))?;
    parser.end(values.len())?;
    Ok(Record { table, op, values })
}

/// Checks one line as [`parse_record`] does, without keeping its values. Returns its table and what it does.
///
/// # Errors
/// Those of [`parse_record`].
pub(crate) fn check_record(line: &[u8]) -> Result<(Cow<'_, str>, Op), RecordError> {
    let mut parser = Parser::of_line(line)?;
    let head = parser.head()?;
    let found = parser.values(usize::MAX, drop)?;
    parser.end(found)?;
    Ok(head)
}

/// Parses the beginning of a line that was parsed whole before: its first values, at most so many.
///
/// # Errors
/// When it does not begin as [`write_record`] begins one.
pub fn parse_record_head(line: &[u8], values_max: usize) -> Result<Record<'_>, RecordError> {
    let mut parser = Parser::of_line(line)?;
    let (table, op) = parser.head()?;
    let mut values = Vec::with_capacity(VALUES_EXPECTED.min(values_max));
    parser.values(values_max, |value| values.push(value))?;
    Ok(Record { table, op, values })
}

/// Appends a record to `out`, without a newline.
pub fn write_record(out: &mut Vec<u8>, table: &str, op: Op, values: &[Value<'_>]) {
    out.extend_from_slice(b"[");
    write_text(out, table);
    out.extend_from_slice(match op {
        Op::Insert => b",\"i\"",
        Op::Update => b",\"u\"",
        Op::Delete => b",\"d\"",
    });
    for value in values {
        out.push(b',');
        write_value(out, value);
    }
    out.push(b']');
}

/// Appends the one spelling of a value to `out`.
pub fn write_value(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Integer(number) => out.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes()),
        Value::Text(text) => write_text(out, text),
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, escaped) = rest.split_at(count_plain(rest));
        out.extend_from_slice(plain);
        let Some((byte, behind)) = escaped.split_first() else { break };
        write_escape(out, *byte);
        rest = behind;
    }
    out.push(b'"');
}

fn must_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// How many bytes there are before the first that must be escaped. Eight are looked at together: nearly all bytes of a row pass
/// here, several times on each side.
fn count_plain(bytes: &[u8]) -> usize {
    const WORD: usize = size_of::<u64>();
    let mut passed = 0;
    while let Some((word, _)) = bytes[passed..].split_first_chunk::<WORD>() {
        let found = marks_of_escaped(u64::from_le_bytes(*word));
        if found != 0 {
            return passed + found.trailing_zeros() as usize / 8;
        }
        passed += WORD;
    }
    let rest = &bytes[passed..];
    passed + rest.iter().position(|byte| must_escape(*byte)).unwrap_or(rest.len())
}

/// The highest bit of each byte that must be escaped. What lies above the lowest such byte may be marked wrongly, because a
/// borrow runs upwards.
const fn marks_of_escaped(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    const fn below(word: u64, bound: u8) -> u64 {
        word.wrapping_sub(ONES.wrapping_mul(bound as u64)) & !word & HIGHS
    }
    const fn equal(word: u64, byte: u8) -> u64 {
        below(word ^ ONES.wrapping_mul(byte as u64), 1)
    }
    below(word, 0x20) | equal(word, b'"') | equal(word, b'\\')
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    match short_escape(byte) {
        Some(letter) => out.extend_from_slice(&[b'\\', letter]),
        None => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
    }
}

fn short_escape(byte: u8) -> Option<u8> {
    match byte {
        b'"' | b'\\' => Some(byte),
        0x08 => Some(b'b'),
        0x09 => Some(b't'),
        0x0a => Some(b'n'),
        0x0c => Some(b'f'),
        0x0d => Some(b'r'),
        _ => None,
    }
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Parser<'a> {
    fn of_line(line: &'a [u8]) -> Result<Self, RecordError> {
        if line.len() > RECORD_BYTES_MAX {
            return Err(RecordError::TooLong);
        }
        let text = core::str::from_utf8(line).map_err(|_| RecordError::Utf8)?;
        Ok(Self { text, bytes: line, at: 0 })
    }

    fn head(&mut self) -> Result<(Cow<'a, str>, Op), RecordError> {
        self.expect(b'[')?;
        let table = self.text()?;
        if !is_table_name(&table) {
            return Err(RecordError::Table);
        }
        self.expect(b',')?;
        let op = match self.text()?.as_ref() {
            "i" => Op::Insert,
            "u" => Op::Update,
            "d" => Op::Delete,
            _ => return Err(RecordError::Op),
        };
        Ok((table, op))
    }

    /// The next values, at most so many. Returns how many there were.
    fn values(&mut self, values_max: usize, mut take: impl FnMut(Value<'a>)) -> Result<usize, RecordError> {
        let mut found = 0;
        while found < values_max && self.take(b',') {
            if found == COLUMNS_MAX {
                return Err(RecordError::Columns);
            }
            take(self.value()?);
            found += 1;
        }
        Ok(found)
    }

    /// Nothing may follow on so many values.
    fn end(&mut self, values: usize) -> Result<(), RecordError> {
        self.expect(b']')?;
        if self.at != self.bytes.len() {
            return Err(self.syntax());
        }
        if values == 0 { Err(RecordError::Columns) } else { Ok(()) }
    }

    fn value(&mut self) -> Result<Value<'a>, RecordError> {
        match self.bytes.get(self.at) {
            Some(b'"') => self.text().map(Value::Text),
            Some(b'-' | b'0'..=b'9') => self.integer().map(Value::Integer),
            Some(_) if self.bytes[self.at..].starts_with(b"null") => {
                self.at += 4;
                Ok(Value::Null)
            }
            Some(_) | None => Err(self.syntax()),
        }
    }

    fn integer(&mut self) -> Result<i64, RecordError> {
        let start = self.at;
        let negative = self.take(b'-');
        let digits = self.at;
        // Summed below zero, because the least integer has no positive counterpart.
        let mut number: i64 = 0;
        while let Some(digit @ b'0'..=b'9') = self.bytes.get(self.at).copied() {
            let step = number.checked_mul(10).and_then(|n| n.checked_sub(i64::from(digit - b'0')));
            number = step.ok_or(RecordError::Number { at: start })?;
            self.at += 1;
        }
        let leading_zero = self.bytes.get(digits) == Some(&b'0') && (self.at > digits + 1 || negative);
        let unfinished = matches!(self.bytes.get(self.at), Some(b'.' | b'e' | b'E'));
        if self.at == digits || leading_zero || unfinished {
            return Err(RecordError::Number { at: start });
        }
        if negative {
            return Ok(number);
        }
        number.checked_neg().ok_or(RecordError::Number { at: start })
    }

    fn text(&mut self) -> Result<Cow<'a, str>, RecordError> {
        self.expect(b'"')?;
        let start = self.at;
        let end = self.skip_plain();
        if self.bytes.get(end) == Some(&b'"') {
            self.at = end + 1;
            return Ok(Cow::Borrowed(&self.text[start..end]));
        }
        self.escaped_text(start).map(Cow::Owned)
    }

    /// Goes on from the first byte that is not plain, with `start` being where the text began.
    fn escaped_text(&mut self, start: usize) -> Result<String, RecordError> {
        let mut owned = String::from(&self.text[start..self.at]);
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(owned);
                }
                Some(b'\\') => owned.push(self.escape()?),
                Some(_) | None => return Err(self.syntax()),
            }
            let from = self.at;
            let end = self.skip_plain();
            owned.push_str(&self.text[from..end]);
        }
    }

    fn skip_plain(&mut self) -> usize {
        self.at += count_plain(&self.bytes[self.at..]);
        self.at
    }

    fn escape(&mut self) -> Result<char, RecordError> {
        let error = RecordError::Escape { at: self.at };
        let rest = &self.bytes[self.at..];
        let letter = *rest.get(1).ok_or(error)?;
        let byte = match letter {
            b'"' | b'\\' => letter,
            b'b' => 0x08,
            b't' => 0x09,
            b'n' => 0x0a,
            b'f' => 0x0c,
            b'r' => 0x0d,
            b'u' => control(rest.get(2..6).ok_or(error)?).ok_or(error)?,
            _ => return Err(error),
        };
        self.at += if letter == b'u' { 6 } else { 2 };
        Ok(char::from(byte))
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.bytes.get(self.at) == Some(&byte);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), RecordError> {
        if self.take(byte) { Ok(()) } else { Err(self.syntax()) }
    }

    fn syntax(&self) -> RecordError {
        RecordError::Syntax { at: self.at }
    }
}

/// The control character of four lower-case hex digits, if no shorter escape is its canonical one.
fn control(digits: &[u8]) -> Option<u8> {
    let [b'0', b'0', high @ (b'0' | b'1'), low] = digits else { return None };
    let low = match low {
        b'0'..=b'9' => low - b'0',
        b'a'..=b'f' => low - b'a' + 10,
        _ => return None,
    };
    let byte = ((high - b'0') << 4) | low;
    short_escape(byte).is_none().then_some(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_parsed_and_written_back() {
        let lines: &[&str] = &[
            r#"["bill","i",1,-9223372036854775808,9223372036854775807,0,null,"","/缴款"]"#,
            r#"["bill","u","a\"b\\c\b\t\n\f\r\u0000\u001f"]"#,
            "[\"bill\",\"d\",\"\x7f\"]",
        ];
        for line in lines {
            let record = parse_record(line.as_bytes()).unwrap();
            assert_eq!(check_record(line.as_bytes()).unwrap(), (record.table.clone(), record.op));
            let mut out = Vec::new();
            write_record(&mut out, &record.table, record.op, &record.values);
            assert_eq!(out, line.as_bytes());
        }
    }

    #[test]
    fn the_head_of_a_record_has_its_first_values() {
        let line = br#"["t","u",1,"a",null,2]"#;
        let whole = parse_record(line).unwrap();
        for wanted in 0..6 {
            let head = parse_record_head(line, wanted).unwrap();
            assert_eq!((&head.table, head.op), (&whole.table, whole.op));
            assert_eq!(head.values, whole.values[..wanted.min(4)]);
        }
        assert_eq!(parse_record_head(br#"["t","x",1]"#, 0).unwrap_err().code(), "record-op");
        assert_eq!(parse_record_head(br#"["t","i",1,01]"#, 2).unwrap_err().code(), "record-number");
    }

    #[test]
    fn a_text_without_escapes_is_borrowed() {
        let record = parse_record(br#"["t","i","plain","a\tb"]"#).unwrap();
        assert!(matches!(&record.values[0], Value::Text(Cow::Borrowed("plain"))));
        assert!(matches!(&record.values[1], Value::Text(Cow::Owned(text)) if text == "a\tb"));
    }

    #[test]
    fn the_first_byte_to_escape_is_found_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            for place in 0..20 {
                let mut bytes = vec![b'#'; 20];
                bytes[place] = byte;
                assert_eq!(count_plain(&bytes), if must_escape(byte) { place } else { 20 }, "{byte} at {place}");
                // One more behind it must not hide it, nor one before it be missed.
                bytes[19] = b'"';
                assert_eq!(count_plain(&bytes), if must_escape(byte) { place } else { 19 }, "{byte} at {place}");
            }
        }
    }

    #[test]
    fn any_other_spelling_is_refused() {
        let others: &[(&[u8], &str)] = &[
            (b"", "record-syntax"),
            (b"[]", "record-syntax"),
            (br#"["t"]"#, "record-syntax"),
            (br#"["t","i"]"#, "record-columns"),
            (br#"["t","x",1]"#, "record-op"),
            (br#"["T","i",1]"#, "record-table"),
            (br#"["","i",1]"#, "record-table"),
            (br#"["t", "i",1]"#, "record-syntax"),
            (br#"["t","i",1] "#, "record-syntax"),
            (br#"["t","i",1"#, "record-syntax"),
            (br#"["t","i",1,]"#, "record-syntax"),
            (br#"["t","i",-0]"#, "record-number"),
            (br#"["t","i",01]"#, "record-number"),
            (br#"["t","i",-]"#, "record-number"),
            (br#"["t","i",1.0]"#, "record-number"),
            (br#"["t","i",1e3]"#, "record-number"),
            (br#"["t","i",9223372036854775808]"#, "record-number"),
            (br#"["t","i",-9223372036854775809]"#, "record-number"),
            (br#"["t","i",true]"#, "record-syntax"),
            (br#"["t","i",[1]]"#, "record-syntax"),
            (br#"["t","i","\/"]"#, "record-escape"),
            (br#"["t","i","\u0009"]"#, "record-escape"),
            (br#"["t","i","\u001F"]"#, "record-escape"),
            (br#"["t","i","\u0041"]"#, "record-escape"),
            (b"[\"t\",\"i\",\"\\", "record-escape"),
            (b"[\"t\",\"i\",\"a\tb\"]", "record-syntax"),
            (b"[\"t\",\"i\",\"\xff\"]", "record-utf8"),
        ];
        for (line, code) in others {
            let error = parse_record(line).unwrap_err();
            assert_eq!(error.code(), *code, "{}", String::from_utf8_lossy(line));
            assert_eq!(check_record(line).unwrap_err(), error);
        }
    }
}
