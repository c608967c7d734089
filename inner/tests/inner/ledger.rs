//! A ledger that is there already pushes and pulls by signed messages.

use std::sync::Arc;

use inner::service::Inner;
use node::client::{self, Client};
use node::message::Message;
use node::testing::{Served, pair};
use serde_json::{Value, json};

use super::bench::Bureau;

async fn open(bureau: &Bureau) -> Served {
    let now = bureau.bench.node.clock.now();
    for (id, permission, seed) in [("ledger-1", "ledger", 1), ("bank-1", "counter:bank", 2)] {
        let client = Client {
            id: id.to_owned(),
            title: id.to_owned(),
            public_key: pair(seed).1,
            permission: permission.to_owned(),
            agency_id: None,
            notify_url: None,
            is_enabled: true,
        };
        let put = bureau
            .bench
            .node
            .database
            .write(move |connection| Box::pin(async move { client::put(connection, &client, now).await }));
        put.await.unwrap();
    }
    Served::on(inner::api::operations().router(Arc::new(Inner::new(bureau.bench.node.clone())))).await
}

fn signed(bureau: &Bureau, id: &str, seed: u8, data: &Value) -> Value {
    let node = &bureau.bench.node;
    let message = Message::sign(&pair(seed).0, id, data, node.clock.now(), &*node.entropy).unwrap();
    serde_json::to_value(message).unwrap()
}

#[tokio::test]
async fn a_ledger_pushes_base_data_and_notices_and_pulls_bookings() {
    let bureau = Bureau::open().await;
    let served = open(&bureau).await;
    let ask = async |path: &str, data: Value| {
        served.ask("POST", path, None, Some(signed(&bureau, "ledger-1", 1, &data))).await
    };
    let agency = bureau.generator.agency(3);
    let rows = json!({ "request_no": "B-1", "rows": [{ "kind": "AGENCY", "values": { "id": agency.id, "phone": "0598-8123456", "is_enabled": false } }] });
    let (status, answer) = ask("/ledger/base", rows).await;
    assert_eq!((status, &answer["data"]["rows"][0]["is_new"]), (200, &json!(false)), "{answer}");
    assert_eq!(bureau.bench.number("SELECT count(*) FROM base_agency WHERE is_enabled = 0").await, 1);
    let broken = json!({ "request_no": "B-2", "rows": [
        { "kind": "DEPT", "values": { "mof_div_code": "350400000", "fiscal_year": "2026", "ele_code": "999", "ele_name": "新部门",
            "level_no": 1, "start_date": "20260101" } },
        { "kind": "AGENCY", "values": { "id": agency.id, "region_id": "nowhere" } },
    ] });
    let (status, answer) = ask("/ledger/base", broken).await;
    assert_eq!((status, &answer["error"]["faults"][0]["rule"]), (400, &json!("no-such")), "{answer}");
    assert_eq!(bureau.bench.number("SELECT count(*) FROM base_dept WHERE ele_code = '999'").await, 0, "all or none");
    let (status, issued) = ask("/ledger/notices", json!({ "request_no": "N-1", "drafts": [bureau.draft()] })).await;
    assert_eq!(status, 200, "{issued}");
    let notice = bureau.notice(issued["data"]["pay_codes"][0].as_str().unwrap()).await;
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen)).await;
    bureau.match_all().await;
    let (_, page) = ask("/ledger/bookings", json!({})).await;
    let last = &page["data"]["bookings"][0];
    assert_eq!((&last["pay_code"], &last["match_state"]), (&json!(notice.pay_code), &json!(1)), "{page}");
    let (_, rest) = ask("/ledger/bookings", json!({ "after": last["seq"] })).await;
    assert_eq!(rest["data"]["bookings"], json!([]));
    served.stop().await;
}

