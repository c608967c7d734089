//! The main job end to end, small: real nodes and daemons, the real gate with all its faults, and both databases compared; and both
//! stories.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tests::pair::program;
use tests::workspace_root;

/// A seed with which the gate loses, doubles, corrupts and truncates something in this small run.
const SEED: &str = "3";

#[test]
fn the_demo_ends_with_both_sides_equal() {
    let place = tempfile::tempdir().expect("a scratch directory");
    let outcome = run_demo(place.path(), &["--size", "xs", "--notices", "200", "--confirmations", "100"]);
    assert_eq!(outcome["equal"], true);
    assert_eq!(outcome["captured"], outcome["changes"]);
    assert_eq!(outcome["seed"].to_string(), SEED);
    let tables = outcome["tables"].as_array().expect("there are tables");
    assert_eq!(tables.len(), 27);
    for table in tables {
        assert_eq!(table["inner"], table["outer"], "{table}");
        assert!(table["inner"]["rows"].as_u64().is_some_and(|rows| rows > 0), "{table}");
        assert!(table["inner"]["sm3"].as_str().is_some_and(|digest| digest.len() == 64), "{table}");
    }
    for (way, zone) in [("inner_to_outer", "outer"), ("outer_to_inner", "inner")] {
        let count = |name: &str| outcome[way][name].as_u64().unwrap_or_default();
        assert!(count("files") > 0, "{outcome}");
        let damaged = count("corrupted") + count("truncated");
        assert!(outcome[zone]["quarantined"].as_u64().is_some_and(|kept| kept <= damaged), "{outcome}");
    }
    let faults: u64 =
        ["lost", "doubled", "corrupted", "truncated"].into_iter().map(|fault| both_ways(&outcome, fault)).sum();
    assert!(faults > 0, "a gate without a fault proves little; take another seed: {outcome}");
    the_nodes_did_all_of_it(&outcome["nodes"]);
    the_commands_work(&outcome, place.path(), 5);
}

#[test]
fn a_traffic_fine_is_followed_to_its_end() {
    let story = tell("traffic");
    // The fine is looked up too early, found, and paid; another one is paid to the police, too, whose money goes back.
    assert_eq!(shown(&story, "outer", "notice")[..3], ["unknown", "not yet synchronised", "unpaid"]);
    assert_eq!(shown(&story, "inner", "match"), ["MATCHED, booked", "DUPLICATE, cash to be refunded"]);
    assert_eq!(shown(&story, "outer", "answer"), ["MATCHED, booked", "DUPLICATE, cash to be refunded"]);
    assert_eq!(shown(&story, "outer", "order"), ["being paid", "paid", "being paid", "paid"]);
    assert_eq!(shown(&story, "outer", "offline_payment").last().map(String::as_str), Some("gone back"));
    assert_eq!((&story["confirmed"], &story["booked"]), (&2.into(), &2.into()), "{story}");
}

#[test]
fn a_passport_fee_is_followed_to_its_end() {
    let story = tell("immigration");
    // One payment begins at the unit's site and has no notice; for the next one the site asks for a notice.
    assert_eq!(shown(&story, "outer", "order"), ["to be paid", "paid"]);
    assert_eq!(shown(&story, "inner", "match"), ["NO_NOTICE, booked", "MATCHED, booked"]);
    assert_eq!(shown(&story, "inner", "office_told"), ["NO_NOTICE, booked", "MATCHED, booked"]);
    assert_eq!(shown(&story, "outer", "request"), ["not answered", "issued"]);
    assert_eq!((&story["confirmed"], &story["booked"]), (&2.into(), &2.into()), "{story}");
}

#[test]
fn a_folder_that_the_demo_did_not_make_is_left_alone() {
    let place = tempfile::tempdir().expect("a scratch directory");
    let letter = place.path().join("letter");
    std::fs::File::create(&letter).expect("a file can be made");
    let ferry = program("ferry");
    let output = Command::new(env!("CARGO_BIN_EXE_demo"))
        .arg("--dir")
        .arg(place.path())
        .arg("--bin-dir")
        .arg(ferry.parent().expect("a program lies in a directory"))
        .output()
        .expect("the demo starts");
    assert_eq!(output.status.code(), Some(25));
    assert!(letter.exists());
}

