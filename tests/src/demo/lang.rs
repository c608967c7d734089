//! The two languages of what the demo prints.

use std::env;

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    /// English, unless the locale says otherwise.
    English,
    /// Chinese, for a locale that begins with `zh`.
    Chinese,
}

impl Lang {
    /// Reads `LC_ALL`, `LC_MESSAGES` and `LANG`; the first that is set counts.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the language of messages is the terminal's")]
    pub fn of_environment() -> Self {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"].map(|name| env::var(name).ok());
        let locale = set.into_iter().flatten().find(|locale| !locale.is_empty());
        if locale.is_some_and(|locale| locale.starts_with("zh")) { Self::Chinese } else { Self::English }
    }
}

/// One message in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// In English.
    pub english: String,
    /// In Chinese.
    pub chinese: String,
}

impl Text {
    /// The message in this language.
    #[must_use]
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::English => &self.english,
            Lang::Chinese => &self.chinese,
        }
    }
}

/// A [`Text`] from two formats, English and Chinese, over variables in scope and named arguments that both use.
macro_rules! text {
    ($english:literal, $chinese:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::demo::lang::Text {
            english: format!($english $(, $name = $value)*),
            chinese: format!($chinese $(, $name = $value)*),
        }
    };
}
pub(crate) use text;
