//! Base data (基础数据): generated, written into files as a ledger's export has them, and imported by the intranet node.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use contract::rows::{BASE_KINDS, BaseAgencyItem, BaseRegion, Kind, Row as _};
use contract::{Cell, Change, Generator, Size as Base};

use super::failure::Failure;
use super::lang::text;
use super::options::Size;
use super::zone_node::Node;

/// The smallest size has the divisions of this province (GB/T 2260): the one that its agencies lie in.
const XS_PROVINCE: &str = "35";
/// The smallest size has so many agency items.
const XS_AGENCY_ITEMS: u64 = 2_000;

/// The base data of one run.
#[derive(Debug)]
pub struct BaseData {
    /// What makes the rows.
    pub generator: Generator,
    size: Size,
}

/// What became of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    /// Rows that are new.
    pub inserted: u64,
    /// Rows that were there and changed.
    pub updated: u64,
}

impl BaseData {
    /// The base data that `seed` stands for.
    #[must_use]
    pub fn new(seed: u64, size: Size) -> Self {
        let base = match size {
            Size::Xs | Size::S => Base::S,
            Size::M => Base::M,
            Size::L => Base::L,
        };
        Self { generator: Generator::new(seed, base), size }
    }

    /// Rows before any is changed.
    #[must_use]
    pub fn rows(&self) -> u64 {
        let counts = self.generator.counts();
        match self.size {
            Size::S | Size::M | Size::L => counts.total(),
            Size::Xs => {
                let regions = self.generator.regions().filter(|region| region.ele_code.starts_with(XS_PROVINCE));
                let regions = u64::try_from(regions.count()).expect("there are 44 703 regions");
                counts.total() - counts.regions - counts.agency_items + regions + self.agency_items()
            }
        }
    }

    /// How many agency items there are.
    #[must_use]
    pub fn agency_items(&self) -> u64 {
        match self.size {
            Size::Xs => XS_AGENCY_ITEMS,
            Size::S | Size::M | Size::L => self.generator.counts().agency_items,
        }
    }

    /// Writes a file for each kind into a directory and has each imported, what is referred to first. `next` is asked before each.
    ///
    /// # Errors
    /// When the disk or the node refuses.
    pub fn import(
        &self,
        node: &Node,
        directory: &Path,
        mut next: impl FnMut() -> Result<(), Failure>,
    ) -> Result<Imported, Failure> {
        let mut changes = self.changes().peekable();
        let mut imported = Imported::default();
        for kind in BASE_KINDS {
            next()?;
            let path = directory.join(format!("{}.csv", kind.code));
            let rows = std::iter::from_fn(|| changes.next_if(|change| change.shape.table == kind.table));
            write_csv(kind, rows, &path).map_err(|cause| Failure::file(&path, &cause))?;
            let arguments: [&OsStr; 4] = ["import".as_ref(), path.as_ref(), "--kind".as_ref(), kind.code.as_ref()];
            let report = node.obey(&arguments, "")?;
            let count = |name: &str| report[name].as_u64().ok_or_else(|| unreadable(kind));
            imported.inserted += count("inserted")?;
            imported.updated += count("updated")?;
        }
        Ok(imported)
    }

    /// Every row as a change that adds it, in the order of the kinds.
    fn changes(&self) -> impl Iterator<Item = Change> {
        let all = self.size != Size::Xs;
        let [region, agency_item] = [BaseRegion::SHAPE, BaseAgencyItem::SHAPE];
        let code = region.columns.iter().position(|column| *column == "ele_code").expect("regions have codes");
        let in_province = move |change: &Change| {
            change.shape != region || change.cells[code].text().is_some_and(|code| code.starts_with(XS_PROVINCE))
        };
        let (mut items, most) = (0, self.agency_items());
        let is_within = move |change: &Change| {
            items += u64::from(change.shape == agency_item);
            change.shape != agency_item || items <= most
        };
        self.generator.base().filter(move |change| all || in_province(change)).filter(is_within)
    }
}

fn unreadable(kind: Kind) -> Failure {
    let code = kind.code;
    Failure::new(text!(
        "the report of the import of {code} does not say what was imported",
        "{code} 的导入报告未说明导入结果"
    ))
}

/// Writes rows of a kind as comma-separated text (RFC 4180).
fn write_csv(kind: Kind, rows: impl Iterator<Item = Change>, path: &Path) -> std::io::Result<()> {
    let columns = kind.definition().columns;
    let mut file = BufWriter::new(File::create(path)?);
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    writeln!(file, "{}", names.join(","))?;
    for (place, row) in (0_u64..).zip(rows) {
        let cell = |(column, cell): (&contract::rows::Column, &Cell)| match cell {
            Cell::Null => String::new(),
            Cell::Int(number) => number.to_string(),
            // The generator's text only looks encrypted; a file has it in the clear, and the node encrypts it.
            Cell::Text(_) if column.is_sensitive => plain(column.name, place),
            Cell::Text(text) => quoted(text),
        };
        let cells: Vec<String> = columns.iter().zip(&row.cells).map(cell).collect();
        writeln!(file, "{}", cells.join(","))?;
    }
    file.flush()
}

/// A made-up number of a telephone or an account.
fn plain(column: &str, place: u64) -> String {
    if column == "phone" { format!("138{:08}", place % 100_000_000) } else { format!("6222{place:015}") }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_have_every_row_and_nothing_that_is_encrypted() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let base = BaseData::new(7, Size::Xs);
        assert_eq!(u64::try_from(base.changes().count()), Ok(base.rows()));
        let account = Kind::parse("ACCOUNT").expect("a kind");
        let path = place.path().join("account.csv");
        let rows = base.changes().filter(|change| change.shape.table == account.table);
        write_csv(account, rows, &path).expect("it is written");
        let text = std::fs::read_to_string(&path).expect("it is there");
        assert_eq!(text.lines().count(), 301);
        assert!(text.contains("6222000000000000299") && !text.contains("f1:"), "{text}");
        assert_eq!(quoted("a\"b,c"), "\"a\"\"b,c\"");
    }
}
