//! Writes a configuration file in which every field stands with its meaning, its range and its default.

use std::fmt::Write as _;

use super::fields::FIELDS;
use crate::lang::Lang;

/// A configuration file to be written.
#[derive(Debug, Clone, Default)]
pub struct Template {
    set: Vec<(&'static str, String)>,
}

impl Template {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a text or path.
    ///
    /// # Panics
    /// When `path` is no field.
    #[must_use]
    pub fn text(self, path: &'static str, value: &str) -> Self {
        self.raw(path, toml::Value::String(value.to_owned()).to_string())
    }

    /// Sets a number.
    ///
    /// # Panics
    /// When `path` is no field.
    #[must_use]
    pub fn number(self, path: &'static str, value: u64) -> Self {
        self.raw(path, value.to_string())
    }

    fn raw(mut self, path: &'static str, value: String) -> Self {
        let _ = super::fields::find(path);
        self.set.push((path, value));
        self
    }

    /// The text of the file: fields that were set, and the others as comments with their defaults.
    #[must_use]
    pub fn render(&self, lang: Lang) -> String {
        let mut out = String::new();
        let mut section = "";
        for field in FIELDS {
            let (table, name) = field.path.split_once('.').unwrap_or(("", field.path));
            if table != section {
                section = table;
                let _ = writeln!(out, "\n[{table}]");
            }
            let _ = writeln!(out, "# {}", field.meaning.get(lang));
            let (range, unit) = (field.kind.range(), field.kind.unit());
            let unit = if unit.is_empty() { String::new() } else { format!(" ({unit})") };
            let _ = writeln!(out, "#   {range}{unit}");
            let given = self.set.iter().rev().find(|(path, _)| *path == field.path);
            match (given, field.kind.default_text()) {
                (Some((_, value)), _) => _ = writeln!(out, "{name} = {value}"),
                (None, Some(default)) => _ = writeln!(out, "# {name} = {default}"),
                (None, None) => _ = writeln!(out, "# {name} ="),
            }
        }
        out
    }
}
