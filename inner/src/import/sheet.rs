//! Lines of a sheet (XLSX), cell by cell.

use std::fs::File;
use std::io::BufReader;

use calamine::{DataRef, Reader as _, SheetType, SheetVisible, Xlsx};
use console::Text;
use node::Failure;
use tokio::sync::mpsc::Sender;

use super::Limits;
use super::lines::{Handing, Piece, Raw};
use super::parts::{Flaw, flawed, misread};
use super::source::{Source, bad};

type Workbook = Xlsx<BufReader<File>>;

/// Reads a sheet of a workbook, row by row: the one of that name, or the first that can be seen. Its parts were looked at
/// when it was opened.
///
/// # Errors
/// When it cannot be read, or has too many rows.
pub(super) fn read_xlsx(
    source: Source,
    sheet: Option<&str>,
    limits: &Limits,
    sender: Sender<Piece>,
) -> Result<(), Failure> {
    let shown = source.shown;
    let mut workbook = Workbook::new(BufReader::new(source.file)).map_err(|error| misread(&shown, &error))?;
    let name = chosen(&workbook, sheet, &shown)?;
    let mut reader = workbook.worksheet_cells_reader(&name).map_err(|error| misread(&shown, &error))?;
    let mut handing = Handing::new(sender, limits);
    let mut row: Option<(u32, Vec<Raw>)> = None;
    let mut at = 0;
    while let Some(cell) = reader.next_cell().map_err(|error| misread(&shown, &error))? {
        let (number, column) = cell.get_position();
        if let Some((before, cells)) = row.take_if(|(before, _)| *before != number) {
            if before > number {
                return Err(flawed(&shown, Flaw::RowOrder));
            }
            at = u64::from(before);
            if handing.take(i64::from(before) + 1, cells, at)?.is_err() {
                return Ok(());
            }
        }
        let (_, cells) = row.get_or_insert_with(|| (number, Vec::new()));
        put(cells, column, raw(cell.get_value(), limits), limits.cells);
    }
    if let Some((before, cells)) = row {
        at = u64::from(before);
        if handing.take(i64::from(before) + 1, cells, at)?.is_err() {
            return Ok(());
        }
    }
    handing.finish(&shown, at)
}

fn chosen(workbook: &Workbook, sheet: Option<&str>, shown: &str) -> Result<String, Failure> {
    let mut sheets = workbook.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let found = match sheet {
        Some(name) => sheets.find(|sheet| sheet.name == name),
        None => sheets.find(|sheet| sheet.visible == SheetVisible::Visible),
    };
    found.map(|sheet| sheet.name.clone()).ok_or_else(|| {
        let name = sheet.unwrap_or("");
        bad(
            "no-sheet",
            console::text!("{shown} has no sheet {name}", "{shown} 没有工作表 {name}"),
            Text::fixed("name one of its sheets", "请指定其中的工作表"),
        )
    })
}

/// Puts a cell at its column. Beyond the cells that a row may have one place is kept, so that whatever stands there
/// shows.
fn put(cells: &mut Vec<Raw>, column: u32, raw: Raw, most: usize) {
    let column = usize::try_from(column).unwrap_or(usize::MAX).min(most);
    if raw.is_blank() {
        return;
    }
    if cells.len() <= column {
        cells.resize(column + 1, Raw::Empty);
    }
    cells[column] = raw;
}

fn raw(value: &DataRef<'_>, limits: &Limits) -> Raw {
    match value {
        DataRef::Empty => Raw::Empty,
        DataRef::String(text) => Raw::of_text(text, limits),
        DataRef::SharedString(text) => Raw::of_text(text, limits),
        DataRef::Bool(flag) => Raw::Bool(*flag),
        DataRef::Float(number) => Raw::Number(*number),
        DataRef::Int(number) => Raw::of_text(&number.to_string(), limits),
        DataRef::DateTime(_) | DataRef::DateTimeIso(_) | DataRef::DurationIso(_) => Raw::Date,
        DataRef::Error(error) => Raw::Error(error.to_string()),
    }
}
