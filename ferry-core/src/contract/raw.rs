//! The shapes of the TOML text, each value with its place.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawContract {
    pub name: Spanned<String>,
    pub version: Spanned<u64>,
    pub zones: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    pub schema: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    pub stream: Vec<RawStream>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStream {
    pub name: Spanned<String>,
    pub owner: Spanned<String>,
    pub to: Spanned<String>,
    pub priority: u8,
    #[serde(default)]
    pub depends: Vec<Spanned<String>>,
    pub limits: RawLimits,
    #[serde(default)]
    pub table: Vec<RawTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLimits {
    pub rows: Spanned<u64>,
    pub plain_bytes: Spanned<u64>,
    pub linger_ms: Spanned<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTable {
    pub name: Spanned<String>,
    pub key: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    pub sensitive_key: bool,
    #[serde(default)]
    pub independent: bool,
    pub columns: Spanned<Vec<RawColumn>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawColumn {
    pub name: Spanned<String>,
    #[serde(rename = "type")]
    pub kind: Spanned<String>,
    #[serde(default)]
    pub nullable: bool,
    pub sensitive: Option<Spanned<bool>>,
    pub money: Option<Spanned<bool>>,
    pub signed: Option<Spanned<bool>>,
    pub min: Option<Spanned<i64>>,
    pub max: Option<Spanned<i64>>,
}
