//! What is imported is what the file says, once.

use std::collections::BTreeMap;

use contract::rows::{BASE_KINDS, Kind, table};
use contract::{Cell, Generator, Size};

use super::{Bench, NOW, PLAIN, asked, counts, csv_of, run, said};
use crate::import::{Limits, Report};
use crate::keys::unique;

/// Generated rows of each table of base data.
fn generated() -> BTreeMap<&'static str, Vec<Vec<Cell>>> {
    let mut rows = BTreeMap::<_, Vec<_>>::new();
    for change in Generator::new(1, Size::S).base() {
        rows.entry(change.shape.table).or_default().push(change.cells);
    }
    rows
}

/// The rows with what sensitive columns hold opened.
fn opened(bench: &Bench, kind: Kind, mut rows: Vec<Vec<Cell>>) -> Vec<Vec<Cell>> {
    let of = kind.definition();
    for (place, column) in of.columns.iter().enumerate().filter(|(_, column)| column.is_sensitive) {
        for row in &mut rows {
            if let Some(text) = row[place].text() {
                let plain = bench.node.field_key.open((of.shape.table, column.name), text);
                row[place] = Cell::Text(plain.expect("was sealed with the bench's key for this column"));
            }
        }
    }
    rows
}

#[test]
fn every_kind_goes_in_and_a_second_time_changes_nothing() {
    run(async {
        let bench = Bench::new().await;
        let mut generated = generated();
        for kind in BASE_KINDS {
            let mut rows = generated.remove(kind.table).unwrap();
            let text = csv_of(kind.definition(), &rows);
            // Every other kind comes in the encoding of older systems.
            let bytes = if kind.code.len() % 2 == 0 {
                text.into_bytes()
            } else {
                encoding_rs::GB18030.encode(&text).0.into_owned()
            };
            let report = bench.import(kind.code, "csv", &bytes).await.unwrap();
            let count = rows.len() as u64;
            assert_eq!((counts(&report), said(&report)), ([count, 0, 0, 0], Vec::new()), "{}", kind.code);
            let sensitive = kind.definition().columns.iter().enumerate().filter(|(_, column)| column.is_sensitive);
            for (place, _) in sensitive {
                let held = rows.iter_mut().filter(|row| row[place] != Cell::Null);
                held.for_each(|row| row[place] = Cell::Text(PLAIN.to_owned()));
            }
            rows.sort_by(|one, other| one[0].cmp(&other[0]));
            let stored = bench.rows(kind.table).await;
            assert!(opened(&bench, kind, stored.clone()) == rows, "{}", kind.code);
            let again = bench.import(kind.code, "csv", &bytes).await.unwrap();
            assert_eq!(counts(&again), [0, 0, count, 0], "{}", kind.code);
            assert!(bench.rows(kind.table).await == stored, "{}", kind.code);
        }
        assert!(!bench.path("zone.db.import").exists());
        assert_eq!(bench.query("SELECT journal_mode FROM pragma_journal_mode").await, ["wal"]);
        assert_eq!(bench.query("SELECT 'x' FROM node_act WHERE what = 'import-begin'").await.len(), 36);
        assert_eq!(bench.query("SELECT 'x' FROM node_act WHERE what = 'import-end'").await.len(), 36);
    });
}

const DEPTS: [&str; 5] = [
    "财政区划编码,预算年度,要素编码, 要素名称 ,parent_code,启用日期,uscc",
    "610000000,2026,101001,教育厅机关,101,20260101,",
    "610000000,2026,101,教育厅,,20260101,",
    "610000000,2026,101001001,办公室,101001,20260101,",
    "610000000,2026,102,公安厅,,20260101,",
];

async fn depts(bench: &Bench) -> Report {
    bench.csv("主管部门", &DEPTS).await
}

#[test]
fn what_the_file_does_not_say_follows() {
    run(async {
        let bench = Bench::new().await;
        let report = depts(&bench).await;
        assert_eq!((counts(&report), said(&report)), ([4, 0, 0, 0], Vec::new()));
        let sql = "SELECT d.ele_code || ' ' || ifnull(p.ele_code, '-') || ' ' || d.level_no || d.is_leaf || d.is_enabled \
                   || d.is_deleted || ' ' || d.create_time || ' ' || length(d.id) FROM base_dept d \
                   LEFT JOIN base_dept p ON p.id = d.parent_id ORDER BY d.ele_code";
        let row = |start: &str| format!("{start} {NOW} 36");
        assert_eq!(
            bench.query(sql).await,
            [row("101 - 1010"), row("101001 101 2010"), row("101001001 101001 3110"), row("102 - 1110")]
        );
        assert_eq!(counts(&depts(&bench).await), [0, 0, 4, 0]);
    });
}

#[test]
fn a_row_keeps_what_the_file_does_not_have() {
    run(async {
        let bench = Bench::new().await;
        depts(&bench).await;
        bench
            .execute("UPDATE base_dept SET uscc = '916101000000000000', is_enabled = 0, update_time = create_time")
            .await;
        let head = "mof_div_code,fiscal_year,ele_code,ele_name,start_date";
        let report = bench.csv("DEPT", &[head, "610000000,2026,101001,机关,20260101"]).await;
        assert_eq!(counts(&report), [0, 1, 0, 0]);
        let sql = "SELECT ele_name || ' ' || level_no || is_enabled || ifnull(uscc, '-') || (parent_id IS NOT NULL) \
                   FROM base_dept WHERE ele_code = '101001'";
        assert_eq!(bench.query(sql).await, ["机关 209161010000000000001"]);
        let report = bench.csv("DEPT", &[&format!("{head},uscc"), "610000000,2026,101001,机关,20260101,"]).await;
        assert_eq!(counts(&report), [0, 1, 0, 0]);
        assert_eq!(bench.query(sql).await, ["机关 20-1"]);
    });
}

