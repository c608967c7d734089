//! Asking that a notice be issued.

use contract::rows::{NoticeRequest, NoticeRequestItem, NoticeRequestResult};
use contract::rules::check_request;
use node::rows::{find_by, select, text};
use serde_json::{Value, json};

use super::zone::{Zone, code, rules};

/// A request as a unit sends it.
pub fn asked(zone: &Zone, request_no: &str) -> Value {
    let (item, least) = &zone.items[0];
    json!({
        "request_no": request_no,
        "agency_id": zone.agency.id,
        "biz_line": "SCHOOL",
        "biz_ref": "学费2026",
        "payer_type": 1,
        "payer_name": "李四",
        "payer_id_no": "610113199003070011",
        "payer_phone": "13812345678",
        "amount_fen": least,
        "expire_date": "20260930",
        "lines": [{ "item_code": item.ele_code, "quantity": 1, "unit_fen": least, "amount_fen": least }],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_crosses_sealed_and_once() {
    let zone = Zone::new().await;
    let (status, first) = zone.unit("/request/create", asked(&zone, "r1")).await;
    assert_eq!((status, &first["data"]["answer"]), (200, &json!("pending")), "{first}");
    assert_eq!(zone.unit("/request/create", asked(&zone, "r1")).await, (200, first.clone()));
    let request_id = first["data"]["request_id"].as_str().unwrap();
    let mut connection = zone.connection().await;
    let request = find_by::<NoticeRequest>(&mut connection, request_id).await.unwrap().unwrap();
    let items: Vec<NoticeRequestItem> =
        select(&mut connection, "WHERE request_id = ?1", &[text(request_id)]).await.unwrap();
    assert_eq!(check_request(&request, &items), []);
    assert_eq!(request.mof_div_code, zone.agency.mof_div_code);
    let open = |place, sealed: &Option<String>| zone.own.node.field_key.open(place, sealed.as_deref().unwrap());
    assert_eq!(open(("notice_request", "payer_id_no"), &request.payer_id_no).as_deref(), Some("610113199003070011"));
    assert_eq!(open(("notice_request", "payer_phone"), &request.payer_phone).as_deref(), Some("13812345678"));
    for (field, other) in [("payer_name", "王五"), ("payer_phone", "13812345679"), ("expire_date", "20260929")] {
        let mut document = asked(&zone, "r1");
        document[field] = json!(other);
        let (status, answer) = zone.unit("/request/create", document).await;
        assert_eq!((status, code(&answer)), (409, "request-no-taken"), "{field}");
    }
    // Business reference and number make the key together.
    let mut other = asked(&zone, "r1");
    other["biz_ref"] = json!("学费2027");
    assert_ne!(zone.unit("/request/create", other).await.1["data"]["request_id"], first["data"]["request_id"]);
    assert_eq!(zone.number("SELECT count(*) FROM notice_request").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_are_refused() {
    let zone = Zone::new().await;
    let broken = async |change: &dyn Fn(&mut Value)| {
        let mut document = asked(&zone, "r1");
        change(&mut document);
        let (status, answer) = zone.unit("/request/create", document).await;
        assert_eq!(status, 400, "{answer}");
        if rules(&answer).is_empty() { vec![code(&answer).to_owned()] } else { rules(&answer) }
    };
    assert_eq!(broken(&|one| one["agency_id"] = json!("x")).await, ["agency_id no-such"]);
    assert_eq!(broken(&|one| one["expire_date"] = json!("20260531")).await, ["expire_date ends-before-start"]);
    assert_eq!(broken(&|one| one["expire_date"] = json!("20260931")).await, ["expire_date not-a-date"]);
    assert_eq!(broken(&|one| one["amount_fen"] = json!(1)).await, ["amount_fen line-sum"]);
    assert_eq!(broken(&|one| one["lines"] = json!([])).await, ["line_no no-lines",]);
    assert_eq!(broken(&|one| one["lines"][0]["item_code"] = json!("x")).await, ["item_code not-collected"]);
    assert_eq!(broken(&|one| one["request_no"] = json!("")).await, ["field-form"]);
    assert_eq!(broken(&|one| one["payer_id_no"] = json!("1".repeat(101))).await, ["too-long"]);
    assert_eq!(broken(&|one| one["biz_line"] = json!("TAX")).await, ["biz_line not-one-of"]);
    zone.client("unit", "unit", 1, None, Some("another agency")).await;
    assert_eq!(code(&zone.unit("/request/create", asked(&zone, "r2")).await.1), "other-agency");
    assert_eq!(zone.number("SELECT count(*) FROM notice_request").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_pending_until_the_inner_zone_answers() {
    let zone = Zone::new().await;
    let made = async |number: &str| {
        let (_, answer) = zone.unit("/request/create", asked(&zone, number)).await;
        answer["data"]["request_id"].as_str().unwrap().to_owned()
    };
    let (issued, refused) = (made("r1").await, made("r2").await);
    zone.put(&NoticeRequestResult {
        request_id: issued.clone(),
        state: 1,
        pay_code: Some("61010026000000000019".to_owned()),
        reason_code: None,
        reason: None,
        answer_time: "20260601100500000".to_owned(),
    })
    .await;
    zone.put(&NoticeRequestResult {
        request_id: refused.clone(),
        state: 2,
        pay_code: None,
        reason_code: Some("not-collected".to_owned()),
        reason: Some("该单位未开通此收入项目".to_owned()),
        answer_time: "20260601100500000".to_owned(),
    })
    .await;
    let (_, answer) = zone.get(&format!("/request?request_id={issued}")).await;
    assert_eq!(
        (&answer["data"]["answer"], &answer["data"]["pay_code"]),
        (&json!("issued"), &json!("61010026000000000019"))
    );
    let (_, answer) = zone.unit("/request/query", json!({ "request_no": "r2", "biz_ref": "学费2026" })).await;
    assert_eq!(
        (&answer["data"]["answer"], &answer["data"]["reason_code"]),
        (&json!("refused"), &json!("not-collected"))
    );
    assert_eq!(zone.unit("/request/query", json!({ "request_id": refused })).await.1, answer);
    assert_eq!(code(&zone.unit("/request/query", json!({})).await.1), "one-number");
    assert_eq!(code(&zone.unit("/request/query", json!({ "request_no": "r9" })).await.1), "not-found");
    assert_eq!(zone.get("/request?request_id=x").await.0, 404);
    zone.client("other", "unit", 4, None, None).await;
    let (status, _) = zone.signed(("other", 4), "/request/query", json!({ "request_id": refused })).await;
    assert_eq!(status, 404);
}
