//! What others change while a file is being imported stays as they left it.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use super::{Bench, asked, counts, item, run, said};
use crate::import::{Limits, Progress, Report, import_within};
use node::Failure;
use node::http::Caller;

/// Somebody who changes rows when an import comes to a step.
struct Somebody {
    path: std::path::PathBuf,
    step: &'static str,
    sql: &'static str,
}

impl Progress for Somebody {
    fn begin(&self, _: Option<u64>, what: &str) {
        if what != self.step {
            return;
        }
        let (options, sql) = (SqliteConnectOptions::new().filename(&self.path), self.sql);
        let change = async move {
            let mut connection = options.connect().await.unwrap();
            connection.execute(sql).await.unwrap();
            connection.close().await.unwrap();
        };
        std::thread::spawn(move || tokio::runtime::Runtime::new().unwrap().block_on(change)).join().unwrap();
    }

    fn advance(&self, _: u64) {}
    fn end(&self) {}
}

/// Imports lines while somebody changes rows at a step.
async fn import_while(
    bench: &Bench,
    kind: &str,
    lines: &[&str],
    step: &'static str,
    sql: &'static str,
) -> Result<Report, Failure> {
    let asked = asked(kind, bench.file("meanwhile.csv", lines.join("\n")));
    let somebody = Somebody { path: bench.path("zone.db"), step, sql };
    import_within(&bench.node, &Caller::local("tester"), &asked, &somebody, &bench.limits).await
}

const HEAD: &str = "id,mof_div_code,fiscal_year,ele_code,ele_name,start_date";

#[test]
fn a_row_that_was_edited_meanwhile_is_not_written_over() {
    run(async {
        let bench = Bench::new().await;
        bench.csv("DEPT", &[HEAD, "A,610000000,2026,01,a,20260101", "B,610000000,2026,02,b,20260101"]).await;
        let lines = [HEAD, "A,610000000,2026,01,x,20260101", "B,610000000,2026,02,y,20260101"];
        for step in ["compare", "write"] {
            let sql = "UPDATE base_dept SET is_enabled = 0 WHERE id = 'B'";
            let failure = import_while(&bench, "DEPT", &lines, step, sql).await.unwrap_err();
            assert_eq!(failure.code, "changed-meanwhile");
            let rows = bench.query("SELECT ele_name || is_enabled FROM base_dept ORDER BY id").await;
            assert_eq!(rows, ["a1", "b0"]);
            bench.execute("UPDATE base_dept SET is_enabled = 1").await;
        }
        let other = "UPDATE base_dept SET is_enabled = 0 WHERE id = 'C'";
        assert_eq!(counts(&import_while(&bench, "DEPT", &lines, "write", other).await.unwrap()), [0, 2, 0, 0]);
    });
}

#[test]
fn the_shares_of_an_item_are_looked_at_again() {
    run(async {
        let mut bench = Bench::new().await;
        bench.limits = Limits { whole_rows: 2, chunk_rows: 1, ..Limits::default() };
        item(&bench).await;
        let head = "id,mof_div_code,fiscal_year,start_date,item_id,share_level,share_no,ratio_bp,is_enabled";
        let share = |id: &str, ratio: i64, on: i64| format!("{id},610000000,2026,20260101,I,1,{id},{ratio},{on}");
        let report =
            bench.csv("ITEM_SHARE", &[head, &share("1", 4_000, 1), &share("2", 6_000, 1), &share("3", 1_000, 0)]).await;
        assert_eq!((counts(&report), said(&report)), ([3, 0, 0, 0], Vec::new()));
        let (one, two) = (share("1", 5_000, 1), share("2", 5_000, 1));
        let lines = [head, &one, &two];
        let on = "UPDATE base_item_share SET is_enabled = 1 WHERE id = '3'";
        let failure = import_while(&bench, "ITEM_SHARE", &lines, "write", on).await.unwrap_err();
        assert_eq!(failure.code, "changed-meanwhile");
        assert!(failure.message.get(console::Lang::En).contains("base_item_share/I"), "{failure}");
        let ratios = "SELECT group_concat(ratio_bp, ' ') FROM (SELECT ratio_bp FROM base_item_share ORDER BY id)";
        assert_eq!(bench.query(ratios).await, ["4000 6000 1000"]);
        bench.execute("UPDATE base_item_share SET is_enabled = 0 WHERE id = '3'").await;
        let report = import_while(&bench, "ITEM_SHARE", &lines, "write", "SELECT 1").await.unwrap();
        assert_eq!(counts(&report), [0, 2, 0, 0]);
    });
}

#[test]
fn numbers_of_bills_are_looked_at_again() {
    run(async {
        let bench = Bench::new().await;
        let head = "id,mof_div_code,fiscal_year,ele_code,ele_name,start_date,class_code,kind_code,is_electronic,medium";
        bench.csv("BILL_TYPE", &[head, "T,610000000,2026,01,a,20260101,01,01,1,1"]).await;
        let head = "id,mof_div_code,fiscal_year,start_date,batch_no,bill_type_id,bill_code,begin_no,end_no,total";
        let batch = |id: &str, begin: u64, end: u64| {
            format!("{id},610000000,2026,20260101,{id},T,61010126,{begin:010},{end:010},{}", end + 1 - begin)
        };
        bench.csv("BILL_BATCH", &[head, &batch("A", 1, 100), &batch("B", 201, 300)]).await;
        let line = batch("C", 101, 200);
        let wider = "UPDATE base_bill_batch SET end_no = '0000000150', total = 150 WHERE id = 'A'";
        let failure = import_while(&bench, "BILL_BATCH", &[head, &line], "compare", wider).await.unwrap_err();
        assert_eq!(failure.code, "changed-meanwhile");
        assert_eq!(bench.query("SELECT id FROM base_bill_batch ORDER BY id").await, ["A", "B"]);
        // What overlaps already is not the fault of a file that leaves it alone.
        let back = "UPDATE base_bill_batch SET end_no = '0000000100', begin_no = '0000000001' WHERE id = 'A'; \
                    UPDATE base_bill_batch SET begin_no = '0000000090' WHERE id = 'B'";
        bench.execute(back).await;
        let line = batch("C", 301, 400);
        let report = import_while(&bench, "BILL_BATCH", &[head, &line], "write", "SELECT 1").await.unwrap();
        assert_eq!((counts(&report), said(&report)), ([1, 0, 0, 0], Vec::new()));
    });
}

#[test]
fn the_record_says_what_a_changed_row_was_and_is() {
    run(async {
        let bench = Bench::new().await;
        bench.csv("DEPT", &[HEAD, "A,610000000,2026,01,a,20260101"]).await;
        let lines = ["A,610000000,2026,01,x,20260101", "B,610000000,2026,02,b,20260101"];
        assert_eq!(counts(&bench.csv("DEPT", &[HEAD, lines[0], lines[1]]).await), [1, 1, 0, 0]);
        let sql =
            "SELECT who || ' ' || object || ' ' || was || ' ' || is_now FROM node_act WHERE what = 'import-change'";
        assert_eq!(bench.query(sql).await, [r#"tester base_dept/A {"ele_name":"a"} {"ele_name":"x"}"#]);
        let chain = bench.node.database.read(|connection| Box::pin(node::record::first_broken(connection))).await;
        assert_eq!(chain.unwrap(), None);
    });
}
