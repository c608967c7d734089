//! The interface's description is what the nodes serve: it is the file in `docs/api`, and a fuzzing client that goes by it finds no
//! answer that it does not allow, and no failure of a node.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use node::message::Message;
use node::testing::pair;
use node::{Clock as _, SystemClock, SystemEntropy};
use serde_json::{Value, json};
use tests::nodes::{Ask, CHANNEL, COUNTER, LEDGER, Node, Town, UNIT};
use tests::pair::{environment, expect_success, program, run, skip, write_file};
use tests::workspace_root;

const NODES: [&str; 2] = ["inner-node", "outer-node"];
/// What the fuzzing client generates follows from it.
const SEED: &str = "20260302";
/// Cases of an operation in each phase: the whole stays below two minutes.
const CASES: &str = "12";
/// The fuzzing client, as `./check` installs it.
const MODULE: &str = "schemathesis";

fn described(name: &str) -> PathBuf {
    workspace_root().join(format!("docs/api/{name}.openapi.json"))
}

#[test]
fn the_files_are_what_the_nodes_say() {
    for name in NODES {
        let output = run(Command::new(program(name)).arg("openapi"));
        expect_success(&output);
        let meant = String::from_utf8(output.stdout).unwrap();
        if environment("FERRY_WRITE_DOCS").is_some() {
            write_file(&described(name), meant.as_bytes());
        }
        let told = std::fs::read_to_string(described(name)).unwrap_or_default();
        assert!(told == meant, "docs/api/{name}.openapi.json differs; FERRY_WRITE_DOCS=1 writes it anew");
    }
}

#[test]
fn every_operation_is_described_for_whoever_writes_a_client() {
    for name in NODES {
        let text = std::fs::read_to_string(described(name)).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        let mut count = 0;
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let place = format!("{name}: {method} {path}");
                count += 1;
                assert!(!operation["summary"].as_str().unwrap().is_empty(), "{place} has no summary");
                assert!(operation["responses"]["200"]["content"]["application/json"]["schema"].is_object(), "{place}");
                let body = &operation["requestBody"]["content"]["application/json"];
                let has_example = body["example"].is_object() || body["examples"].is_object();
                assert!(method == "get" || has_example, "{place} has no example");
                let is_known = operation["x-roles"].is_array() || operation["x-permission"].is_string();
                assert_eq!(operation["responses"]["403"].is_object(), is_known, "{place}");
                assert_eq!(operation["security"].is_array(), operation["x-roles"].is_array(), "{place}");
                assert_eq!(operation["x-data"].is_object(), operation["x-permission"].is_string(), "{place}");
            }
        }
        assert!(count >= 20, "{name} has {count} operations");
    }
}

/// A client whose key the test has: its permission, its id, and the seed of its key.
type Client = (String, &'static str, u8);

/// Signs documents for the fuzzing client, each by a client of the permission that an operation wants, or of a narrower one.
async fn sign(State(clients): State<Vec<Client>>, Json(asked): Json<Value>) -> Json<Value> {
    let wanted = asked["permission"].as_str().unwrap();
    let narrower = format!("{wanted}:");
    let found = clients.iter().find(|(has, ..)| has == wanted || has.starts_with(&narrower));
    let (_, id, seed) = found.unwrap_or_else(|| panic!("no client has the permission {wanted}"));
    let message = Message::sign(&pair(*seed).0, id, &asked["data"], SystemClock.now(), &SystemEntropy::new());
    Json(serde_json::to_value(message.unwrap()).unwrap())
}

/// The clients of a node that a test has the keys of.
fn clients(node: &Node, auditor: &str) -> Vec<Client> {
    let listed = node.get("/clients", Ask::Token(auditor));
    let permission = |id: &str| {
        let found = listed.as_array().unwrap().iter().find(|client| client["id"] == id);
        found.map(|client| client["permission"].as_str().unwrap().to_owned())
    };
    let ours = [UNIT, CHANNEL, COUNTER, LEDGER].into_iter().filter_map(|ask| match ask {
        Ask::Client(id, seed) => Some((id, seed)),
        Ask::Anyone | Ask::Token(_) => None,
    });
    ours.filter_map(|(id, seed)| Some((permission(id)?, id, seed))).collect()
}

/// How often each operation was answered with each status.
type Tally = BTreeMap<(String, String), BTreeMap<u64, u64>>;

/// Runs the fuzzing client against a node. Fails with what it found.
fn fuzz(python: &Path, name: &str, node: &Node, scratch: &Path, surroundings: &[(&str, String)]) -> Tally {
    let tally = scratch.join("tally.json");
    let mut command = Command::new(python);
    command.args(["-m", "schemathesis.cli", "run"]).arg(described(name));
    command.arg("--url").arg(node.line().url("")).args(["--seed", SEED, "--max-examples", CASES]);
    command.args(["--phases", "examples,coverage,fuzzing", "--workers", "1", "--request-timeout", "30", "--no-color"]);
    // Rules of the contract go beyond a schema, so a document of the right form may be refused. Sessions and signatures are tests of
    // their own: here every request has those that its operation wants.
    command.args(["--checks", "all", "--exclude-checks", "positive_data_acceptance,ignored_auth"]);
    command.args(["--generation-database", "none", "--generation-with-security-parameters", "false"]);
    command.args(["--suppress-health-check", "all", "--warnings", "off", "--continue-on-failure"]);
    command
        .current_dir(scratch)
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", workspace_root().join("tests/interface"));
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("FERRY_TALLY", &tally);
    command.envs(surroundings.iter().map(|(name, value)| (name, value)));
    let output = run(&mut command);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{name}, seed {SEED}: {said}\n{}", String::from_utf8_lossy(&output.stderr));
    let counted: Vec<(String, String, u64, u64)> =
        serde_json::from_str(&std::fs::read_to_string(&tally).unwrap()).unwrap();
    let mut tally = Tally::new();
    for (method, path, status, count) in counted {
        *tally.entry((method, path)).or_default().entry(status).or_default() += count;
    }
    tally
}

/// Every operation was asked, and no node failed. Yields how many there are, and how many were done at least once.
fn judge(name: &str, tally: &Tally) -> (usize, usize) {
    let text = std::fs::read_to_string(described(name)).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let (mut count, mut done) = (0, 0);
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let statuses = tally.get(&(method.to_uppercase(), path.clone()));
            let statuses = statuses.unwrap_or_else(|| panic!("{name}: {method} {path} was never asked"));
            assert!(statuses.keys().all(|status| *status < 500), "{name}: {method} {path}: {statuses:?}");
            count += 1;
            done += usize::from(statuses.contains_key(&200));
        }
    }
    (count, done)
}

