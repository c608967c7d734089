//! Lines that are refused, and that nothing is imported then.

use super::{Bench, counts, item, run, said};

const CATEGORY: &str = "id,mof_div_code,fiscal_year,ele_code,ele_name,parent_code,level_no,is_leaf,start_date";

/// Imports categories into an empty zone, and says what is refused.
async fn refused(bench: &Bench, lines: &[&str]) -> Vec<String> {
    let report = bench.csv("CATEGORY", &[&[CATEGORY], lines].concat()).await;
    assert_eq!((report.inserted, report.updated), (0, 0));
    assert_eq!(bench.rows("base_category").await.len(), 0);
    said(&report)
}

#[test]
fn one_bad_line_keeps_all_out() {
    run(async {
        let bench = Bench::new().await;
        let wide = format!(",610000000,2026,{},a,,,,20260101", "9".repeat(31));
        let lines = [
            ",610000000,2026,01,a,,,,20260101",
            ",610000000,2026,02,,,,,20260101",
            &wide,
            ",610000000,2026,04,a,,x,,20260101",
            ",610000000,2026,05,a,,,2,20260101",
            ",61000000,2026,06,a,,,,20260101",
            ",610000000,2026,07,a,,,,20260230",
            ",610000000,2026,08,a,,,,20260101,x",
            ",610000000,2026,09,a\u{7}b,,,,20260101",
            ",610000000,2026,10,a,99,,,20260101",
            ",610000000,2026,11,a,02,,,20260101",
        ];
        assert_eq!(
            refused(&bench, &lines).await,
            [
                "3 ele_name missing",
                "4 ele_code too-wide",
                "5 level_no wrong-type",
                "6 is_leaf wrong-type",
                "7 mof_div_code not-digits",
                "8 start_date not-a-date",
                "9  cell-count",
                "10 ele_name control-character",
                "11 parent_code no-such",
            ]
        );
    });
}

#[test]
fn no_two_lines_are_one_row() {
    run(async {
        let bench = Bench::new().await;
        let lines = [
            "A,610000000,2026,01,a,,,,20260101",
            ",610000000,2026,01,b,,,,20260101",
            "A,610000000,2026,02,c,,,,20260101",
        ];
        assert_eq!(refused(&bench, &lines).await, ["3 ele_code duplicate-line", "4 id duplicate-line"]);
        let report = bench.csv("CATEGORY", &[CATEGORY, lines[0]]).await;
        assert_eq!(counts(&report), [1, 0, 0, 0]);
        let report = bench.csv("CATEGORY", &[CATEGORY, "B,610000000,2026,01,b,,,,20260101"]).await;
        assert_eq!(said(&report), ["2 ele_code duplicate"]);
    });
}

#[test]
fn trees_have_no_rings_and_levels_follow() {
    run(async {
        let bench = Bench::new().await;
        let lines = [
            ",610000000,2026,01,a,02,,,20260101",
            ",610000000,2026,02,b,03,,,20260101",
            ",610000000,2026,03,c,01,,,20260101",
            ",610000000,2026,04,below,01,,,20260101",
            ",610000000,2026,05,root,,1,1,20260101",
            ",610000000,2026,06,d,05,3,,20260101",
            "S,610000000,2026,07,self,,,,20260101",
        ];
        assert_eq!(
            refused(&bench, &lines).await,
            [
                "2 parent_id parent-cycle",
                "3 parent_id parent-cycle",
                "4 parent_id parent-cycle",
                "5 level_no no-level",
                "6 is_leaf leaf-state",
                "7 level_no parent-level",
            ]
        );
        let by_id = "id,mof_div_code,fiscal_year,ele_code,ele_name,parent_id,level_no,start_date";
        let lines = [by_id, "X,610000000,2026,01,a,Y,1,20260101", "Y,610000000,2026,02,b,X,2,20260101"];
        let report = bench.csv("CATEGORY", &lines).await;
        assert_eq!(said(&report), ["2 parent_id parent-cycle", "3 parent_id parent-cycle"]);
        let report = bench.csv("CATEGORY", &[by_id, "X,610000000,2026,01,a,X,1,20260101"]).await;
        assert_eq!(said(&report), ["2 parent_id parent-cycle"]);
        let report = bench.csv("CATEGORY", &[by_id, "X,610000000,2026,01,a,Z,1,20260101"]).await;
        assert_eq!(said(&report), ["2 parent_id no-such"]);
    });
}

