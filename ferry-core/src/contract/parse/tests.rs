//! Every fault of a contract, by its exact message and place.

use crate::contract::{ColumnKind, Contract};

/// A contract that is right; each test breaks one thing of it.
const GOOD: &str = r#"name = "shop"
version = 3
zones = ["inner", "outer"]

[schema]
sqlite = "schema/shop.sql"

[[stream]]
name = "base"
owner = "inner"
to = "outer"
priority = 1
limits = { rows = 1000, plain_bytes = 65536, linger_ms = 60000 }

[[stream.table]]
name = "item"
key = ["id"]
columns = [
  { name = "id", type = "text", max = 38 },
  { name = "phone", type = "text", max = 99, nullable = true, sensitive = true },
]

[[stream]]
name = "bill"
owner = "inner"
to = "outer"
priority = 200
depends = ["base"]
limits = { rows = 100, plain_bytes = 65536, linger_ms = 1000 }

[[stream.table]]
name = "bill"
key = ["no", "line"]
independent = true
columns = [
  { name = "no", type = "text", max = 20 },
  { name = "line", type = "integer", min = 1, max = 99 },
  { name = "amount", type = "fen", money = true },
]

[[stream]]
name = "receipt"
owner = "outer"
to = "inner"
priority = 9
limits = { rows = 100, plain_bytes = 65536, linger_ms = 0 }

[[stream.table]]
name = "receipt"
key = ["day"]
columns = [{ name = "day", type = "date8" }]
"#;

#[test]
fn a_good_contract_is_read_whole() {
    let contract = Contract::parse(GOOD, "shop.toml").unwrap();
    assert_eq!((contract.name.as_str(), contract.version), ("shop", 3));
    assert_eq!(contract.zones.each_ref().map(ToString::to_string), ["inner", "outer"]);
    assert_eq!(contract.schema["sqlite"], "schema/shop.sql");
    let inner = &contract.zones[0];
    let names: Vec<_> = contract.owned_by(inner).map(|stream| stream.name.as_str()).collect();
    assert_eq!(names, ["base", "bill"]);
    let order: Vec<_> = contract.in_apply_order().map(|stream| stream.name.as_str()).collect();
    assert_eq!(order, ["receipt", "base", "bill"]);

    let bill = contract.stream(&"bill".parse().unwrap()).unwrap();
    assert_eq!(
        (bill.priority, bill.limits.rows, bill.limits.plain_bytes, bill.limits.linger_ms),
        (200, 100, 65536, 1000)
    );
    assert_eq!(bill.depends[0].as_str(), "base");
    let table = bill.table("bill").unwrap();
    assert_eq!((table.key.as_slice(), table.independent), ([0, 1].as_slice(), true));
    assert_eq!(table.columns[1].range, 1..=99);
    assert_eq!(table.columns[2].range, 0..=i64::MAX);
    assert_eq!((table.columns[2].kind, table.columns[2].money), (ColumnKind::Fen, true));
    let (stream, table) = contract.table("item").unwrap();
    assert_eq!((stream.name.as_str(), table.columns[0].length_max), ("base", 38));
    assert!(table.column("phone").unwrap().sensitive);
    assert!(contract.table("missing").is_none());
}

#[test]
fn toml_faults_are_told_with_their_place() {
    fault("version = 3", "version = ", "2:11", "toml", "string values must be quoted, expected literal string");
    fault("version = 3\n", "", "1:1", "toml", "missing field `version`");
    fault("version = 3", "version = \"3\"", "2:11", "toml", "invalid type: string \"3\", expected u64");
    fault(
        "version = 3",
        "version = 3\ncolour = 1",
        "3:1",
        "toml",
        "unknown field `colour`, expected one of `name`, `version`, `zones`, `schema`, `stream`",
    );
    fault("priority = 200", "priority = 256", "27:12", "toml", "invalid value: integer `256`, expected u8");
    fault(
        "type = \"fen\"",
        "type = \"fen\", unit = 1",
        "38:36",
        "toml",
        "unknown field `unit`, expected one of `name`, `type`, `nullable`, `sensitive`, `money`, `signed`, \
         `min`, `max`",
    );
}

