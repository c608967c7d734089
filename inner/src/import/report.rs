//! What an import came to, line by line.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use console::{Lang, Text};
use contract::rows::Kind;
use contract::rules::{Rule, Severity};
use node::{Failure, Kind as FailureKind};
use serde_json::{Value, json};

use super::limits::REPORT_FAULTS_MAX;

/// Spreadsheet programs take a file for UTF-8 when it begins with this.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// What a line can break: the rules of the contract, and those that only files have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LineRule {
    /// A rule of the contract.
    Contract(Rule),
    /// Bytes that are no text of the file's encoding.
    BrokenBytes { encoding: &'static str },
    /// More or fewer cells than the header has.
    CellCount { found: usize, wanted: usize },
    /// A cell too long for any column.
    CellTooLong { most: usize },
    /// A cell that the spreadsheet keeps as a date.
    DateCell,
    /// A formula that came to an error.
    FormulaError { error: String },
    /// A number of more digits than a spreadsheet keeps.
    NumberDigits,
    /// A number with a fraction where there can be none.
    Fraction,
    /// Yes or no where neither can be.
    BooleanCell,
    /// A code that several rows have.
    AmbiguousCode { table: &'static str, code: String, count: i64 },
    /// A row that another line of the file is too.
    DuplicateLine { line: i64 },
    /// A level that does not follow, because the row's place in the tree is not known.
    NoLevel,
}

impl From<Rule> for LineRule {
    fn from(rule: Rule) -> Self {
        Self::Contract(rule)
    }
}

impl LineRule {
    /// The stable code, in kebab case.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Contract(rule) => rule.code(),
            Self::BrokenBytes { .. } => "broken-bytes",
            Self::CellCount { .. } => "cell-count",
            Self::CellTooLong { .. } => "cell-too-long",
            Self::DateCell => "date-cell",
            Self::FormulaError { .. } => "formula-error",
            Self::NumberDigits => "number-digits",
            Self::Fraction => "fraction",
            Self::BooleanCell => "boolean-cell",
            Self::AmbiguousCode { .. } => "ambiguous-code",
            Self::DuplicateLine { .. } => "duplicate-line",
            Self::NoLevel => "no-level",
        }
    }

    /// What is wrong.
    pub(super) fn message(&self) -> Text {
        match self {
            Self::Contract(rule) => Text::new(rule.english(), rule.chinese()),
            Self::BrokenBytes { encoding } => {
                console::text!("holds bytes that are not {encoding}", "含有不属于 {encoding} 编码的字节")
            }
            Self::CellCount { found, wanted } => {
                console::text!("has {found} cells, the header has {wanted}", "有 {found} 个单元格，表头为 {wanted} 个")
            }
            Self::CellTooLong { most } => {
                console::text!("a cell has more than {most} bytes", "单元格超过 {most} 字节")
            }
            Self::DateCell => {
                Text::fixed("is a date of the spreadsheet; write it as text", "为表格的日期格式，请改为文本")
            }
            Self::FormulaError { error } => {
                console::text!("the formula came to {error}", "公式结果为错误 {error}")
            }
            Self::NumberDigits => Text::fixed(
                "is a number of more than 15 digits, of which spreadsheets lose the last; write it as text",
                "为超过 15 位的数值，表格会丢失末位，请改为文本",
            ),
            Self::Fraction => Text::fixed("must be a whole number or text", "应为整数或文本"),
            Self::BooleanCell => Text::fixed("must not be TRUE or FALSE", "不得为 TRUE 或 FALSE"),
            Self::AmbiguousCode { table, code, count } => console::text!(
                "{count} rows of {table} have the code {code}; name the row by its id",
                "{table} 中有 {count} 行编码为 {code}，请改用主键"
            ),
            Self::DuplicateLine { line } => console::text!("line {line} is the same row", "与第 {line} 行为同一行"),
            Self::NoLevel => Text::fixed(
                "the level does not follow from the rows above, of which there may be at most eight",
                "无法由上级得出级次（上级最多八层）",
            ),
        }
    }
}

