//! Requests of the outer zone are answered once: with a notice, or with the rule that they break.

use contract::Change;
use contract::rows::{NoticeRequest, NoticeRequestItem, NoticeRequestResult};
use contract::rules::{PayCodePattern, Policy};
use inner::issue::Draft;

use super::bench::Bureau;

fn request(bureau: &Bureau, id: &str, change: impl Fn(&mut NoticeRequest, &mut NoticeRequestItem)) -> Vec<Change> {
    let (node, Draft { agency_id, biz_line, lines, .. }) = (&bureau.bench.node, bureau.draft());
    let seal = |column: &str, plain: &str| {
        Some(node.field_key.seal(("notice_request", column), plain, &*node.entropy).unwrap())
    };
    let mut asked = NoticeRequest {
        request_id: id.to_owned(),
        mof_div_code: "350400000".to_owned(),
        fiscal_year: "2026".to_owned(),
        agency_id,
        biz_line,
        biz_ref: Some("签证-1".to_owned()),
        payer_type: 1,
        payer_name: "欧阳明".to_owned(),
        payer_id_no: seal("payer_id_no", "610113199003070011"),
        payer_phone: None,
        amount_fen: lines[0].unit_fen,
        expire_date: Some("20260401".to_owned()),
        create_time: "20260302100000000".to_owned(),
        update_time: "20260302100000000".to_owned(),
    };
    let mut item = NoticeRequestItem {
        request_id: id.to_owned(),
        line_no: 1,
        item_code: lines[0].item_code.clone(),
        quantity: 1,
        unit_fen: lines[0].unit_fen,
        amount_fen: lines[0].unit_fen,
    };
    change(&mut asked, &mut item);
    vec![Change::insert(&asked), Change::insert(&item)]
}

async fn answer(bureau: &Bureau, id: &'static str) -> NoticeRequestResult {
    let read = bureau
        .bench
        .node
        .database
        .read(move |connection| Box::pin(async move { node::rows::find_by(connection, id).await }));
    read.await.unwrap().unwrap()
}

#[tokio::test]
async fn a_request_is_answered_with_a_notice_or_with_the_rule_that_it_breaks() {
    let bureau = Bureau::open().await;
    bureau.bench.add(request(&bureau, "R1", |_, _| {})).await;
    bureau.bench.add(request(&bureau, "R2", |_, item| item.item_code = "000".to_owned())).await;
    bureau.bench.add(request(&bureau, "R3", |asked, _| asked.amount_fen += 1)).await;
    bureau.bench.add(request(&bureau, "R4", |asked, _| asked.agency_id = "nobody".to_owned())).await;
    bureau.bench.add(request(&bureau, "R5", |asked, _| asked.payer_id_no = Some("f1:5d0c31a7:AAAA".to_owned()))).await;
    for _ in 0..2 {
        bureau.match_all().await;
        // Told once more, as a load does.
        bureau.bench.sql("INSERT INTO inner_asked (request_id) SELECT request_id FROM notice_request").await;
    }
    let first = answer(&bureau, "R1").await;
    let notice = bureau.notice(first.pay_code.as_deref().unwrap()).await;
    assert_eq!((notice.request_id.as_deref(), notice.payer_name.as_str()), (Some("R1"), "欧阳明"));
    let opened = bureau.bench.node.field_key.open(("pay_notice", "payer_id_no"), &notice.payer_id_no.unwrap());
    assert_eq!(opened.as_deref(), Some("610113199003070011"));
    let mut reasons = Vec::new();
    for id in ["R2", "R3", "R4", "R5"] {
        let answer = answer(&bureau, id).await;
        assert_eq!((answer.state, answer.pay_code), (2, None));
        reasons.push(answer.reason_code.unwrap());
    }
    assert_eq!(reasons, ["not-collected", "line-sum", "no-such", "not-encrypted"]);
    assert_eq!(bureau.bench.number("SELECT count(*) FROM pay_notice").await, 1);
    assert_eq!(
        // 2 March, 10 o'clock, is the minute 87 000 of the year.
        bureau.bench.number("SELECT max(next) FROM inner_serial").await,
        8_700_000_001,
        "a refused request takes no pay code"
    );
}

#[tokio::test]
async fn what_came_back_answered_is_not_issued_again_and_no_pay_code_is_given_twice() {
    let bureau = Bureau::open().await;
    bureau.bench.add(request(&bureau, "R1", |_, _| {})).await;
    bureau.bench.add(request(&bureau, "R2", |_, item| item.item_code = "000".to_owned())).await;
    bureau.match_all().await;
    let first = answer(&bureau, "R1").await;
    // The backup is from before the requests: ferry returned notice and answers, and the peer sent the requests again.
    bureau.bench.sql("DELETE FROM inner_serial").await;
    bureau.bench.sql("INSERT INTO inner_asked (request_id) SELECT request_id FROM notice_request").await;
    bureau.bench.add(request(&bureau, "R3", |_, _| {})).await;
    bureau.match_all().await;
    assert_eq!(answer(&bureau, "R1").await, first);
    let third = answer(&bureau, "R3").await;
    assert_eq!((third.state, third.pay_code == first.pay_code), (1, false));
    assert_eq!(bureau.bench.number("SELECT count(*) FROM pay_notice").await, 2);
}

#[tokio::test]
async fn a_request_waits_where_the_configuration_takes_no_code_and_is_answered_when_it_is_mended() {
    let bureau = Bureau::open().await;
    bureau.bench.add(request(&bureau, "R1", |_, _| {})).await;
    let pay_code = PayCodePattern::new("^[0-9]{16}$", false).unwrap();
    let policy = std::sync::Arc::new(Policy { pay_code, ..Policy::default() });
    let node = node::Node { policy, ..bureau.bench.node.clone() };
    inner::waiting::round(&node, &inner::request::QUEUE).await.unwrap();
    assert_eq!(bureau.bench.number("SELECT count(*) FROM notice_request_result").await, 0);
    let problem = bureau.bench.text("SELECT problem FROM inner_asked").await;
    assert!(problem.contains("node.policy"), "{problem}");
    inner::api::again(&bureau.bench.node, &node::http::Caller::local("li"), "R1".to_owned()).await.unwrap();
    bureau.match_all().await;
    assert_eq!(answer(&bureau, "R1").await.state, 1);
}
