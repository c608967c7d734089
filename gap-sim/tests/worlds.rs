//! Worlds and scenarios: the same seed is the same run, and each story shows what it is told for.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use gap_sim::scenario::page::{About, page};
use gap_sim::scenario::timeline::entries;
use gap_sim::scenario::{SCENARIOS, Scenario};
use gap_sim::world::World;
use gap_sim::world::options::Options;
use gap_sim::world::run::Verdict;

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

/// The English timeline of a scenario.
fn story(name: &str) -> Vec<String> {
    let mut world = Scenario::named(name).unwrap().world(1);
    assert_eq!(world.run().verdict, Verdict::Pass, "{name}");
    entries(world.trace.lines()).into_iter().map(|entry| entry.text[0].clone()).collect()
}

#[test]
fn every_scenario_shows_what_it_is_told_for() {
    let shows = [
        ("calm", "learns that everything up to confirm/1 is applied"),
        ("lost-batch", "puts batch confirm/1, attempt 2 into the drop directory"),
        ("lost-acknowledgement", "knows batch confirm/1, attempt 2 already and drops it"),
        ("damaged-batch", "turns batch confirm/1 away: damaged-chunk"),
        ("doubled-batch", "knows batch confirm/1 already and drops it"),
        ("overtaken", "checks batch notice/2 and holds it durably"),
        ("virus-scan", "knows batch confirm/1 already and drops it"),
        ("swapped-names", "applies 1 batch(es) of confirm after seq 1 in one transaction"),
        ("one-way-night", "learns that everything up to confirm/9 is applied"),
        ("forged-batch", "away: unknown-signer"),
        ("flood", "away: unknown-magic"),
        ("replayed", "already and drops it"),
        ("power-cut", "power is cut"),
        ("unknown-commit", "does not learn whether its commit happened"),
        ("poisoned-row", "applies 1 batch(es) of notice after seq 0 in one transaction"),
        ("two-statements", "away: two-statements"),
        ("restored-zone", "fault: owner-restored"),
        ("lost-anchor", "learns that everything up to confirm/2 is applied"),
    ];
    let told: Vec<&str> = shows.iter().map(|(name, _)| *name).collect();
    let all: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    assert_eq!(told, all);
    for (name, sentence) in shows {
        let story = story(name);
        assert!(
            story.iter().any(|line| line.contains(sentence)),
            "{name} does not say {sentence:?}:\n{}",
            story.join("\n")
        );
    }
}

#[test]
fn what_waits_for_an_operator_is_not_applied() {
    let applied = |name: &str| {
        let lines = story(name);
        lines.iter().filter(|line| line.starts_with("applies") && line.contains("confirm")).count()
    };
    assert_eq!(applied("poisoned-row"), 2, "the batch before the bad row, and the try that refuses it");
    assert_eq!(applied("two-statements"), 1);
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
fn a_page_stands_alone_and_cannot_be_ended_by_its_data() {
    let mut world = Scenario::named("lost-batch").unwrap().world(1);
    world.run();
    let text = |text: &str| [text.to_owned(), text.to_owned()];
    let about = About {
        title: text("a title"),
        lesson: text("</script><b>"),
        seed: 1,
        verdict: "pass".to_owned(),
        chinese: false,
    };
    let lines: Vec<_> = world.trace.lines().collect();
    let page = page(&about, &lines);
    assert!(!page.contains("/*DATA*/") && !page.contains("</script><b>"));
    assert!(!page.contains("src=") && !page.contains("href=") && !page.contains("https:"));
    assert!(page.contains("\"ends\":\"lost\""));
}
