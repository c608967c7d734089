//! How a story ends: both zones compared, the money on both sides, and commands to look around with.

use std::path::Path;

use serde_json::{Value, json};

use super::page::Page;
use super::sight::Focus;
use crate::demo::columns::yuan;
use crate::demo::commands::{of_node, of_zone, verify};
use crate::demo::compare::compare;
use crate::demo::database::Database;
use crate::demo::failure::Failure;
use crate::demo::lang::{Lang, Text};
use crate::demo::options::Story;
use crate::demo::outcome::Asked;
use crate::demo::town::Town;

/// How a story ended.
#[derive(Debug)]
pub struct Ending {
    /// Tables of the contract.
    tables: usize,
    /// Those that differ.
    different: Vec<&'static str>,
    /// Payments that the outer zone has confirmed.
    confirmed: u64,
    /// What they come to, in fen.
    outside_fen: u64,
    /// Payments that the inner zone has booked of them.
    booked: u64,
    /// What these come to, in fen.
    inside_fen: u64,
    /// Commands to look around with.
    commands: Vec<String>,
}

/// Compares both zones.
///
/// # Errors
/// When a database cannot be read.
pub fn ending(ferry: &Path, town: &Town, focus: &Focus) -> Result<Ending, Failure> {
    let tables = compare(&town.inner_zone.database, &town.outer_zone.database)?;
    let different = tables.iter().filter(|table| !table.is_equal()).map(|table| table.shape.table).collect();
    let mut outer = Database::open(&town.outer_zone.database)?;
    let confirmed = outer.number("SELECT count(*) FROM pay_confirm", &[])?;
    let outside_fen = outer.number("SELECT ifnull(sum(amount_fen), 0) FROM pay_confirm", &[])?;
    outer.close();
    let mut inner = Database::open(&town.inner_zone.database)?;
    let booked = inner.number("SELECT count(*) FROM inner_book WHERE source = 'ONLINE'", &[])?;
    let inside_fen = inner.number("SELECT ifnull(sum(amount_fen), 0) FROM inner_book WHERE source = 'ONLINE'", &[])?;
    inner.close();
    let commands = commands(ferry, town, focus);
    Ok(Ending { tables: tables.len(), different, confirmed, outside_fen, booked, inside_fen, commands })
}

impl Ending {
    /// Whether both zones have the same rows and account for the same money.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.different.is_empty() && (self.confirmed, self.outside_fen) == (self.booked, self.inside_fen)
    }

    /// The ending as a person reads it.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        let Self { tables, confirmed, booked, .. } = self;
        let (outside, inside) = (yuan(self.outside_fen), yuan(self.inside_fen));
        let different = self.different.join(", ");
        let commands: String = self.commands.iter().map(|command| format!("  {command}\n")).collect();
        let verdict = match (self.is_good(), lang) {
            (true, Lang::English) => format!("all {tables} tables are the same in both zones, and so is the money\n"),
            (true, Lang::Chinese) => format!("{tables} 张表两区一致，金额一致\n"),
            (false, Lang::English) => format!("THE ZONES DIFFER: {different}\n"),
            (false, Lang::Chinese) => format!("两区不一致：{different}\n"),
        };
        match lang {
            Lang::English => format!(
                "\nmoney: {outside} yuan in {confirmed} payments confirmed outside, {inside} yuan in {booked} payments booked \
                 inside\n{verdict}look around, all programs have ended and the folder stays:\n{commands}"
            ),
            Lang::Chinese => format!(
                "\n金额：外网确认 {confirmed} 笔 {outside} 元，内网入账 {booked} 笔 {inside} 元\n{verdict}\
                 四处看看（各程序已结束，目录保留）：\n{commands}"
            ),
        }
    }

    /// The ending as a program reads it, beside the steps.
    #[must_use]
    pub fn document(&self, story: Story, asked: &Asked) -> Value {
        json!({
            "story": story.name(), "seed": asked.seed, "profile": asked.profile, "time_scale": asked.time_scale,
            "good": self.is_good(), "tables": self.tables, "different": self.different, "confirmed": self.confirmed,
            "outside_fen": self.outside_fen, "booked": self.booked, "inside_fen": self.inside_fen, "commands": self.commands,
        })
    }
}

/// What a story that failed leaves, beside the steps that were told.
#[must_use]
pub fn failed(story: Story, page: &Page, text: &Text) -> Value {
    let failure = json!({ "step": page.number(), "message": text.english, "message_zh": text.chinese });
    json!({ "story": story.name(), "good": false, "failure": failure })
}

/// Commands to look around with: what was booked, the last order, the way of its confirmation and notice, and what crossed.
fn commands(ferry: &Path, town: &Town, focus: &Focus) -> Vec<String> {
    let of = |value: &Option<String>| value.clone().unwrap_or_default();
    let (order, confirm_id, pay_code) = (of(&focus.order), of(&focus.confirm_id), of(&focus.pay_code));
    vec![
        of_node(&town.inner, &["bookings"]),
        of_node(&town.inner, &["record"]),
        of_node(&town.outer, &["order", "show", &order]),
        of_zone(ferry, &town.outer_zone, &["trace", "pay_confirm", &confirm_id]),
        of_zone(ferry, &town.inner_zone, &["trace", "pay_notice", &pay_code]),
        verify(ferry, [&town.inner_zone, &town.outer_zone]),
    ]
}
