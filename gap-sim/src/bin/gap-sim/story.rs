//! `gap-sim scenarios` and `gap-sim run --scenario`: short worlds with a story.

use crate::cli::RunArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::lang::Lang;
use crate::print;
use crate::words::{Word, say};
use crate::worlds::Finished;
use gap_sim::exercise::COURSE_SEED;
use gap_sim::scenario::page::{self, About};
use gap_sim::scenario::timeline::clock;
use gap_sim::scenario::{SCENARIOS, Scenario};
use std::fs::File;
use std::io::Write;

/// The columns of a place: the longest word is five letters.
const PLACE_COLUMNS: usize = 6;

const fn place(lang: Lang) -> usize {
    match lang {
        Lang::English => 0,
        Lang::Chinese => 1,
    }
}

/// Lists the scenarios.
pub fn list(lang: Lang) -> Result<(), Failure> {
    for scenario in SCENARIOS {
        print(&format!("{:<22} {}\n", scenario.name, scenario.title[place(lang)]))?;
    }
    Ok(())
}

/// Runs a scenario and tells what happened.
pub fn tell(name: &str, arguments: &RunArguments, lang: Lang) -> Result<Exit, Failure> {
    let scenario = Scenario::named(name).ok_or_else(|| Failure::Scenario { name: name.to_owned() })?;
    let seed = arguments.seed.unwrap_or(COURSE_SEED);
    let spoken = place(lang);
    print(&format!("{}\n{}\n\n", scenario.title[spoken], scenario.lesson[spoken]))?;
    let played = scenario.play(seed);
    let finished = Finished::of(seed, played.report.clone());
    for entry in played.entries().iter().filter(|entry| arguments.statuses || !entry.is_status) {
        let at = clock(entry.at_ms);
        print(&format!("{at}  {} {}\n", padded(entry.place.words()[spoken]), entry.text[spoken]))?;
    }
    print(&format!("\n{}\n", say(lang, Word::StoryEnd, &[])))?;
    for sentence in played.ending().sentences() {
        print(&format!("  {}\n", sentence[spoken]))?;
    }
    let verdict = finished.sentence(lang);
    if let Some(path) = &arguments.html {
        let about = About {
            title: scenario.title.map(str::to_owned),
            lesson: scenario.lesson.map(str::to_owned),
            seed,
            verdict: [Lang::English, Lang::Chinese].map(|lang| finished.sentence(lang)),
            chinese: lang == Lang::Chinese,
        };
        let cause = |cause| Failure::Page { path: path.clone(), cause };
        let written = File::create(path).and_then(|mut file| file.write_all(page::page(&about, &played).as_bytes()));
        written.map_err(cause)?;
    }
    print(&format!("\n{verdict}\n"))?;
    Ok(finished.exit())
}

/// A place as wide as the widest: a Chinese character takes the room of two others.
fn padded(place: &str) -> String {
    let wide = place.chars().filter(|letter| !letter.is_ascii()).count();
    format!("{place:<width$}", width = PLACE_COLUMNS - wide)
}
