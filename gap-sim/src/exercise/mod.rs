//! The exercises of the course: questions about scenarios, drawn worlds and the gate, whose answers are found by running
//! them.

mod answer;
mod bench;
mod find;
mod list;
mod number;
mod word;

pub use answer::{ANSWER_CHARS_MAX, Misread, plain};
pub use list::exercises;
pub use number::{Thing, Unit};
pub use word::Form;

/// The seed of a scenario when none is given: its delays are then the same for everybody in a course.
pub const COURSE_SEED: u64 = 1;

/// A text in English and in Chinese.
pub type Text = [&'static str; 2];

/// One question.
#[derive(Debug)]
pub struct Exercise {
    /// The name on the command line.
    pub name: &'static str,
    /// The part of the course that it belongs to, from 1.
    pub part: u8,
    /// What is asked.
    pub question: Text,
    /// What kind of answer is wanted, and how it is found.
    pub kind: Kind,
    /// Where to look, without the answer.
    pub hint: Text,
    /// Why the right answer is right.
    pub reason: Text,
}

/// What kind of answer is wanted, and how it is found.
#[derive(Debug)]
pub enum Kind {
    /// A number.
    Number(Unit, fn() -> Option<u64>),
    /// One of these words, such as a code, a batch or a verdict.
    Word(Form, fn() -> Option<Vec<String>>),
    /// The letter of one of these.
    Choice(&'static [Text], fn() -> Option<char>),
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It is right.
    Right,
    /// It is wrong.
    Wrong,
}

impl Exercise {
    /// Finds an exercise by its name, however it was typed.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        let name = plain(name).replace(['_', ' '], "-");
        exercises().find(|exercise| exercise.name == name)
    }

    /// Runs what the question is about and compares. An answer of another kind than the wanted one is told before anything
    /// runs.
    ///
    /// # Errors
    /// When the answer is not of the kind that is wanted, so that it is neither right nor wrong.
    ///
    /// # Panics
    /// When the run gives no answer: the question would be about something that does not happen.
    pub fn judge(&self, given: &str) -> Result<Judgement, Misread> {
        let given = self.read(given)?;
        let is_right = self.solution().iter().any(|right| self.agrees(right, &given));
        Ok(if is_right { Judgement::Right } else { Judgement::Wrong })
    }

    /// The answer that was meant.
    fn read(&self, given: &str) -> Result<String, Misread> {
        let given = answer::checked(given)?;
        match &self.kind {
            Kind::Number(unit, _) => number::number(&given, *unit).map(|number| number.to_string()),
            Kind::Word(form, _) => Ok(word::word(&given, *form)),
            Kind::Choice(choices, _) => answer::letter(&given, choices.len()).map(String::from),
        }
    }

    fn agrees(&self, right: &str, given: &str) -> bool {
        match &self.kind {
            Kind::Word(form, _) => word::agrees(right, given, *form),
            Kind::Number(..) | Kind::Choice(..) => given == right,
        }
    }

    /// What is right, found by running it: one answer or several.
    fn solution(&self) -> Vec<String> {
        let found = match &self.kind {
            Kind::Number(_, find) => find().map(|number| vec![number.to_string()]),
            Kind::Word(_, find) => find(),
            Kind::Choice(_, find) => find().map(|letter| vec![letter.to_string()]),
        };
        found.unwrap_or_else(|| panic!("what the exercise {} asks about does not happen", self.name))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_exercise_has_an_answer_of_the_kind_that_it_wants() {
        for exercise in exercises() {
            let solution = exercise.solution();
            assert!(!solution.is_empty());
            for answer in &solution {
                assert_eq!(exercise.read(answer).as_ref(), Ok(answer), "{}", exercise.name);
                for typed in [format!("“{answer}”。"), format!(" {}. ", answer.to_uppercase())] {
                    let read = exercise.read(&typed).unwrap();
                    assert!(exercise.agrees(answer, &read), "{}: {typed}", exercise.name);
                }
                let is_letter = matches!(exercise.kind, Kind::Choice(..));
                for hint in exercise.hint.iter().filter(|_| !is_letter) {
                    let mut words =
                        hint.split(|letter: char| !letter.is_ascii_alphanumeric() && !"-/".contains(letter));
                    assert!(words.all(|word| word != answer), "{} gives it away: {hint}", exercise.name);
                }
            }
        }
    }

    #[test]
    fn names_are_unique_and_texts_stand_in_both_languages() {
        let names: BTreeSet<&str> = exercises().map(|exercise| exercise.name).collect();
        assert_eq!(names.len(), exercises().count());
        assert!(exercises().is_sorted_by_key(|exercise| exercise.part));
        for exercise in exercises() {
            let choices: &[Text] = match &exercise.kind {
                Kind::Choice(choices, _) => choices,
                Kind::Number(..) | Kind::Word(..) => &[],
            };
            let texts = [exercise.question, exercise.hint, exercise.reason];
            for [english, chinese] in texts.iter().chain(choices) {
                assert!(english.is_ascii() && !chinese.is_ascii(), "{}: {english}", exercise.name);
            }
        }
    }

    #[test]
    fn a_name_is_found_however_it_was_typed() {
        let name = exercises().next().unwrap().name;
        let wide: String = name.chars().map(|c| char::from_u32(u32::from(c) + 0xFEE0).unwrap()).collect();
        for typed in [name.to_uppercase(), format!(" {name} "), name.replace('-', "_"), wide] {
            assert_eq!(Exercise::named(&typed).map(|exercise| exercise.name), Some(name), "{typed}");
        }
        assert!(Exercise::named("no-such-thing").is_none());
    }
}