#[test]
fn a_row_outside_the_file_is_no_leaf_once_it_has_rows_below_it() {
    run(async {
        let bench = Bench::new().await;
        depts(&bench).await;
        let report = bench.csv("DEPT", &[DEPTS[0], "610000000,2026,102001,派出所,102,20260101,"]).await;
        assert_eq!((counts(&report), report.lines), ([1, 1, 0, 0], 1));
        assert_eq!(
            bench.query("SELECT ele_code || is_leaf FROM base_dept WHERE ele_code LIKE '102%' ORDER BY 1").await,
            ["1020", "1020011"]
        );
    });
}

#[test]
fn codes_prefer_the_same_division_and_an_only_row() {
    run(async {
        let bench = Bench::new().await;
        let head = "mof_div_code,fiscal_year,ele_code,ele_name,start_date";
        let both = ["610000000,2026,01,甲,20260101", "610100000,2026,01,乙,20260101", "610100000,2026,02,丙,20260101"];
        for kind in ["CATEGORY", "FUND_NATURE"] {
            bench.csv(kind, &[head, both[0], both[1], both[2]]).await;
        }
        let head = format!("{head},收入类别编码,fund_nature_code,unit_of_measure,settle_mode");
        let report = bench.csv("INCOME_ITEM", &[&head, "610100000,2026,1,项,20260101,01,02,元,1"]).await;
        assert_eq!(said(&report), [""; 0]);
        let sql = "SELECT c.ele_name || f.ele_name FROM base_income_item i JOIN base_category c ON c.id = i.category_id \
                   JOIN base_fund_nature f ON f.id = i.fund_nature_id";
        assert_eq!(bench.query(sql).await, ["乙丙"]);
        let report = bench.csv("INCOME_ITEM", &[&head, "610200000,2026,2,项,20260101,01,03,元,1"]).await;
        assert_eq!(said(&report), ["2 category_code ambiguous-code", "2 fund_nature_code no-such"]);
    });
}

#[test]
fn large_imports_go_in_several_transactions_with_parents_first() {
    run(async {
        let mut bench = Bench::new().await;
        bench.limits = Limits { whole_rows: 1, chunk_rows: 1, ..Limits::default() };
        assert_eq!(counts(&depts(&bench).await), [4, 0, 0, 0]);
        let ends = bench.query("SELECT is_now FROM node_act WHERE what = 'import-end'").await;
        assert_eq!(ends.len(), 1);
        assert!(ends[0].contains("\"inserted\":4"), "{ends:?}");
        assert_eq!(counts(&depts(&bench).await), [0, 0, 4, 0]);
    });
}

#[test]
fn an_import_that_was_cut_off_is_finished_by_the_same_file() {
    run(async {
        let mut bench = Bench::new().await;
        bench.limits = Limits { whole_rows: 1, chunk_rows: 1, ..Limits::default() };
        bench
            .execute(
                "CREATE TRIGGER cut BEFORE INSERT ON base_dept WHEN NEW.ele_code = '101001001' \
                 BEGIN SELECT RAISE(ABORT, 'cut'); END",
            )
            .await;
        let failure = bench.import("DEPT", "csv", DEPTS.join("\n")).await.unwrap_err();
        assert_eq!((failure.code, bench.rows("base_dept").await.len()), ("constraint", 3));
        bench.execute("DROP TRIGGER cut").await;
        assert_eq!(counts(&depts(&bench).await), [1, 0, 3, 0]);
    });
}

#[test]
fn a_dry_run_writes_nothing() {
    run(async {
        let bench = Bench::new().await;
        let mut asked = asked("DEPT", bench.file("dept.csv", DEPTS.join("\n")));
        asked.dry_run = true;
        assert_eq!(counts(&bench.ask(&asked).await.unwrap()), [4, 0, 0, 0]);
        assert_eq!(bench.rows("base_dept").await.len(), 0);
        assert_eq!(bench.query("SELECT what FROM node_act").await, [""; 0]);
    });
}

#[test]
fn the_act_names_file_and_digest() {
    run(async {
        let bench = Bench::new().await;
        let report = depts(&bench).await;
        let object = format!("DEPT data.csv sm3:{}", report.digest);
        assert_eq!(bench.query("SELECT object FROM node_act WHERE who = 'tester'").await, [object.clone(), object]);
    });
}

#[test]
fn business_keys_are_those_of_the_schema() {
    run(async {
        let bench = Bench::new().await;
        for kind in BASE_KINDS {
            let sql = format!(
                "SELECT group_concat(name, ',') FROM (SELECT l.seq, i.name FROM pragma_index_list('{}') l, \
                 pragma_index_info(l.name) i WHERE l.origin = 'u' ORDER BY l.seq, i.seqno) GROUP BY seq ORDER BY seq DESC",
                kind.table
            );
            let mut found = bench.query(Box::leak(sql.into_boxed_str())).await;
            let mut known: Vec<String> = unique(table(kind.table).unwrap()).iter().map(|key| key.join(",")).collect();
            found.sort();
            known.sort();
            assert_eq!(found, known, "{}", kind.code);
        }
    });
}

#[test]
fn an_import_may_go_from_thread_to_thread() {
    fn on_any_thread<T: Send>(_: &T) {}
    run(async {
        let bench = Bench::new().await;
        let asked = asked("DEPT", bench.file("dept.csv", DEPTS.join("\n")));
        let importing = bench.ask(&asked);
        on_any_thread(&importing);
        assert_eq!(counts(&importing.await.unwrap()), [4, 0, 0, 0]);
    });
}
