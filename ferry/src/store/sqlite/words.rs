//! The words of an SQL text as SQLite reads them, without its comments.

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// A keyword, or a name without quotes, in upper case.
    Bare(String),
    /// What stands between quotes of any kind: SQLite takes names in each of them.
    Quoted(String),
    /// Any other character.
    Sign(char),
}

impl Word {
    /// Whether it is this keyword, given in upper case.
    pub fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Bare(word) if word == keyword)
    }

    /// The name that it is, in lower case: SQLite does not tell names of tables apart by case.
    pub fn name(&self) -> Option<String> {
        match self {
            Self::Bare(word) | Self::Quoted(word) => Some(word.to_ascii_lowercase()),
            Self::Sign(_) => None,
        }
    }
}

/// The words of `sql`. A comment or a quotation that does not end takes the rest, as in SQLite.
pub(super) fn words(sql: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        rest = match first {
            _ if first.is_whitespace() => after,
            '-' if after.starts_with('-') => after.split_once('\n').map_or("", |(_, rest)| rest),
            '/' if after.starts_with('*') => after[1..].split_once("*/").map_or("", |(_, rest)| rest),
            '\'' | '"' | '`' => quoted(after, first, &mut words),
            '[' => {
                let (name, rest) = after.split_once(']').unwrap_or((after, ""));
                words.push(Word::Quoted(name.to_owned()));
                rest
            }
            _ if starts_name(first) => {
                let end = rest.find(|c| !continues_name(c)).unwrap_or(rest.len());
                words.push(Word::Bare(rest[..end].to_ascii_uppercase()));
                &rest[end..]
            }
            _ => {
                words.push(Word::Sign(first));
                after
            }
        };
    }
    words
}

/// Takes a quotation whose first quote is gone; a quote that stands twice is one of the text.
fn quoted<'s>(mut rest: &'s str, quote: char, words: &mut Vec<Word>) -> &'s str {
    let mut text = String::new();
    loop {
        let (part, after) = rest.split_once(quote).unwrap_or((rest, ""));
        text.push_str(part);
        match after.strip_prefix(quote) {
            Some(more) => {
                text.push(quote);
                rest = more;
            }
            None => {
                words.push(Word::Quoted(text));
                return after;
            }
        }
    }
}

fn starts_name(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

fn continues_name(c: char) -> bool {
    starts_name(c) || c.is_ascii_digit() || c == '$'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_no_words_and_quotes_are_no_keywords() {
        let bare = |word: &str| Word::Bare(word.to_owned());
        let quoted = |word: &str| Word::Quoted(word.to_owned());
        let text = "create -- BEFORE 'x\n/* \"AFTER */after [a b]\"c\"\"d\"`e`'it''s'.表_1$;1";
        let expected = [
            bare("CREATE"),
            bare("AFTER"),
            quoted("a b"),
            quoted("c\"d"),
            quoted("e"),
            quoted("it's"),
            Word::Sign('.'),
            bare("表_1$"),
            Word::Sign(';'),
            Word::Sign('1'),
        ];
        assert_eq!(words(text), expected);
        assert!(words("/* without an end").is_empty());
        assert_eq!(words("'without an end"), [quoted("without an end")]);
    }
}