#[test]
fn trees_are_no_deeper_than_nine_and_take_their_rows_along() {
    run(async {
        let bench = Bench::new().await;
        let line = |at: usize| {
            let parent = if at == 0 { String::new() } else { format!("{:02}", at - 1) };
            format!(",610000000,2026,{at:02},a,{parent},,,20260101")
        };
        let lines: Vec<String> = (0..12).map(line).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let said_of = refused(&bench, &lines).await;
        assert!(said_of.contains(&"11 level_no out-of-range".to_owned()), "{said_of:?}");
        assert_eq!(said_of.len(), 3, "{said_of:?}");
        let report = bench.csv("CATEGORY", &[&[CATEGORY], &lines[..3]].concat()).await;
        assert_eq!(counts(&report), [3, 0, 0, 0]);
        let report = bench.csv("CATEGORY", &[CATEGORY, ",610000000,2026,01,a,,,,20260101"]).await;
        assert_eq!(said(&report), ["2 level_no parent-level"]);
    });
}

#[test]
fn the_shares_of_an_item_are_the_whole() {
    run(async {
        let bench = Bench::new().await;
        item(&bench).await;
        let head = "mof_div_code,fiscal_year,start_date,收入项目编码,分成级次,分成序号,分成比例,是否启用";
        let share = |level: i64, ratio: i64, on: i64| format!("610000000,2026,20260101,01,{level},1,{ratio},{on}");
        let report = bench.csv("ITEM_SHARE", &[head, &share(1, 4_000, 1), &share(2, 5_999, 1)]).await;
        assert_eq!(said(&report), ["2 ratio_bp share-sum"]);
        assert!(report.faults[0].message.get(console::Lang::En).contains("9999"));
        let report = bench.csv("ITEM_SHARE", &[head, &share(1, 4_000, 1), &share(2, 6_000, 1), &share(3, 1, 0)]).await;
        assert_eq!(counts(&report), [3, 0, 0, 0]);
        let report = bench.csv("ITEM_SHARE", &[head, &share(2, 5_000, 1)]).await;
        assert_eq!(said(&report), ["2 ratio_bp share-sum"]);
        let report = bench.csv("ITEM_SHARE", &[head, &share(2, 5_000, 1), &share(3, 1_000, 1)]).await;
        assert_eq!(counts(&report), [0, 2, 0, 0]);
    });
}

