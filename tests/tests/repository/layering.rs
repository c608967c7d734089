//! Who may use whom. The same table stands in `ARCHITECTURE.md`, for people.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use crate::sources::{assert_none, read};

/// For each crate of the workspace the crates of the workspace that its code may use.
const MAY_USE: [(&str, &[&str]); 11] = [
    ("console", &[]),
    ("ferry-format", &[]),
    ("ferry-core", &["ferry-format"]),
    ("ferry", &["console", "ferry-format", "ferry-core"]),
    ("contract", &[]),
    ("node", &["console", "contract"]),
    ("inner", &["console", "contract", "node"]),
    ("outer", &["console", "contract", "node"]),
    ("gap-sim", &["ferry-format", "ferry-core", "contract"]),
    ("fuzz", &["ferry-format", "ferry-core", "ferry"]),
    ("tests", &["ferry-format", "ferry-core", "contract", "gap-sim", "node"]),
];

#[test]
fn every_crate_of_the_workspace_has_a_row() {
    let members: BTreeSet<String> = members().into_iter().collect();
    let rows: BTreeSet<String> = MAY_USE.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(members, rows);
}

#[test]
fn a_crate_uses_only_the_crates_of_its_row() {
    let mut findings = Vec::new();
    for (name, allowed) in MAY_USE {
        for used in ours(&manifest(name)) {
            if !allowed.contains(&used.as_str()) {
                findings.push(format!("{name} must not use {used}"));
            }
        }
    }
    assert_none("the dependency table is broken", &findings);
}

#[test]
fn the_architecture_page_says_the_same() {
    let page = read("ARCHITECTURE.md");
    let told = told_table(&page);
    let meant: BTreeMap<String, BTreeSet<String>> = MAY_USE
        .iter()
        .map(|(name, allowed)| ((*name).to_owned(), allowed.iter().map(|one| (*one).to_owned()).collect()))
        .collect();
    assert_eq!(told, meant);
}

#[test]
fn every_crate_takes_the_lints_and_versions_of_the_workspace() {
    let mut findings = Vec::new();
    for name in members() {
        let manifest = manifest(&name);
        if !inherits(manifest.get("lints")) {
            findings.push(format!("{name}: [lints] workspace = true"));
        }
        for (kind, dependency, value) in dependencies(&manifest) {
            if !inherits(Some(&value)) {
                findings.push(format!("{name}: {kind}.{dependency} must say workspace = true"));
            }
        }
    }
    assert_none("stated twice", &findings);
}

#[test]
fn every_foreign_dependency_is_pinned() {
    let root = table(&read("Cargo.toml"));
    let mut findings = Vec::new();
    for (name, value) in section(&root["workspace"], "dependencies") {
        let version = value.as_str().or_else(|| value.get("version").and_then(Value::as_str));
        let pinned = version.is_some_and(|version| version.starts_with('='));
        if value.get("path").is_none() && !pinned {
            findings.push(name);
        }
    }
    assert_none("dependencies without an exact version", &findings);
}

/// Features that weaken a program on purpose, for tests. No build has one unless it is named on the command line.
const TEST_FEATURES: [&str; 4] = ["breaks", "clear-control", "drill", "toy-keys"];

#[test]
fn no_manifest_switches_a_feature_for_tests_on() {
    let mut findings = Vec::new();
    for name in members() {
        let manifest = manifest(&name);
        for (kind, dependency, value) in dependencies(&manifest) {
            findings.extend(weakened(&value).map(|feature| format!("{name}: {kind}.{dependency} has {feature}")));
        }
        let defaults = manifest.get("features").and_then(|features| features.get("default"));
        findings.extend(defaults.map(|_| format!("{name} has default features")));
    }
    for (name, value) in section(&table(&read("Cargo.toml"))["workspace"], "dependencies") {
        findings.extend(weakened(&value).map(|feature| format!("{name} has {feature}")));
    }
    assert_none("features for tests are switched on", &findings);
    let weak = table("[dependencies]\nferry-core = { workspace = true, features = [\"breaks\"] }");
    assert_eq!(dependencies(&weak).iter().flat_map(|(_, _, value)| weakened(value)).count(), 1);
}

