//! The operators' page: every command in it is a verb of the program, and says which zone it is about.

use std::collections::BTreeSet;

use crate::sources::{assert_none, read};

/// How calls begin that are about no zone that is there, each with the reason.
const WITHOUT_CONFIG: [(&str, &str); 3] = [
    ("init --dir ", "it makes the configuration"),
    ("verify ", "it reads archives with public keys alone, on any machine"),
    ("acts sign ", "it reads the draft alone, on any machine"),
];

/// Far fewer than there are: below it the page is not read as meant.
const CALLS_MIN: usize = 20;

#[test]
fn every_command_of_the_operators_page_is_a_verb_and_names_its_zone() {
    let (calls, verbs) = (calls(&read("docs/operations.md")), verbs(&read("docs/cli.md")));
    assert!(calls.len() > CALLS_MIN, "only {} commands were found", calls.len());
    let mut findings = Vec::new();
    for call in &calls {
        if !is_verb(call, &verbs) {
            findings.push(format!("ferry {call}: not in docs/cli.md"));
        }
        let names_zone = call.split_whitespace().any(|word| word == "--config");
        if !names_zone && !WITHOUT_CONFIG.iter().any(|(begin, _)| call.starts_with(begin)) {
            findings.push(format!("ferry {call}: without --config"));
        }
    }
    assert_none("commands in docs/operations.md", &findings);
}

#[test]
fn commands_are_read_as_meant() {
    let page = "```sh\nsudo -u ferry ferry keys show --config f\n# ferry pass\ninstall -o ferry -g ferry a b\n   \
                ferry acts list \\\n  --json   # all\n```\n\n   ```text\nferry run\n   ```\nferry load\n";
    assert_eq!(calls(page), ["keys show --config f", "acts list --json"]);
    let verbs = verbs("## ferry\n## ferry keys\n## ferry keys show\n## ferry run\n### ferry load --json\n");
    assert!(is_verb("keys show --config f", &verbs) && is_verb("run", &verbs));
    for call in ["keys", "keys shows", "show", "load"] {
        assert!(!is_verb(call, &verbs), "{call}");
    }
}

/// The commands of a page's shell blocks that call the program, each without what stands before its arguments.
fn calls(page: &str) -> Vec<String> {
    let mut inside = false;
    let mut command = String::new();
    let mut found = Vec::new();
    for line in page.lines().map(str::trim) {
        if let Some(language) = line.strip_prefix("```") {
            inside = language == "sh";
            continue;
        }
        if !inside || line.starts_with('#') {
            continue;
        }
        let line = line.split(" #").next().unwrap_or_default();
        match line.strip_suffix('\\') {
            Some(begun) => command.push_str(begun),
            None => {
                command.push_str(line);
                found.extend(arguments(&command));
                command.clear();
            }
        }
    }
    found
}

/// What follows the program's name. After an option that is the name of a user or a group.
fn arguments(command: &str) -> Option<String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let is_program = |at: &usize| words[*at] == "ferry" && (*at == 0 || !words[*at - 1].starts_with('-'));
    let at = (0..words.len()).find(is_program)?;
    Some(words[at + 1..].join(" "))
}

/// The verbs that the page of the command line has a heading for.
fn verbs(page: &str) -> BTreeSet<String> {
    page.lines().filter_map(|line| line.strip_prefix("## ferry ")).map(str::to_owned).collect()
}

/// Whether a call begins with a verb; one that has verbs below it is none by itself.
fn is_verb(call: &str, verbs: &BTreeSet<String>) -> bool {
    let mut words = call.split_whitespace();
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let above = format!("{first} ");
    if verbs.iter().any(|verb| verb.starts_with(&above)) {
        verbs.contains(&format!("{first} {second}"))
    } else {
        verbs.contains(first)
    }
}
