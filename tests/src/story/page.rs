//! What is told of a story: each step as it happens on standard output, or all of it as one JSON document at the end.

use std::io::{self, Write as _};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::demo::columns::{seconds, width};
use crate::demo::failure::Failure;
use crate::demo::lang::{Lang, Text, text};

/// The version of the document; a field that changes its meaning raises it.
const VERSION: u32 = 1;
/// The widest line, in columns of a terminal: it fits on those that are 100 wide, and wraps once on those of 80.
const LINE_WIDTH: usize = 96;
/// How far what belongs to a step is set in.
const INDENT: usize = 4;
/// How far what a zone shows is set in, below its name.
const ZONE_INDENT: usize = 16;

/// One thing that a zone shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Its name for programs.
    pub key: &'static str,
    /// Its name for people.
    pub label: Text,
    /// What it is.
    pub value: Text,
}

/// What both zones show at one moment, and what lies between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// The outer zone.
    pub outer: Vec<Fact>,
    /// The inner zone.
    pub inner: Vec<Fact>,
    /// What lies between.
    pub files: Files,
}

/// Files that are under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Files {
    /// Those that wait before the gate outside.
    pub before_outer: u64,
    /// Those that wait before the gate inside.
    pub before_inner: u64,
    /// Those inside the gate, both ways.
    pub inside: u64,
}

/// A step that was told.
#[derive(Debug, Serialize)]
struct Step {
    step: u32,
    what: String,
    what_zh: String,
    outer: Value,
    inner: Value,
    files: Files,
    ms: u64,
}

/// What is told.
#[derive(Debug)]
pub struct Page {
    lang: Lang,
    as_json: bool,
    steps: Vec<Step>,
    /// The step that has begun.
    begun: Option<(Text, u64)>,
}

impl Page {
    /// An empty page.
    #[must_use]
    pub const fn new(lang: Lang, as_json: bool) -> Self {
        Self { lang, as_json, steps: Vec::new(), begun: None }
    }

