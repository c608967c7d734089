//! Looking a notice up.

use contract::rows::OfflinePayment;
use contract::{Generator, Size};
use serde_json::{Value, json};

use super::zone::{MINUTE, Zone, code};

/// The columns of ferry's table that a node reads.
const STREAMS: &str = "CREATE TABLE ferry_stream_state (stream TEXT, direction TEXT, applied_seq INTEGER, lag_ms INTEGER, \
     known_at_ms INTEGER, health TEXT, updated_at_ms INTEGER)";

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_is_shown_with_its_lines_and_a_masked_payer() {
    let zone = Zone::new().await;
    let notice = zone
        .notice(1, |notice| {
            notice.notice.payer_type = 1;
            notice.notice.payer_name = "欧阳秀英".to_owned();
        })
        .await;
    let (status, answer) = zone.get(&format!("/notice?pay_code={}", notice.notice.pay_code)).await;
    assert_eq!(status, 200, "{answer}");
    let shown = &answer["data"];
    assert_eq!(shown["payer_name"], "****");
    assert_eq!(shown["total_fen"], notice.notice.total_fen);
    assert_eq!(shown["lines"].as_array().unwrap().len(), notice.items.len());
    assert_eq!(shown["may_be_paid"], true);
    assert!(!answer.to_string().contains("f1:") && !answer.to_string().contains("payer_id_no"));
    zone.notice(1, |notice| {
        notice.notice.payer_type = 2;
        notice.notice.payer_name = "某某有限公司".to_owned();
    })
    .await;
    let (_, answer) = zone.get(&format!("/notice?pay_code={}", notice.notice.pay_code)).await;
    assert_eq!(answer["data"]["payer_name"], "某某有限公司");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_code_is_told_from_one_that_has_not_come() {
    let zone = Zone::new().await;
    let path = "/notice?pay_code=61010026000000000019";
    let (status, answer) = zone.get(path).await;
    assert_eq!((status, code(&answer)), (404, "not-yet-synchronised"));
    zone.run(STREAMS).await;
    let now_ms = zone.own.node.clock.now().ms();
    let state = async |lag_ms: i64, known_at_ms: i64, health: &str, updated_at_ms: i64| {
        zone.run("DELETE FROM ferry_stream_state").await;
        let row = format!("('notice', 'in', 5, {lag_ms}, {known_at_ms}, '{health}', {updated_at_ms})");
        zone.run(&format!("INSERT INTO ferry_stream_state VALUES {row}")).await;
        let (status, answer) = zone.get(path).await;
        assert_eq!(status, 404, "{answer}");
        answer
    };
    let known_at_ms = now_ms - 30 * MINUTE;
    let answer = state(0, known_at_ms, "ok", now_ms).await;
    assert_eq!(code(&answer), "pay-code-unknown");
    let said = |answer: &Value, field: &str| answer["error"][field].as_str().unwrap().to_owned();
    assert!(said(&answer, "message").contains("2026-06-01 09:30:00"), "{answer}");
    assert!(said(&answer, "message_zh").contains("2026-06-01 09:30:00"), "{answer}");
    assert!(said(&answer, "next").contains("takes minutes"), "{answer}");
    let behind = state(90_000, known_at_ms, "ok", now_ms).await;
    assert_eq!(code(&behind), "not-yet-synchronised", "the peer has more");
    assert!(said(&behind, "message").contains("2026-06-01 09:30:00"), "{behind}");
    assert_eq!(code(&state(0, known_at_ms, "silent", now_ms).await), "not-yet-synchronised", "nobody hears the peer");
    let unheard = state(0, 0, "ok", now_ms).await;
    assert_eq!(code(&unheard), "not-yet-synchronised", "the peer has not been heard yet");
    assert!(said(&unheard, "message").contains("has not heard"), "{unheard}");
    assert_eq!(code(&state(0, known_at_ms, "ok", now_ms - MINUTE).await), "pay-code-unknown");
    for written_ms in [now_ms - 4 * MINUTE, now_ms + 4 * MINUTE] {
        let answer = state(0, known_at_ms, "ok", written_ms).await;
        assert_eq!(code(&answer), "not-yet-synchronised", "the daemon is down, or the clock wrong");
    }
    for bad in ["/notice?pay_code=1", "/notice?pay_code=6101002600000000001x"] {
        let (status, answer) = zone.get(bad).await;
        assert_eq!((status, code(&answer)), (400, "pay-code-form"), "{bad}");
    }
    for bad in ["/notice", "/notice?pay_code=1&more=2", "/notice?code=1"] {
        let (status, answer) = zone.get(bad).await;
        assert_eq!((status, code(&answer)), (400, "document"), "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_notice_cannot_be_paid_is_said() {
    let zone = Zone::new().await;
    let refusal = async |serial: u64| {
        let pay_code = Generator::new(1, Size::S).notice(serial).notice.pay_code;
        let (_, answer) = zone.get(&format!("/notice?pay_code={pay_code}")).await;
        assert_eq!(answer["data"]["may_be_paid"], json!(answer["data"]["refusal"].is_null()));
        answer["data"]["refusal"]["code"].as_str().unwrap_or_default().to_owned()
    };
    zone.notice(1, |notice| notice.notice.state = 1).await;
    assert_eq!(refusal(1).await, "already-paid");
    zone.notice(2, |notice| notice.notice.state = 2).await;
    assert_eq!(refusal(2).await, "notice-void");
    zone.notice(3, |notice| notice.notice.expire_date = Some("20260531".to_owned())).await;
    assert_eq!(refusal(3).await, "notice-expired");
    zone.notice(4, |notice| notice.notice.expire_date = Some("20260601".to_owned())).await;
    assert_eq!(refusal(4).await, "");
    let offline = OfflinePayment { refund_state: 0, ..Generator::new(1, Size::S).offline_payment(4) };
    zone.put(&offline).await;
    assert_eq!(refusal(4).await, "paid-offline");
    zone.put(&OfflinePayment { refund_state: 2, ..offline }).await;
    assert_eq!(refusal(4).await, "");
    let notice = zone.notice(5, |_| {}).await;
    zone.paying("b1", &notice, "wx").await;
    assert_eq!(refusal(5).await, "being-paid");
}
