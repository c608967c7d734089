//! Edits of base data are looked at together with the rows that they leave as they are.

use contract::rows::{BaseAgencyBill, BaseBillBatch, BaseItemShare};
use contract::{Change, Generator};
use inner::base::{Edit, edit_all};
use node::http::Caller;
use serde_json::{Value, json};

use super::bench::Bureau;

/// The rules that edits break together; none where they are written.
async fn edits(bureau: &Bureau, rows: Vec<(&str, Value)>) -> Vec<&'static str> {
    let edit =
        |(kind, values): (&str, Value)| Edit { kind: kind.to_owned(), values: serde_json::from_value(values).unwrap() };
    let edits = rows.into_iter().map(edit).collect();
    let (node, now) = (bureau.bench.node.clone(), bureau.bench.node.clock.now());
    let act = Caller::local("li").act(now.time17(), "base-edit", String::new());
    let done = bureau
        .bench
        .node
        .database
        .write(move |connection| Box::pin(async move { edit_all(connection, &node, edits, act, now).await }));
    match done.await {
        Ok(_) => Vec::new(),
        Err(failure) if failure.faults.is_empty() => vec![failure.code],
        Err(failure) => failure.faults.iter().map(|fault| fault.rule.code()).collect(),
    }
}

/// An item with two shares.
fn shared(generator: &Generator) -> [BaseItemShare; 2] {
    let first = BaseItemShare { account_id: None, ratio_bp: 6_000, ..generator.item_share(0) };
    let id = "0".repeat(36);
    let second = BaseItemShare { id, share_no: 2, ratio_bp: 4_000, ..first.clone() };
    [first, second]
}

#[tokio::test]
async fn the_shares_of_an_item_stay_the_whole() {
    let bureau = Bureau::open().await;
    let shares = shared(&bureau.generator);
    bureau.bench.add(shares.iter().map(Change::insert).collect()).await;
    let to = |share: &BaseItemShare, ratio: i64| ("ITEM_SHARE", json!({ "id": share.id, "ratio_bp": ratio }));
    assert_eq!(edits(&bureau, vec![to(&shares[0], 5_000)]).await, ["share-sum"]);
    assert_eq!(bureau.bench.number("SELECT sum(ratio_bp) FROM base_item_share").await, 10_000);
    assert_eq!(edits(&bureau, vec![to(&shares[0], 5_000), to(&shares[1], 5_000)]).await, [""; 0]);
    let off = |share: &BaseItemShare| ("ITEM_SHARE", json!({ "id": share.id, "is_enabled": false }));
    assert_eq!(edits(&bureau, vec![off(&shares[0])]).await, ["share-sum"]);
    assert_eq!(edits(&bureau, vec![off(&shares[0]), off(&shares[1])]).await, [""; 0]);
}

#[tokio::test]
async fn numbers_of_bills_belong_to_one_row_each() {
    let bureau = Bureau::open().await;
    let kind = bureau.generator.base().filter(|change| change.shape.table == "base_bill_type").collect();
    bureau.bench.add(kind).await;
    let batch: BaseBillBatch = bureau.generator.bill_batch(0);
    let (first, last): (u64, u64) = (batch.begin_no.parse().unwrap(), batch.end_no.parse().unwrap());
    let segment = |begin: u64, end: u64| (format!("{begin:010}"), format!("{end:010}"));
    let bill = |id: &str, begin: u64, end: u64| BaseAgencyBill {
        id: id.repeat(36),
        bill_batch_id: batch.id.clone(),
        agency_id: bureau.generator.agency(0).id,
        begin_no: segment(begin, end).0,
        end_no: segment(begin, end).1,
        next_no: segment(begin, end).0,
        ..bureau.generator.agency_bill(0)
    };
    let (one, two) = (bill("1", first, first + 9), bill("2", first + 10, first + 19));
    bureau.bench.add(vec![Change::insert(&batch), Change::insert(&one), Change::insert(&two)]).await;
    let to = |bill: &BaseAgencyBill, begin: u64, end: u64| {
        let (begin_no, end_no) = segment(begin, end);
        ("AGENCY_BILL", json!({ "id": bill.id, "begin_no": begin_no, "end_no": end_no, "next_no": begin_no }))
    };
    assert_eq!(edits(&bureau, vec![to(&two, first + 9, first + 19)]).await, ["segment-overlap"]);
    assert_eq!(edits(&bureau, vec![to(&two, last, last + 1)]).await, ["segment-outside"]);
    assert_eq!(edits(&bureau, vec![to(&two, first + 30, first + 39)]).await, [""; 0]);
    let shrunk = json!({ "id": batch.id, "end_no": segment(0, first + 29).1, "total": 30 });
    assert_eq!(edits(&bureau, vec![("BILL_BATCH", shrunk)]).await, ["segment-outside"]);
    let twin = BaseBillBatch {
        id: "3".repeat(36),
        batch_no: "PC-3".to_owned(),
        begin_no: segment(first + 5, last).0,
        total: batch.total - 5,
        ..batch.clone()
    };
    let table = contract::rows::table("base_bill_batch").unwrap();
    let mut values = inner::base::document(table, &contract::rows::Row::cells(&twin));
    for column in ["create_time", "update_time"] {
        values.as_object_mut().unwrap().remove(column);
    }
    assert_eq!(edits(&bureau, vec![("BILL_BATCH", values)]).await, ["segment-overlap"]);
}