    /// The number of the step that is told.
    #[must_use]
    pub fn number(&self) -> u32 {
        u32::try_from(self.steps.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Tells a line that is no step.
    pub fn line(&self, text: &Text) {
        self.print(&wrapped(text.get(self.lang), 0));
    }

    /// Tells who does what, before it is done.
    pub fn begin(&mut self, what: Text, now_ms: u64) {
        let numbered = format!("{:>2}. {}", self.number(), what.get(self.lang));
        self.print(&format!("\n{}", wrapped(&numbered, INDENT)));
        self.begun = Some((what, now_ms));
    }

    /// Tells what each zone shows when it is done.
    pub fn end(&mut self, sight: &Sight, now_ms: u64) {
        let Some((what, since_ms)) = self.begun.take() else { return };
        let ms = now_ms.saturating_sub(since_ms);
        let [outer, inner, gate] = match self.lang {
            Lang::English => ["outer zone", "inner zone", "gate"],
            Lang::Chinese => ["外网", "内网", "网闸"],
        };
        let Files { before_outer, before_inner, inside } = sight.files;
        let seconds = seconds(ms);
        let between = text!(
            "files waiting outside: {before_outer}, inside: {before_inner}, in the gate: {inside}; this step took {seconds} s",
            "文件：外网待过闸 {before_outer}，内网待过闸 {before_inner}，网闸中 {inside}；本步用时 {seconds} 秒"
        );
        for (name, shown) in [
            (outer, self.facts(&sight.outer)),
            (inner, self.facts(&sight.inner)),
            (gate, between.get(self.lang).to_owned()),
        ] {
            let gap = " ".repeat((ZONE_INDENT - INDENT).saturating_sub(width(name)));
            self.print(&wrapped(&format!("{}{name}{gap}{shown}", " ".repeat(INDENT)), ZONE_INDENT));
        }
        let step = Step {
            step: self.number(),
            what: what.english,
            what_zh: what.chinese,
            outer: document(&sight.outer),
            inner: document(&sight.inner),
            files: sight.files,
            ms,
        };
        self.steps.push(step);
    }

    /// Tells the end: what is told in lines, or all of it as one document with the fields of `more`.
    pub fn close(&self, lines: &str, more: Value) {
        if !self.as_json {
            return self.print(lines);
        }
        let mut document = json!({ "version": VERSION, "steps": self.steps });
        if let (Value::Object(document), Value::Object(more)) = (&mut document, more) {
            document.extend(more);
        }
        let text = serde_json::to_string_pretty(&document).expect("a document of texts and numbers is JSON") + "\n";
        // A reader that has left, as `head` does, is no failure.
        let _ = io::stdout().write_all(text.as_bytes());
    }

    /// What failed, in which step.
    #[must_use]
    pub fn failed(&self, failure: &Failure) -> Text {
        let (step, en, zh) = (self.number(), &failure.text.english, &failure.text.chinese);
        match &self.begun {
            Some((what, _)) => {
                let (what_en, what_zh) = (&what.english, &what.chinese);
                text!("step {step} ({what_en}) failed: {en}", "第 {step} 步（{what_zh}）失败：{zh}")
            }
            None => text!("{en}", "{zh}"),
        }
    }

    fn facts(&self, facts: &[Fact]) -> String {
        let colon = if self.lang == Lang::Chinese { "：" } else { ": " };
        let fact = |fact: &Fact| format!("{}{colon}{}", fact.label.get(self.lang), fact.value.get(self.lang));
        if facts.is_empty() {
            return text!("knows nothing of it", "尚不知情").get(self.lang).to_owned();
        }
        let semicolon = if self.lang == Lang::Chinese { "；" } else { "; " };
        facts.iter().map(fact).collect::<Vec<_>>().join(semicolon)
    }

    fn print(&self, text: &str) {
        if !self.as_json {
            let _ = io::stdout().write_all(text.as_bytes());
        }
    }
}

fn document(facts: &[Fact]) -> Value {
    let fact = |fact: &Fact| (fact.key.to_owned(), Value::from(fact.value.english.clone()));
    Value::Object(facts.iter().map(fact).collect::<Map<_, _>>())
}

/// The text in lines that end between words, or after any Chinese character; all but the first set in.
fn wrapped(text: &str, indent: usize) -> String {
    let (mut lines, mut line, mut word) = (String::new(), String::new(), String::new());
    let mut put = |line: &mut String, word: &mut String| {
        if width(line) + width(word.trim_end()) > LINE_WIDTH && !line.trim().is_empty() {
            lines.push_str(line.trim_end());
            lines.push('\n');
            *line = " ".repeat(indent);
            *word = word.trim_start().to_owned();
        }
        line.push_str(word);
        word.clear();
    };
    for character in text.chars() {
        word.push(character);
        if character == ' ' || width(character.encode_utf8(&mut [0; 4])) > 1 {
            put(&mut line, &mut word);
        }
    }
    put(&mut line, &mut word);
    lines + line.trim_end() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_between_words_and_after_chinese_characters() {
        let english = wrapped(&"word ".repeat(40), 4);
        assert!(english.lines().all(|line| width(line) <= LINE_WIDTH), "{english}");
        assert!(english.lines().skip(1).all(|line| line.starts_with("    word")), "{english}");
        assert_eq!(english.split_whitespace().count(), 40);
        let chinese = wrapped(&"缴款".repeat(60), 2);
        assert!(chinese.lines().count() == 3 && chinese.lines().all(|line| width(line) <= LINE_WIDTH), "{chinese}");
        assert_eq!(wrapped("    a  b", 9), "    a  b\n");
    }

    #[test]
    fn a_failure_names_its_step() {
        let mut page = Page::new(Lang::English, true);
        let failure = Failure::new(text!("no", "否"));
        assert_eq!(page.failed(&failure).english, "no");
        page.begin(text!("The payer pays.", "缴款人缴款。"), 5);
        assert_eq!(page.failed(&failure).english, "step 1 (The payer pays.) failed: no");
        page.end(&Sight { outer: Vec::new(), inner: Vec::new(), files: Files::default() }, 9);
        assert_eq!((page.number(), page.steps[0].ms), (2, 4));
    }
}
