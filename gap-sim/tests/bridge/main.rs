//! The real program between real directories: what it reports is what arrived.
#![expect(clippy::disallowed_methods, reason = "the program under test works on real files in real time")]

mod zones;

use gap_sim::prng::Prng;
use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};
use zones::{Zones, number};

const ROUGH: &str = r#"
name = "test-rough"
scan_interval_ms = 10
delay_min_ms = 20
delay_mean_ms = 80
delay_max_ms = 400
loss = "10 %"
corrupt = "10 %"
truncate = "10 %"
half_visible = "20 %"
temporary_name = "20 %"
unfinished_ms = 50
hold = "10 %"
hold_min_ms = 50
hold_max_ms = 100
remove = "5 %"
"#;

const IDLE: [&str; 3] = ["--json", "--until-idle", "1"];

/// Files of every size from 1 byte to 6 kB, with bytes drawn from a seed.
fn files(count: u64, seed: u64) -> BTreeMap<String, Vec<u8>> {
    let mut prng = Prng::new(seed);
    let mut file = |number: u64| {
        let words = prng.between(1, 750);
        let bytes: Vec<u8> = (0..words).flat_map(|_| prng.draw().to_be_bytes()).collect();
        (format!("f1-{number:05}.dat"), bytes)
    };
    (0..count).map(&mut file).collect()
}

fn differing(sent: &BTreeMap<String, Vec<u8>>, arrived: &BTreeMap<String, Vec<u8>>) -> (u64, u64) {
    let (mut corrupted, mut truncated) = (0, 0);
    for (name, bytes) in arrived {
        let original = &sent[name];
        let flipped: u32 = original.iter().zip(bytes).map(|(one, other)| (one ^ other).count_ones()).sum();
        if bytes.len() < original.len() {
            assert_eq!(flipped, 0, "{name} is short, so its bytes are right");
            truncated += 1;
        } else {
            assert!(flipped <= 1, "{name} has {flipped} flipped bits");
            corrupted += u64::from(flipped);
        }
    }
    (corrupted, truncated)
}

#[test]
fn the_report_says_what_arrived() {
    let zones = Zones::new();
    let (down, up) = (files(300, 1), files(100, 2));
    zones.drop_all("inner/to-gate", &down);
    zones.drop_all("outer/to-gate", &up);
    let profile = zones.write("rough.toml", ROUGH);
    let report = zones.run(&["--profile", &profile, "--seed", "7", "--json", "--until-idle", "1"]);
    assert_eq!((number(&report, "/seed"), report["state"].as_str()), (7, Some("idle")));
    for (way, sent, to) in [("inner_to_outer", &down, "outer/from-gate"), ("outer_to_inner", &up, "inner/from-gate")] {
        let arrived = zones.contents(to);
        let of = |field: &str| number(&report, &format!("/{way}/{field}"));
        assert_eq!(of("picked_up"), sent.len() as u64);
        assert_eq!(of("delivered_files"), arrived.len() as u64);
        assert_eq!(of("lost") + of("removed"), (sent.len() - arrived.len()) as u64);
        assert_eq!((of("corrupted"), of("truncated")), differing(sent, &arrived));
        assert!(
            of("lost") > 0 && of("corrupted") > 0 && of("half_visible") > 0 && of("temporary_name") > 0,
            "{report}"
        );
        assert_eq!((of("in_flight"), of("taken_unfinished"), of("failures"), of("replaced")), (0, 0, 0, 0));
        assert!(of("delay_ms/p50") >= 20 && of("delay_ms/max") >= of("delay_ms/p99"), "{report}");
    }
    assert!(zones.contents("inner/to-gate").is_empty() && zones.in_flight().is_empty());
}

#[test]
fn second_copies_are_counted_one_by_one() {
    let zones = Zones::new();
    let sent = files(300, 3);
    zones.drop_all("inner/to-gate", &sent);
    let mut arguments = vec!["--profile", "demo", "--seed", "5", "--time-scale", "1000"];
    arguments.extend(IDLE);
    let report = zones.run(&arguments);
    let of = |field: &str| number(&report, &format!("/inner_to_outer/{field}"));
    assert_eq!(of("delivered_files"), zones.contents("outer/from-gate").len() as u64);
    assert_eq!(of("delivered"), of("delivered_files") + of("doubled"));
    assert!(of("doubled") > 0 && of("reordered") > 100, "{report}");
    assert_eq!(of("replaced"), of("doubled"), "nobody took the first copies away");
}

