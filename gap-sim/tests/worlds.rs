//! Worlds and scenarios: the same seed is the same run, and each story shows what it is told for.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use gap_sim::scenario::page::{About, page};
use gap_sim::scenario::timeline::Entry;
use gap_sim::scenario::{Played, SCENARIOS, Scenario};
use gap_sim::world::World;
use gap_sim::world::files::UNVERIFIED_FILES_MAX;
use gap_sim::world::host::ZoneId;
use gap_sim::world::options::Options;
use gap_sim::world::run::Verdict;
use std::sync::OnceLock;

#[test]
fn the_same_seed_is_the_same_run_and_another_one_is_not() {
    let run = |seed| World::new(Options::draw(seed), false).run();
    for seed in [3, 4] {
        let (one, other) = (run(seed), run(seed));
        assert_eq!(one.verdict, Verdict::Pass);
        assert_eq!((one.hash, one.lines, one.simulated_ms), (other.hash, other.lines, other.simulated_ms));
    }
    assert_ne!(run(3).hash, run(4).hash);
}

fn play(name: &str) -> Played {
    Scenario::named(name).unwrap().play(1)
}

/// A scenario as it was told, and the invariant that was broken.
struct Told {
    name: &'static str,
    entries: Vec<Entry>,
    broken: Option<u8>,
}

/// Every scenario, run once for all tests.
fn all() -> &'static [Told] {
    static ALL: OnceLock<Vec<Told>> = OnceLock::new();
    let tell = |scenario: &Scenario| {
        let played = scenario.play(1);
        let broken = match &played.report.verdict {
            Verdict::Pass => None,
            Verdict::Correctness(violation) => Some(violation.invariant),
            verdict @ (Verdict::Liveness(_) | Verdict::Undecided) => panic!("{}: {verdict:?}", scenario.name),
        };
        Told { name: scenario.name, entries: played.entries(), broken }
    };
    ALL.get_or_init(|| SCENARIOS.iter().map(tell).collect())
}

#[test]
fn a_scenario_keeps_every_invariant_unless_somebody_meddles() {
    for told in all() {
        let meant = match told.name {
            "meddled-replica" => Some(3),
            "meddled-watermark" => Some(2),
            _ => None,
        };
        assert_eq!(told.broken, meant, "{}", told.name);
    }
}

#[test]
fn every_scenario_shows_what_it_is_told_for() {
    let shows = [
        ("calm", "learns that everything up to confirm/1 is applied"),
        ("lost-batch", "puts batch confirm/1 into the drop directory again (attempt 2)"),
        ("lost-acknowledgement", "knows batch confirm/1, attempt 2 already and drops it"),
        ("damaged-batch", "turns batch confirm/1 away: damaged-chunk"),
        ("doubled-batch", "knows batch confirm/1 already and drops it"),
        ("overtaken", "verifies batch notice/2 and holds it durably"),
        ("virus-scan", "knows batch confirm/1 already and drops it"),
        ("swapped-names", "delivers the file named confirm/2"),
        ("one-way-night", "nothing passes from outer to inner from here on"),
        ("forged-batch", "away: unknown-signer"),
        ("flood", "turns 297 more files away"),
        ("replayed", "already and drops it"),
        ("power-cut", "the power fails"),
        ("unknown-commit", "reads the watermark of confirm again before it goes on"),
        ("poisoned-row", "tries to apply batch confirm/2 and refuses it whole: constraint-check"),
        ("two-statements", "away: two-statements"),
        ("restored-zone", "takes batch confirm/2 back into its own tables and books"),
        ("lost-anchor", "has no anchor and sends nothing until a fresh status of its peer has come"),
        ("meddled-replica", "somebody deletes a row of the replica by hand"),
        ("meddled-watermark", "somebody moves the watermark of confirm past the refused batch"),
    ];
    assert_eq!(shows.len(), SCENARIOS.len());
    for ((name, sentence), told) in shows.into_iter().zip(all()) {
        assert_eq!(name, told.name);
        let story: Vec<&str> = told.entries.iter().map(|entry| entry.text[0].as_str()).collect();
        let story = story.join("\n");
        assert!(story.contains(sentence), "{name} does not say {sentence:?}:\n{story}");
    }
}

#[test]
fn an_ending_says_where_a_stream_stops_and_which_zone_is_locked() {
    let stopped = |name: &str, stream: &str| play(name).ending().stream(stream).unwrap().stopped.clone();
    assert_eq!(stopped("poisoned-row", "confirm"), Some((2, "constraint-check".to_owned())));
    assert_eq!(stopped("poisoned-row", "notice"), None);
    assert_eq!(stopped("two-statements", "notice"), Some((2, "two-statements".to_owned())));
    let restored = play("restored-zone").ending();
    let (confirm, outer) = (restored.stream("confirm").unwrap(), restored.zone(ZoneId::Outer).unwrap());
    assert_eq!((confirm.cut, confirm.applied), (2, 2));
    assert_eq!(outer.lock, None);
    assert_eq!(play("flood").ending().zone(ZoneId::Inner).unwrap().quarantined, UNVERIFIED_FILES_MAX);
    assert!(restored.sentences().iter().all(|[english, chinese]| english.is_ascii() && !chinese.is_ascii()));
}

#[test]
fn a_long_story_stays_readable() {
    for told in all() {
        let quiet: Vec<_> = told.entries.iter().filter(|entry| !entry.is_status).collect();
        assert!(quiet.len() < 150, "{}: {}", told.name, quiet.len());
        assert!(quiet[0].text[0].contains("the daemon starts"), "{}: {}", told.name, quiet[0].text[0]);
    }
}

#[test]
fn titles_and_lessons_stand_in_both_languages() {
    for scenario in SCENARIOS {
        for [english, chinese] in [scenario.title, scenario.lesson] {
            assert!(english.is_ascii() && !chinese.is_ascii(), "{}", scenario.name);
        }
    }
}

#[test]
fn the_watermark_of_a_page_rises_only_when_something_is_applied() {
    let applied = |name: &str| {
        let page = page_of(name, "a lesson");
        let marks = page.split("{\"at\":").filter(|mark| mark.contains("\"kind\":\"applied\""));
        marks.filter(|mark| mark.contains("\"stream\":\"confirm\"")).count()
    };
    assert_eq!(applied("lost-batch"), 1, "the batch behind the lost one waits for it, and both are applied together");
    assert_eq!(applied("unknown-commit"), 1, "the try of which nothing is known does not count beside the second one");
    assert_eq!(applied("poisoned-row"), 1, "a refused batch moves nothing");
    assert_eq!(applied("meddled-watermark"), 1, "nor does a hand in the database");
}

#[test]
fn a_page_stands_alone_and_cannot_be_ended_by_its_data() {
    let page = page_of("lost-batch", "</script><b>");
    assert!(!page.contains("/*DATA*/") && !page.contains("</script><b>"));
    assert!(!page.contains("src=") && !page.contains("href=") && !page.contains("https:"));
    assert!(page.contains("\"ends\":\"lost\""));
}

fn page_of(name: &str, lesson: &str) -> String {
    let text = |text: &str| [text.to_owned(), text.to_owned()];
    let about = About { title: text("a title"), lesson: text(lesson), seed: 1, verdict: text("pass"), chinese: false };
    page(&about, &play(name))
}