#[test]
fn names_are_checked() {
    const RULE: &str = "must have 1 to 63 characters, begin with a-z and go on with a-z, 0-9 or _";
    fault("\"shop\"", "\"Shop\"", "1:8", "bad-name", &format!("contract name `Shop` {RULE}"));
    fault("name = \"item\"", "name = \"it em\"", "16:8", "bad-name", &format!("table name `it em` {RULE}"));
    fault("name = \"amount\"", "name = \"金额\"", "38:12", "bad-name", &format!("column name `金额` {RULE}"));
    fault("sqlite =", "\"SQL\" =", "6:1", "bad-name", &format!("database name `SQL` {RULE}"));
    let rule = "must begin with a-z and go on with a-z, 0-9 or _";
    fault("\"outer\"]", "\"out-er\"]", "3:19", "bad-name", &format!("zone name `out-er` {rule}"));
    let long = "name = \"receipts_of_all\"";
    let message = "stream name `receipts_of_all` must have 1 to 12 characters";
    fault("name = \"receipt\"\nowner", &format!("{long}\nowner"), "42:8", "bad-name", message);
    fault("name = \"base\"", "name = \"status\"", "9:8", "reserved-name", "stream name `status` is reserved");
    fault("name = \"item\"", "name = \"ferry_item\"", "16:8", "reserved-name", "table name `ferry_item` is reserved");
}

#[test]
fn nothing_is_defined_twice() {
    fault(
        "name = \"bill\"\nowner",
        "name = \"base\"\nowner",
        "24:8",
        "duplicate-name",
        "stream `base` is defined twice",
    );
    fault("name = \"bill\"\nkey", "name = \"item\"\nkey", "32:8", "duplicate-name", "table `item` is defined twice");
    fault("name = \"line\"", "name = \"no\"", "37:12", "duplicate-name", "column `no` is defined twice");
    fault("\"line\"]", "\"no\"]", "33:14", "duplicate-name", "key column `no` is defined twice");
    fault("[\"base\"]", "[\"base\", \"base\"]", "28:20", "duplicate-name", "dependency `base` is defined twice");
}

#[test]
fn zones_and_schema_paths_are_checked() {
    let zones = "a contract is between two different zones";
    fault("\"outer\"]", "\"inner\"]", "3:9", "zones", zones);
    fault("\"outer\"]", "\"outer\", \"third\"]", "3:9", "zones", zones);
    fault("owner = \"outer\"", "owner = \"third\"", "43:9", "unknown-zone", "`third` is not a zone of this contract");
    fault(
        "owner = \"outer\"\nto = \"inner\"",
        "owner = \"outer\"\nto = \"outer\"",
        "44:6",
        "same-zone",
        "stream `receipt` leads from a zone to itself",
    );
    for path in ["/etc/shop.sql", "../shop.sql", "schema//shop.sql", "c:/shop.sql", ""] {
        let message = format!("schema path `{path}` must be relative, with `/` and without `.` or `..`");
        fault("schema/shop.sql", path, "6:10", "schema-path", &message);
    }
}

#[test]
fn dependencies_are_a_graph_of_one_owner_without_circles() {
    let unknown = "stream `bill` depends on `bse`, which is not a stream of this contract";
    fault("[\"base\"]", "[\"bse\"]", "28:12", "unknown-dependency", unknown);
    let foreign = "stream `bill` depends on `receipt`, which another zone owns";
    fault("[\"base\"]", "[\"receipt\"]", "28:12", "foreign-dependency", foreign);
    fault(
        "priority = 1\n",
        "priority = 1\ndepends = [\"bill\"]\n",
        "9:8",
        "dependency-cycle",
        "streams depend on each other in a circle: base -> bill -> base",
    );
    let own = "streams depend on each other in a circle: bill -> bill";
    fault("[\"base\"]", "[\"bill\"]", "24:8", "dependency-cycle", own);
}