#[tokio::test]
async fn messages_that_are_not_right_are_not_taken() {
    let bureau = Bureau::open().await;
    let served = open(&bureau).await;
    let asked = json!({});
    let code = async |document: Value| {
        let (status, answer) = served.ask("POST", "/ledger/bookings", None, Some(document)).await;
        (status, answer["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let said = |status: u16, code: &str| (status, code.to_owned());
    let good = signed(&bureau, "ledger-1", 1, &asked);
    assert_eq!(code(good.clone()).await.0, 200);
    assert_eq!(code(good).await, said(409, "replayed"));
    assert_eq!(code(signed(&bureau, "ledger-1", 2, &asked)).await, said(401, "signature"));
    assert_eq!(code(signed(&bureau, "nobody", 1, &asked)).await, said(401, "client-unknown"));
    assert_eq!(code(signed(&bureau, "bank-1", 2, &asked)).await, said(403, "not-permitted"));
    assert_eq!(code(asked.clone()).await, said(400, "document"));
    assert_eq!(code(signed(&bureau, "ledger-1", 1, &json!({ "more": 1 }))).await, said(400, "document"));
    let old = signed(&bureau, "ledger-1", 1, &asked);
    bureau.bench.clock.advance(6 * 60 * 1_000);
    assert_eq!(code(old).await, said(401, "timestamp"));
    served.stop().await;
}

#[tokio::test]
async fn a_push_whose_answer_was_lost_is_answered_as_the_first_time_and_does_nothing_twice() {
    let bureau = Bureau::open().await;
    let served = open(&bureau).await;
    let ask = async |path: &str, data: Value| {
        served.ask("POST", path, None, Some(signed(&bureau, "ledger-1", 1, &data))).await
    };
    let push = |number: &str, name: &str| {
        let draft = inner::issue::Draft { payer_name: name.to_owned(), ..bureau.draft() };
        json!({ "request_no": number, "drafts": [draft] })
    };
    let first = ask("/ledger/notices", push("N-1", "王芳")).await;
    assert_eq!(first.0, 200, "{first:?}");
    assert_eq!(ask("/ledger/notices", push("N-1", "王芳")).await, first);
    let (status, answer) = ask("/ledger/notices", push("N-1", "李强")).await;
    assert_eq!((status, &answer["error"]["code"]), (409, &json!("request-no-taken")));
    assert_eq!(bureau.bench.number("SELECT count(*) FROM pay_notice").await, 1);
    // What was refused was not done, and may be sent again under its number when it is mended.
    assert_eq!(ask("/ledger/notices", push("N-2", "")).await.0, 400);
    assert_eq!(ask("/ledger/notices", push("N-2", "李强")).await.0, 200);
    for number in [String::new(), "N".repeat(65), "编号".to_owned()] {
        let (status, answer) = ask("/ledger/notices", push(&number, "王芳")).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!("request-no")));
    }
    let agency = bureau.generator.agency(3).id;
    let rows = |number: &str, phone: &str| json!({ "request_no": number, "rows": [{ "kind": "AGENCY", "values": { "id": agency, "phone": phone } }] });
    let first = ask("/ledger/base", rows("B-1", "0598-1")).await;
    assert_eq!(ask("/ledger/base", rows("B-2", "0598-2")).await.0, 200);
    assert_eq!(ask("/ledger/base", rows("B-1", "0598-1")).await, first);
    let acts = "SELECT count(*) FROM node_act WHERE what = 'base-edit'";
    assert_eq!(bureau.bench.number(acts).await, 2, "the later push stands");
    // The number of one kind of push is not another's, and neither is one client's another one's.
    assert_eq!(ask("/ledger/base", rows("N-1", "0598-3")).await.0, 409);
    let kept = "SELECT count(*) FROM inner_receipt";
    assert_eq!(bureau.bench.number(kept).await, 4);
    let plain = "SELECT count(*) FROM inner_receipt WHERE instr(content, 'f1:') <> 1";
    assert_eq!(bureau.bench.number(plain).await, 0);
    served.stop().await;
}
