//! `gap-sim check`: the exercises of the course.

use crate::cli::CheckArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::lang::Lang;
use crate::print;
use crate::words::{Word, say};
use gap_sim::exercise::{Exercise, Judgement, Kind, Text, exercises};

const fn spoken(lang: Lang, text: Text) -> &'static str {
    match lang {
        Lang::English => text[0],
        Lang::Chinese => text[1],
    }
}

/// Lists the exercises, asks one, or judges an answer.
pub fn run(arguments: &CheckArguments, lang: Lang) -> Result<Exit, Failure> {
    let Some(name) = &arguments.exercise else { return list(lang).map(|()| Exit::Ok) };
    let known = || exercises().map(|exercise| exercise.name).collect::<Vec<_>>().join(", ");
    let exercise = Exercise::named(name).ok_or_else(|| Failure::Exercise { name: name.clone(), known: known() })?;
    if arguments.answer.is_empty() {
        return ask(exercise, lang).map(|()| Exit::Ok);
    }
    let (word, text, exit) = match exercise.judge(&arguments.answer.join(" ")).map_err(Failure::Answer)? {
        Judgement::Right => (Word::CheckRight, exercise.reason, Exit::Ok),
        Judgement::Wrong => (Word::CheckWrong, exercise.hint, Exit::WrongAnswer),
    };
    print(&format!("{}\n", say(lang, word, &[&spoken(lang, text)])))?;
    Ok(exit)
}

fn list(lang: Lang) -> Result<(), Failure> {
    let mut part = 0;
    for exercise in exercises() {
        let number = if exercise.part == part { String::new() } else { exercise.part.to_string() };
        part = exercise.part;
        print(&format!("{number:>2}  {:<20} {}\n", exercise.name, spoken(lang, exercise.question)))?;
    }
    print(&format!("\n{}\n", say(lang, Word::CheckHow, &[])))
}

fn ask(exercise: &Exercise, lang: Lang) -> Result<(), Failure> {
    print(&format!("{}\n", spoken(lang, exercise.question)))?;
    let choices: &[Text] = match &exercise.kind {
        Kind::Choice(choices, _) => choices,
        Kind::Number(..) | Kind::Word(..) => &[],
    };
    for (letter, choice) in ('a'..).zip(choices) {
        print(&format!("  {letter}) {}\n", spoken(lang, *choice)))?;
    }
    Ok(())
}