#[test]
fn numbers_of_bills_do_not_overlap() {
    run(async {
        let bench = Bench::new().await;
        let head = "id,mof_div_code,fiscal_year,ele_code,ele_name,start_date,class_code,kind_code,is_electronic,medium";
        bench.csv("BILL_TYPE", &[head, "T,610000000,2026,01,a,20260101,01,01,1,1"]).await;
        let head = "id,mof_div_code,fiscal_year,start_date,batch_no,bill_type_code,bill_code,begin_no,end_no,total";
        let batch = |id: &str, begin: u64, end: u64| {
            format!("{id},610000000,2026,20260101,{id},01,61010126,{begin:010},{end:010},{}", end + 1 - begin)
        };
        let report =
            bench.csv("BILL_BATCH", &[head, &batch("A", 1, 100), &batch("B", 100, 200), &batch("C", 50, 60)]).await;
        assert_eq!(said(&report), ["3 begin_no segment-overlap", "4 begin_no segment-overlap"]);
        let report = bench.csv("BILL_BATCH", &[head, &batch("A", 101, 200)]).await;
        assert_eq!(counts(&report), [1, 0, 0, 0]);
        let report = bench.csv("BILL_BATCH", &[head, &batch("B", 1, 101)]).await;
        assert_eq!(said(&report), ["2 begin_no segment-overlap"]);

        let office = "id,mof_div_code,fiscal_year,ele_code,ele_name,start_date";
        for kind in ["DEPT", "FIN_DEPT"] {
            bench.csv(kind, &[office, "D,610000000,2026,01,a,20260101"]).await;
        }
        let region = format!("{office},gb2260_code");
        bench.csv("REGION", &[&region, "R,610000000,2026,610000,陕西省,20260101,610000"]).await;
        let agency = format!("{office},region_code,dept_id,fin_dept_code,unit_type");
        let report = bench.csv("AGENCY", &[&agency, "U,610000000,2026,01,a,20260101,610000,D,01,1"]).await;
        assert_eq!(said(&report), [""; 0]);
        let head = "mof_div_code,fiscal_year,start_date,agency_code,bill_batch_id,begin_no,end_no,next_no,issue_mode";
        let bill = |begin: u64, end: u64| format!("610000000,2026,20260101,01,A,{begin:010},{end:010},{begin:010},1");
        let report = bench.csv("AGENCY_BILL", &[head, &bill(101, 110), &bill(110, 120), &bill(190, 201)]).await;
        assert_eq!(said(&report), ["3 begin_no segment-overlap", "4 begin_no segment-outside"]);
        assert_eq!(counts(&bench.csv("AGENCY_BILL", &[head, &bill(101, 110)]).await), [1, 0, 0, 0]);
        let head = "id,mof_div_code,fiscal_year,start_date,batch_no,bill_type_code,bill_code,begin_no,end_no,total";
        let report = bench.csv("BILL_BATCH", &[head, &batch("A", 105, 200)]).await;
        assert_eq!(said(&report), ["2 begin_no segment-outside"]);
    });
}

#[test]
fn sensitive_values_come_plain_and_are_shown_nowhere() {
    run(async {
        let bench = Bench::new().await;
        let head = "mof_div_code,fiscal_year,ele_code,ele_name,start_date,联系人";
        let long = format!("610000000,2026,03,a,20260101,{}", "密".repeat(40));
        let sealed = "610000000,2026,01,a,20260101,f1:5d0c31a7:AAAA";
        let report = bench.csv("FIN_DEPT", &[head, sealed, "610000000,2026,02,a,20260101,秘\u{7}密", &long]).await;
        assert_eq!(
            said(&report),
            ["2 contact already-encrypted", "3 contact control-character", "4 contact cell-too-long"]
        );
        let shown = format!("{}{}", report.human(console::Lang::Zh), report.json());
        assert!(!shown.contains('秘') && !shown.contains("密密") && !shown.contains("AAAA"), "{shown}");

        let line = "610000000,2026,01,a,20260101,王芳";
        bench.csv("FIN_DEPT", &[head, line]).await;
        let held = bench.query("SELECT contact FROM base_fin_dept").await;
        let open = |text: &str| bench.node.field_key.open(("base_fin_dept", "contact"), text);
        assert_eq!(open(&held[0]).as_deref(), Some("王芳"));
        assert_eq!(counts(&bench.csv("FIN_DEPT", &[head, line]).await), [0, 0, 1, 0]);
        assert_eq!(counts(&bench.csv("FIN_DEPT", &[head, "610000000,2026,01,b,20260101,王芳"]).await), [0, 1, 0, 0]);
        assert_eq!(bench.query("SELECT contact FROM base_fin_dept").await, held);
        let report = bench.csv("FIN_DEPT", &[head, "610000000,2026,01,b,20260101,李静"]).await;
        assert_eq!(counts(&report), [0, 1, 0, 0]);
        assert_eq!(open(&bench.query("SELECT contact FROM base_fin_dept").await[0]).as_deref(), Some("李静"));
    });
}

