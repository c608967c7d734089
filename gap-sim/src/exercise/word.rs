//! Words as people type them: with the name of what they are, in a short sentence, in English or in Chinese.

use ferry_format::{FileName, NameKind};

use super::number::written_out;

/// What a word names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One of the five verdicts.
    Verdict,
    /// Why something was turned away or locked.
    Code,
    /// A stream.
    Stream,
    /// A batch, as stream/seq.
    Batch,
    /// A stream and one that it waits for.
    Pair,
    /// The watermark, or that of one stream.
    Watermark,
    /// The beginning of a hash.
    Hash,
}

/// So many digits of a hash are asked for; more of them say the same.
const HASH_DIGITS_MIN: usize = 8;

/// The verdicts, each with what else may be written for it.
const VERDICTS: [&[&str]; 5] = [
    &["apply", "applied", "应用"],
    &["hold", "held", "持有"],
    &["duplicate", "duplicated", "重复", "重复件"],
    &["park", "parked", "暂存"],
    &["refuse", "refused", "拒绝"],
];

/// The word that was meant. What cannot be read is left as it is, and is then wrong.
pub(super) fn word(given: &str, form: Form) -> String {
    let found = match form {
        Form::Verdict => verdict(given),
        Form::Code => Some(words(given, &["the", "code", "it", "is"], "代码是为").join("-").replace('_', "-")),
        Form::Stream => one(words(given, &["the", "stream", "it", "is"], "流是")),
        Form::Batch => batch(given),
        Form::Pair => pair(given),
        Form::Watermark => watermark(given),
        Form::Hash => Some(words(given, &["the", "trace", "hash", "is"], "跟踪哈希前八位是为").concat()),
    };
    found.unwrap_or_else(|| given.to_owned())
}

/// Whether a word that was read names what is right.
pub(super) fn agrees(right: &str, given: &str, form: Form) -> bool {
    given == right || (form == Form::Hash && given.len() >= HASH_DIGITS_MIN && right.starts_with(given))
}

/// The words of a text but for those that say nothing; `around` has Chinese characters that say nothing at the ends of a
/// word. Latin and Chinese need no space between them.
fn words(given: &str, nothing: &[&str], around: &str) -> Vec<String> {
    let is_chinese = |letter: char| !letter.is_ascii() && letter.is_alphabetic();
    let mut spaced = String::new();
    let mut before = None;
    for letter in given.replace("'s ", " ").replace("’s ", " ").chars() {
        if before.is_some_and(|before| is_chinese(before) != is_chinese(letter)) {
            spaced.push(' ');
        }
        spaced.push(if "()[]/#:,;，：；".contains(letter) { ' ' } else { letter });
        before = Some(letter);
    }
    let bare = spaced.split_whitespace().map(|word| word.trim_matches(|letter| around.contains(letter)));
    bare.filter(|word| !word.is_empty() && !nothing.contains(word)).map(str::to_owned).collect()
}

fn one(words: Vec<String>) -> Option<String> {
    let [word] = <[String; 1]>::try_from(words).ok()?;
    Some(word)
}

fn verdict(given: &str) -> Option<String> {
    let named =
        |word: &String| Some((*VERDICTS.iter().find(|forms| forms.contains(&word.as_str()))?.first()?).to_owned());
    let named =
        words(given, &["the", "a", "it", "is", "verdict"], "判断是为").iter().map(named).collect::<Option<Vec<_>>>();
    let mut named = named?;
    named.dedup();
    one(named)
}

fn batch(given: &str) -> Option<String> {
    let said =
        words(given, &["the", "batch", "stream", "of", "number", "no.", "seq", "it", "is", "file"], "批次第的流号是");
    let number = |word: &str| word.parse::<u64>().ok().or_else(|| written_out(word));
    let (stream, seq) = match said.as_slice() {
        [only] => match only.parse::<FileName>().map(|name| name.kind) {
            Ok(NameKind::Batch { stream, seq, .. }) => (stream.to_string(), seq),
            Ok(NameKind::Status { .. }) | Err(_) => {
                only.rsplit_once('-').and_then(|(stream, seq)| Some((stream.to_owned(), seq.parse().ok()?)))?
            }
        },
        [one, other] => match (number(one), number(other)) {
            (None, Some(seq)) => (one.clone(), seq),
            (Some(seq), None) => (other.clone(), seq),
            (None, None) | (Some(_), Some(_)) => return None,
        },
        _ => return None,
    };
    Some(format!("{stream}/{seq}"))
}

/// What stands between the two says that the first waits: other words might say the reverse.
fn pair(given: &str) -> Option<String> {
    const WAITS: [&str; 9] = ["depends", "on", "waits", "for", "needs", "requires", "->", "→", "-->"];
    let said = words(given, &["the", "stream"], "流依赖等待需要");
    let [waiter, between @ .., other] = said.as_slice() else { return None };
    let are_names = [waiter, other].iter().all(|name| !WAITS.contains(&name.as_str()));
    let waits = between.iter().all(|word| WAITS.contains(&word.as_str()));
    (are_names && waits).then(|| format!("{waiter} {other}"))
}