/// What is wrong with one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineFault {
    /// The line of the file, from 1; the header is the first. For a spreadsheet, the row.
    pub line: i64,
    /// The column; empty where the fault is the whole line's.
    pub column: String,
    /// The code of the rule, in kebab case.
    pub code: &'static str,
    /// What is wrong; never a value of a sensitive column.
    pub message: Text,
    /// Whether the line is refused, or only looked at.
    pub severity: Severity,
}

/// The faults of an import: some listed, all counted.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// Refusals that are listed, the first ones that were found.
    refusals: Vec<LineFault>,
    /// Warnings that are listed where refusals leave room for them.
    warned: Vec<LineFault>,
    /// How many there are, warnings included.
    pub count: u64,
    /// How many of them are warnings.
    pub warnings: u64,
}

impl Faults {
    /// How many more refusals can be listed.
    pub(super) fn room(&self) -> usize {
        REPORT_FAULTS_MAX.saturating_sub(self.refusals.len())
    }

    /// What is listed, by line: every refusal before any warning gets a place.
    pub(super) fn listed(self) -> Vec<LineFault> {
        let mut listed = self.refusals;
        let room = REPORT_FAULTS_MAX.saturating_sub(listed.len());
        listed.extend(self.warned.into_iter().take(room));
        listed.sort_by(|one, other| (one.line, &one.column).cmp(&(other.line, &other.column)));
        listed
    }

    /// Adds one, and counts it.
    pub(super) fn add(&mut self, line: i64, column: &str, rule: &LineRule, severity: Severity) {
        self.count += 1;
        let of = match severity {
            Severity::Refusal => &mut self.refusals,
            Severity::Warning => {
                self.warnings += 1;
                &mut self.warned
            }
        };
        if of.len() < REPORT_FAULTS_MAX {
            let column = column.to_owned();
            of.push(LineFault { line, column, code: rule.code(), message: rule.message(), severity });
        }
    }

    /// Counts some that are not listed.
    pub(super) fn add_unlisted(&mut self, count: u64) {
        self.count += count;
    }
}

/// What an import came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The kind.
    pub kind: Kind,
    /// The file's name, without its directories.
    pub file: String,
    /// The SM3 digest of the file, 64 hex digits.
    pub digest: String,
    /// Whether nothing was to be written.
    pub is_dry_run: bool,
    /// Lines of data, without the header and blank ones.
    pub lines: u64,
    /// Rows that were added, or would have been in a dry run.
    pub inserted: u64,
    /// Rows that were changed, among them parents outside the file that are no leaves any more.
    pub updated: u64,
    /// Rows that were as the file says.
    pub unchanged: u64,
    /// Lines that are refused. If there is one, nothing was written.
    pub refused: u64,
    /// Warnings.
    pub warned: u64,
    /// All faults, those among them that are not listed.
    pub fault_count: u64,
    /// Faults by line, at most [`REPORT_FAULTS_MAX`]; warnings have the places that refusals leave.
    pub faults: Vec<LineFault>,
}

impl Report {
    /// Rows that were written, or would have been in a dry run.
    #[must_use]
    pub const fn imported(&self) -> u64 {
        self.inserted + self.updated
    }

    /// What a person reads: a line for the whole, and one for each fault that is listed.
    #[must_use]
    pub fn human(&self, lang: Lang) -> String {
        let Self { file, lines, inserted, updated, unchanged, refused, warned, .. } = self;
        let (code, title) = (self.kind.code, self.kind.definition().title);
        let head = console::text!(
            "{file} ({code}): {lines} lines, {inserted} added, {updated} changed, {unchanged} unchanged, {refused} refused, {warned} warnings",
            "{file}（{title}）：{lines} 行，新增 {inserted}，变更 {updated}，未变 {unchanged}，拒绝 {refused}，警告 {warned}"
        );
        let mut text = format!("{}\n", head.get(lang));
        if self.refused > 0 {
            let nothing = Text::fixed("nothing was imported", "未导入任何数据");
            text.push_str(&format!("{}\n", nothing.get(lang)));
        } else if self.is_dry_run {
            text.push_str(&format!("{}\n", Text::fixed("dry run: nothing was written", "试运行：未写入").get(lang)));
        }
        self.faults.iter().for_each(|fault| text.push_str(&format!("  {}\n", fault.human(lang))));
        let rest = self.fault_count.saturating_sub(self.faults.len() as u64);
        if rest > 0 {
            let more = console::text!("{rest} more are not listed", "另有 {rest} 项未列出");
            text.push_str(&format!("  {}\n", more.get(lang)));
        }
        text
    }

