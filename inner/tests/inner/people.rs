//! Over HTTP: who may do what, and what is answered to those who may not.

use std::sync::Arc;

use inner::service::Inner;
use node::desk::{NewPerson, add_person};
use node::http::Caller;
use node::people::Role;
use node::testing::Served;
use serde_json::{Value, json};

use super::bench::Bureau;

const PASSWORD: &str = "Correct-Horse-7";

async fn open(bureau: &Bureau) -> Served {
    for (name, role) in
        [("admin", Role::Administrator), ("li", Role::Operator), ("zhao", Role::Reviewer), ("sun", Role::Auditor)]
    {
        let person = NewPerson { name: name.to_owned(), title: name.to_owned(), role, password: PASSWORD.to_owned() };
        add_person(&bureau.bench.node, &Caller::local("setup"), person).await.unwrap();
    }
    Served::on(inner::api::operations().router(Arc::new(Inner::new(bureau.bench.node.clone())))).await
}

async fn token(served: &Served, name: &str) -> String {
    let (status, answer) =
        served.ask("POST", "/login", None, Some(json!({ "name": name, "password": PASSWORD }))).await;
    assert_eq!(status, 200, "{answer}");
    answer["data"]["token"].as_str().unwrap().to_owned()
}

fn code(answer: &Value) -> &str {
    answer["error"]["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn each_role_may_do_its_own() {
    let bureau = Bureau::open().await;
    let served = open(&bureau).await;
    let (li, zhao, sun) = (token(&served, "li").await, token(&served, "zhao").await, token(&served, "sun").await);
    let drafts = json!({ "drafts": [bureau.draft()] });
    let (status, answer) = served.ask("POST", "/notice/issue", Some(&li), Some(drafts.clone())).await;
    assert_eq!(status, 200, "{answer}");
    let pay_code = answer["data"]["pay_codes"][0].as_str().unwrap().to_owned();
    for (token, expected) in [(None, 401), (Some(&zhao), 403), (Some(&sun), 403)] {
        let (status, _) = served.ask("POST", "/notice/issue", token.map(String::as_str), Some(drafts.clone())).await;
        assert_eq!(status, expected);
    }
    let (_, shown) = served.ask("GET", &format!("/notice?pay_code={pay_code}"), Some(&sun), None).await;
    assert_eq!(shown["data"]["notice"]["payer_phone"], "138****5678");
    let wish = json!({ "wish": { "what": "void-notice", "pay_code": pay_code }, "reason": "开错" });
    let (_, asked) = served.ask("POST", "/proposal/ask", Some(&li), Some(wish)).await;
    let decided = json!({ "id": asked["data"]["id"], "is_allowed": true });
    assert_eq!(served.ask("POST", "/proposal/decide", Some(&zhao), Some(decided)).await.0, 200);
    assert_eq!(bureau.notice(&pay_code).await.state, 2);
    let (_, record) = served.ask("GET", "/record?text=proposal", Some(&sun), None).await;
    assert_eq!(record["data"]["entries"].as_array().unwrap().len(), 2, "{record}");
    assert_eq!(record["data"]["entries"][0]["who"], "zhao");
    assert_eq!(record["data"]["entries"][0]["address"], "127.0.0.1");
    assert_eq!(served.ask("GET", "/record?text=proposal", Some(&li), None).await.0, 403);
    served.stop().await;
}

#[tokio::test]
async fn five_wrong_passwords_lock_a_person_out_for_a_while() {
    let bureau = Bureau::open().await;
    let served = open(&bureau).await;
    let wrong = || json!({ "name": "li", "password": "wrong" });
    for _ in 0..5 {
        assert_eq!(served.ask("POST", "/login", None, Some(wrong())).await.0, 401);
    }
    let right = || json!({ "name": "li", "password": PASSWORD });
    let (status, answer) = served.ask("POST", "/login", None, Some(right())).await;
    assert_eq!((status, code(&answer)), (401, "wrong-password"), "the right one does not count either");
    bureau.bench.clock.advance(15 * 60 * 1_000);
    let li = token(&served, "li").await;
    assert_eq!(served.ask("GET", "/bookings", Some(&li), None).await.0, 200);
    bureau.bench.clock.advance(31 * 60 * 1_000);
    assert_eq!(served.ask("GET", "/bookings", Some(&li), None).await.0, 401, "a session that was not used has ended");
    served.stop().await;
}

/// Method, path, body, and the status and code of the answer.
type Case = (&'static str, &'static str, Option<Vec<u8>>, u16, &'static str);

#[tokio::test]
async fn bad_requests_are_told_what_is_wrong_with_them() {
    let bureau = Bureau::open().await;
    let served = open(&bureau).await;
    let li = token(&served, "li").await;
    let li = Some(li.as_str());
    let cases: [Case; 12] = [
        ("GET", "/nothing", None, 404, "no-operation"),
        ("GET", "/notice/issue", None, 405, "no-operation"),
        ("POST", "/notice/issue", Some(b"{".to_vec()), 400, "document"),
        ("POST", "/notice/issue", Some(vec![0xff; 10]), 400, "document"),
        ("POST", "/notice/issue", Some(b"{\"drafts\":[],\"more\":1}".to_vec()), 400, "document"),
        ("POST", "/notice/issue", Some(b"{\"drafts\":[]}".to_vec()), 400, "drafts"),
        ("POST", "/notice/issue", Some(vec![b' '; (8 << 20) + 1]), 413, "body-too-large"),
        ("GET", "/notice?pay_code=1", None, 404, "not-found"),
        ("GET", "/notice", None, 400, "document"),
        ("GET", "/base?kind=PEOPLE", None, 404, "not-found"),
        ("POST", "/base/edit", Some(br#"{"kind":"AGENCY","values":{"nothing":1}}"#.to_vec()), 404, "not-found"),
        ("POST", "/base/edit", Some(br#"{"kind":"AGENCY","values":{"ele_code":1.5}}"#.to_vec()), 400, "rules-broken"),
    ];
    for (method, path, body, expected, expected_code) in cases {
        let (status, answer) = served.ask_raw(method, path, li, body).await;
        assert_eq!((status, code(&answer)), (expected, expected_code), "{method} {path} {answer}");
        assert!(answer["error"]["next_zh"].as_str().is_some_and(|next| !next.is_empty()));
    }
    served.stop().await;
}
