//! The documents: a command early, two languages that say the same, links that lead somewhere.

use tests::workspace_root;

use crate::sources::{assert_none, read, sources};

const FIRST_COMMAND_LINE_MAX: usize = 20;

#[test]
fn the_readme_shows_its_first_command_early() {
    for path in ["README.md", "README.zh-CN.md"] {
        let text = read(path);
        let at = text.lines().position(|line| line == "cargo demo").expect("the README shows the first command");
        assert!(at < FIRST_COMMAND_LINE_MAX, "{path}: the first command is on line {}", at + 1);
        assert!(text.lines().nth(at - 1).is_some_and(|line| line.starts_with("```")), "{path}: not in a code block");
    }
}

#[test]
fn both_readmes_have_the_same_headings_and_commands() {
    let english = outline(&read("README.md"));
    let chinese = outline(&read("README.zh-CN.md"));
    assert_eq!(english.levels, chinese.levels, "levels of the headings, in order");
    assert_eq!(english.blocks, chinese.blocks, "code blocks, in order");
}

#[test]
fn pages_in_both_languages_have_the_same_headings_commands_and_tables() {
    for page in ["gap-sim", "nodes"] {
        let (english, chinese) = (read(&format!("docs/{page}.md")), read(&format!("docs/{page}.zh-CN.md")));
        let rows = |text: &str| text.lines().filter(|line| line.starts_with('|')).count();
        assert_eq!(rows(&english), rows(&chinese), "{page}: rows of tables");
        let (english, chinese) = (outline(&english), outline(&chinese));
        assert_eq!(english.levels, chinese.levels, "{page}: levels of the headings, in order");
        assert_eq!(english.blocks, chinese.blocks, "{page}: code blocks, in order");
    }
}

#[test]
fn every_link_leads_to_a_file() {
    let mut findings = Vec::new();
    for source in sources().iter().filter(|source| source.is_markdown()) {
        let directory = source.path.rsplit_once('/').map_or("", |(directory, _)| directory);
        for target in local_links(&source.text) {
            if !workspace_root().join(directory).join(&target).exists() {
                findings.push(format!("{}: {target}", source.path));
            }
        }
    }
    assert_none("links that lead nowhere", &findings);
}

#[test]
fn every_page_that_the_code_names_exists() {
    let mut findings = Vec::new();
    for source in sources().iter().filter(|source| source.is_rust() && !source.path.starts_with("tests/tests/")) {
        for rest in source.text.split("docs/").skip(1) {
            let page: String =
                rest.chars().take_while(|c| c.is_ascii_alphanumeric() || ['-', '.'].contains(c)).collect();
            if page.ends_with(".md") && !workspace_root().join("docs").join(&page).exists() {
                findings.push(format!("{}: docs/{page}", source.path));
            }
        }
    }
    assert_none("pages that do not exist", &findings);
}

#[test]
fn the_architecture_page_states_at_least_12_invariants() {
    let page = read("ARCHITECTURE.md");
    assert!(page.lines().filter(|line| line.starts_with("Architecture invariant:")).count() >= 12);
}

#[test]
fn the_protocol_page_numbers_its_12_invariants() {
    let page = read("docs/protocol.md");
    let invariants = page.lines().skip_while(|line| *line != "## Invariants").skip(1);
    let invariants = invariants.take_while(|line| !line.starts_with("## "));
    let numbers = invariants.filter_map(|line| line.split_once(". ")?.0.parse::<u32>().ok());
    assert_eq!(numbers.collect::<Vec<_>>(), (1..=12).collect::<Vec<_>>());
}

#[test]
fn links_and_outlines_are_read_as_meant() {
    let text =
        "# A\n\n[b](docs/b.md#c) [d](https://example.org) [e](#f)\n\n```sh\n# not a heading\n[x](y)\n```\n## G\n";
    assert_eq!(local_links(text), ["docs/b.md"]);
    let outline = outline(text);
    assert_eq!(outline.levels, [1, 2]);
    assert_eq!(outline.blocks, ["sh\n# not a heading\n[x](y)\n"]);
}

struct Outline {
    levels: Vec<usize>,
    /// Each code block with the word after its fence.
    blocks: Vec<String>,
}

fn outline(text: &str) -> Outline {
    let mut outline = Outline { levels: Vec::new(), blocks: Vec::new() };
    let mut inside = false;
    for line in text.lines() {
        match (line.strip_prefix("```"), inside) {
            (Some(_), true) => inside = false,
            (Some(word), false) => {
                inside = true;
                outline.blocks.push(format!("{word}\n"));
            }
            (None, true) => outline.blocks.last_mut().expect("a block is open").push_str(&format!("{line}\n")),
            (None, false) if line.starts_with('#') => {
                outline.levels.push(line.bytes().take_while(|b| *b == b'#').count())
            }
            (None, false) => {}
        }
    }
    outline
}

/// The files that links outside code blocks point to, without what follows `#`.
fn local_links(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            inside = !inside;
        }
        if inside {
            continue;
        }
        for rest in line.split("](").skip(1) {
            let target = rest.split([')', ' ', '#']).next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                found.push(target.to_owned());
            }
        }
    }
    found
}
