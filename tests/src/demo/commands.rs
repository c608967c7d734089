//! Commands to look around with, as they can be typed where the demo was started.

use std::env;
use std::path::Path;

use super::zone::Zone;
use super::zone_node::Node;

/// A program with its arguments, as a shell reads them: the program, what it is asked, and paths.
#[must_use]
pub fn command(program: &Path, words: &[&str], paths: &[&Path]) -> String {
    let words = words.iter().map(|word| quoted(word));
    [shown(program)].into_iter().chain(words).chain(paths.iter().map(|path| shown(path))).collect::<Vec<_>>().join(" ")
}

/// A command of `ferry` in a zone.
#[must_use]
pub fn of_zone(ferry: &Path, zone: &Zone, words: &[&str]) -> String {
    command(ferry, &[words, &["--config"]].concat(), &[&zone.config])
}

/// A command of a node.
#[must_use]
pub fn of_node(node: &Node, words: &[&str]) -> String {
    command(&node.program, &[words, &["--config"]].concat(), &[&node.config])
}

/// The verification of both zones' archives with public cards alone.
#[must_use]
pub fn verify(ferry: &Path, [inner, outer]: [&Zone; 2]) -> String {
    let archives = command(ferry, &["verify"], &[&inner.archive, &outer.archive]);
    format!("{archives} --trust {} {}", shown(&inner.card), shown(&outer.card))
}

/// A path, from here if it lies below.
fn shown(path: &Path) -> String {
    let here = env::current_dir().ok();
    let short = here.as_deref().and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path);
    quoted(&short.display().to_string())
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "/._-+=:@%".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_word_in_a_shell() {
        assert_eq!(quoted("demo/inner/ferry.toml"), "demo/inner/ferry.toml");
        assert_eq!(quoted("my demo"), "'my demo'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        let typed = command(Path::new("bin/ferry"), &["trace", "pay_notice", "a b"], &[Path::new("x.toml")]);
        assert_eq!(typed, "bin/ferry trace pay_notice 'a b' x.toml");
    }
}