fn watermark(given: &str) -> Option<String> {
    let said = words(given, &["the", "its", "of", "stream", "it", "reads", "again"], "的流它读取重新是");
    let (marks, names): (Vec<String>, Vec<String>) =
        said.into_iter().partition(|word| ["watermark", "水位"].contains(&word.as_str()));
    match names.as_slice() {
        [] if !marks.is_empty() => Some("watermark".to_owned()),
        [stream] if !marks.is_empty() => Some(format!("watermark of {stream}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::answer::checked;
    use super::*;

    fn says(form: Form, right: &str, texts: &[&str]) {
        for text in texts {
            let read = word(&checked(text).unwrap(), form);
            assert!(agrees(right, &read, form), "{text} is read as {read}");
        }
    }

    fn says_not(form: Form, right: &str, texts: &[&str]) {
        for text in texts {
            let read = word(&checked(text).unwrap(), form);
            assert!(!agrees(right, &read, form), "{text} is read as {read}");
        }
    }

    #[test]
    fn a_batch_has_many_spellings() {
        let spellings = [
            "Confirm/1",
            " ｃｏｎｆｉｒｍ／１",
            "confirm / 1",
            "`confirm/1`",
            "confirm/1.",
            "batch confirm/1",
            "the batch confirm/1",
            "confirm 1",
            "confirm #1",
            "confirm-1",
            "confirm/01",
            "batch 1 of confirm",
            "Batch one of the stream confirm",
            "批次 confirm/1",
            "批次confirm/1。",
            "流 confirm 的第 1 批",
            "confirm的第一批",
            "f1-outer-inner-confirm-00000001-000000000001-a1-0123abcd.dat",
        ];
        says(Form::Batch, "confirm/1", &spellings);
        let others = [
            "confirm/2",
            "notice/1",
            "confirm",
            "1",
            "confirm/11",
            "confirm/1.5",
            "confirm/-1",
            "confirm/1 notice/1",
            "confirm/1 or confirm/2",
            "not confirm/1",
            "不是 confirm/1",
            "confirm 的第二批",
            "f1-outer-inner-confirm-00000001-000000000002-a1-0123abcd.dat",
            "f1-outer-inner-status-00000000-000000000001-a1-0123abcd.dat",
        ];
        says_not(Form::Batch, "confirm/1", &others);
    }

    #[test]
    fn a_watermark_may_be_that_of_its_stream() {
        let plain = ["watermark", "the watermark", "“Watermark”.", "水位", "水位（watermark）", "its watermark"];
        says(Form::Watermark, "watermark", &plain);
        let of_stream = [
            "the watermark of confirm",
            "watermark of confirm",
            "Watermark of the stream confirm.",
            "confirm's watermark",
            "confirm 的水位",
            "流confirm的水位",
        ];
        says(Form::Watermark, "watermark of confirm", &of_stream);
        let others = ["the watermark of notice", "notice 的水位", "confirm", "anchor", "not the watermark", "不是水位"];
        for right in ["watermark", "watermark of confirm"] {
            says_not(Form::Watermark, right, &others);
        }
    }

    #[test]
    fn verdicts_codes_and_streams_may_stand_in_a_sentence() {
        let spellings = [
            "duplicate",
            "Duplicate.",
            "a duplicate",
            "it is a duplicate",
            "重复",
            "重复件",
            "判断是重复",
            "duplicate（重复）",
        ];
        says(Form::Verdict, "duplicate", &spellings);
        let others =
            ["apply", "hold or duplicate", "apply, hold, duplicate", "not a duplicate", "不是重复", "apply（重复）"];
        says_not(Form::Verdict, "duplicate", &others);

        says(
            Form::Code,
            "unknown-key",
            &["unknown-key", "Unknown Key", "unknown_key", "the code unknown-key", "代码是unknown-key"],
        );
        says_not(Form::Code, "unknown-key", &["unknown-magic", "key", "not unknown-key", "unknown-key, unknown-magic"]);

        says(
            Form::Stream,
            "confirm",
            &["confirm", "the stream confirm", "Confirm stream", "流 confirm", "流confirm。"],
        );
        says_not(
            Form::Stream,
            "confirm",
            &["notice", "confirm/2", "confirm and notice", "not confirm", "confirm, notice"],
        );
    }

    #[test]
    fn a_pair_keeps_its_direction() {
        let spellings = [
            "result notice",
            "Result, notice.",
            "result -> notice",
            "result → notice",
            "result depends on notice",
            "stream result depends on [notice]",
            "result waits for notice",
            "result 依赖 notice",
            "result等待notice",
        ];
        says(Form::Pair, "result notice", &spellings);
        let others = [
            "notice result",
            "notice -> result",
            "on result depends notice",
            "result does not depend on notice",
            "result 不依赖 notice",
            "result 被 notice 依赖",
            "notice is needed by result",
            "result <- notice",
            "result notice base",
            "result",
        ];
        says_not(Form::Pair, "result notice", &others);
    }

    #[test]
    fn more_digits_of_a_hash_say_the_same() {
        let right = "457d908547d926a8ef90c190c03b2fc4ac6cd11e19ddedc5920205112c662c06";
        let spellings =
            ["457d9085", "457D9085", "457d908547d9", right, "457d9085…", "457d9085...", "trace hash 457d9085"];
        says(Form::Hash, right, &spellings);
        says_not(Form::Hash, right, &["457d908", "457d9086", "457d908547d8", "7d908547", "hash", "457d9085 457d9085"]);
    }
}
