//! Reads the fields of a TOML text: each is taken once, none may be left, and every fault tells line, column and field.

use core::ops::Range;
use core::str::FromStr;
use std::fmt::Display;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fields::{Kind, RESEND_STEPS_MAX, find};
use crate::error::Fault;
use crate::exit::ExitCode;
use crate::lang::Text;
use crate::text;

/// The text that is read, to tell where a fault is.
pub(super) struct Source<'t> {
    /// The file's name, for messages.
    pub file: &'t Path,
    /// Its text.
    pub text: &'t str,
}

impl<'t> Source<'t> {
    /// The top of the file.
    pub fn top(&'t self) -> Result<Section<'t>, Fault> {
        let parsed = DeTable::parse(self.text).map_err(|error| {
            let cause = error.message().replace('\n', ", ");
            let said = text!("not TOML: {cause}", "不是合法的 TOML：{cause}");
            self.fault(error.span().unwrap_or(0..0), &said)
        })?;
        let span = parsed.span();
        Ok(Section { source: self, path: "", span, entries: parsed.into_inner() })
    }

    /// A fault at a place of the text.
    pub fn fault(&self, span: Range<usize>, cause: &Text) -> Fault {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        let place = format!("{}:{line}:{column}", self.file.display());
        let (en, zh) = (cause.get(crate::lang::Lang::En), cause.get(crate::lang::Lang::Zh));
        Fault::new(
            "config-invalid",
            ExitCode::Config,
            text!("{place}: {en}", "{place}：{zh}"),
            Text::fixed(
                "correct the file; docs/configuration.md lists every field",
                "请修正该文件；docs/configuration.md 列出了全部字段",
            ),
        )
    }
}

/// A table of the file.
pub(super) struct Section<'t> {
    source: &'t Source<'t>,
    path: &'static str,
    span: Range<usize>,
    entries: DeTable<'t>,
}

impl<'t> Section<'t> {
    /// The table `name` of the top; an empty one when it is left out.
    pub fn section(&mut self, name: &'static str) -> Result<Self, Fault> {
        let end = self.source.text.len();
        let Some(found) = self.entries.remove(name) else {
            return Ok(Self { source: self.source, path: name, span: end..end, entries: DeTable::new() });
        };
        let (span, kind) = (found.span(), found.get_ref().type_str());
        let DeValue::Table(entries) = found.into_inner() else {
            return Err(self.wrong_type(name, span, kind, &Text::fixed("a table", "表")));
        };
        Ok(Self { source: self.source, path: name, span, entries })
    }

    /// Ends the reading: a field that was not taken is unknown.
    pub fn done(self) -> Result<(), Fault> {
        let Some((key, _)) = self.entries.iter().min_by_key(|(key, _)| key.span().start) else {
            return Ok(());
        };
        let path = self.at(key.get_ref());
        Err(self.source.fault(key.span(), &text!("{path}: there is no such field", "{path}：没有这个字段")))
    }

    /// A text; its default when it is left out.
    pub fn text(&mut self, name: &str) -> Result<Spanned<String>, Fault> {
        let path = self.at(name);
        let Some(found) = self.entries.remove(name) else {
            return match find(&path).kind {
                Kind::Text(default, _) | Kind::Path(default) => Ok(Spanned::new(self.span.clone(), default.to_owned())),
                Kind::Required(_) | Kind::RequiredPath => {
                    Err(self.source.fault(self.span.clone(), &text!("{path}: must be given", "{path}：必须填写")))
                }
                Kind::Number { .. } | Kind::Profile => unreachable!("{path} is no text"),
            };
        };
        let (span, kind) = (found.span(), found.get_ref().type_str());
        let DeValue::String(value) = found.into_inner() else {
            return Err(self.wrong_type(name, span, kind, &Text::fixed("a text", "文本")));
        };
        Ok(Spanned::new(span, value.into_owned()))
    }

    /// A text with a grammar of its own.
    pub fn parsed<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<T, Fault> {
        let raw = self.text(name)?;
        raw.get_ref().parse().map_err(|cause: T::Err| {
            let (path, value) = (self.at(name), raw.get_ref());
            self.source.fault(raw.span(), &text!("{path}: `{value}` {cause}", "{path}：`{value}` 不合规（{cause}）"))
        })
    }

