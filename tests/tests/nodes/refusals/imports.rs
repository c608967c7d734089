//! Files of base data that cannot be imported, among them those that are made to fill memory or disk.

use std::fs::File;
use std::io::{Cursor, Write as _};
use std::process::Command;

use tests::pair::INNER;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::case::{Case, run_with, succeed};
use super::place::Place;

/// The columns that a fund nature (资金性质) must have.
const HEADER: &str = "mof_div_code,fiscal_year,ele_code,ele_name,start_date";
/// A line that could be imported.
const GOOD: &str = "610100000,2026,81,其他资金,20260101";
/// What two gigabytes are.
const TWO_GIGABYTES: u64 = 2 << 30;
/// What a part of the workbook inflates to.
const BOMB_BYTES: usize = 64 << 20;
/// The only table in which a refused file is noted.
const NOTED: &[&str] = &["node_act"];

/// The cases.
pub fn cases(place: &Place) -> Vec<Case> {
    [headers(place), lines(place), files(place), workbooks(place)].into_iter().flatten().collect()
}

/// The import of a file of fund natures.
fn import(place: &Place, name: &'static str, file: &str) -> Case {
    let arguments = ["import", file, "--kind", "FUND_NATURE"];
    Case::new(INNER, name, run_with("inner-node", &place.config_path(INNER), &arguments, "")).noting(NOTED)
}

/// The import of a text that a file has.
fn text(place: &Place, name: &'static str, file: &str, bytes: &[u8]) -> Case {
    import(place, name, &place.file(file, bytes))
}

fn headers(place: &Place) -> Vec<Case> {
    let header = |name, file, header: &str| {
        text(place, name, file, format!("{header}\n{GOOD}\n").as_bytes()).ends(31, "header").naming("FUND_NATURE")
    };
    vec![
        header("a column that there is not", "unknown.csv", &format!("{HEADER},colour")).naming("colour"),
        header("a column twice", "twice.csv", &format!("{HEADER},ele_code")).naming("ele_code"),
        header("a column twice, once by its title", "title.csv", &format!("{HEADER},要素名称")).naming("要素名称"),
        header("a column that is missing", "missing.csv", "mof_div_code,fiscal_year,ele_code,start_date")
            .naming("ele_name"),
        header("data instead of a header", "data.csv", GOOD).naming("610100000"),
        text(place, "a file with nothing in it", "empty.csv", b"").ends(31, "no-header").naming("empty.csv"),
        text(place, "a header that is broken GB 18030", "header.csv", b"mof_div_code,\xff\xff,ele_code\n")
            .ends(31, "encoding"),
        text(place, "a file in UTF-16", "utf16.csv", b"\xff\xfem\0o\0f\0").ends(31, "encoding").naming("UTF-16"),
    ]
}

fn lines(place: &Place) -> Vec<Case> {
    let line = |name, file, line: &str, rule, column: &str| {
        let bytes = format!("{HEADER}\n{GOOD}\n{line}\n");
        text(place, name, file, bytes.as_bytes()).ends(31, rule).naming(column).naming("imported 0")
    };
    let mut broken = format!("{HEADER}\n610100000,2026,82,").into_bytes();
    broken.extend_from_slice(b"\xb2\xbb\xff\xff,20260101\n");
    vec![
        line(
            "a good line and one with a day that there is not",
            "day.csv",
            "610100000,2026,82,资金,20260231",
            "not-a-date",
            "start_date",
        ),
        line("a region of letters", "region.csv", "abc,2026,82,资金,20260101", "not-digits", "mof_div_code"),
        line("a name that is missing", "name.csv", "610100000,2026,82,,20260101", "missing", "ele_name"),
        line("a line with too many cells", "cells.csv", "610100000,2026,82,资金,20260101,more", "cell-count", "3"),
        line("a line that stands twice", "lines.csv", GOOD, "duplicate-line", "3"),
        line("a name with a bell", "bell.csv", "610100000,2026,82,资\u{7}金,20260101", "control-character", "ele_name"),
        line(
            "a name wider than its column",
            "wide.csv",
            &format!("610100000,2026,82,{},20260101", "长".repeat(101)),
            "too-wide",
            "ele_name",
        ),
        line(
            "a cell of five thousand bytes",
            "long.csv",
            &format!("610100000,2026,82,{},20260101", "a".repeat(5_000)),
            "cell-too-long",
            "ele_name",
        ),
        text(place, "a cell of broken GB 18030", "broken.csv", &broken)
            .ends(31, "broken-bytes")
            .naming("ele_name")
            .naming("imported 0"),
        text(
            place,
            "a quotation mark that is never closed",
            "open.csv",
            format!("{HEADER}\n\"{}", "a\n".repeat(200_000)).as_bytes(),
        )
        .ends(31, "record-too-long")
        .naming("2"),
    ]
}

