//! Workbooks: what they hold, and what they could do to memory.

use std::io::{Cursor, Write as _};

use contract::rules::{MoneySpelling, Spelling};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{Bench, asked, counts, item, run, said};
use crate::import::{ImportAsked, Limits};

const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";

/// A workbook with one sheet, the rest of its parts after that.
fn workbook(sheet: &str, parts: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let root = format!(
        "<Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"rId1\" Type=\"{RELATIONS}/officeDocument\" \
         Target=\"xl/workbook.xml\"/></Relationships>"
    );
    let book = format!(
        "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONS}\"><sheets>\
         <sheet name=\"数据\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
    );
    let relations = format!(
        "<Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"rId1\" Type=\"{RELATIONS}/worksheet\" \
         Target=\"worksheets/sheet1.xml\"/></Relationships>"
    );
    let styles = format!(
        "<styleSheet xmlns=\"{MAIN}\"><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>"
    );
    let all = [
        ("_rels/.rels", root.as_str()),
        ("xl/workbook.xml", &book),
        ("xl/_rels/workbook.xml.rels", &relations),
        ("xl/styles.xml", &styles),
        ("xl/worksheets/sheet1.xml", sheet),
    ];
    for (name, text) in all.iter().chain(parts) {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A sheet of rows of cells, each the XML of one.
fn sheet(rows: &[&[String]]) -> String {
    let mut xml = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><worksheet xmlns=\"{MAIN}\"><sheetData>");
    for (number, cells) in rows.iter().enumerate() {
        xml.push_str(&format!("<row r=\"{}\">{}</row>", number + 1, cells.concat()));
    }
    xml + "</sheetData></worksheet>"
}

fn text(text: &str) -> String {
    format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

fn number(number: &str) -> String {
    format!("<c><v>{number}</v></c>")
}

fn head() -> Vec<String> {
    "mof_div_code,fiscal_year,ele_code,要素名称,start_date".split(',').map(text).collect()
}

fn row(cells: [String; 5]) -> Vec<String> {
    cells.to_vec()
}

#[test]
fn cells_are_text_or_whole_numbers() {
    run(async {
        let bench = Bench::new().await;
        let good = row([
            number("610000000"),
            number("2026"),
            text("01"),
            "<c t=\"s\"><v>0</v></c>".to_owned(),
            number("20260101"),
        ]);
        let strings =
            format!("<sst xmlns=\"{MAIN}\" count=\"1\" uniqueCount=\"1\"><si><t>教育&amp;科研</t></si></sst>");
        let book = workbook(&sheet(&[&head(), &[], &good]), &[("xl/sharedStrings.xml", &strings)]);
        let report = bench.import("CATEGORY", "xlsx", &book).await.unwrap();
        assert_eq!((counts(&report), said(&report)), ([1, 0, 0, 0], Vec::new()));
        assert_eq!(
            bench.query("SELECT ele_code || ele_name || start_date FROM base_category").await,
            ["01教育&科研20260101"]
        );
        assert_eq!(counts(&bench.import("CATEGORY", "xlsx", &book).await.unwrap()), [0, 0, 1, 0]);
    });
}

#[test]
fn dates_errors_fractions_and_long_numbers_are_refused() {
    run(async {
        let bench = Bench::new().await;
        let with =
            |code: &str, name: String, date: String| row([text("610000000"), number("2026"), text(code), name, date]);
        let day = || text("20260101");
        let rows = [
            with("01", text("a"), "<c s=\"1\"><v>46023</v></c>".to_owned()),
            with("02", "<c t=\"e\"><v>#REF!</v></c>".to_owned(), day()),
            with("03", number("1.5"), day()),
            with("04", number("1234567890123456"), day()),
            with("05", "<c t=\"b\"><v>1</v></c>".to_owned(), day()),
            with("06", "<c t=\"str\"><f>A1&amp;B1</f><v>公式</v></c>".to_owned(), day()),
            with("07", text("a"), day() + &text("beyond")),
        ];
        let head = head();
        let rows: Vec<&[String]> = std::iter::once(&head).chain(&rows).map(Vec::as_slice).collect();
        let report = bench.import("CATEGORY", "xlsx", workbook(&sheet(&rows), &[])).await.unwrap();
        assert_eq!(
            said(&report),
            [
                "2 start_date date-cell",
                "3 ele_name formula-error",
                "4 ele_name fraction",
                "5 ele_name number-digits",
                "6 ele_name boolean-cell",
                "8  cell-count",
            ]
        );
    });
}

#[test]
fn sheets_are_found_by_name() {
    run(async {
        let bench = Bench::new().await;
        let good = row([text("610000000"), number("2026"), text("01"), text("a"), text("20260101")]);
        let path = bench.file("named.xlsx", workbook(&sheet(&[&head(), &good]), &[]));
        let named = |name: &str| ImportAsked { sheet: Some(name.to_owned()), ..asked("CATEGORY", path.clone()) };
        assert_eq!(bench.ask(&named("其他")).await.unwrap_err().code, "no-sheet");
        assert_eq!(counts(&bench.ask(&named("数据")).await.unwrap()), [1, 0, 0, 0]);
    });
}

#[test]
fn money_in_yuan_may_have_a_fraction() {
    run(async {
        let bench = Bench::new().await;
        item(&bench).await;
        let names = "mof_div_code,fiscal_year,start_date,item_code,std_no,std_type,unit_fen";
        let names: Vec<String> = names.split(',').map(text).collect();
        let line =
            [text("610000000"), number("2026"), text("20260101"), text("01"), number("1"), number("3"), number("12.5")];
        let mut asked = asked("ITEM_STANDARD", bench.file("s.xlsx", workbook(&sheet(&[&names, &line]), &[])));
        asked.spelling = Spelling { money: MoneySpelling::Yuan, ..Spelling::default() };
        assert_eq!(counts(&bench.ask(&asked).await.unwrap()), [1, 0, 0, 0]);
        assert_eq!(bench.query("SELECT unit_fen || '' FROM base_item_standard").await, ["1250"]);
        asked.spelling = Spelling::default();
        assert_eq!(said(&bench.ask(&asked).await.unwrap()), ["2 unit_fen fraction"]);
    });
}

#[test]
fn bombs_are_seen_before_they_are_in_memory() {
    run(async {
        let code = async |limits: Limits, book: Vec<u8>| {
            let mut bench = Bench::new().await;
            bench.limits = limits;
            bench.import("CATEGORY", "xlsx", book).await.unwrap_err().code
        };
        let small =
            Limits { inflated_bytes: 1 << 20, strings_bytes: 1 << 18, part_bytes: 1 << 16, ..Limits::default() };
        let good = row([text("610000000"), number("2026"), text("01"), text("a"), text("20260101")]);
        let many: Vec<&[String]> = std::iter::repeat_n(good.as_slice(), 10_000).collect();
        let bomb = workbook(&sheet(&many), &[]);
        assert!(bomb.len() < 1 << 18, "{}", bomb.len());
        assert_eq!(code(small, bomb).await, "inflates-too-large");
        let empty = sheet(&[]);
        let strings = format!("<sst>{}</sst>", "<si><t>a</t></si>".repeat(20_000));
        assert_eq!(code(small, workbook(&empty, &[("xl/sharedStrings.xml", &strings)])).await, "inflates-too-large");
        let picture = "0".repeat(1 << 17);
        assert_eq!(code(small, workbook(&empty, &[("xl/media/a.png", &picture)])).await, "inflates-too-large");
        let stated = "<sst uniqueCount=\"99999999999\"><si><t>a</t></si></sst>";
        assert_eq!(code(small, workbook(&empty, &[("xl/sharedStrings.xml", stated)])).await, "workbook-broken");
        let long = format!("<worksheet><sheetData><row><c><v>{}</v></c></row>", "a".repeat((1 << 20) + 1));
        assert_eq!(code(Limits::default(), workbook(&long, &[])).await, "workbook-broken");
        let parts = Limits { parts: 4, ..small };
        assert_eq!(code(parts, workbook(&empty, &[])).await, "too-many-parts");
        let bytes = Limits { xlsx_bytes: 100, ..small };
        assert_eq!(code(bytes, workbook(&empty, &[])).await, "file-too-large");
        let cut = workbook(&empty, &[]);
        assert_eq!(code(small, cut[..cut.len() - 30].to_vec()).await, "workbook-broken");
    });
}
