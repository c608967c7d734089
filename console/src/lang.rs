//! The two languages that Ferry speaks to people.

use std::borrow::Cow;
use std::fmt;

/// A language of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Chinese (simplified).
    Zh,
}

impl Lang {
    /// The language that the values of `LC_ALL`, `LC_MESSAGES` and `LANG` ask for: the first that is set and not
    /// empty decides, as POSIX has it.
    #[must_use]
    pub fn from_locale(lc_all: Option<&str>, lc_messages: Option<&str>, lang: Option<&str>) -> Self {
        let locale = [lc_all, lc_messages, lang].into_iter().flatten().find(|locale| !locale.is_empty());
        match locale.and_then(|locale| locale.get(..2)) {
            Some(prefix) if prefix.eq_ignore_ascii_case("zh") => Self::Zh,
            Some(_) | None => Self::En,
        }
    }

    /// The language that this process was asked to speak.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the language of messages is the terminal's, not the zone's")]
    pub fn from_environment() -> Self {
        let [all, messages, lang] = ["LC_ALL", "LC_MESSAGES", "LANG"].map(|name| std::env::var(name).ok());
        Self::from_locale(all.as_deref(), messages.as_deref(), lang.as_deref())
    }
}

/// One message in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    en: Cow<'static, str>,
    zh: Cow<'static, str>,
}

impl Text {
    /// A message whose wording is fixed.
    #[must_use]
    pub const fn fixed(en: &'static str, zh: &'static str) -> Self {
        Self { en: Cow::Borrowed(en), zh: Cow::Borrowed(zh) }
    }

    /// A message that was put together.
    #[must_use]
    pub fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { en: Cow::Owned(en.into()), zh: Cow::Owned(zh.into()) }
    }

    /// The message in one language.
    #[must_use]
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::Zh => &self.zh,
        }
    }
}

/// The English wording, for logs.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en)
    }
}

/// A [`Text`] from two formats, English and Chinese: `text!("no {name}", "没有 {name}")`. Both may use variables in
/// scope, and named arguments after the formats; a named argument must stand in both.
#[macro_export]
macro_rules! text {
    ($en:literal, $zh:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::lang::Text::new(
            format!($en $(, $name = $value)*),
            format!($zh $(, $name = $value)*),
        )
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_locale_that_is_set_decides() {
        assert_eq!(Lang::from_locale(None, None, None), Lang::En);
        assert_eq!(Lang::from_locale(None, None, Some("zh_CN.UTF-8")), Lang::Zh);
        assert_eq!(Lang::from_locale(Some("C.UTF-8"), None, Some("zh_CN.UTF-8")), Lang::En);
        assert_eq!(Lang::from_locale(Some(""), Some("zh"), Some("en_US")), Lang::Zh);
        assert_eq!(Lang::from_locale(None, None, Some("z")), Lang::En);
    }

    #[test]
    fn both_languages_take_the_same_variables() {
        let name = "收";
        let said = text!("no {name}, only {other}", "没有 {name}，只有 {other}", other = 1 + 1);
        assert_eq!(said.get(Lang::En), "no 收, only 2");
        assert_eq!(said.get(Lang::Zh), "没有 收，只有 2");
    }
}