#[test]
fn the_same_seed_and_order_lose_and_damage_the_same_files() {
    let sent = files(200, 4);
    let outcome = |seed: &str| {
        let zones = Zones::new();
        zones.drop_all("outer/to-gate", &sent);
        let profile = zones.write("rough.toml", ROUGH);
        zones.run(&["--profile", &profile, "--seed", seed, "--json", "--until-idle", "1"]);
        zones.contents("inner/from-gate")
    };
    let first = outcome("11");
    assert_eq!(first, outcome("11"));
    assert_ne!(first, outcome("12"));
}

#[test]
fn a_signal_leaves_no_file_uncounted_and_the_next_run_delivers_it() {
    let zones = Zones::new();
    let sent = files(300, 6);
    let slow =
        ROUGH.replace("10 %", "0 %").replace("5 %", "0 %").replace("delay_mean_ms = 80", "delay_mean_ms = 3_000");
    let profile = zones.write("slow.toml", &slow.replace("delay_max_ms = 400", "delay_max_ms = 60_000"));
    let bridge = zones.start(&["--profile", &profile, "--seed", "1", "--json"]);
    for (name, bytes) in &sent {
        zones.drop_one("inner/to-gate", name, bytes);
    }
    std::thread::sleep(Duration::from_millis(700));
    let report = bridge.stop();
    assert_eq!(report["state"], "stopped");
    let (waiting, in_flight) = (zones.contents("inner/to-gate"), zones.in_flight());
    let whole = zones.contents("outer/from-gate").into_iter().filter(|(name, bytes)| sent.get(name) == Some(bytes));
    let arrived = whole.count() as u64;
    assert_eq!(number(&report, "/inner_to_outer/in_flight"), in_flight.len() as u64);
    assert_eq!(waiting.len() as u64 + number(&report, "/inner_to_outer/picked_up"), sent.len() as u64);
    assert_eq!(number(&report, "/inner_to_outer/delivered"), arrived);
    assert!(arrived > 0 && !in_flight.is_empty(), "the signal came while files were in flight: {report}");

    let mut arguments = vec!["--profile", "instant", "--seed", "1"];
    arguments.extend(IDLE);
    let report = zones.run(&arguments);
    assert_eq!(number(&report, "/inner_to_outer/leftovers_delivered"), in_flight.len() as u64);
    let arrived = zones.contents("outer/from-gate");
    for (name, bytes) in &sent {
        assert_eq!(arrived.get(name), Some(bytes), "{name}");
    }
}

#[test]
fn a_signal_in_the_middle_of_a_burst_leaves_no_file_uncounted() {
    let sent = files(4_000, 9);
    let hit = (0..5).any(|_| stopped_in_a_burst(&sent));
    assert!(hit, "on a machine this busy no signal came before the burst was over");
}

/// Stops a bridge at its start, checks the count, and says whether the burst was still on.
fn stopped_in_a_burst(sent: &BTreeMap<String, Vec<u8>>) -> bool {
    let zones = Zones::new();
    zones.drop_all("inner/to-gate", sent);
    let report = zones.start(&["--profile", "instant", "--seed", "1", "--json"]).stop();
    let of = |field: &str| number(&report, &format!("/inner_to_outer/{field}"));
    let (waiting, in_flight) = (zones.contents("inner/to-gate"), zones.in_flight());
    let arrived = zones.contents("outer/from-gate");
    assert_eq!((of("picked_up"), of("delivered")), ((sent.len() - waiting.len()) as u64, arrived.len() as u64));
    assert_eq!(of("in_flight"), in_flight.len() as u64);
    assert_eq!(waiting.len() + in_flight.len() + arrived.len(), sent.len());
    !waiting.is_empty()
}

