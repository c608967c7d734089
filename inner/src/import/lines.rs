//! Lines of a file as they are read, and those of CSV.

use std::cell::Cell as Held;
use std::fs::File;
use std::io::Read;
use std::rc::Rc;

use console::Text;
use csv::{ByteRecord, ReaderBuilder, Terminator};
use node::Failure;
use tokio::sync::mpsc::Sender;

use super::Limits;
use super::encoding::Decided;
use super::report::LineRule;
use super::source::{Source, bad, too_large, unreadable};

/// Lines that are handed over at a time: enough that handing over costs nothing.
const HANDED_LINES: usize = 500;
/// Bytes of their cells, so that long lines are handed over sooner.
const HANDED_BYTES: usize = 1 << 20;
/// Bytes that the CSV reader asks for at a time.
const READ_AHEAD: usize = 1 << 16;

/// A cell as the file has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Raw {
    /// Nothing.
    Empty,
    /// Text, trimmed and not empty.
    Text(String),
    /// A number of a spreadsheet.
    Number(f64),
    /// TRUE or FALSE of a spreadsheet.
    Bool(bool),
    /// A date, time or span of a spreadsheet.
    Date,
    /// What a formula came to that has no value.
    Error(String),
    /// Bytes that are no text.
    Broken(Decided),
    /// More bytes than a cell may have.
    TooLong { most: usize },
}

impl Raw {
    /// Text, without the blanks around it.
    pub(super) fn of_text(text: &str, limits: &Limits) -> Self {
        match text.trim() {
            "" => Self::Empty,
            text if text.len() > limits.cell_bytes => Self::TooLong { most: limits.cell_bytes },
            text => Self::Text(text.to_owned()),
        }
    }

    /// Whether nothing stands there.
    pub(super) fn is_blank(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// The name of a column.
    pub(super) fn as_name(&self) -> String {
        match self {
            Self::Text(text) => text.trim_start_matches('\u{feff}').trim().to_owned(),
            Self::Empty => String::new(),
            Self::Number(_) | Self::Bool(_) | Self::Date | Self::Error(_) | Self::Broken(_) | Self::TooLong { .. } => {
                "?".to_owned()
            }
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) | Self::Error(text) => text.len(),
            Self::Empty | Self::Number(_) | Self::Bool(_) | Self::Date | Self::Broken(_) | Self::TooLong { .. } => 0,
        }
    }
}

/// A line of data.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RawLine {
    /// The line of the file, from 1.
    pub line: i64,
    /// Its cells.
    pub cells: Vec<Raw>,
    /// What is wrong with the line as such.
    pub broken: Option<LineRule>,
}

/// What a reader hands over.
#[derive(Debug)]
pub(super) enum Piece {
    /// The header: the first line that is not blank.
    Header(Vec<Raw>),
    /// Some lines, and how far the reader has come with them, in rows.
    Lines(Vec<RawLine>, u64),
}

/// Hands lines over to whoever stages them, the header first, and counts them.
pub(super) struct Handing<'l> {
    sender: Sender<Piece>,
    limits: &'l Limits,
    lines: Vec<RawLine>,
    bytes: usize,
    /// The cells of the header, once it was handed over.
    width: Option<usize>,
    rows: u64,
}

/// Whoever stages the lines has stopped, and says why itself.
pub(super) struct Stopped;

impl<'l> Handing<'l> {
    /// Hands over to `sender`.
    pub(super) const fn new(sender: Sender<Piece>, limits: &'l Limits) -> Self {
        Self { sender, limits, lines: Vec::new(), bytes: 0, width: None, rows: 0 }
    }

    /// Takes a line, unless it is blank; `at` is how far the reader has come, in rows.
    ///
    /// # Errors
    /// When there are too many lines. Yields whether anybody still takes them.
    pub(super) fn take(&mut self, line: i64, cells: Vec<Raw>, at: u64) -> Result<Result<(), Stopped>, Failure> {
        if cells.iter().all(Raw::is_blank) {
            return Ok(Ok(()));
        }
        if let Some(Raw::Broken(encoding)) = cells.iter().find(|cell| matches!(cell, Raw::Broken(_)))
            && self.width.is_none()
        {
            let name = encoding.name();
            return Err(bad(
                "encoding",
                console::text!("the header, line {line}, is not {name}", "第 {line} 行表头不是 {name} 编码"),
                Text::fixed("say which encoding the file has", "请指明文件编码"),
            ));
        }
        let Some(width) = self.width else {
            let most = self.limits.cells;
            if cells.len() > most {
                return Err(too_large(
                    "too-many-columns",
                    console::text!("the header has more than {most} cells", "表头超过 {most} 个单元格"),
                ));
            }
            self.width = Some(cells.len());
            return Ok(self.hand(Piece::Header(cells)));
        };
        self.rows += 1;
        let most = self.limits.rows;
        if self.rows > most {
            return Err(too_large(
                "too-many-rows",
                console::text!("the file has more than {most} rows", "文件超过 {most} 行数据"),
            ));
        }
        self.lines.push(fitted(line, cells, width));
        self.bytes += self.lines.last().map_or(0, |line| line.cells.iter().map(Raw::bytes).sum());
        if self.lines.len() >= HANDED_LINES || self.bytes >= HANDED_BYTES {
            return Ok(self.flush(at));
        }
        Ok(Ok(()))
    }