#[test]
fn warnings_stop_nothing() {
    run(async {
        let bench = Bench::new().await;
        let head = "mof_div_code,fiscal_year,ele_code,ele_name,start_date,uscc";
        let report = bench.csv("DEPT", &[head, "610000000,2026,01,a,20260101,91350211M0000XUF46"]).await;
        assert_eq!((counts(&report), report.warned), ([1, 0, 0, 0], 1));
        assert_eq!(said(&report), ["2 uscc uscc-check"]);
        assert!(report.human(console::Lang::Zh).contains("警告"), "{}", report.human(console::Lang::Zh));
    });
}

#[test]
fn warnings_do_not_hide_a_line_that_is_refused() {
    run(async {
        let bench = Bench::new().await;
        let mut lines = vec!["mof_div_code,fiscal_year,ele_code,ele_name,start_date,uscc".to_owned()];
        lines.extend((0..1_200).map(|at| format!("610000000,2026,{at:04},a,20260101,91350211M0000XUF46")));
        lines.push("610000000,2026,9999,a,20260101,x".to_owned());
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let report = bench.csv("DEPT", &lines).await;
        assert_eq!((report.refused, report.warned, report.fault_count), (1, 1_200, 1_201));
        assert_eq!(report.faults.len(), 1_000);
        assert_eq!(said(&report).last().map(String::as_str), Some("1202 uscc uscc-form"));
        assert_eq!(said(&report)[998], "1000 uscc uscc-check");
    });
}

#[test]
fn a_report_lists_some_and_counts_all() {
    run(async {
        let bench = Bench::new().await;
        let mut lines = vec!["mof_div_code,fiscal_year,ele_code,ele_name,start_date,uscc".to_owned()];
        lines.extend((0..2_500).map(|at| format!("610000000,2026,{at},,20260101,")));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let report = bench.csv("DEPT", &lines).await;
        assert_eq!((report.refused, report.fault_count, report.faults.len()), (2_500, 2_500, 1_000));
        assert!(report.human(console::Lang::En).contains("1500 more are not listed"));
        assert_eq!(report.json()["faults"][0]["message_zh"], "不得为空");
        let path = bench.path("faults.csv");
        report.write_csv(&path, console::Lang::Zh).unwrap();
        let text = String::from_utf8(std::fs::read(&path).unwrap()).unwrap();
        assert!(text.starts_with("\u{feff}行号,列,程度,规则,说明\n2,ele_name,refusal,missing,不得为空\n"), "{text}");
        assert_eq!(report.write_csv(&path, console::Lang::Zh).unwrap_err().code, "report-unwritable");
    });
}

#[test]
fn deleted_rows_are_named_by_none_that_is_not() {
    run(async {
        let bench = Bench::new().await;
        item(&bench).await;
        let head = "id,mof_div_code,fiscal_year,start_date,item_id,share_level,share_no,ratio_bp,is_deleted";
        let share = "S,610000000,2026,20260101,I,1,1,10000,0";
        assert_eq!(counts(&bench.csv("ITEM_SHARE", &[head, share]).await), [1, 0, 0, 0]);
        let items = "id,mof_div_code,fiscal_year,ele_code,ele_name,start_date,category_id,fund_nature_id,unit_of_measure,\
                     settle_mode,is_deleted";
        let deleted = "I,610000000,2026,01,a,20260101,C,C,元,1,1";
        assert_eq!(said(&bench.csv("INCOME_ITEM", &[items, deleted]).await), ["2 is_deleted referred"]);
        bench.execute("UPDATE base_item_share SET is_deleted = 1").await;
        assert_eq!(counts(&bench.csv("INCOME_ITEM", &[items, deleted]).await), [0, 1, 0, 0]);
        assert_eq!(said(&bench.csv("ITEM_SHARE", &[head, share]).await), ["2 item_id no-such"]);
        let lines = [head, "S,610000000,2026,20260101,I,1,1,9000,1"];
        assert_eq!(counts(&bench.csv("ITEM_SHARE", &lines).await), [0, 1, 0, 0]);
        bench.csv("DEPT", &["id,mof_div_code,fiscal_year,ele_code,ele_name,start_date,parent_code", DEPT, BELOW]).await;
        let head = "id,mof_div_code,fiscal_year,ele_code,ele_name,start_date,is_deleted";
        let above = "A,610000000,2026,01,a,20260101,1";
        assert_eq!(said(&bench.csv("DEPT", &[head, above]).await), ["2 is_deleted referred"]);
        let both = bench.csv("DEPT", &[head, above, "B,610000000,2026,02,b,20260101,1"]).await;
        assert_eq!(said(&both), [""; 0]);
    });
}

