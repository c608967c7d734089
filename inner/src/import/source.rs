//! The file itself: what it is, its digest, its encoding.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _};
use std::path::Path;

use console::Text;
use node::field_key::hex;
use node::{Failure, Kind as FailureKind};
use sm3::{Digest as _, Sm3};

use super::encoding::{Decided, Encoding, Utf8Check};
use super::{Form, Limits, parts};

/// Bytes read at a time.
const PIECE: usize = 1 << 16;
/// How UTF-8 may begin, and nothing else does.
const BOM: &[u8] = b"\xef\xbb\xbf";
/// How UTF-16 begins.
const UTF16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// A file that was read once, from end to end.
#[derive(Debug)]
pub(super) struct Source {
    /// The file, at its beginning. The same file is read throughout, whatever its path comes to name.
    pub file: File,
    /// The path as failures show it.
    pub shown: String,
    /// The name without directories.
    pub name: String,
    /// SM3, 64 hex digits.
    pub digest: String,
    /// Its bytes.
    pub bytes: u64,
    /// What it is.
    pub form: Form,
    /// Its encoding; of no meaning for a spreadsheet.
    pub encoding: Decided,
    /// Whether its last line has a line end.
    pub ends_line: bool,
    /// Rows below the header, as far as lines and tags tell without reading cells; for people who wait, and for nothing else.
    pub rows: Option<u64>,
}

/// A failure of the file as such.
pub(super) fn bad(code: &'static str, message: Text, next: Text) -> Failure {
    Failure::new(FailureKind::Bad, code, message, next)
}

/// What is larger than a limit.
pub(super) fn too_large(code: &'static str, message: Text) -> Failure {
    let next = Text::fixed(
        "split the file, or save only the rows and columns of the kind",
        "请拆分文件，或只保留该类数据的行和列",
    );
    Failure::new(FailureKind::TooLarge, code, message, next)
}

/// The file cannot be read.
pub(super) fn unreadable(shown: &str, error: &dyn std::fmt::Display) -> Failure {
    bad(
        "file-unreadable",
        console::text!("{shown} cannot be read: {error}", "{shown} 无法读取：{error}"),
        Text::fixed("look at the path, owner and mode of the file", "请检查文件路径、属主和权限"),
    )
}

impl Source {
    /// Opens a file and reads it once; of a workbook every part is inflated once, too.
    ///
    /// # Errors
    /// When it is not there, is no plain file, is too large or would inflate to what is, or its form or encoding is none of
    /// those that are taken.
    pub(super) fn open(path: &Path, form: Option<Form>, encoding: Encoding, limits: &Limits) -> Result<Self, Failure> {
        let shown = path.display().to_string();
        let form = form.map_or_else(|| by_extension(path, &shown), Ok)?;
        let metadata = std::fs::metadata(path).map_err(|error| missing_or(&shown, &error))?;
        // A pipe or a device would never end, and opening one can wait for ever.
        if !metadata.is_file() {
            return Err(bad(
                "no-plain-file",
                console::text!("{shown} is no plain file", "{shown} 不是普通文件"),
                Text::fixed("name a CSV or XLSX file", "请指定 CSV 或 XLSX 文件"),
            ));
        }
        let most = match form {
            Form::Csv => limits.csv_bytes,
            Form::Xlsx => limits.xlsx_bytes,
        };
        // One that is too large is not read at all; one that grows meanwhile is stopped where it is read.
        if metadata.len() > most {
            return Err(beyond(&shown, most));
        }
        let file = File::open(path).map_err(|error| missing_or(&shown, &error))?;
        let name = path.file_name().map_or_else(|| shown.clone(), |name| name.to_string_lossy().into_owned());
        let encoding_asked = encoding;
        let mut source = Self {
            file,
            shown,
            name,
            digest: String::new(),
            bytes: 0,
            form,
            encoding: Decided::Utf8,
            ends_line: false,
            rows: None,
        };
        source.look(encoding_asked, most)?;
        if form == Form::Xlsx {
            source.rows = parts::check(&mut source.file, &source.shown, limits)?;
        }
        Ok(source)
    }

    fn look(&mut self, asked: Encoding, most: u64) -> Result<(), Failure> {
        let (mut hasher, mut check, mut piece) = (Sm3::new(), Utf8Check::default(), vec![0; PIECE]);
        let (mut lines, mut has_mark) = (0, false);
        loop {
            let read = match self.file.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => &piece[..read],
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(unreadable(&self.shown, &error)),
            };
            if self.bytes == 0 && self.form == Form::Csv && UTF16.iter().any(|mark| read.starts_with(mark)) {
                return Err(bad(
                    "encoding",
                    console::text!("{shown} is UTF-16", "{shown} 为 UTF-16 编码", shown = self.shown),
                    Text::fixed("save it as UTF-8 or GB 18030 (GBK)", "请另存为 UTF-8 或 GB 18030（GBK）编码"),
                ));
            }
            has_mark |= self.bytes == 0 && read.starts_with(BOM);
            self.bytes += read.len() as u64;
            if self.bytes > most {
                return Err(beyond(&self.shown, most));
            }
            hasher.update(read);
            check.feed(read);
            self.ends_line = read.last() == Some(&b'\n');
            lines += read.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        }
        // The last line may lack its end, and the first one is the header.
        self.rows = (self.form == Form::Csv).then(|| (lines + u64::from(!self.ends_line)).saturating_sub(1));
        self.digest = hex(&hasher.finalize());
        self.encoding = match asked {
            // A broken byte further on is its line's fault, and no reason to take every other line for another encoding.
            Encoding::Auto if has_mark || check.is_utf8() || check.is_meant() => Decided::Utf8,
            Encoding::Auto | Encoding::Gb18030 => Decided::Gb18030,
            Encoding::Utf8 => Decided::Utf8,
        };
        self.file.rewind().map_err(|error| unreadable(&self.shown, &error))
    }
}

fn beyond(shown: &str, most: u64) -> Failure {
    too_large("file-too-large", console::text!("{shown} has more than {most} bytes", "{shown} 超过 {most} 字节"))
}

fn by_extension(path: &Path, shown: &str) -> Result<Form, Failure> {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    match extension.as_deref() {
        Some("csv" | "txt") => Ok(Form::Csv),
        Some("xlsx") => Ok(Form::Xlsx),
        Some(_) | None => Err(bad(
            "unknown-form",
            console::text!("{shown} is neither .csv nor .xlsx", "{shown} 既不是 .csv 也不是 .xlsx"),
            Text::fixed("save it as one of them, or say which it is", "请另存为其中一种，或指明格式"),
        )),
    }
}

fn missing_or(shown: &str, error: &std::io::Error) -> Failure {
    if error.kind() == ErrorKind::NotFound {
        return Failure::missing("file", "文件", shown);
    }
    unreadable(shown, error)
}
