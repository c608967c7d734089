//! The page of a scenario in a real browser: what is drawn, what the slider does, and that it needs nothing from outside.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::path::{Path, PathBuf};
use std::process::Command;

use gap_sim::scenario::Scenario;
use gap_sim::scenario::page::{About, page};
use serde_json::Value;

const PROBE: &str = include_str!("probe.js");
/// Catches whatever goes wrong in a script, before the page's own script runs.
const TRAP: &str = "<script>window.faults = []; addEventListener('error', e => window.faults.push(String(e.message)));\
    console.error = (...all) => window.faults.push(all.join(' '));</script>";

#[test]
fn arrows_arrive_die_double_come_late_and_the_slider_moves_time() {
    let Some(browser) = browser("arrows_arrive_die_double_come_late_and_the_slider_moves_time") else { return };
    let lost = browser.look("lost-batch", "", 1280, &[]);
    assert_eq!(count(&lost, "lost"), 1);
    assert_eq!(count(&lost, "arrives"), 2);
    let doubled = browser.look("doubled-batch", "", 1280, &[]);
    assert_eq!(doubled["end"]["again"], 1);
    assert_eq!(doubled["end"]["known"], 1, "the second copy is known and dropped");
    let late = browser.look("virus-scan", "", 1280, &[]);
    assert_eq!((count(&late, "late"), count(&late, "arrives")), (1, 1));
    let damaged = browser.look("damaged-batch", "", 1280, &[]);
    assert_eq!((count(&damaged, "damaged"), damaged["end"]["away"].as_u64()), (1, Some(1)));
    let night = browser.look("one-way-night", "", 1280, &[]);
    assert_eq!(night["end"]["outages"], 1);
    for seen in [&lost, &doubled, &late, &damaged, &night] {
        works_by_hand(seen);
        stands_alone(seen);
        reads_well(seen);
    }
}

#[test]
fn every_scenario_can_be_read_light_and_dark_wide_and_narrow_in_both_languages() {
    let name = "every_scenario_can_be_read_light_and_dark_wide_and_narrow_in_both_languages";
    let Some(browser) = browser(name) else { return };
    for (scenario, fragment, width, flags) in [
        ("flood", "#lang=zh&t=20", 1920, &[DARK][..]),
        ("swapped-names", "#t=45", 1280, &[DARK][..]),
        ("two-statements", "#lang=zh&t=45", 1024, &[][..]),
        ("poisoned-row", "#t=45", 1920, &[][..]),
        ("meddled-replica", "#t=45", 1280, &[][..]),
    ] {
        let seen = browser.look(scenario, fragment, width, flags);
        stands_alone(&seen);
        reads_well(&seen);
        assert_eq!(seen["dark"], flags.contains(&DARK), "{scenario}");
        let (zh, asked) = (fragment.contains("lang=zh"), if fragment.contains("t=20") { 20_000 } else { 45_000 });
        assert_eq!(seen["opened"], asked, "{scenario}: the address names a moment");
        assert_eq!(seen["first"]["lang"], if zh { "zh-CN" } else { "en" });
        let told = [&seen["first"], &seen["second"]].map(|speech| speech["title"].as_str().unwrap().to_owned());
        let meant = Scenario::named(scenario).unwrap().title;
        assert_eq!(told, if zh { [meant[1], meant[0]] } else { meant });
    }
}

/// The browser's dark mode.
const DARK: &str = "--blink-settings=preferredColorScheme=0";

fn count(seen: &Value, kind: &str) -> usize {
    seen["end"]["kinds"].as_array().unwrap().iter().filter(|found| *found == kind).count()
}

/// The slider, the steps, the story and the box for status files move what is drawn.
fn works_by_hand(seen: &Value) {
    assert_eq!(seen["start"]["at"], 0);
    assert_eq!(seen["start"]["kinds"].as_array().unwrap().len(), 0, "nothing has happened yet");
    assert!(seen["start"]["later"].as_u64() > Some(5), "the story is still to come");
    let way = seen["way"].as_array().unwrap();
    let moments: Vec<u64> = way.iter().map(|stop| stop["at"].as_u64().unwrap()).collect();
    let files: Vec<u64> = way.iter().map(|stop| stop["files"].as_u64().unwrap()).collect();
    assert!(moments.is_sorted() && moments.last() > moments.first());
    assert!(files.is_sorted() && files.last() > Some(&0));
    let passes =
        |kind: &str| way.iter().any(|stop| stop["kinds"].as_array().unwrap().iter().any(|found| found == kind));
    assert!(passes("inside") && passes("arrives"), "a file is in the gate before it arrives");
    assert!(seen["forth"].as_i64() > Some(0) && seen["back"].as_i64() <= Some(0));
    assert_eq!(seen["clicked"], 0, "a line of the story leads to its moment");
    assert!(seen["statuses"].as_u64() > Some(2));
    let watermarks = seen["end"]["watermarks"].as_array().unwrap();
    let rises = |path: &Value| heights(path.as_str().unwrap()).windows(2).any(|pair| pair[1] < pair[0]);
    assert!(watermarks.iter().any(rises), "a watermark rises: {watermarks:?}");
}