fn files(place: &Place) -> Vec<Case> {
    let huge = place.files.path().join("huge.csv");
    let mut file = File::create(&huge).unwrap();
    writeln!(file, "{HEADER}").unwrap();
    // A file system gives it no blocks: its length is what counts.
    file.set_len(TWO_GIGABYTES).unwrap();
    let directory = place.files.path().join("x.csv");
    std::fs::create_dir(&directory).unwrap();
    let pipe = place.files.path().join("y.csv");
    succeed(Command::new("mkfifo").arg(&pipe));
    let kind = ["import", "a.csv", "--kind", "TREASURE"];
    vec![
        import(place, "a file of two gigabytes", &huge.display().to_string())
            .ends(31, "file-too-large")
            .naming("1073741824"),
        import(place, "a file that there is not", "/nowhere/a.csv").ends(21, "not-found").naming("/nowhere/a.csv"),
        import(place, "a directory", &directory.display().to_string()).ends(31, "no-plain-file").naming("x.csv"),
        import(place, "a pipe that nobody writes into", &pipe.display().to_string())
            .ends(31, "no-plain-file")
            .naming("y.csv"),
        import(place, "a device that never ends", "/dev/zero").ends(31, "unknown-form").naming("/dev/zero"),
        text(place, "a picture", "picture.png", b"\x89PNG").ends(31, "unknown-form").naming("picture.png"),
        Case::new(INNER, "a kind that there is not", run_with("inner-node", &place.config_path(INNER), &kind, ""))
            .ends(21, "not-found")
            .naming("TREASURE"),
    ]
}

fn workbooks(place: &Place) -> Vec<Case> {
    let book = |name, file, parts: &[(&str, &[u8])]| text(place, name, file, &zipped(parts));
    let sheet = "<?xml version=\"1.0\"?><worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">\
        <dimension ref=\"A1:XFD1048576\"/><sheetData><row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>ele_code</t></is></c></row>\
        <row r=\"1048576\"><c r=\"XFD1048576\" t=\"inlineStr\"><is><t>x</t></is></c></row></sheetData></worksheet>";
    let bomb = vec![b' '; BOMB_BYTES];
    let with = |more: (&'static str, &[u8])| {
        let parts: Vec<(&str, &[u8])> = WORKBOOK.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
        zipped(&[parts.as_slice(), &[more]].concat())
    };
    vec![
        text(place, "a workbook that is text", "text.xlsx", HEADER.as_bytes())
            .ends(31, "workbook-broken")
            .naming("text.xlsx"),
        book("a ZIP file that is no workbook", "zip.xlsx", &[("readme.txt", b"hello")])
            .ends(31, "workbook-broken")
            .naming("zip.xlsx"),
        text(place, "a part that inflates without end", "bomb.xlsx", &with(("xl/styles.xml", &bomb)))
            .ends(31, "inflates-too-large")
            .naming("bomb.xlsx"),
        text(
            place,
            "a sheet of seventeen thousand million cells",
            "sheet.xlsx",
            &with(("xl/worksheets/sheet1.xml", sheet.as_bytes())),
        )
        .ends(31, "header")
        .naming("mof_div_code"),
        text(place, "a workbook that is cut off", "cut.xlsx", &with(("xl/styles.xml", b"<a/>"))[..200])
            .ends(31, "workbook-broken")
            .naming("cut.xlsx"),
    ]
}

/// What every workbook has beside its sheet.
const WORKBOOK: [(&str, &str); 4] = [
    (
        "[Content_Types].xml",
        "<?xml version=\"1.0\"?><Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
         <Override PartName=\"/xl/workbook.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/>\
         <Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/></Types>",
    ),
    (
        "_rels/.rels",
        "<?xml version=\"1.0\"?><Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
         <Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>",
    ),
    (
        "xl/workbook.xml",
        "<?xml version=\"1.0\"?><workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" \
         xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><sheets><sheet name=\"a\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>",
    ),
    (
        "xl/_rels/workbook.xml.rels",
        "<?xml version=\"1.0\"?><Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
         <Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>",
    ),
];

fn zipped(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
