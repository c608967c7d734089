//! Reads the fields of a canonical object: each is taken once, none may be left.

use core::str::FromStr;

use crate::canon::{Value, is_plain};
use crate::error::FormatError;
use crate::ident::hex_decode_vec;
use crate::limits::{TABLE_NAME_BYTES_MAX, TEXT_BYTES_MAX};

/// As much of an unknown field's name as an error repeats, in bytes: enough to find it, and too little to fill a log or the
/// reason beside a refused file, whose names anyone can choose.
const NAME_SHOWN_BYTES_MAX: usize = 64;

/// An object that is being read.
pub(crate) struct Fields {
    path: String,
    entries: Vec<(String, Value)>,
}

impl Fields {
    /// Begins to read `value`, which stands at `path`.
    pub fn of(value: Value, path: &str) -> Result<Self, FormatError> {
        match value {
            Value::Object(entries) => Ok(Self { path: path.to_owned(), entries }),
            Value::Array(_) | Value::Text(_) | Value::Integer(_) | Value::Bool(_) => {
                Err(bad(path, "must be an object"))
            }
        }
    }

    /// Ends the reading.
    pub fn done(self) -> Result<(), FormatError> {
        match self.entries.first() {
            None => Ok(()),
            Some((key, _)) => Err(FormatError::UnknownField { field: self.at(shown(key)) }),
        }
    }

    /// All entries, for objects whose keys are names.
    pub fn into_entries(self) -> Vec<(String, Value)> {
        self.entries
    }

    pub fn optional(&mut self, key: &str) -> Option<Value> {
        let index = self.entries.iter().position(|(name, _)| name == key)?;
        Some(self.entries.remove(index).1)
    }

    pub fn required(&mut self, key: &str) -> Result<Value, FormatError> {
        self.optional(key).ok_or_else(|| FormatError::MissingField { field: self.at(key) })
    }

    pub fn object(&mut self, key: &str) -> Result<Self, FormatError> {
        let value = self.required(key)?;
        Self::of(value, &self.at(key))
    }

    pub fn optional_object(&mut self, key: &str) -> Result<Option<Self>, FormatError> {
        let path = self.at(key);
        self.optional(key).map(|value| Self::of(value, &path)).transpose()
    }

    pub fn text(&mut self, key: &str) -> Result<String, FormatError> {
        let value = self.required(key)?;
        as_text(value, || self.at(key))
    }

    pub fn integer(&mut self, key: &str) -> Result<u64, FormatError> {
        let value = self.required(key)?;
        as_integer(&value, || self.at(key))
    }

    pub fn optional_integer(&mut self, key: &str) -> Result<Option<u64>, FormatError> {
        self.optional(key).map(|value| as_integer(&value, || self.at(key))).transpose()
    }

    pub fn boolean(&mut self, key: &str) -> Result<bool, FormatError> {
        match self.required(key)? {
            Value::Bool(value) => Ok(value),
            Value::Object(_) | Value::Array(_) | Value::Text(_) | Value::Integer(_) => {
                Err(bad(&self.at(key), "must be true or false"))
            }
        }
    }

    /// An identifier, a digest or any other text with a grammar of its own.
    pub fn parsed<T: FromStr>(&mut self, key: &str) -> Result<T, FormatError> {
        let text = self.text(key)?;
        text.parse().map_err(|_| bad(&self.at(key), "is not of its grammar"))
    }

    pub fn optional_parsed<T: FromStr>(&mut self, key: &str) -> Result<Option<T>, FormatError> {
        match self.has(key) {
            true => self.parsed(key).map(Some),
            false => Ok(None),
        }
    }

    pub fn hex(&mut self, key: &str, max: usize) -> Result<Vec<u8>, FormatError> {
        let text = self.text(key)?;
        if text.is_empty() || text.len() > 2 * max {
            return Err(bad(&self.at(key), "has a length that it may not have"));
        }
        hex_decode_vec(&text).map_err(|_| bad(&self.at(key), "must be lower-case hex"))
    }

    pub fn array(&mut self, key: &str, what: &'static str, max: usize) -> Result<Vec<Value>, FormatError> {
        match self.required(key)? {
            Value::Array(values) if values.len() <= max => Ok(values),
            Value::Array(_) => Err(FormatError::Limit { what, max: max as u64 }),
            Value::Object(_) | Value::Text(_) | Value::Integer(_) | Value::Bool(_) => {
                Err(bad(&self.at(key), "must be an array"))
            }
        }
    }

