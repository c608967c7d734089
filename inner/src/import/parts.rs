//! Whether the parts of an XLSX file can be read without filling memory.
//!
//! The reader of workbooks keeps styles and shared strings in memory, and each cell while it reads it. A small file
//! can inflate to anything, so every part is inflated here once and thrown away, counting, before the reader sees the
//! file.

use std::fs::File;
use std::io::{BufReader, Read, Seek as _, SeekFrom};

use console::{Lang, Text};
use node::Failure;
use zip::ZipArchive;

use super::Limits;
use super::source::{bad, too_large, unreadable};

/// Bytes inflated at a time.
const PIECE: usize = 1 << 16;
/// Bytes from one cell, row or shared string to the next: the reader holds that much at once.
const SPAN_BYTES_MAX: u64 = 1 << 20;
/// Bytes of the tag that begins the shared strings: it states how many there are, and room for them is made at once.
const STATED_BYTES_MAX: usize = 4 << 10;
/// Bytes of the name of an element; longer ones are none that matter.
const NAME_BYTES_MAX: usize = 64;
/// Bytes of the record that ends a ZIP file, how it begins, and where it keeps the number of entries.
const END_BYTES: usize = 22;
const END_MARK: &[u8] = b"PK\x05\x06";
const END_ENTRIES: usize = 10;
/// A number of entries that says that it stands elsewhere (ZIP64).
const ELSEWHERE: u64 = 0xffff;

/// What is wrong with the form of a workbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    NoZip,
    RowOrder,
    LongCell,
    NotUtf8,
    TagInTag,
    HidingPlace,
    LongStringsTag,
    Instruction,
    OpenInstruction,
    ManyStrings,
    ManyStringsStated,
}

impl Flaw {
    const fn text(self) -> Text {
        match self {
            Self::NoZip => Text::fixed(
                "it is no ZIP file, or has something after its end",
                "不是 ZIP 文件，或文件结尾之后还有其他内容",
            ),
            Self::RowOrder => Text::fixed("its rows are not in order", "各行未按行号顺序排列"),
            Self::LongCell => Text::fixed("a cell is too long", "单元格内容过长"),
            Self::NotUtf8 => Text::fixed("its text is not UTF-8", "文本不是 UTF-8 编码"),
            Self::TagInTag => Text::fixed("a tag begins within a tag", "标签之内又有标签"),
            Self::HidingPlace => Text::fixed("it has comments or marked sections", "含有注释或 CDATA 等标记段"),
            Self::LongStringsTag => Text::fixed("the tag of its shared strings is too long", "共享字符串的标签过长"),
            Self::Instruction => Text::fixed("it has instructions after its beginning", "开头之后还有处理指令"),
            Self::OpenInstruction => Text::fixed("an instruction does not end", "处理指令没有结束"),
            Self::ManyStrings => Text::fixed("it has too many shared strings", "共享字符串过多"),
            Self::ManyStringsStated => Text::fixed("it states too many shared strings", "声明的共享字符串个数过多"),
        }
    }
}

/// A workbook has a flaw.
pub(super) fn flawed(shown: &str, flaw: Flaw) -> Failure {
    broken(shown, &flaw.text())
}

/// A workbook cannot be read, as the library that reads it says in its own words.
pub(super) fn misread(shown: &str, error: &dyn std::fmt::Display) -> Failure {
    broken(shown, &console::text!("{error}", "读取时报错（{error}）"))
}

fn broken(shown: &str, what: &Text) -> Failure {
    let (en, zh) = (what.get(Lang::En), what.get(Lang::Zh));
    bad(
        "workbook-broken",
        console::text!("{shown} is no workbook that can be read: {en}", "{shown} 不是可读取的工作簿：{zh}"),
        Text::fixed(
            "open it in a spreadsheet program and save it again as .xlsx, or as .csv",
            "请在表格软件中打开并重新另存为 .xlsx 或 .csv",
        ),
    )
}

/// Inflates every part once. Yields the rows below the header, where one sheet alone can be meant.
///
/// # Errors
/// When there are too many, one or all of them are too large, or the text of a sheet is not that of a spreadsheet
/// program.
pub(super) fn check(file: &mut File, shown: &str, limits: &Limits) -> Result<Option<u64>, Failure> {
    check_end(file, shown, limits)?;
    let mut archive = ZipArchive::new(BufReader::new(&mut *file)).map_err(|error| misread(shown, &error))?;
    if archive.len() as u64 > limits.parts {
        return Err(too_many(shown, limits.parts));
    }
    let (mut total, mut sheets) = (0, Vec::new());
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).map_err(|error| misread(shown, &error))?;
        let name = String::from_utf8_lossy(part.name_raw()).to_ascii_lowercase();
        let most = if name.ends_with("sharedstrings.xml") {
            limits.strings_bytes
        } else if name.contains("worksheets/") {
            limits.inflated_bytes
        } else {
            limits.part_bytes
        };
        let mut scan = (most != limits.part_bytes).then(|| Scan::new(limits.strings));
        total += inflate(&mut part, scan.as_mut(), most, shown)?;
        if total > limits.inflated_bytes {
            return Err(inflates(shown, limits.inflated_bytes));
        }
        sheets.extend(scan.filter(|scan| scan.rows > 0).map(|scan| scan.rows - 1));
    }
    drop(archive);
    file.rewind().map_err(|error| unreadable(shown, &error))?;
    Ok(if let [rows] = sheets[..] { Some(rows) } else { None })
}