const DEPT: &str = "A,610000000,2026,01,a,20260101,";
const BELOW: &str = "B,610000000,2026,02,b,20260101,01";

#[test]
fn subjects_begin_like_the_one_above() {
    run(async {
        let bench = Bench::new().await;
        let head = "id,mof_div_code,fiscal_year,ele_code,ele_name,start_date,parent_id";
        let line = |id: &str, code: &str, above: &str| format!("{id},610000000,2026,{code},a,20260101,{above}");
        let lines = [line("A", "103", ""), line("B", "10305", "A"), line("C", "10405", "A"), line("D", "1030", "A")];
        let report = bench.csv("BUDGET_SUBJECT", &[head, &lines[0], &lines[1], &lines[2], &lines[3]]).await;
        assert_eq!(said(&report), ["4 ele_code subject-prefix", "5 ele_code subject-prefix"]);
        let report = bench.csv("BUDGET_SUBJECT", &[head, &lines[0], &line("D", "10x05", "")]).await;
        assert_eq!(said(&report), ["3 ele_code not-digits"]);
        assert_eq!(counts(&bench.csv("BUDGET_SUBJECT", &[head, &lines[0], &lines[1]]).await), [2, 0, 0, 0]);
        assert_eq!(said(&bench.csv("BUDGET_SUBJECT", &[head, &lines[2]]).await), ["2 ele_code subject-prefix"]);
        let report = bench.csv("BUDGET_SUBJECT", &[head, &line("A", "104", "")]).await;
        assert_eq!(said(&report), ["2 ele_code subject-prefix"]);
    });
}

#[test]
fn the_code_of_a_batch_is_of_its_type() {
    run(async {
        let bench = Bench::new().await;
        let types =
            "id,mof_div_code,fiscal_year,ele_code,ele_name,start_date,class_code,kind_code,is_electronic,medium";
        bench.csv("BILL_TYPE", &[types, "T,610000000,2026,01,a,20260101,01,02,1,1"]).await;
        let head = "id,mof_div_code,fiscal_year,start_date,batch_no,bill_type_id,bill_code,begin_no,end_no,total";
        let batch = |code: &str| format!("A,610000000,2026,20260101,A,T,{code},0000000001,0000000010,10");
        let report = bench.csv("BILL_BATCH", &[head, &batch("61010126")]).await;
        assert_eq!(said(&report), ["2 bill_code bill-code-kind"]);
        assert!(report.faults[0].message.get(console::Lang::Zh).contains("0102"));
        assert_eq!(counts(&bench.csv("BILL_BATCH", &[head, &batch("61010226")]).await), [1, 0, 0, 0]);
        let report = bench.csv("BILL_TYPE", &[types, "T,610000000,2026,01,a,20260101,01,03,1,1"]).await;
        assert_eq!(said(&report), ["2 kind_code bill-code-kind"]);
    });
}