#[tokio::test]
async fn a_row_that_has_rows_below_it_is_no_leaf_and_keeps_its_level() {
    let bureau = Bureau::open().await;
    let row = |code: &str, level: i64, parent: Option<&str>| {
        (
            "DEPT",
            json!({
                "id": code.repeat(12), "mof_div_code": "350400000", "fiscal_year": "2026", "ele_code": code, "ele_name": code,
                "level_no": level, "parent_id": parent.map(|parent| parent.repeat(12)), "start_date": "20260101",
            }),
        )
    };
    let leaf = |code: &str, is_leaf: bool| ("DEPT", json!({ "id": code.repeat(12), "is_leaf": is_leaf }));
    assert_eq!(edits(&bureau, vec![row("901", 1, None), row("902", 2, Some("901"))]).await, ["leaf-state"]);
    let together = vec![row("901", 1, None), leaf("901", false), row("902", 2, Some("901"))];
    assert_eq!(edits(&bureau, together).await, [""; 0]);
    assert_eq!(edits(&bureau, vec![leaf("901", true)]).await, ["leaf-state"]);
    let deeper = json!({ "id": "901".repeat(12), "level_no": 2 });
    assert_eq!(edits(&bureau, vec![("DEPT", deeper)]).await, ["parent-level"]);
}

/// A department as an edit has it.
fn dept(id: &str, code: &str) -> (&'static str, Value) {
    let values = json!({
        "id": id, "mof_div_code": "350400000", "fiscal_year": "2026", "ele_code": code, "ele_name": code, "level_no": 1,
        "start_date": "20260101",
    });
    ("DEPT", values)
}

#[tokio::test]
async fn a_doubled_key_names_its_rule() {
    let bureau = Bureau::open().await;
    assert_eq!(edits(&bureau, vec![dept("X1", "901"), dept("X2", "902")]).await, [""; 0]);
    assert_eq!(edits(&bureau, vec![dept("X3", "901")]).await, ["duplicate"]);
    assert_eq!(edits(&bureau, vec![("DEPT", json!({ "id": "X2", "ele_code": "901" }))]).await, ["duplicate"]);
    assert_eq!(edits(&bureau, vec![("DEPT", json!({ "id": "X2", "ele_name": "b" }))]).await, [""; 0]);
}

#[tokio::test]
async fn what_others_name_is_not_deleted() {
    let bureau = Bureau::open().await;
    let agency = bureau.generator.agency(0);
    let delete = |kind: &'static str, id: &str| (kind, json!({ "id": id, "is_deleted": true }));
    assert_eq!(edits(&bureau, vec![delete("DEPT", &agency.dept_id)]).await[0], "referred");
    assert_eq!(edits(&bureau, vec![dept("X1", "901")]).await, [""; 0]);
    let moved = ("AGENCY", json!({ "id": agency.id, "dept_id": "X1" }));
    assert_eq!(edits(&bureau, vec![moved]).await, [""; 0]);
    assert_eq!(edits(&bureau, vec![delete("DEPT", "X1")]).await, ["referred"]);
    let back = ("AGENCY", json!({ "id": agency.id, "dept_id": agency.dept_id }));
    assert_eq!(edits(&bureau, vec![back, delete("DEPT", "X1")]).await, [""; 0]);
    let again = ("AGENCY", json!({ "id": agency.id, "dept_id": "X1" }));
    assert_eq!(edits(&bureau, vec![again]).await, ["no-such"]);
}

#[tokio::test]
async fn sensitive_values_are_judged_before_they_are_encrypted() {
    let bureau = Bureau::open().await;
    let account = bureau.generator.account(0);
    let number = |text: &str| ("ACCOUNT", json!({ "id": account.id, "acct_no": text }));
    assert_eq!(edits(&bureau, vec![number("")]).await, ["missing"]);
    assert_eq!(edits(&bureau, vec![number(" \u{3000}")]).await, ["missing"]);
    assert_eq!(edits(&bureau, vec![number("62\u{7}22")]).await, ["control-character"]);
    assert_eq!(edits(&bureau, vec![number(&account.acct_no)]).await, ["already-encrypted"]);
    assert_eq!(edits(&bureau, vec![number(" 622202 ")]).await, [""; 0]);
}

#[tokio::test]
async fn codes_say_the_row_above_and_the_type() {
    let bureau = Bureau::open().await;
    let subject = (0..).map(|index| bureau.generator.budget_subject(index)).find(|row| row.level_no == 2).unwrap();
    let to = |code: &str| ("BUDGET_SUBJECT", json!({ "id": subject.id, "ele_code": code }));
    assert!(edits(&bureau, vec![to("10499")]).await.contains(&"subject-prefix"));
    assert_eq!(edits(&bureau, vec![to("104")]).await, ["not-digits"]);
    let kinds = bureau.generator.base().filter(|change| change.shape.table == "base_bill_type").collect();
    bureau.bench.add(kinds).await;
    let batch = bureau.generator.bill_batch(0);
    bureau.bench.add(vec![Change::insert(&batch)]).await;
    let code = format!("{}9999{}", &batch.bill_code[..2], &batch.bill_code[6..]);
    let other = ("BILL_BATCH", json!({ "id": batch.id, "bill_code": code }));
    assert_eq!(edits(&bureau, vec![other]).await, ["bill-code-kind"]);
    let kind = ("BILL_TYPE", json!({ "id": batch.bill_type_id, "kind_code": "99" }));
    assert_eq!(edits(&bureau, vec![kind]).await, ["bill-code-kind"]);
}