    /// Hands over what is left.
    ///
    /// # Errors
    /// When the file has no header.
    pub(super) fn finish(mut self, shown: &str, at: u64) -> Result<(), Failure> {
        if self.width.is_none() {
            return Err(bad(
                "no-header",
                console::text!("{shown} has no header line", "{shown} 没有表头行"),
                Text::fixed("put the names of the columns into the first line", "请在首行写列名"),
            ));
        }
        // Whoever has stopped taking lines says why itself.
        self.flush(at).unwrap_or(());
        Ok(())
    }

    fn flush(&mut self, at: u64) -> Result<(), Stopped> {
        self.bytes = 0;
        let lines = std::mem::take(&mut self.lines);
        self.hand(Piece::Lines(lines, at))
    }

    fn hand(&self, piece: Piece) -> Result<(), Stopped> {
        self.sender.blocking_send(piece).map_err(|_| Stopped)
    }
}

/// A line with as many cells as the header has.
fn fitted(line: i64, mut cells: Vec<Raw>, wanted: usize) -> RawLine {
    let found = cells.len();
    let is_long = cells.iter().skip(wanted).any(|cell| !cell.is_blank());
    let broken = is_long.then_some(LineRule::CellCount { found, wanted });
    cells.resize(wanted, Raw::Empty);
    RawLine { line, cells, broken }
}

/// Reads no more than a budget, which is filled up for each record.
struct Metered {
    file: File,
    budget: Rc<Held<u64>>,
}

impl Read for Metered {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let budget = self.budget.get();
        if budget == 0 {
            return Err(std::io::Error::other("a record is too long"));
        }
        let most = usize::try_from(budget).unwrap_or(usize::MAX).min(into.len());
        let read = self.file.read(&mut into[..most])?;
        self.budget.set(budget - read as u64);
        Ok(read)
    }
}

/// Reads a CSV file, line by line.
///
/// # Errors
/// When it cannot be read, or something in it is too large.
pub(super) fn read_csv(source: Source, limits: &Limits, sender: Sender<Piece>) -> Result<(), Failure> {
    let budget = Rc::new(Held::new(0));
    let metered = Metered { file: source.file, budget: Rc::clone(&budget) };
    // A line ends with its line feed; a carriage return before it is a blank, and blanks do not count.
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).flexible(true).terminator(Terminator::Any(b'\n')).buffer_capacity(READ_AHEAD);
    let mut reader = builder.from_reader(metered);
    let (mut handing, mut record) = (Handing::new(sender, limits), ByteRecord::new());
    loop {
        budget.set(limits.record_bytes);
        let before = reader.position().line();
        match reader.read_byte_record(&mut record) {
            Ok(false) => return handing.finish(&source.shown, source.rows.unwrap_or(0)),
            Ok(true) => {}
            Err(_) if budget.get() == 0 => return Err(too_long(before, limits.record_bytes)),
            Err(error) => return Err(unreadable(&source.shown, &error)),
        }
        let at = reader.position().byte();
        let is_ended = at < source.bytes || source.ends_line;
        let line = first_line(&record, reader.position().line(), is_ended);
        let cell = |bytes: &[u8]| {
            source.encoding.decode(bytes).map_or(Raw::Broken(source.encoding), |text| Raw::of_text(&text, limits))
        };
        let cells = record.iter().take(limits.cells + 1).map(cell).collect();
        // The header is line 1.
        let row = u64::try_from(line).unwrap_or(0).saturating_sub(1);
        if handing.take(line, cells, row)?.is_err() {
            return Ok(());
        }
    }
}

/// The line on which a record begins: the reader says on which one it stands after it.
fn first_line(record: &ByteRecord, after: u64, is_ended: bool) -> i64 {
    let within = record.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
    i64::try_from(after.saturating_sub(within + u64::from(is_ended))).unwrap_or(i64::MAX)
}

fn too_long(line: u64, most: u64) -> Failure {
    let message = console::text!(
        "the record that begins at line {line} has more than {most} bytes; a quotation mark may not be closed",
        "自第 {line} 行起的一条记录超过 {most} 字节，可能有未闭合的引号"
    );
    bad("record-too-long", message, Text::fixed("mend that line", "请更正该行"))
}