/// The heights of a path of straight lines; up is less.
fn heights(path: &str) -> Vec<f64> {
    path.split(['M', 'L']).filter_map(|point| point.trim().split(' ').nth(1)?.parse().ok()).collect()
}

fn stands_alone(seen: &Value) {
    assert_eq!(seen["faults"], Value::Array(Vec::new()), "a script failed");
    assert_eq!(seen["resources"], Value::Array(Vec::new()), "the page fetched something");
}

/// Nothing lies on anything else or hangs over the edge, colours can be told from the ground, and both languages say as much.
fn reads_well(seen: &Value) {
    let layout = &seen["layout"];
    assert_eq!(layout["overlaps"], Value::Array(Vec::new()));
    assert_eq!(layout["outside"], Value::Array(Vec::new()));
    assert_eq!(layout["scrolls"], false);
    for pair in seen["contrast"].as_array().unwrap() {
        assert!(pair[1].as_f64() >= Some(4.5), "{pair}");
    }
    let [one, other] = [&seen["first"], &seen["second"]];
    for part in ["story", "legend"] {
        let lines = |speech: &Value| speech[part].as_array().unwrap().len();
        assert!(lines(one) > 5 && lines(one) == lines(other), "{part}");
    }
    assert_ne!(one["lang"], other["lang"]);
    assert!(one["ending"].as_u64() >= Some(2));
}

struct Browser {
    program: PathBuf,
}

/// A browser, if the machine has one.
fn browser(test: &str) -> Option<Browser> {
    let works =
        |program: &&str| Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    let found = ["chromium", "chromium-browser", "google-chrome"].iter().find(|program| works(program));
    if found.is_none() {
        println!("SKIPPED: {test}: there is no chromium");
        assert!(variable("FERRY_NO_SKIP").is_none(), "{test} may not be skipped");
    }
    found.map(|program| Browser { program: PathBuf::from(program) })
}

#[expect(clippy::disallowed_methods, reason = "tells the test whether the browser may be missing")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Browser {
    /// Opens the page of a scenario, works it, and says what was seen.
    fn look(&self, scenario: &str, fragment: &str, width: u32, flags: &[&str]) -> Value {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("page.html");
        put(&path, &probed(scenario));
        let output = Command::new(&self.program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--virtual-time-budget=10000", "--dump-dom", &format!("--window-size={width},1000")])
            .arg(format!("--user-data-dir={}", room.path().join("profile").display()))
            .args(flags)
            .arg(format!("file://{}{fragment}", path.display()))
            .output()
            .expect("the browser starts");
        let dom = String::from_utf8_lossy(&output.stdout);
        let told = dom.split_once("<pre id=\"probe\">").and_then(|(_, rest)| rest.split_once("</pre>"));
        let (told, _) = told.unwrap_or_else(|| {
            panic!("{scenario}: the script of the page ended early\n{dom}\n{}", String::from_utf8_lossy(&output.stderr))
        });
        serde_json::from_slice(&decoded(told)).expect("the probe writes JSON")
    }
}

/// The page of a scenario with a script before it that catches faults and one after it that works it.
fn probed(scenario: &str) -> String {
    let scenario = Scenario::named(scenario).unwrap();
    let played = scenario.play(1);
    let about = About {
        title: scenario.title.map(str::to_owned),
        lesson: scenario.lesson.map(str::to_owned),
        seed: 1,
        verdict: ["a verdict", "结论"].map(str::to_owned),
        chinese: false,
    };
    let page = page(&about, &played);
    assert!(!page.contains("http"), "nothing in the page names an address");
    assert!(page.contains("<meta charset") && page.contains("</body>"));
    page.replacen("<meta charset", &format!("{TRAP}<meta charset"), 1).replacen(
        "</body>",
        &format!("<script>{PROBE}</script></body>"),
        1,
    )
}

#[expect(clippy::disallowed_methods, reason = "a file of the test in its own directory")]
fn put(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

/// Bytes from base64 (RFC 4648), in which the probe hides what HTML would escape.
fn decoded(text: &str) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut filled) = (0_u32, 0);
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let value = LETTERS.iter().position(|known| *known == letter).expect("the probe writes base64");
        bits = (bits << 6) | u32::try_from(value).unwrap();
        filled += 6;
        if filled >= 8 {
            filled -= 8;
            bytes.push(u8::try_from((bits >> filled) & 0xFF).unwrap());
        }
    }
    bytes
}
