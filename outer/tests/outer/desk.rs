//! Base data, lists, the command line, the configuration, and the description of the interface.

use console::Lang;
use node::config::NodeConfig;
use node::http::Caller;
use node::people::Role;
use node::program::{self, Program as _};
use outer::cli::{CallbackVerb, ExceptionVerb, OrderVerb, OuterVerb, obey};
use outer::{Outer, OuterConfig};
use serde_json::json;

use super::zone::{OWN, Zone, code, paid, pair};

#[tokio::test(flavor = "multi_thread")]
async fn agencies_and_items_are_found_by_code_and_name_page_by_page() {
    let zone = Zone::new().await;
    let (_, answer) = zone.get(&format!("/agencies?code={}", &zone.agency.ele_code[..3])).await;
    assert_eq!(answer["data"]["agencies"][0]["id"], json!(zone.agency.id));
    assert_eq!(zone.get("/agencies?code=%25").await.1["data"]["agencies"], json!([]));
    let path = format!("/items?agency_id={}&limit=1", zone.agency.id);
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let (_, answer) = zone.get(&format!("{path}{after}")).await;
        let Some(item) = answer["data"]["items"].get(0).cloned() else { break };
        after = format!("&after={}", item["id"].as_str().unwrap());
        seen.push(item["code"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen.len(), zone.items.len());
    assert!(seen.is_sorted());
    assert_eq!(zone.get("/items").await.1["data"]["items"].as_array().unwrap().len(), 50);
    for bad in ["/items?limit=0", "/items?limit=501", "/agencies?limit=-1"] {
        let (status, answer) = zone.get(bad).await;
        assert_eq!((status, code(&answer)), (400, "limit"), "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_list_orders_and_keep_clients() {
    let zone = Zone::new().await;
    let reviewer = zone.person("re", Role::Reviewer).await;
    let administrator = zone.person("ad", Role::Administrator).await;
    let notice = zone.notice(1, |_| {}).await;
    let number = zone.order("b1", &notice).await;
    let (_, answer) = zone.get_as(&reviewer, "/orders?state=0").await;
    assert_eq!(answer["data"]["orders"][0]["platform_order_no"], json!(number));
    assert_eq!(zone.get_as(&reviewer, "/orders?state=2").await.1["data"]["orders"], json!([]));
    assert_eq!(zone.get_as(&reviewer, &format!("/orders?before={number}")).await.1["data"]["orders"], json!([]));
    assert_eq!(code(&zone.get_as(&administrator, "/orders").await.1), "not-permitted");
    assert_eq!(code(&zone.get("/orders").await.1), "not-logged-in");
    let client = json!({ "id": "u2", "title": "某学校", "public_key": pair(6).1, "permission": "unit",
        "agency_id": null, "notify_url": null, "is_enabled": true });
    assert_eq!(code(&zone.post_as(&reviewer, "/clients/put", client.clone()).await.1), "not-permitted");
    assert_eq!(zone.post_as(&administrator, "/clients/put", client.clone()).await.0, 200);
    let mut other = client;
    other["permission"] = json!("ledger");
    assert_eq!(code(&zone.post_as(&administrator, "/clients/put", other).await.1), "permission");
    assert_eq!(zone.get("/health").await.0, 404, "only the machine itself is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_answers_people_and_scripts() {
    let zone = Zone::new().await;
    let caller = Caller::local("console");
    let list = || OuterVerb::Order(OrderVerb::List { state: None, pay_code: None, before: None });
    let none = obey(&zone.own, list(), &caller, Lang::Zh).await.unwrap();
    assert_eq!(none.human, "没有订单\n");
    zone.client("unit", "unit", 1, Some("http://127.0.0.1:1/"), None).await;
    let notice = zone.notice(1, |_| {}).await;
    let number = zone.paying("b1", &notice, "wx").await;
    zone.wx(paid(&number, "w1", notice.notice.total_fen)).await;
    zone.wx(paid(&number, "w2", notice.notice.total_fen)).await;
    zone.wx(paid(&number, "w3", 1)).await;
    let listed = obey(&zone.own, list(), &caller, Lang::Zh).await.unwrap();
    assert!(listed.human.contains("支付成功"), "{}", listed.human);
    let show = |number: &str| OuterVerb::Order(OrderVerb::Show { number: number.to_owned() });
    let shown = obey(&zone.own, show(&number), &caller, Lang::En).await.unwrap();
    assert!(shown.human.contains("one too many") && shown.human.contains("amount-differs"), "{}", shown.human);
    assert_eq!(shown.json["payments"].as_array().unwrap().len(), 2);
    assert_eq!(obey(&zone.own, show("x"), &caller, Lang::En).await.unwrap_err().code, "not-found");
    zone.send_all().await;
    let list = OuterVerb::Callback(CallbackVerb::List { given_up: false, before: None });
    let callbacks = obey(&zone.own, list, &caller, Lang::Zh).await.unwrap();
    assert!(callbacks.human.contains("待发送"), "{}", callbacks.human);
    // The earliest has been tried; the latest waits behind it.
    let first = callbacks.json["callbacks"].as_array().unwrap().last().unwrap()["callback_id"].as_i64().unwrap();
    let again = OuterVerb::Callback(CallbackVerb::Again { number: first });
    assert_eq!(obey(&zone.own, again, &caller, Lang::Zh).await.unwrap().human, "通知将重新发送\n");
    assert_eq!(zone.acts("callback-again").await[0].0, "console");
    let list = OuterVerb::Exception(ExceptionVerb::List { all: false, before: None });
    assert!(obey(&zone.own, list, &caller, Lang::En).await.unwrap().human.contains("amount-differs"));
}

#[test]
fn every_verb_has_its_chinese_text() {
    let command = program::command::<Outer>(Lang::En);
    assert_eq!(console::chinese::missing(&command, &program::text_of::<Outer>), Vec::<String>::new());
    program::command::<Outer>(Lang::Zh).debug_assert();
}

#[test]
fn the_interface_is_described_whole() {
    let document = Outer::openapi();
    let paths = document["paths"].as_object().unwrap();
    for path in ["/notice", "/order/create", "/order/pay", "/channel/result", "/order/confirm-ask", "/login"] {
        assert!(paths.contains_key(path), "{path}");
    }
    assert!(document["components"]["schemas"].as_object().unwrap().contains_key("Settled"));
}

#[test]
fn what_is_wrong_with_a_configuration_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("key.pem");
    #[expect(clippy::disallowed_methods, reason = "a test's file")]
    std::fs::write(&key, pair(OWN).0).unwrap();
    let mode = |mode| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(0o600);
    let said = |more: &str| {
        let text = format!(
            "[node]\ndatabase = \"a\"\nlisten = \"127.0.0.1:1\"\nhealth = \"127.0.0.1:2\"\nfield_key = \"k\"\n\
             [callbacks]\nid = \"n\"\nkey = \"{}\"\n{more}",
            key.display()
        );
        match toml::from_str::<OuterConfig>(&text) {
            Ok(config) => config.settings().map_or_else(|fault| fault.message.to_string(), |_| "ok".to_owned()),
            Err(error) => error.to_string(),
        }
    };
    assert_eq!(said(""), "ok");
    assert!(said("[orders]\nexpire_minutes = 0").contains("orders.expire_minutes is 0"));
    assert!(said("[orders]\nday_cut = \"25:00\"").contains("orders.day_cut is 25:00"));
    assert!(said("[orders]\nmore = 1").contains("unknown field `more`"));
    assert!(said("[[channel]]\nid = \"seventeen-letters\"").contains("17 wide"));
    assert!(said("[[channel]]\nid = \"a\"\nquery_url = \"x\"").contains("query_url x"));
    assert!(said("[[channel]]\nid = \"a\"\n[[channel]]\nid = \"a\"").contains("twice"));
    mode(0o644);
    assert!(said("").contains("others may read"));
    let text = "[node]\ndatabase = \"a\"\nlisten = \"127.0.0.1:1\"\nhealth = \"10.0.0.1:2\"\nfield_key = \"k\"\n\
                [callbacks]\nid = \"n\"\nkey = \"/nothing\"\n";
    let config: OuterConfig = toml::from_str(text).unwrap();
    assert_eq!(config.settings().unwrap_err().code, "private-key");
    assert_eq!(AsRef::<NodeConfig>::as_ref(&config).policy().unwrap_err().code, "config");
}