    /// An array of objects, each read by `read`.
    pub fn objects<T>(
        &mut self,
        key: &str,
        what: &'static str,
        max: usize,
        read: impl Fn(&mut Self) -> Result<T, FormatError>,
    ) -> Result<Vec<T>, FormatError> {
        let path = self.at(key);
        let values = self.array(key, what, max)?;
        let read_one = |(index, value)| {
            let mut fields = Self::of(value, &format!("{path}[{index}]"))?;
            let item = read(&mut fields)?;
            fields.done()?;
            Ok(item)
        };
        values.into_iter().enumerate().map(read_one).collect()
    }

    /// A text of at most [`TEXT_BYTES_MAX`] characters; never empty.
    pub fn free_text(&mut self, key: &str) -> Result<String, FormatError> {
        let text = self.text(key)?;
        check_free_text(&text).map_err(|reason| bad(&self.at(key), reason))?;
        Ok(text)
    }

    pub fn optional_free_text(&mut self, key: &str) -> Result<Option<String>, FormatError> {
        match self.has(key) {
            true => self.free_text(key).map(Some),
            false => Ok(None),
        }
    }

    fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(name, _)| name == key)
    }

    /// The name of a table.
    pub fn table_name(&mut self, key: &str) -> Result<String, FormatError> {
        let text = self.text(key)?;
        if !is_table_name(&text) {
            return Err(bad(&self.at(key), "is not the name of a table"));
        }
        Ok(text)
    }

    pub fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub fn refuse(&self, key: &str, reason: &'static str) -> FormatError {
        bad(&self.at(key), reason)
    }
}

/// Whether `name` may name a table or a column: `[a-z][a-z0-9_]{0,62}`.
#[must_use]
pub fn is_table_name(name: &str) -> bool {
    let tail_ok = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    name.len() <= TABLE_NAME_BYTES_MAX && name.starts_with(|c: char| c.is_ascii_lowercase()) && tail_ok
}

fn shown(name: &str) -> &str {
    name.get(..NAME_SHOWN_BYTES_MAX).unwrap_or(name)
}

pub(crate) fn bad(field: &str, reason: &'static str) -> FormatError {
    FormatError::BadValue { field: field.to_owned(), reason }
}

pub(crate) fn as_text(value: Value, path: impl FnOnce() -> String) -> Result<String, FormatError> {
    match value {
        Value::Text(text) => Ok(text),
        Value::Object(_) | Value::Array(_) | Value::Integer(_) | Value::Bool(_) => Err(bad(&path(), "must be a text")),
    }
}

pub(crate) fn as_integer(value: &Value, path: impl FnOnce() -> String) -> Result<u64, FormatError> {
    match value {
        Value::Integer(number) => Ok(*number),
        Value::Object(_) | Value::Array(_) | Value::Text(_) | Value::Bool(_) => Err(bad(&path(), "must be an integer")),
    }
}

/// Whether `items` ascend strictly by `key`.
pub(crate) fn ascend<T, K: Ord>(items: &[T], key: impl Fn(&T) -> K) -> bool {
    items.windows(2).all(|pair| key(&pair[0]) < key(&pair[1]))
}

fn check_free_text(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text.len() > TEXT_BYTES_MAX {
        return Err("has a length that it may not have");
    }
    if !text.bytes().all(is_plain) {
        return Err("must be printable ASCII without quote and backslash");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canon;

    #[test]
    fn an_unknown_field_is_told_in_few_words_however_long_its_name() {
        let told = |length: usize| {
            let line = format!("{{\"{}\":1}}", "x".repeat(length));
            let error = Fields::of(canon::parse(line.as_bytes()).unwrap(), "body").unwrap().done().unwrap_err();
            error.to_string()
        };
        assert_eq!(told(3), "unknown field body.xxx");
        assert_eq!(told(1 << 19), told(NAME_SHOWN_BYTES_MAX));
        assert_eq!(told(NAME_SHOWN_BYTES_MAX).len(), "unknown field body.".len() + NAME_SHOWN_BYTES_MAX);
    }
}
