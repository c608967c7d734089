//! Triggers that do not stand as they were installed: no start, no further batch of their stream, and the way back.

use serde_json::Value;
use tests::demo::database::Database;
use tests::pair::{Making, OUTER, Pair, expect_success, run, wait_until};

const DROP: &str = "DROP TRIGGER \"ferry:nontax:pay_confirm:capture_delete\"";

fn alter(pair: &Pair, sql: &str) {
    let mut database = Database::open(&pair.database(OUTER)).unwrap();
    database.run(sql, &[]).unwrap();
    database.close();
}

/// Runs a command, and yields its exit code and whatever JSON it answers.
fn ask(pair: &Pair, args: &[&str]) -> (i32, Value) {
    let output = run(pair.command(OUTER).arg("--json").args(args));
    let text = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
    let last = String::from_utf8_lossy(text).lines().last().unwrap_or_default().to_owned();
    (output.status.code().unwrap(), serde_json::from_str(&last).unwrap_or_else(|_| panic!("{last}")))
}

#[test]
fn a_daemon_does_not_start_while_changes_may_escape() {
    let pair = Pair::make(Making::default());
    let (exit, state) = ask(&pair, &["capture", "show"]);
    assert_eq!(exit, 0, "{state}");
    assert!(state["tables"].as_array().unwrap().iter().all(|table| table["flaws"] == serde_json::json!([])));
    alter(&pair, DROP);
    let (exit, error) = ask(&pair, &["run"]);
    assert_eq!((exit, &error["error"]["code"]), (30, &"capture-changed".into()), "{error}");
    assert!(error["error"]["message"].as_str().unwrap().contains("pay_confirm:capture_delete is missing"), "{error}");
    assert!(error["error"]["next"].as_str().unwrap().contains("ferry capture install"), "{error}");
    let (exit, state) = ask(&pair, &["capture", "show"]);
    assert_eq!(exit, 30, "{state}");
    let named = |table: &&Value| table["table"] == "pay_confirm" && table["own"] == true;
    let table = state["tables"].as_array().unwrap().iter().find(named).unwrap();
    assert_eq!(table["flaws"], serde_json::json!(["trigger ferry:nontax:pay_confirm:capture_delete is missing"]));
    expect_success(&run(pair.command(OUTER).args(["capture", "install"])));
    assert_eq!(ask(&pair, &["capture", "show"]).0, 0);
}

#[test]
fn a_schema_in_which_changes_could_escape_is_refused_with_the_reason() {
    let pair = Pair::make(Making::default());
    alter(&pair, "CREATE UNIQUE INDEX one ON pay_confirm (lower(biz_ref))");
    let (exit, error) = ask(&pair, &["capture", "install"]);
    assert_eq!((exit, &error["error"]["code"]), (30, &"tables-refused".into()), "{error}");
    assert!(error["error"]["message"].as_str().unwrap().contains("pay_confirm: unique index one covers"), "{error}");
    let (exit, error) = ask(&pair, &["capture", "install", "--unchanged", "pay_notice"]);
    assert_eq!((exit, &error["error"]["code"]), (2, &"table-not-owned".into()), "{error}");
}

#[test]
fn a_stream_whose_triggers_go_while_the_daemon_runs_stops_until_they_are_back() {
    let pair = Pair::make(Making::default());
    let daemon = pair.start(OUTER);
    wait_until("the daemon to have looked", || pair.stream(OUTER, "confirm")["health"].is_string());
    alter(&pair, DROP);
    wait_until("the stream to stop", || pair.stream(OUTER, "confirm")["code"] == "capture-changed");
    let stopped = pair.stream(OUTER, "confirm");
    assert_eq!(stopped["health"], "stopped");
    assert!(stopped["detail"].as_str().unwrap().contains("pay_confirm:capture_delete is missing"), "{stopped}");
    assert_ne!(pair.stream(OUTER, "notice")["health"], "stopped", "receiving goes on");
    assert_eq!(ask(&pair, &["status", "--check"]).0, 27);
    expect_success(&run(pair.command(OUTER).args(["capture", "install"])));
    wait_until("the stream to go on", || pair.stream(OUTER, "confirm")["health"] != "stopped");
    daemon.stop();
}
