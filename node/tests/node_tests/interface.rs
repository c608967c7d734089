//! The description of an interface is what is served.

use std::sync::Arc;

use node::desk::NewPerson;
use node::http::{Access, Api, Bounds, Caller, Done};
use node::people::Role;
use node::testing::{Bench, Served};
use node::{Node, OWN_SQL, Service};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

struct Echo(Node);

impl Service for Echo {
    fn node(&self) -> &Node {
        &self.0
    }
}

/// What is asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// A number.
    number: i64,
    /// A text.
    #[expect(dead_code, reason = "only its place in the description counts")]
    text: Option<String>,
}

fn api() -> Api<Echo> {
    node::desk::operations(Api::new())
        .get(
            "/echo",
            Access::Anyone,
            "Yields a number",
            |_: Arc<Echo>, _, asked: Asked| async move { Ok(asked.number) },
        )
        .post(
            "/echo/keep",
            Access::People(&[Role::Operator]),
            "Keeps a number",
            |_: Arc<Echo>, _, _: Asked| async move { Ok(Done::YES) },
        )
        .post("/echo/sent", Access::Client("echo"), "Takes a number", |_: Arc<Echo>, _, _: Asked| async move {
            Ok(Done::YES)
        })
}

#[tokio::test]
async fn every_operation_is_described_with_what_it_takes() {
    let document = api().openapi("Echo", "1");
    let get = &document["paths"]["/echo"]["get"];
    assert_eq!(get["parameters"][0]["name"], "number");
    assert_eq!((&get["parameters"][0]["required"], &get["parameters"][1]["required"]), (&json!(true), &json!(false)));
    let keep = &document["paths"]["/echo/keep"]["post"];
    let reference = keep["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str().unwrap();
    let name = reference.strip_prefix("#/components/schemas/").unwrap();
    assert_eq!(document["components"]["schemas"][name]["properties"]["number"]["type"], "integer");
    assert_eq!(keep["security"], json!([{ "session": [] }]));
    let sent = &document["paths"]["/echo/sent"]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    assert_eq!(sent, "#/components/schemas/Message");
    assert_eq!(document["paths"]["/echo/sent"]["post"]["x-permission"], "echo");
    assert_eq!(statuses(get), ["200", "400", "404", "500", "503"]);
    assert_eq!(statuses(keep), ["200", "400", "401", "403", "404", "408", "409", "413", "415", "500", "503"]);
    assert_eq!(keep["requestBody"]["content"]["application/json"]["example"], json!({ "number": 1 }));
}

fn statuses(operation: &serde_json::Value) -> Vec<&String> {
    operation["responses"].as_object().unwrap().keys().collect()
}

#[tokio::test]
async fn operations_are_served_as_described() {
    let bench = Bench::of("node", &[OWN_SQL]).await;
    let served = Served::on(api().router(Arc::new(Echo(bench.node.clone())))).await;
    assert_eq!(served.ask("GET", "/echo?number=5", None, None).await, (200, json!({ "data": 5 })));
    assert_eq!(served.ask("GET", "/echo?number=5&more=1", None, None).await.0, 400);
    assert_eq!(served.ask("POST", "/echo/keep", Some("nothing"), Some(json!({ "number": 1 }))).await.0, 401);
    assert_eq!(served.ask("GET", "/health", None, None).await.0, 404, "only the machine itself is told");
    served.stop().await;
    let served = Served::on(node::desk::health_only().router(Arc::new(Echo(bench.node.clone())))).await;
    let (status, health) = served.ask("GET", "/health", None, None).await;
    assert_eq!((status, &health["data"]["is_well"]), (200, &json!(true)));
    served.stop().await;
}

#[tokio::test]
async fn the_record_has_the_address_that_a_trusted_gateway_saw() {
    let bench = Bench::of("node", &[OWN_SQL]).await;
    let (role, password) = (Role::Operator, "Correct-Horse-7".to_owned());
    let person = NewPerson { name: "li".to_owned(), title: "李".to_owned(), role, password: password.clone() };
    node::desk::add_person(&bench.node, &Caller::local("setup"), person).await.unwrap();
    let body = json!({ "name": "li", "password": password }).to_string();
    let request = format!(
        "POST /login HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-forwarded-for: 192.0.2.9, 192.0.2.7\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    for (gateways, address) in [(vec![], "127.0.0.1"), (vec!["127.0.0.1".parse().unwrap()], "192.0.2.7")] {
        let router = api().router(Arc::new(Echo(bench.node.clone())));
        let served = Served::behind(&gateways, router, Bounds::default()).await;
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).await.unwrap();
        assert!(heard.starts_with("HTTP/1.1 200 "), "{heard}");
        assert_eq!(bench.text("SELECT address FROM node_act ORDER BY id DESC LIMIT 1").await, address);
        served.stop().await;
    }
}