/// The interpreter that has the fuzzing client.
fn python(test: &str) -> Option<PathBuf> {
    let named = environment("FERRY_PYTHON").map(PathBuf::from);
    let candidates = [named, Some(workspace_root().join("target/python/bin/python3")), Some(PathBuf::from("python3"))];
    let has_it = |python: &PathBuf| {
        let asked = Command::new(python).args(["-c", &format!("import {MODULE}")]).output();
        asked.is_ok_and(|output| output.status.success())
    };
    let found = candidates.into_iter().flatten().find(has_it);
    if found.is_none() {
        skip(test, &format!("there is no Python with {MODULE}; ./check --install makes one"));
    }
    found
}

#[test]
fn a_fuzzing_client_finds_no_failure_and_nothing_that_is_not_described() {
    let Some(python) = python("a_fuzzing_client_finds_no_failure_and_nothing_that_is_not_described") else { return };
    println!("seed {SEED}");
    let town = Town::open();
    let known = known(&town);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for (name, node) in NODES.into_iter().zip([&town.inner, &town.outer]) {
        let scratch = tempfile::tempdir().unwrap();
        let unknown = fuzz(&python, name, node, scratch.path(), &[]);
        judge(name, &unknown);
        node.person("wang", "operator");
        node.person("qian", "administrator");
        let token = |person: &str| node.log_in(person);
        let tokens = json!({ "operator": token("li"), "reviewer": token("zhao"), "auditor": token("sun"),
            "administrator": token("qian"), "logout": token("wang") });
        let router =
            Router::new().route("/", post(sign)).with_state(clients(node, tokens["auditor"].as_str().unwrap()));
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let signer = format!("http://{}/", listener.local_addr().unwrap());
        let signing = runtime.spawn(async move { axum::serve(listener, router).await });
        let surroundings =
            [("FERRY_TOKENS", tokens.to_string()), ("FERRY_SIGNER", signer), ("FERRY_KNOWN", known.to_string())];
        let tally = fuzz(&python, name, node, scratch.path(), &surroundings);
        signing.abort();
        let (count, done) = judge(name, &tally);
        println!("{name}: {done} of {count} operations were done at least once");
        assert!(done * 3 >= count, "{name}: {done} of {count} operations were done: {tally:?}");
        assert!(unknown.values().any(|statuses| statuses.contains_key(&401)), "{name}: {unknown:?}");
    }
}

/// What is there in the town, by the names of fields.
fn known(town: &Town) -> Value {
    let (pay_code, total) = town.issue(1);
    let (item_code, unit_fen) = town.item();
    let order = town.order("F-1", None, unit_fen);
    let taken = town.succeed(&order, "WX-F-1", unit_fen);
    json!({
        "pay_code": pay_code, "platform_order_no": order, "confirm_id": taken["confirm_id"], "agency_id": town.agency_id(),
        "item_code": item_code, "unit_fen": unit_fen, "amount_fen": total, "channel": "WECHAT",
    })
}