fn too_many(shown: &str, most: u64) -> Failure {
    too_large(
        "too-many-parts",
        console::text!("{shown} has more than {most} parts", "{shown} 的组成部分超过 {most} 个"),
    )
}

fn inflates(shown: &str, most: u64) -> Failure {
    too_large(
        "inflates-too-large",
        console::text!("a part of {shown} inflates to more than {most} bytes", "{shown} 解压后超过 {most} 字节"),
    )
}

/// The directory of a ZIP file is held in memory, so its length is looked at first: it stands in the file's last bytes.
fn check_end(file: &mut File, shown: &str, limits: &Limits) -> Result<(), Failure> {
    let mut end = [0; END_BYTES];
    let back = i64::try_from(END_BYTES).map_err(Failure::internal)?;
    let read = file.seek(SeekFrom::End(-back)).and_then(|_| file.read_exact(&mut end));
    if read.is_err() || !end.starts_with(END_MARK) {
        return Err(flawed(shown, Flaw::NoZip));
    }
    let entries = u64::from(u16::from_le_bytes([end[END_ENTRIES], end[END_ENTRIES + 1]]));
    if entries == ELSEWHERE || entries > limits.parts {
        return Err(too_many(shown, limits.parts));
    }
    file.rewind().map_err(|error| unreadable(shown, &error))
}

fn inflate(part: &mut dyn Read, mut scan: Option<&mut Scan>, most: u64, shown: &str) -> Result<u64, Failure> {
    let (mut piece, mut bytes) = (vec![0; PIECE], 0);
    loop {
        let read = part.read(&mut piece).map_err(|error| misread(shown, &error))?;
        if read == 0 {
            return Ok(bytes);
        }
        bytes += read as u64;
        if bytes > most {
            return Err(inflates(shown, most));
        }
        if let Some(scan) = &mut scan {
            piece[..read].iter().try_for_each(|byte| scan.feed(*byte)).map_err(|flaw| flawed(shown, flaw))?;
        }
    }
}

/// Where in XML a byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Text,
    Name,
    Tag,
    Quoted(u8),
}

/// Follows the tags of a sheet, or of shared strings. What spreadsheet programs do not write is refused, so that
/// nothing can hide a long text from the count: comments, marked sections, and instructions after the beginning.
#[derive(Debug)]
struct Scan {
    place: Place,
    name: Vec<u8>,
    /// The whole tag, where it is the one that states a count.
    tag: Vec<u8>,
    span: u64,
    tags: u64,
    strings: u64,
    strings_max: u64,
    rows: u64,
    last: u8,
    is_instruction: bool,
    /// Whether the cells are over; the reader stops there.
    is_over: bool,
}

impl Scan {
    const fn new(strings_max: u64) -> Self {
        Self {
            place: Place::Text,
            name: Vec::new(),
            tag: Vec::new(),
            span: 0,
            tags: 0,
            strings: 0,
            strings_max,
            rows: 0,
            last: 0,
            is_instruction: false,
            is_over: false,
        }
    }

    fn feed(&mut self, byte: u8) -> Result<(), Flaw> {
        if self.is_over {
            return Ok(());
        }
        self.span += 1;
        if self.span > SPAN_BYTES_MAX {
            return Err(Flaw::LongCell);
        }
        if byte == 0 {
            return Err(Flaw::NotUtf8);
        }
        self.place = match (self.place, byte) {
            (Place::Text, b'<') => self.begin(),
            (Place::Text, _) => Place::Text,
            (_, b'<') => return Err(Flaw::TagInTag),
            (Place::Name, b'!') if self.name.is_empty() => return Err(Flaw::HidingPlace),
            (Place::Name, b'?') if self.name.is_empty() => self.instruct()?,
            (Place::Name, b'>' | b' ' | b'\t' | b'\r' | b'\n') => self.named(byte)?,
            (Place::Name, b'/') if !self.name.is_empty() => self.named(byte)?,
            (Place::Name, _) => {
                if self.name.len() < NAME_BYTES_MAX {
                    self.name.push(byte);
                }
                Place::Name
            }
            (Place::Tag, b'>') => self.ended()?,
            (Place::Tag, b'"' | b'\'') => Place::Quoted(byte),
            (Place::Tag, _) => Place::Tag,
            (Place::Quoted(mark), _) if byte == mark => Place::Tag,
            (Place::Quoted(mark), _) => Place::Quoted(mark),
        };
        if self.place != Place::Text && self.name == b"sst" {
            self.tag.push(byte);
            if self.tag.len() > STATED_BYTES_MAX {
                return Err(Flaw::LongStringsTag);
            }
        }
        self.last = byte;
        Ok(())
    }

