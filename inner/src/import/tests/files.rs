//! Files that are not what they should be.

use contract::rules::{BoolSpelling, MoneySpelling, Spelling};
use node::Kind;

use super::{Bench, asked, counts, item, run, said};
use crate::import::{Encoding, Form, Limits};

const HEAD: &str = "mof_div_code,fiscal_year,ele_code,ele_name,start_date";
const LINE: &str = "610000000,2026,01,a,20260101";

#[test]
fn headers_name_every_column_once() {
    run(async {
        let bench = Bench::new().await;
        let failure = async |header: &str| {
            let failure = bench.import("CATEGORY", "csv", format!("{header}\n{LINE}\n")).await.unwrap_err();
            assert_eq!((failure.kind, failure.code), (Kind::Bad, "header"));
            failure.message.get(console::Lang::En).to_owned()
        };
        let said = failure("mof_div_code,预算年度,fiscal_year,colour,,ele_code,parent_id,上级编码,start_date").await;
        for part in ["unknown: colour, #5", "twice: fiscal_year, 上级编码", "missing: ele_name (要素名称)"] {
            assert!(said.contains(part), "{said}");
        }
        let said = failure("ele_code").await;
        assert!(said.contains("mof_div_code (财政区划编码)") && !said.contains("unknown"), "{said}");
        let empty = bench.import("CATEGORY", "csv", "\n\n").await.unwrap_err();
        assert_eq!(empty.code, "no-header");
        let ends = bench.query("SELECT is_now FROM node_act WHERE what = 'import-end'").await;
        assert_eq!(ends.last().map(String::as_str), Some("{\"failure\":\"no-header\"}"));
        assert!(!bench.path("zone.db.import").exists());
    });
}

#[test]
fn lines_are_numbered_as_editors_number_them() {
    run(async {
        let bench = Bench::new().await;
        for end in ["\n", "\r\n"] {
            for last in ["", end] {
                let lines = [
                    "",
                    HEAD,
                    "610000000,2026,01,,20260101",
                    "",
                    "610000000,2026,02,\"a\nb\",20260101",
                    "610000000,2026,03,\"\",\"20260101\"",
                    " , ,,,",
                    "610000000,2026,04,,20260101",
                ];
                let report = bench.import("CATEGORY", "csv", lines.join(end) + last).await.unwrap();
                let faults =
                    ["3 ele_name missing", "5 ele_name control-character", "7 ele_name missing", "9 ele_name missing"];
                assert_eq!((report.lines, said(&report)), (4, faults.map(str::to_owned).to_vec()), "{end:?} {last:?}");
            }
        }
    });
}

#[test]
fn a_broken_byte_leaves_the_other_lines_of_utf8_as_they_are() {
    run(async {
        let bench = Bench::new().await;
        let lines = "610000000,2026,02,行政事业性收费,20260101\n".repeat(3);
        for (mark, body) in [("", lines.as_str()), ("\u{feff}", "")] {
            let mut bytes = format!("{mark}{HEAD}\n{body}").into_bytes();
            bytes.extend(b"610000000,2026,03,a\xff,20260101\n");
            bytes.extend("610000000,2026,04,罚没,20260101\n".as_bytes());
            let report = bench.import("CATEGORY", "csv", &bytes).await.unwrap();
            let broken: Vec<_> = report.faults.iter().filter(|fault| fault.code == "broken-bytes").collect();
            assert_eq!(broken.len(), 1, "{report:?}");
            assert!(broken[0].message.get(console::Lang::En).contains("UTF-8"));
            assert_eq!(broken[0].line, if body.is_empty() { 2 } else { 5 });
        }
    });
}