    /// What a program reads.
    #[must_use]
    pub fn json(&self) -> Value {
        let fault = |fault: &LineFault| {
            json!({
                "line": fault.line,
                "column": fault.column,
                "rule": fault.code,
                "severity": fault.severity_code(),
                "message": fault.message.get(Lang::En),
                "message_zh": fault.message.get(Lang::Zh),
            })
        };
        let mut document = self.counts();
        document["faults"] = self.faults.iter().map(fault).collect();
        document
    }

    /// The counts alone, as the record of acts keeps them.
    pub(super) fn counts(&self) -> Value {
        json!({
            "kind": self.kind.code,
            "file": self.file,
            "sm3": self.digest,
            "dry_run": self.is_dry_run,
            "lines": self.lines,
            "imported": self.imported(),
            "inserted": self.inserted,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "refused": self.refused,
            "warned": self.warned,
            "fault_count": self.fault_count,
        })
    }

    /// Writes the listed faults into a new file, comma-separated, in UTF-8 with a byte order mark.
    ///
    /// # Errors
    /// When a file of that name is there, or it cannot be written.
    pub fn write_csv(&self, path: &Path, lang: Lang) -> Result<(), Failure> {
        let shown = path.display().to_string();
        let unwritable = |error: String| {
            Failure::new(
                FailureKind::Conflict,
                "report-unwritable",
                console::text!("{shown} cannot be written: {error}", "{shown} 无法写入：{error}"),
                Text::fixed("name a file that is not there yet", "请指定尚不存在的文件"),
            )
        };
        let mut file = File::create_new(path).map_err(|error| unwritable(error.to_string()))?;
        file.write_all(BOM).map_err(|error| unwritable(error.to_string()))?;
        let mut writer = csv::Writer::from_writer(file);
        let head = match lang {
            Lang::En => ["line", "column", "severity", "rule", "message"],
            Lang::Zh => ["行号", "列", "程度", "规则", "说明"],
        };
        writer.write_record(head).map_err(|error| unwritable(error.to_string()))?;
        for fault in &self.faults {
            let line = fault.line.to_string();
            let record = [&line, &fault.column, fault.severity_code(), fault.code, fault.message.get(lang)];
            writer.write_record(record).map_err(|error| unwritable(error.to_string()))?;
        }
        let file = writer.into_inner().map_err(|error| unwritable(error.to_string()))?;
        file.sync_all().map_err(|error| unwritable(error.to_string()))
    }
}

impl LineFault {
    /// Line, column, sentence and code.
    #[must_use]
    pub fn human(&self, lang: Lang) -> String {
        let (line, code, message) = (self.line, self.code, self.message.get(lang));
        let column = if self.column.is_empty() { String::new() } else { format!(" {}", self.column) };
        match (lang, self.severity) {
            (Lang::En, Severity::Refusal) => format!("line {line}{column}: {message} ({code})"),
            (Lang::En, Severity::Warning) => format!("line {line}{column}: warning: {message} ({code})"),
            (Lang::Zh, Severity::Refusal) => format!("第 {line} 行{column}：{message}（{code}）"),
            (Lang::Zh, Severity::Warning) => format!("第 {line} 行{column}：警告：{message}（{code}）"),
        }
    }

    fn severity_code(&self) -> &'static str {
        match self.severity {
            Severity::Refusal => "refusal",
            Severity::Warning => "warning",
        }
    }
}
