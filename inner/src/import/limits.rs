//! How large a file, a row and a cell may be.

/// How much an import takes. Whatever is beyond a limit is a failure that names the limit, before it is in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a CSV file: two million lines of five hundred bytes, and none of the kinds has lines as long as that on average.
    pub csv_bytes: u64,
    /// Bytes of an XLSX file as it is stored: a full sheet compresses to less.
    pub xlsx_bytes: u64,
    /// Bytes of all parts of an XLSX file together once inflated: a full sheet of 1 048 576 rows of the widest kind.
    pub inflated_bytes: u64,
    /// Bytes of the shared strings of an XLSX file once inflated: they are held in memory.
    pub strings_bytes: u64,
    /// Shared strings of an XLSX file, stated or there: each takes memory beside its text.
    pub strings: u64,
    /// Bytes of every other part once inflated, such as styles: the reader holds them in memory, many times their size.
    pub part_bytes: u64,
    /// Parts of an XLSX file: a workbook with a hundred sheets has fewer.
    pub parts: u64,
    /// Rows of data: the largest kind of a large province has one million.
    pub rows: u64,
    /// Cells of a row: three times the columns of the widest kind.
    pub cells: usize,
    /// Bytes of a cell: the widest column holds 200, and what is wider is refused with its line.
    pub cell_bytes: usize,
    /// Bytes of a row of a CSV file: a quotation mark that is never closed would take in the rest of the file.
    pub record_bytes: u64,
    /// Rows that are written in one transaction: ferry carries a transaction whole and holds no more than that.
    pub whole_rows: u64,
    /// Rows of each transaction of a larger import: a commit is worth waiting for, and others wait for it too.
    pub chunk_rows: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            csv_bytes: 1 << 30,
            xlsx_bytes: 128 << 20,
            inflated_bytes: 2 << 30,
            strings_bytes: 256 << 20,
            strings: 4_000_000,
            part_bytes: 4 << 20,
            parts: 1_000,
            rows: 2_000_000,
            cells: 64,
            cell_bytes: 4_096,
            record_bytes: 256 << 10,
            whole_rows: 50_000,
            chunk_rows: 2_000,
        }
    }
}

/// Faults that a report lists, refusals before warnings; all are counted. Nobody mends more at a time, and the report
/// stays one page of a browser.
pub const REPORT_FAULTS_MAX: usize = 1_000;