    /// One of a few words.
    pub fn one_of<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Result<T, Fault> {
        let raw = self.text(name)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| word == raw.get_ref()) {
            return Ok(*value);
        }
        let (path, value) = (self.at(name), raw.get_ref());
        let all = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        Err(self.source.fault(
            raw.span(),
            &text!("{path}: `{value}` must be one of: {all}", "{path}：`{value}` 须为下列之一：{all}"),
        ))
    }

    /// A path, made absolute from the directory of the file.
    pub fn path(&mut self, name: &str) -> Result<PathBuf, Fault> {
        let raw = self.text(name)?;
        if raw.get_ref().is_empty() || raw.get_ref().contains('\0') {
            let path = self.at(name);
            return Err(self.source.fault(raw.span(), &text!("{path}: is not a path", "{path}：不是路径")));
        }
        let base = self.source.file.parent().unwrap_or_else(|| Path::new("/"));
        Ok(base.join(raw.get_ref()).components().collect())
    }

    /// A whole number; its default when it is left out.
    pub fn number(&mut self, name: &str) -> Result<u64, Fault> {
        let path = self.at(name);
        let Kind::Number { default, min, max, .. } = find(&path).kind else { unreachable!("{path} is no number") };
        let Some(found) = self.entries.remove(name) else { return Ok(default) };
        let span = found.span();
        let value = self.integer(name, found)?;
        if value.is_some_and(|value| (min..=max).contains(&value)) {
            return Ok(value.unwrap_or(default));
        }
        Err(self.source.fault(span, &text!("{path}: must be {min} to {max}", "{path}：须在 {min} 到 {max} 之间")))
    }

    /// A name, or a list of whole numbers; `None` when it is left out.
    pub fn name_or_numbers(&mut self, name: &str) -> Result<Option<Spanned<NameOrNumbers>>, Fault> {
        let Some(found) = self.entries.remove(name) else { return Ok(None) };
        let (span, kind) = (found.span(), found.get_ref().type_str());
        let value = found.into_inner();
        if let Some(word) = value.as_str() {
            return Ok(Some(Spanned::new(span, NameOrNumbers::Name(word.to_owned()))));
        }
        let DeValue::Array(values) = value else {
            return Err(self.wrong_type(name, span, kind, &Text::fixed("a name or a list", "名称或列表")));
        };
        if !(1..=RESEND_STEPS_MAX).contains(&values.len()) {
            let cause = text!("must have 1 to {RESEND_STEPS_MAX} numbers", "须有 1 到 {RESEND_STEPS_MAX} 个数");
            return Err(self.fault(span, name, &cause));
        }
        let mut numbers = Vec::new();
        for value in values {
            let place = value.span();
            let number = self.integer(name, value)?;
            let cause = Text::fixed("is no such number", "数值不合规");
            numbers.push(number.ok_or_else(|| self.fault(place, name, &cause))?);
        }
        Ok(Some(Spanned::new(span, NameOrNumbers::Numbers(numbers))))
    }

    /// A fault of one field.
    pub fn fault(&self, span: Range<usize>, name: &str, cause: &Text) -> Fault {
        let (path, en, zh) = (self.at(name), cause.get(crate::lang::Lang::En), cause.get(crate::lang::Lang::Zh));
        self.source.fault(span, &text!("{path}: {en}", "{path}：{zh}"))
    }

    /// Where this table begins.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    fn integer(&self, name: &str, value: Spanned<DeValue<'_>>) -> Result<Option<u64>, Fault> {
        let DeValue::Integer(number) = value.get_ref() else {
            let kind = value.get_ref().type_str();
            return Err(self.wrong_type(name, value.span(), kind, &Text::fixed("a whole number", "整数")));
        };
        Ok(u64::from_str_radix(number.as_str(), number.radix()).ok())
    }

    fn wrong_type(&self, name: &str, span: Range<usize>, kind: &str, wanted: &Text) -> Fault {
        let path = self.at(name);
        let (en, zh) = (wanted.get(crate::lang::Lang::En), wanted.get(crate::lang::Lang::Zh));
        self.source.fault(span, &text!("{path}: must be {en}, not {kind}", "{path}：须为{zh}，而不是 {kind}"))
    }

    fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

/// A name, or a list of numbers.
pub(super) enum NameOrNumbers {
    /// A name.
    Name(String),
    /// A list.
    Numbers(Vec<u64>),
}