#[test]
fn numbers_stay_within_their_limits() {
    fault("version = 3", "version = 0", "2:11", "limit", "version must be 1 to 9007199254740991");
    fault("rows = 1000", "rows = 0", "13:19", "limit", "rows must be 1 to 100000");
    fault("rows = 1000", "rows = 100001", "13:19", "limit", "rows must be 1 to 100000");
    let plain = "plain_bytes must be 4096 to 33554432";
    fault("rows = 1000, plain_bytes = 65536", "rows = 1000, plain_bytes = 33554433", "13:39", "limit", plain);
    fault("linger_ms = 60000", "linger_ms = 3600001", "13:58", "limit", "linger_ms must be 0 to 3600000");
    fault("max = 38", "max = 0", "19:39", "limit", "max must be 1 to 1048576");
    fault("max = 38", "max = 1048577", "19:39", "limit", "max must be 1 to 1048576");
    fault("min = 1, max = 99", "min = 100, max = 99", "37:12", "empty-range", "column `line` has `min` above `max`");
}

#[test]
fn there_is_at_least_one_of_everything() {
    let head = GOOD.split("[[stream]]").next().unwrap();
    told(head, "1:8", "count", "a contract must have 1 to 64 streams");
    let start = GOOD.find("[[stream.table]]\nname = \"receipt\"").unwrap();
    told(&GOOD[..start], "42:8", "count", "stream `receipt` must have 1 to 256 tables");
    fault(
        "[{ name = \"day\", type = \"date8\" }]",
        "[]",
        "51:11",
        "count",
        "table `receipt` must have 1 to 256 columns",
    );
    fault("key = [\"day\"]", "key = []", "50:7", "count", "table `receipt` must have 1 to 1 key columns");
}

#[test]
fn columns_have_only_the_options_of_their_type() {
    let kinds = "text, integer, fen, bool, date8, time14, time17, bytes, json";
    let unknown = format!("column `amount` has type `money`, which is none of {kinds}");
    fault("type = \"fen\"", "type = \"money\"", "38:29", "unknown-type", &unknown);
    let money = "column `amount` of type integer cannot have `money`";
    fault("type = \"fen\"", "type = \"integer\"", "38:48", "column-option", money);
    let date = "type = \"date8\"";
    for (option, value) in [("sensitive", "true"), ("money", "false"), ("signed", "true"), ("min", "1"), ("max", "1")] {
        let message = format!("column `day` of type date8 cannot have `{option}`");
        let place = format!("51:{}", 44 + option.len() + 3);
        fault(date, &format!("{date}, {option} = {value}"), &place, "column-option", &message);
    }
    fault(", max = 38", "", "19:12", "no-max", "column `id` of type text needs `max`");
}

#[test]
fn keys_are_present_and_clear() {
    let unknown = "key column `on` is not a column of table `bill`";
    fault("[\"no\", \"line\"]", "[\"on\", \"line\"]", "33:8", "unknown-key", unknown);
    fault("max = 20", "max = 20, nullable = true", "33:8", "nullable-key", "key column `no` cannot be nullable");
    let sensitive = "key column `no` cannot be sensitive unless the table says `sensitive_key = true`";
    fault("max = 20", "max = 20, sensitive = true", "33:8", "sensitive-key", sensitive);
    let meant =
        GOOD.replace("max = 20", "max = 20, sensitive = true").replace("independent = true", "sensitive_key = true");
    assert!(Contract::parse(&meant, "shop.toml").is_ok());
}

/// Demands that the good contract with `to` in place of `from` has exactly this fault.
fn fault(from: &str, to: &str, place: &str, code: &str, message: &str) {
    assert!(GOOD.contains(from), "{from}");
    told(&GOOD.replacen(from, to, 1), place, code, message);
}

fn told(text: &str, place: &str, code: &str, message: &str) {
    let error = Contract::parse(text, "shop.toml").unwrap_err();
    assert_eq!(error.to_string(), format!("shop.toml:{place}: {message}"));
    assert_eq!(error.cause.code(), code);
}
