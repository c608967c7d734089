//! The language of what is printed.

use std::env;

/// The language of what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    /// English, unless the locale says otherwise.
    English,
    /// Chinese, for a locale that begins with `zh`.
    Chinese,
}

impl Lang {
    /// Reads `LC_ALL`, `LC_MESSAGES` and `LANG`; the first that is set counts.
    #[expect(clippy::disallowed_methods, reason = "the language of messages is the terminal's")]
    pub fn of_environment() -> Self {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"].map(|name| env::var(name).ok());
        let locale = set.into_iter().flatten().find(|locale| !locale.is_empty());
        if locale.is_some_and(|locale| locale.starts_with("zh")) { Self::Chinese } else { Self::English }
    }
}