#[test]
fn the_first_command_of_the_readme_is_the_demo() {
    for page in ["README.md", "README.zh-CN.md"] {
        let text = std::fs::read_to_string(workspace_root().join(page)).expect("the page is there");
        let first = text.lines().skip_while(|line| !line.starts_with("```")).nth(1);
        assert_eq!(first, Some("cargo demo"), "{page}");
    }
}

/// Runs the demo with the programs under test, and yields the document that it prints.
fn run_demo(place: &Path, arguments: &[&str]) -> Value {
    let ferry = program("ferry");
    let programs = ferry.parent().expect("a program lies in a directory");
    let output = Command::new(env!("CARGO_BIN_EXE_demo"))
        .current_dir(place)
        .env("LANG", "C")
        .args(["--json", "--seed", SEED])
        .args(arguments)
        .arg("--bin-dir")
        .arg(programs)
        .stdin(Stdio::null())
        .output()
        .expect("the demo starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{told}", output.status);
    serde_json::from_slice(&output.stdout).expect("the result is JSON")
}

/// Has a story told, and looks at what all stories have.
fn tell(story: &str) -> Value {
    let place = tempfile::tempdir().expect("a scratch directory");
    let told = run_demo(place.path(), &["--story", story]);
    assert_eq!((&told["story"], &told["good"]), (&story.into(), &true.into()), "{told}");
    assert_eq!((&told["tables"], &told["different"]), (&27.into(), &serde_json::json!([])), "{told}");
    assert!(told["outside_fen"].as_u64().is_some_and(|fen| fen > 0), "{told}");
    assert_eq!(told["outside_fen"], told["inside_fen"]);
    let steps = told["steps"].as_array().expect("there are steps");
    for (step, number) in steps.iter().zip(1_u64..) {
        assert_eq!(step["step"], number);
        assert!(["what", "what_zh"].iter().all(|what| step[*what].as_str().is_some_and(|text| !text.is_empty())));
        assert!(
            ["before_outer", "before_inner", "inside"].iter().all(|files| step["files"][*files].is_u64()),
            "{step}"
        );
        assert!(["outer", "inner"].iter().all(|zone| step[*zone].is_object()), "{step}");
    }
    the_commands_work(&told, place.path(), 6);
    told
}

/// What a zone shows of something from step to step, without repetitions and without what is not there yet: how long that is shown
/// depends on the gate.
fn shown(story: &Value, zone: &str, key: &str) -> Vec<String> {
    let steps = story["steps"].as_array().expect("there are steps");
    let is_there = |value: &&str| !["nothing", "not yet", "not here"].contains(value);
    let shown = steps.iter().filter_map(|step| step[zone][key].as_str()).filter(is_there);
    let mut shown: Vec<String> = shown.map(str::to_owned).collect();
    shown.dedup();
    shown
}

/// Every kind of work was done at the nodes, and both account for the same money.
fn the_nodes_did_all_of_it(nodes: &Value) {
    let count = |name: &str| nodes[name].as_u64().unwrap_or_default();
    assert_eq!((&nodes["equal"], count("issued"), count("payments")), (&true.into(), 200, 100), "{nodes}");
    assert_eq!(count("matched") + count("no_notice") + count("duplicates"), count("answered"), "{nodes}");
    let kinds = [
        "imported",
        "edited",
        "deleted_past_the_node",
        "requested",
        "voided",
        "offline",
        "told_twice",
        "matched",
        "no_notice",
        "duplicates",
        "outside_fen",
    ];
    for kind in kinds {
        assert!(count(kind) > 0, "{kind}: {nodes}");
    }
}

fn both_ways(outcome: &Value, count: &str) -> u64 {
    ["inner_to_outer", "outer_to_inner"].into_iter().filter_map(|way| outcome[way][count].as_u64()).sum()
}

/// The commands that the demo names at its end do what they say, where the demo was started.
fn the_commands_work(outcome: &Value, place: &Path, wanted: usize) {
    let commands = outcome["commands"].as_array().expect("there are commands");
    assert_eq!(commands.len(), wanted);
    for command in commands {
        let command = command.as_str().expect("a command is a text");
        let output = Command::new("sh").current_dir(place).args(["-c", command]).output().expect("there is a shell");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {}\n{told}", output.status);
    }
}
