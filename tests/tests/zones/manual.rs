//! What docs/operations.md tells people to do after a loss: the drills read it there, and do that.

use tests::workspace_root;

/// The section about losses.
const SECTION: &str = "## Back up and restore";

/// One command that the manual names, and how many operators sign it.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    pub words: Vec<String>,
    pub signers: usize,
}

impl Step {
    /// Its words with a place instead of the manual's `SEQ`.
    pub fn at(&self, stream: &str, seq: u64) -> Vec<String> {
        let word = |word: &String| match word.as_str() {
            "STREAM" => stream.to_owned(),
            "SEQ" => seq.to_string(),
            _ => word.clone(),
        };
        self.words.iter().map(word).collect()
    }
}

/// What the table says that people do, by what was lost.
pub fn steps(lost: &str) -> Vec<Step> {
    let section = section();
    let mut rows = section.lines().filter_map(|line| line.strip_prefix(&format!("| {lost} |")));
    let row = rows.next().unwrap_or_else(|| panic!("the manual has no row for: {lost}"));
    assert_eq!(rows.next(), None, "{lost}");
    let people_do = row.trim_end_matches('|').rsplit('|').next().unwrap().trim();
    if people_do == "nothing" {
        return Vec::new();
    }
    let steps: Vec<Step> = people_do.split(';').flat_map(of_people).collect();
    assert!(!steps.is_empty(), "no command in: {people_do}");
    steps
}

/// The command line of a verb in a block of the section, with other directories than the manual's examples.
pub fn command(verb: &str, directory: &str) -> Vec<String> {
    let start = format!("sudo -u ferry ferry {verb} ");
    let section = section();
    let mut lines = section.lines().filter_map(|line| line.trim().strip_prefix(&start));
    let line = lines.next().unwrap_or_else(|| panic!("the manual does not run: ferry {verb}"));
    let (words, _) = line.split_once("--config").unwrap_or((line, ""));
    let word = |word: &str| if word.starts_with('/') { directory.to_owned() } else { word.to_owned() };
    [verb].into_iter().chain(words.split_whitespace()).map(word).collect()
}

fn section() -> String {
    let page = std::fs::read_to_string(workspace_root().join("docs/operations.md")).unwrap();
    let rest = page.split_once(SECTION).unwrap_or_else(|| panic!("the manual has no section {SECTION}")).1;
    rest.split("\n## ").next().unwrap().to_owned()
}

fn of_people(text: &str) -> Vec<Step> {
    let signers = match (text.contains("two operators"), text.contains("an operator")) {
        (true, false) => 2,
        (false, true) => 1,
        (false, false) if !text.contains("`ferry ") => return Vec::new(),
        _ => panic!("who signs? {text}"),
    };
    let spans = text.split('`').skip(1).step_by(2).filter_map(|span| span.strip_prefix("ferry "));
    spans.map(|span| Step { words: span.split(' ').map(str::to_owned).collect(), signers }).collect()
}