/// The features for tests that a dependency is taken with.
fn weakened(value: &Value) -> impl Iterator<Item = String> {
    features(value).filter(|name| TEST_FEATURES.contains(&name.as_str()))
}

fn features(value: &Value) -> impl Iterator<Item = String> {
    let features = value.get("features").and_then(Value::as_array).cloned().unwrap_or_default();
    features.into_iter().filter_map(|feature| feature.as_str().map(str::to_owned))
}

/// The suites that every implementation of a port passes. Whoever implements one takes them for its tests.
const SUITES: &str = "conformance";

#[test]
fn the_suites_of_the_ports_are_in_no_program() {
    let mut findings = Vec::new();
    let mut takers = BTreeSet::new();
    for name in members() {
        for (kind, dependency, value) in dependencies(&manifest(&name)) {
            if features(&value).any(|feature| feature == SUITES) {
                takers.insert(name.clone());
                let is_for_tests = kind == "dev-dependencies";
                findings.extend((!is_for_tests).then(|| format!("{name}: {kind}.{dependency} has {SUITES}")));
            }
        }
    }
    let workspace = section(&table(&read("Cargo.toml"))["workspace"], "dependencies");
    let for_all = workspace.iter().filter(|(_, value)| features(value).any(|feature| feature == SUITES));
    findings.extend(for_all.map(|(name, _)| format!("{name} has {SUITES}")));
    assert_none("suites are built into programs", &findings);
    assert_eq!(takers, BTreeSet::from(["ferry".to_owned(), "gap-sim".to_owned()]), "both implement every port");
}

#[test]
fn a_forbidden_dependency_is_found() {
    let bare = table("[dependencies]\nferry.workspace = true");
    let for_one_system = table("[target.'cfg(unix)'.dependencies]\nferry.workspace = true");
    let for_tests_only = table("[dev-dependencies]\nferry.workspace = true");
    assert_eq!(ours(&bare), ["ferry"]);
    assert_eq!(ours(&for_one_system), ["ferry"]);
    assert!(ours(&for_tests_only).is_empty());
}

fn members() -> Vec<String> {
    let root = table(&read("Cargo.toml"));
    let members = root["workspace"]["members"].as_array().expect("members are a list");
    members.iter().map(|member| member.as_str().expect("a member is a path").to_owned()).collect()
}

fn manifest(name: &str) -> Table {
    table(&read(&format!("{name}/Cargo.toml")))
}

fn table(text: &str) -> Table {
    text.parse().expect("a manifest is TOML")
}

/// The crates of the workspace that a manifest's code uses, also when built for one system only.
fn ours(manifest: &Table) -> Vec<String> {
    let used = dependencies(manifest).into_iter().filter(|(kind, _, _)| kind != "dev-dependencies");
    used.map(|(_, name, _)| name).filter(|name| MAY_USE.iter().any(|(own, _)| own == name)).collect()
}

/// Every dependency of a manifest as kind, name and value.
fn dependencies(manifest: &Table) -> Vec<(String, String, Value)> {
    let whole = Value::Table(manifest.clone());
    let mut places = vec![whole.clone()];
    places.extend(section(&whole, "target").into_iter().map(|(_, value)| value));
    let mut found = Vec::new();
    for place in &places {
        for kind in ["dependencies", "build-dependencies", "dev-dependencies"] {
            found.extend(section(place, kind).into_iter().map(|(name, value)| (kind.to_owned(), name, value)));
        }
    }
    found
}

fn section(place: &Value, name: &str) -> Vec<(String, Value)> {
    let entries = place.get(name).and_then(Value::as_table);
    entries.map(|entries| entries.iter().map(|(key, value)| (key.clone(), value.clone())).collect()).unwrap_or_default()
}

fn inherits(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(Value::as_bool) == Some(true)
}

/// The table of a page whose first column is headed `crate` and whose second lists the crates it may use.
fn told_table(page: &str) -> BTreeMap<String, BTreeSet<String>> {
    let rows = page.lines().skip_while(|line| !line.starts_with("| crate |")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let used = cells[1].split(',').map(|name| name.trim().trim_matches('`').to_owned());
        (cells[0].trim_matches('`').to_owned(), used.filter(|name| name != "none").collect())
    })
    .collect()
}