#[test]
fn broken_bytes_name_their_line() {
    run(async {
        let bench = Bench::new().await;
        let mut bytes = format!("{HEAD}\n{LINE}\n610000000,2026,02,").into_bytes();
        bytes.extend(b"\xbd\xc9\xbf,20260101\n610000000,2026,03,\xbd\xc9,20260101\n");
        let report = bench.import("CATEGORY", "csv", &bytes).await.unwrap();
        assert_eq!(said(&report), ["3 ele_name broken-bytes"]);
        assert!(report.faults[0].message.get(console::Lang::En).contains("GB 18030"));
        let mut as_utf8 = asked("CATEGORY", bench.file("utf8.csv", &bytes));
        as_utf8.encoding = Encoding::Utf8;
        let report = bench.ask(&as_utf8).await.unwrap();
        assert_eq!(said(&report), ["3 ele_name broken-bytes", "4 ele_name broken-bytes"]);
        let failure = bench.import("CATEGORY", "csv", b"mof_div_code,\xff\xff\n").await.unwrap_err();
        assert_eq!(failure.code, "encoding");
        let failure = bench.import("CATEGORY", "csv", b"\xff\xfei\0d\0").await.unwrap_err();
        assert_eq!(failure.code, "encoding");
    });
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_column() {
    run(async {
        let bench = Bench::new().await;
        let report = bench.import("CATEGORY", "csv", format!("\u{feff}{HEAD}\n{LINE}\n")).await.unwrap();
        assert_eq!(counts(&report), [1, 0, 0, 0]);
        let report =
            bench.import("CATEGORY", "csv", format!("\u{feff}\"mof_div_code\",{}\n{LINE}\n", &HEAD[13..])).await;
        assert_eq!(counts(&report.unwrap()), [0, 0, 1, 0]);
    });
}

#[test]
fn limits_are_named() {
    run(async {
        let text = format!("{HEAD}\n{LINE}\n610000000,2026,02,b,20260101\n");
        let with = async |limits: Limits| {
            let mut bench = Bench::new().await;
            bench.limits = limits;
            let failure = bench.import("CATEGORY", "csv", &text).await.unwrap_err();
            assert_eq!(bench.rows("base_category").await.len(), 0);
            assert!(!bench.path("zone.db.import").exists());
            failure.code
        };
        let limits = Limits::default();
        assert_eq!(with(Limits { csv_bytes: 100, ..limits }).await, "file-too-large");
        assert_eq!(with(Limits { rows: 1, ..limits }).await, "too-many-rows");
        assert_eq!(with(Limits { cells: 4, ..limits }).await, "too-many-columns");
        assert_eq!(with(Limits { record_bytes: 20, ..limits }).await, "record-too-long");
        let mut bench = Bench::new().await;
        bench.limits = Limits { cell_bytes: 20, ..limits };
        let long = format!("{HEAD}\n610000000,2026,01,{},20260101\n", "长".repeat(10));
        assert_eq!(said(&bench.import("CATEGORY", "csv", long).await.unwrap()), ["2 ele_name cell-too-long"]);
    });
}

#[test]
fn a_quotation_mark_that_is_not_closed_does_not_take_in_the_file() {
    run(async {
        let bench = Bench::new().await;
        let text = format!("{HEAD}\n610000000,2026,01,\"a,20260101\n{}", format!("{LINE}\n").repeat(20_000));
        let failure = bench.import("CATEGORY", "csv", text).await.unwrap_err();
        assert_eq!(failure.code, "record-too-long");
        assert!(failure.message.get(console::Lang::En).contains("line 2"), "{failure}");
    });
}

#[test]
fn files_are_plain_files_of_a_form() {
    run(async {
        let bench = Bench::new().await;
        let code = async |path, form| {
            let mut asked = asked("CATEGORY", path);
            asked.form = form;
            bench.ask(&asked).await.unwrap_err().code
        };
        assert_eq!(code(bench.path("gone.csv"), None).await, "not-found");
        assert_eq!(code(bench.directory.path().to_owned(), Some(Form::Csv)).await, "no-plain-file");
        assert_eq!(code("/dev/zero".into(), Some(Form::Csv)).await, "no-plain-file");
        assert_eq!(code(bench.file("a.ods", ""), None).await, "unknown-form");
        assert_eq!(code(bench.file("b.xlsx", "no zip at all, but long enough"), None).await, "workbook-broken");
    });
}

#[test]
fn one_import_runs_at_a_time_and_what_one_left_is_removed() {
    run(async {
        let bench = Bench::new().await;
        bench.file("zone.db.import", "left over");
        let text = format!("{HEAD}\n{LINE}\n");
        assert_eq!(counts(&bench.import("CATEGORY", "csv", &text).await.unwrap()), [1, 0, 0, 0]);
        assert!(!bench.path("zone.db.import").exists());
        let held = std::fs::File::open(bench.path("zone.db.import-lock")).unwrap();
        held.lock().unwrap();
        assert_eq!(bench.import("CATEGORY", "csv", &text).await.unwrap_err().code, "import-running");
    });
}

#[test]
fn spelling_is_what_was_said() {
    run(async {
        let bench = Bench::new().await;
        item(&bench).await;
        let text = "mof_div_code,fiscal_year,start_date,item_id,std_no,std_type,定额,is_enabled\n\
                    610000000,2026,20260101,I,1,3,12.5,2\n";
        let mut asked = asked("ITEM_STANDARD", bench.file("standard.csv", text));
        assert_eq!(said(&bench.ask(&asked).await.unwrap()), ["2 is_enabled wrong-type", "2 unit_fen wrong-type"]);
        asked.spelling = Spelling { bools: BoolSpelling::OneTwo, money: MoneySpelling::Yuan };
        assert_eq!(said(&bench.ask(&asked).await.unwrap()), [""; 0]);
        assert_eq!(bench.query("SELECT unit_fen || ' ' || is_enabled FROM base_item_standard").await, ["1250 0"]);
    });
}