    fn begin(&mut self) -> Place {
        self.name.clear();
        self.tag.clear();
        self.tags += 1;
        self.is_instruction = false;
        Place::Name
    }

    fn instruct(&mut self) -> Result<Place, Flaw> {
        if self.tags > 1 {
            return Err(Flaw::Instruction);
        }
        self.is_instruction = true;
        Ok(Place::Tag)
    }

    /// The name of a tag is complete: without its prefix it says whether a cell, a row or a string begins or ends.
    fn named(&mut self, byte: u8) -> Result<Place, Flaw> {
        let is_end = self.name.first() == Some(&b'/');
        let name = self.name.strip_prefix(b"/").unwrap_or(&self.name);
        let local = name.iter().position(|byte| *byte == b':').map_or(name, |at| &name[at + 1..]).to_vec();
        match (local.as_slice(), is_end) {
            (b"c", _) => self.span = 0,
            (b"row", is_end) => {
                self.span = 0;
                self.rows += u64::from(!is_end);
            }
            (b"si", is_end) => {
                self.span = 0;
                self.strings += u64::from(!is_end);
                if self.strings > self.strings_max {
                    return Err(Flaw::ManyStrings);
                }
            }
            (b"sheetData", true) => self.is_over = true,
            _ => {}
        }
        self.name = if is_end { Vec::new() } else { local };
        if byte == b'>' { self.ended() } else { Ok(Place::Tag) }
    }

    fn ended(&mut self) -> Result<Place, Flaw> {
        if self.is_instruction && self.last != b'?' {
            return Err(Flaw::OpenInstruction);
        }
        if self.name == b"sst" && stated(&self.tag).is_some_and(|count| count > self.strings_max) {
            return Err(Flaw::ManyStringsStated);
        }
        Ok(Place::Text)
    }
}

/// The largest number after `uniqueCount` in a tag; one that does not fit is the largest of all.
fn stated(tag: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(tag);
    let numbers = text.split("uniqueCount").skip(1).map(|rest| {
        let digits = rest.trim_start_matches(|character: char| !character.is_ascii_digit());
        let end = digits.find(|character: char| !character.is_ascii_digit()).unwrap_or(digits.len());
        if end == 0 { 0 } else { digits[..end].parse().unwrap_or(u64::MAX) }
    });
    numbers.max()
}

#[cfg(test)]
mod tests {
    use super::{Flaw, SPAN_BYTES_MAX, Scan, flawed};

    fn said(xml: &str) -> Result<(), Flaw> {
        let mut scan = Scan::new(2);
        xml.bytes().try_for_each(|byte| scan.feed(byte))
    }

    #[test]
    fn what_spreadsheet_programs_write_passes() {
        let long = "a".repeat(usize::try_from(SPAN_BYTES_MAX).unwrap() - 100);
        assert_eq!(said("<?xml version=\"1.0\"?><sst uniqueCount=\"2\"><si><t>a&gt;</t></si><si/></sst>"), Ok(()));
        let cells = format!("<x:row r='1'><x:c><is><t>{long}</t></is></x:c><x:c><is><t>{long}</t></is></x:c></x:row>");
        assert_eq!(said(&format!("<x:worksheet><x:sheetData>{cells}</x:sheetData>{long}{long}")), Ok(()));
    }

    #[test]
    fn what_could_hide_a_long_text_does_not() {
        let long = "a".repeat(usize::try_from(SPAN_BYTES_MAX).unwrap());
        for bad in [
            "<sst uniqueCount=\"3\">",
            "<sst uniqueCount='99999999999999999999999'>",
            "<sst><si/><si/><si/>",
            "<c><!-- <c> --></c>",
            "<c/><?a ?>",
            "<?xml a>",
            "<c r='<c'>",
            "<c\0>",
            &format!("<c><v>{long}</v></c>"),
            &format!("<c><v a='{long}'/></c>"),
        ] {
            assert!(said(bad).is_err(), "{}", &bad[..bad.len().min(40)]);
        }
    }

    #[test]
    fn a_flaw_is_told_in_each_language_by_itself() {
        let failure = flawed("账.xlsx", Flaw::NoZip);
        let zh = failure.message.get(console::Lang::Zh);
        assert_eq!(zh, "账.xlsx 不是可读取的工作簿：不是 ZIP 文件，或文件结尾之后还有其他内容");
        assert!(failure.message.get(console::Lang::En).contains("it is no ZIP file, or has something after its end"));
    }
}