#[test]
fn what_a_killed_bridge_left_is_delivered_or_swept_away() {
    let zones = Zones::new();
    let held =
        "name = \"held\"\nscan_interval_ms = 5\nstable_scans = 0\ntemporary_name = \"100 %\"\nunfinished_ms = 60_000\n";
    let profile = zones.write("held.toml", held);
    zones.drop_one("inner/to-gate", "a.dat", b"abc");
    let bridge = zones.start(&["--profile", &profile, "--seed", "1"]);
    zones.wait_for("outer/from-gate/a.dat.part", |bytes| bytes == b"abc");
    drop(bridge);
    fs::write(zones.path("outer/from-gate/.gap-sim-000000000009-1"), b"ab").unwrap();
    fs::write(zones.path("inner/.gap-sim-work/inner-to-outer/.in-000000000007"), b"ab").unwrap();
    let mut arguments = vec!["--profile", "instant", "--seed", "1"];
    arguments.extend(IDLE);
    let report = zones.run(&arguments);
    assert_eq!(number(&report, "/inner_to_outer/leftovers_delivered"), 1);
    assert_eq!(number(&report, "/inner_to_outer/leftovers_discarded"), 3);
    assert_eq!(zones.contents("outer/from-gate"), [("a.dat".to_owned(), b"abc".to_vec())].into());
}

#[test]
fn the_instant_profile_carries_500_files_a_second() {
    let zones = Zones::new();
    let sent = files(3_000, 8);
    zones.drop_all("inner/to-gate", &sent);
    let begun = Instant::now();
    let bridge = zones.start(&["--profile", "instant", "--seed", "1", "--json"]);
    while zones.count("outer/from-gate") < sent.len() {
        assert!(begun.elapsed() < Duration::from_secs(6), "3 000 files take at most 6 s");
        std::thread::sleep(Duration::from_millis(20));
    }
    let report = bridge.stop();
    assert_eq!(number(&report, "/inner_to_outer/delivered"), 3_000);
    assert_eq!(zones.contents("outer/from-gate"), sent);
}

#[test]
fn a_half_visible_file_is_seen_short_and_then_whole() {
    let zones = Zones::new();
    let profile =
        "name = \"half\"\nscan_interval_ms = 5\nstable_scans = 0\nhalf_visible = \"100 %\"\nunfinished_ms = 300\n";
    let profile = zones.write("half.toml", profile);
    zones.drop_one("inner/to-gate", "a.dat", &[7; 5_000]);
    let bridge = zones.start(&["--profile", &profile, "--seed", "1", "--json"]);
    let short = zones.wait_for("outer/from-gate/a.dat", |bytes| !bytes.is_empty());
    assert!(short.len() < 5_000);
    let whole = zones.wait_for("outer/from-gate/a.dat", |bytes| bytes.len() >= 5_000);
    assert_eq!(whole, [7; 5_000]);
    bridge.stop();
}

#[test]
fn a_half_visible_file_taken_too_early_is_counted() {
    let zones = Zones::new();
    let profile =
        "name = \"half\"\nscan_interval_ms = 5\nstable_scans = 0\nhalf_visible = \"100 %\"\nunfinished_ms = 300\n";
    let profile = zones.write("half.toml", profile);
    zones.drop_one("inner/to-gate", "a.dat", &[7; 5_000]);
    let bridge = zones.start(&["--profile", &profile, "--seed", "1", "--json"]);
    zones.wait_for("outer/from-gate/a.dat", |bytes| !bytes.is_empty());
    fs::remove_file(zones.path("outer/from-gate/a.dat")).unwrap();
    std::thread::sleep(Duration::from_millis(600));
    let report = bridge.stop();
    assert_eq!(number(&report, "/inner_to_outer/taken_unfinished"), 1);
    assert_eq!(zones.count("outer/from-gate"), 0);
}

#[test]
fn a_directory_that_vanishes_is_waited_for() {
    let zones = Zones::new();
    let bridge = zones.start(&["--profile", "instant", "--seed", "1", "--json", "--work", &zones.text("work")]);
    fs::remove_dir(zones.path("outer/from-gate")).unwrap();
    fs::remove_dir(zones.path("outer/to-gate")).unwrap();
    zones.drop_one("inner/to-gate", "a.dat", b"abc");
    std::thread::sleep(Duration::from_millis(300));
    fs::create_dir(zones.path("outer/from-gate")).unwrap();
    fs::create_dir(zones.path("outer/to-gate")).unwrap();
    zones.wait_for("outer/from-gate/a.dat", |bytes| bytes == b"abc");
    let report = bridge.stop();
    assert!(number(&report, "/inner_to_outer/failures") > 0, "{report}");
    assert_eq!(number(&report, "/inner_to_outer/delivered"), 1);
}
