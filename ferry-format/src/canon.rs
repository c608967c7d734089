//! The canonical JSON subset of headers: one value has exactly one spelling, so parsing and writing give the
//! same bytes.

use crate::error::FormatError;
use crate::limits::{HEADER_DEPTH_MAX, INTEGER_MAX};

/// A canonical JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Keys in strictly ascending byte order.
    Object(Vec<(String, Value)>),
    /// Values in the order given.
    Array(Vec<Value>),
    /// Printable ASCII without quote and backslash.
    Text(String),
    /// From 0 to 2^53 - 1.
    Integer(u64),
    /// `true` or `false`.
    Bool(bool),
}

/// Parses one value that fills `bytes` entirely.
///
/// # Errors
/// [`FormatError::NotCanonical`] at the first byte that has no place in the canonical form.
pub fn parse(bytes: &[u8]) -> Result<Value, FormatError> {
    let mut parser = Parser { bytes, at: 0 };
    let value = parser.value(0)?;
    if parser.at != bytes.len() {
        return Err(parser.refuse("more than one value"));
    }
    Ok(value)
}

/// The one spelling of `value`. It parses again if the texts, keys, numbers and depth are within the subset, which
/// [`parse`] checks and this function does not.
#[must_use]
pub fn write(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write_into(&mut out, value);
    out
}

/// An object of the entries given, in key order.
#[must_use]
pub fn object(entries: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let mut entries: Vec<_> = entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    Value::Object(entries)
}

/// A text of whatever can be shown.
#[must_use]
pub fn text(value: impl ToString) -> Value {
    Value::Text(value.to_string())
}

/// Whether `byte` may stand in a canonical text.
#[must_use]
pub fn is_plain(byte: u8) -> bool {
    (0x20..=0x7e).contains(&byte) && byte != b'"' && byte != b'\\'
}

fn write_into(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Object(entries) => {
            out.push(b'{');
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_text(out, key);
                out.push(b':');
                write_into(out, value);
            }
            out.push(b'}');
        }
        Value::Array(values) => {
            out.push(b'[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_into(out, value);
            }
            out.push(b']');
        }
        Value::Text(text) => write_text(out, text),
        Value::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn value(&mut self, depth: usize) -> Result<Value, FormatError> {
        match self.bytes.get(self.at).copied() {
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'"') => self.text().map(Value::Text),
            Some(b'0'..=b'9') => self.integer(),
            Some(b't') => self.word(b"true", true),
            Some(b'f') => self.word(b"false", false),
            Some(_) => Err(self.refuse("not a value")),
            None => Err(self.refuse("ends too early")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, FormatError> {
        self.open(depth)?;
        let mut entries: Vec<(String, Value)> = Vec::new();
        if self.take(b'}') {
            return Ok(Value::Object(entries));
        }
        loop {
            let at = self.at;
            let key = self.text()?;
            let known = key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            if key.is_empty() || !known {
                return Err(FormatError::NotCanonical { at, reason: "a key is not of a-z, 0-9 and _" });
            }
            if entries.last().is_some_and(|(last, _)| *last >= key) {
                return Err(FormatError::NotCanonical { at, reason: "keys are not in ascending order" });
            }
            self.expect(b':')?;
            let value = self.value(depth)?;
            entries.push((key, value));
            if self.take(b'}') {
                return Ok(Value::Object(entries));
            }
            self.expect(b',')?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, FormatError> {
        self.open(depth)?;
        let mut values = Vec::new();
        if self.take(b']') {
            return Ok(Value::Array(values));
        }
        loop {
            values.push(self.value(depth)?);
            if self.take(b']') {
                return Ok(Value::Array(values));
            }
            self.expect(b',')?;
        }
    }

    fn open(&mut self, depth: usize) -> Result<(), FormatError> {
        if depth > HEADER_DEPTH_MAX {
            return Err(self.refuse("nested too deep"));
        }
        self.at += 1;
        Ok(())
    }

    fn text(&mut self) -> Result<String, FormatError> {
        self.expect(b'"')?;
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|byte| !is_plain(*byte)).unwrap_or(rest.len());
        let (inside, after) = rest.split_at(length);
        self.at += length;
        if after.first() != Some(&b'"') {
            return Err(self.refuse("a text is not closed, or not plain ASCII"));
        }
        self.at += 1;
        Ok(inside.iter().copied().map(char::from).collect())
    }

    fn integer(&mut self) -> Result<Value, FormatError> {
        let start = self.at;
        let mut number: u64 = 0;
        while let Some(digit @ b'0'..=b'9') = self.bytes.get(self.at).copied() {
            number = number * 10 + u64::from(digit - b'0');
            if number > INTEGER_MAX {
                return Err(self.refuse("an integer is above 2^53 - 1"));
            }
            if self.at > start && self.bytes[start] == b'0' {
                return Err(self.refuse("an integer has a leading zero"));
            }
            self.at += 1;
        }
        Ok(Value::Integer(number))
    }

    fn word(&mut self, word: &[u8], value: bool) -> Result<Value, FormatError> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(self.refuse("not a value"));
        }
        self.at += word.len();
        Ok(Value::Bool(value))
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.bytes.get(self.at) == Some(&byte);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), FormatError> {
        if self.take(byte) {
            return Ok(());
        }
        Err(self.refuse("another character belongs here"))
    }

    fn refuse(&self, reason: &'static str) -> FormatError {
        FormatError::NotCanonical { at: self.at, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_text_is_parsed_and_written_back() {
        let text = br#"{"a":[1,0,true,{"b":"x/y ~"}],"a_1":false,"b":9007199254740991}"#;
        assert_eq!(write(&parse(text).unwrap()), text);
    }

    #[test]
    fn any_other_spelling_is_refused() {
        let others: &[&[u8]] = &[
            b"",
            b" 1",
            b"1 ",
            b"01",
            b"00",
            b"-1",
            b"1.0",
            b"1e3",
            b"9007199254740992",
            b"99999999999999999999999",
            b"null",
            b"tru",
            b"\"a",
            b"\"\\n\"",
            b"\"\x7f\"",
            b"\"\xc3\xa4\"",
            b"{\"b\":1,\"a\":1}",
            b"{\"a\":1,\"a\":1}",
            b"{\"A\":1}",
            b"{\"\":1}",
            b"{\"a\" :1}",
            b"{\"a\":1,}",
            b"[1,]",
            b"[1",
            b"[1]]",
        ];
        for other in others {
            let error = parse(other).unwrap_err();
            assert_eq!(error.code(), "not-canonical", "{}", String::from_utf8_lossy(other));
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert!(parse(&deep(HEADER_DEPTH_MAX)).is_ok());
        assert!(parse(&deep(HEADER_DEPTH_MAX + 1)).is_err());
        assert!(parse(&vec![b'['; 1 << 20]).is_err());
    }
}
