//! The header line: which column of the file is which column of the table.

use console::Text;
use contract::rows::{Column, Kind, Table, table};
use node::Failure;

use super::lines::Raw;
use super::source::bad;
use crate::keys::referred;

/// The columns that need not be given: they follow from the row, from the moment, or from the rows around it.
const FILLED: [&str; 7] = ["id", "level_no", "is_leaf", "is_enabled", "create_time", "update_time", "is_deleted"];
/// What names the code of a row that is referred to, after the column's title.
const CODE_TITLE: &str = "编码";

/// What stands below one cell of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    /// The place of the column in the table.
    pub position: usize,
    /// Whether a row that is referred to is named by its code and not by its id.
    pub by_code: bool,
}

/// A column that refers to rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reference {
    /// The place of the column.
    pub position: usize,
    /// Its name.
    pub column: &'static str,
    /// The table that it refers to.
    pub target: &'static Table,
}

/// The references of a table.
pub(super) fn references(of: &Table) -> Vec<Reference> {
    let reference = |(position, column): (usize, &Column)| {
        Some(Reference { position, column: column.name, target: table(referred(of, column.name)?)? })
    };
    of.columns.iter().enumerate().filter_map(reference).collect()
}

impl Reference {
    /// Whether its rows have codes by which they can be named.
    pub(super) fn has_code(&self) -> bool {
        self.target.column("ele_code").is_some()
    }

    /// The name of the column that names the row by its code.
    pub(super) fn code_column(&self) -> String {
        format!("{}_code", self.column.trim_end_matches("_id"))
    }
}

/// The header of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// The table.
    pub table: &'static Table,
    /// What stands below each cell, in the order of the file.
    pub targets: Vec<Target>,
    /// The references of the table.
    pub references: Vec<Reference>,
}

impl Header {
    /// Reads the header of a file of some kind.
    ///
    /// # Errors
    /// When a column is unknown, stands twice, or is not there and must be.
    pub(super) fn read(kind: Kind, cells: &[Raw]) -> Result<Self, Failure> {
        let table = kind.definition();
        let mut header = Self { table, targets: Vec::new(), references: references(table) };
        let (mut unknown, mut doubled) = (Vec::new(), Vec::new());
        let filled = cells.iter().rposition(|cell| !cell.is_blank()).map_or(0, |last| last + 1);
        for (place, cell) in cells[..filled].iter().enumerate() {
            let name = cell.as_name();
            match header.target(&name) {
                None if name.is_empty() => unknown.push(format!("#{}", place + 1)),
                None => unknown.push(name),
                Some(target) if header.targets.iter().any(|other| other.position == target.position) => {
                    doubled.push(name);
                }
                Some(target) => header.targets.push(target),
            }
        }
        let missing = header.missing();
        if unknown.is_empty() && doubled.is_empty() && missing.is_empty() {
            return Ok(header);
        }
        Err(refusal(kind, &unknown, &doubled, &missing))
    }

    fn target(&self, name: &str) -> Option<Target> {
        let by_name = |column: &Column| column.name == name || column.title == name;
        if let Some(position) = self.table.columns.iter().position(by_name) {
            return Some(Target { position, by_code: false });
        }
        let by_code = |reference: &&Reference| {
            let title = self.table.columns[reference.position].title;
            reference.code_column() == name || name.strip_suffix(CODE_TITLE) == Some(title)
        };
        let reference = self.references.iter().filter(|reference| reference.has_code()).find(by_code)?;
        Some(Target { position: reference.position, by_code: true })
    }

    fn missing(&self) -> Vec<String> {
        let is_missing = |(position, column): &(usize, &Column)| self.must(column) && !self.has(*position);
        let columns = self.table.columns.iter().enumerate();
        columns.filter(is_missing).map(|(_, column)| format!("{} ({})", column.name, column.title)).collect()
    }

    /// Whether a column must have a value in the file.
    pub(super) fn must(&self, column: &Column) -> bool {
        !column.is_nullable && !is_filled(column)
    }

    /// Whether the file has a column, by its id or its code.
    pub(super) fn has(&self, position: usize) -> bool {
        self.targets.iter().any(|target| target.position == position)
    }

    /// The references that the file gives by code.
    pub(super) fn by_code(&self) -> impl Iterator<Item = &Reference> {
        let is_by_code =
            |reference: &&Reference| self.targets.contains(&Target { position: reference.position, by_code: true });
        self.references.iter().filter(is_by_code)
    }

    /// The name under which the file has a column, as faults show it.
    pub(super) fn shown(&self, position: usize) -> String {
        let by_code = self.by_code().find(|reference| reference.position == position);
        by_code.map_or_else(|| self.table.columns[position].name.to_owned(), Reference::code_column)
    }
}

/// Whether a column follows from something else where the file does not have it.
pub(super) fn is_filled(column: &Column) -> bool {
    FILLED.contains(&column.name)
}

/// The longest part of a header's list that a message shows; a file that is none of ours can have anything in its
/// first line.
const SHOWN_CHARS: usize = 300;

fn refusal(kind: Kind, unknown: &[String], doubled: &[String], missing: &[String]) -> Failure {
    let mut parts = (Vec::new(), Vec::new());
    for (list, en, zh) in [(unknown, "unknown", "未知"), (doubled, "twice", "重复"), (missing, "missing", "缺少")]
    {
        if !list.is_empty() {
            let names: String = list.join(", ").chars().take(SHOWN_CHARS).collect();
            parts.0.push(format!("{en}: {names}"));
            parts.1.push(format!("{zh}：{names}"));
        }
    }
    let code = kind.code;
    let (en, zh) = (parts.0.join("; "), parts.1.join("；"));
    bad(
        "header",
        Text::new(format!("the header does not fit {code}: {en}"), format!("表头与 {code} 不符：{zh}")),
        Text::fixed(
            "name columns by their name or their Chinese title, each once; references also by code, such as agency_code",
            "请以列名或中文列名命名各列且不重复；引用列也可用编码列，如 agency_code",
        ),
    )
}
