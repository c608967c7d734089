//! The program as it is started.

use std::net::SocketAddr;
use std::process::Command;

use node::http::Listen;
use node::program::Program as _;
use outer::{Outer, OuterConfig};
use serde_json::Value;
use tokio::sync::watch;

use super::zone::{OWN, Zone, pair};

/// An address that is free now.
async fn free() -> SocketAddr {
    Listen::on("127.0.0.1:0".parse().unwrap()).await.unwrap().address().unwrap()
}

/// A configuration for the database of a zone, in a file.
async fn configure(zone: &Zone) -> (std::path::PathBuf, SocketAddr) {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = zone.path.parent().unwrap();
    let (listen, health) = (free().await, free().await);
    let (key, field_key) = (directory.join("own.pem"), directory.join("field.key"));
    let text = format!(
        "[node]\ndatabase = \"{}\"\nlisten = \"{listen}\"\nhealth = \"{health}\"\nfield_key = \"{}\"\n\
         [callbacks]\nid = \"outer-node\"\nkey = \"{}\"\n[[channel]]\nid = \"wx\"\n",
        zone.path.display(),
        field_key.display(),
        key.display()
    );
    let config = directory.join("outer-node.toml");
    for (path, text) in [(&key, pair(OWN).0), (&field_key, "07".repeat(16)), (&config, text)] {
        #[expect(clippy::disallowed_methods, reason = "a test's file")]
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    (config, listen)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_serves_until_it_is_told_to_end() {
    let zone = Zone::new().await;
    let (path, listen) = configure(&zone).await;
    let config: OuterConfig = node::config::read(&path).unwrap();
    let health = config.node.health;
    let (stop, end) = watch::channel(false);
    let serving = tokio::spawn(Outer::serve(zone.own.node.clone(), config, end));
    let ask = |address: SocketAddr, path: &'static str| async move {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let url = format!("http://{address}{path}");
        let asked = tokio::task::spawn_blocking(move || {
            let mut answer = agent.get(&url).header("Connection", "close").call().ok()?;
            serde_json::from_str::<Value>(&answer.body_mut().read_to_string().ok()?).ok()
        });
        asked.await.unwrap()
    };
    let mut answer = None;
    // It listens as soon as it has started; how soon that is, the machine decides.
    for _ in 0..100 {
        answer = ask(health, "/health").await;
        if answer.is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(answer.unwrap()["data"]["is_well"], true);
    assert_eq!(ask(listen, "/agencies").await.unwrap()["data"]["agencies"].as_array().unwrap().len(), 1);
    // The address for the machine itself tells of health alone.
    assert_eq!(ask(health, "/agencies").await.unwrap()["error"]["code"], "no-operation");
    stop.send(true).unwrap();
    serving.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn its_verbs_answer_scripts() {
    let zone = Zone::new().await;
    let notice = zone.notice(1, |_| {}).await;
    let number = zone.order("b1", &notice).await;
    let (path, _) = configure(&zone).await;
    let run = |verb: &[&str]| {
        let program = env!("CARGO_BIN_EXE_outer-node");
        let output = Command::new(program).args(verb).arg("--json").arg("--config").arg(&path).output().unwrap();
        let text = if output.status.success() { output.stdout } else { output.stderr };
        (output.status.code().unwrap(), serde_json::from_slice::<Value>(&text).unwrap_or(Value::Null))
    };
    assert_eq!(run(&["init"]).0, 0);
    let (exit, answer) = run(&["order", "list"]);
    assert_eq!((exit, &answer["orders"][0]["platform_order_no"]), (0, &Value::from(number.as_str())));
    assert_eq!(run(&["order", "show", &number]).1["order"]["state"], 0);
    assert_ne!(run(&["order", "show", "nothing"]).0, 0);
    assert_eq!(run(&["callback", "list", "--given-up"]).1["callbacks"], Value::Array(Vec::new()));
    assert_eq!(run(&["exception", "list"]).1["exceptions"], Value::Array(Vec::new()));
    assert_eq!(run(&["openapi"]).0, 0);
    assert_ne!(run(&["order", "list", "--state", "8"]).0, 0);
}
