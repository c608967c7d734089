//! What each zone shows at one moment, as its node, its database and its directories tell.

use std::path::Path;

use contract::rows::BASE_KINDS;
use serde_json::Value;

use super::page::{Fact, Files, Sight};
use super::scene::Scene;
use super::words::{decision, match_state, notice_state, order_state, refund_state};
use crate::demo::columns::{grouped, yuan};
use crate::demo::database::Database;
use crate::demo::failure::Failure;
use crate::demo::lang::{Text, text};
use crate::demo::line::Who;

/// What the story is about at the moment; what is not there is not shown.
#[derive(Debug, Clone, Default)]
pub struct Focus {
    /// 缴款码.
    pub pay_code: Option<String>,
    /// What the outer node said of the pay code in this step, where that alone matters.
    pub said: Option<Text>,
    /// 开具申请号.
    pub request_id: Option<String>,
    /// 平台订单号.
    pub order: Option<String>,
    /// 确认单号.
    pub confirm_id: Option<String>,
    /// 线下缴款号.
    pub payment_id: Option<String>,
}

impl Focus {
    /// Whether the story is about nothing but base data.
    const fn is_empty(&self) -> bool {
        self.pay_code.is_none() && self.order.is_none() && self.request_id.is_none()
    }
}

/// Looks at both zones.
///
/// # Errors
/// When a node or a database does not answer.
pub fn look(scene: &mut Scene<'_>) -> Result<Sight, Failure> {
    // Outside first: what it shows of the inner zone is never ahead of what that shows itself.
    let outer = outer(scene)?;
    let inner = inner(scene)?;
    let [before_outer, before_inner] =
        [&scene.town.outer_zone, &scene.town.inner_zone].map(|zone| files(&zone.to_gate));
    let files = Files { before_outer: before_outer?, before_inner: before_inner?, inside: files(&scene.gate)? };
    Ok(Sight { outer, inner, files })
}

fn outer(scene: &mut Scene<'_>) -> Result<Vec<Fact>, Failure> {
    let focus = scene.focus.clone();
    let mut facts = base(&mut scene.outer_database, focus.is_empty())?;
    if let Some(request_id) = &focus.request_id {
        let shown = scene.town.outer.line.get(Who::Anyone, &format!("/request?request_id={request_id}"))?;
        facts.push(fact("request", text!("request", "开具申请"), request_text(&shown)));
    }
    if let Some(pay_code) = &focus.pay_code {
        let said = match &focus.said {
            Some(said) => said.clone(),
            None => notice_text(scene, pay_code)?,
        };
        facts.push(fact("notice", text!("notice", "通知书"), said));
    }
    if let Some(order) = &focus.order {
        let shown = scene.town.outer.line.get(Who::Anyone, &format!("/order?platform_order_no={order}"))?;
        facts.push(fact("order", text!("order", "订单"), order_state(shown["state"].as_i64())));
    }
    facts.extend(offline(&mut scene.outer_database, focus.payment_id.as_deref())?);
    if let Some(confirm_id) = &focus.confirm_id {
        facts.push(confirmation(&mut scene.outer_database, confirm_id)?);
        let shown = scene.town.outer.line.get(Who::Anyone, &format!("/confirm?confirm_id={confirm_id}"))?;
        let answer = if shown["is_pending"] == true { text!("not yet", "尚无") } else { judged(&shown) };
        facts.push(fact("answer", text!("answer of the ledger", "内网答复"), answer));
    }
    if focus.order.is_some() || focus.request_id.is_some() {
        facts.push(fact("site_told", text!("the site was told", "已通知单位网站"), told_site(scene)));
    }
    Ok(facts)
}

fn inner(scene: &mut Scene<'_>) -> Result<Vec<Fact>, Failure> {
    let focus = scene.focus.clone();
    let mut facts = base(&mut scene.inner_database, focus.is_empty())?;
    if let Some(pay_code) = &focus.pay_code {
        let path = format!("/notice?pay_code={pay_code}");
        let answer = scene.town.inner.line.ask(Who::Person(&scene.operator), &path, None)?;
        let state = answer.document["data"]["notice"]["state"].as_i64();
        let state = if answer.is_good() { notice_state(state) } else { text!("unknown", "不存在") };
        facts.push(fact("notice", text!("notice", "通知书"), state));
    }
    facts.extend(offline(&mut scene.inner_database, focus.payment_id.as_deref())?);
    if let Some(confirm_id) = &focus.confirm_id {
        facts.push(confirmation(&mut scene.inner_database, confirm_id)?);
        let booking = scene.booking(confirm_id)?;
        let matched = booking.as_ref().map_or_else(|| text!("not yet", "尚未"), judged);
        facts.push(fact("match", text!("match", "匹配"), matched));
        facts.push(fact("book", text!("book", "收入账"), book_text(booking.as_ref())));
        facts.push(fact("office_told", text!("the back-end was told", "已通知单位后台"), told_office(scene)));
    }
    Ok(facts)
}

fn fact(key: &'static str, label: Text, value: Text) -> Fact {
    Fact { key, label, value }
}

/// The rows of base data, as long as they are what matters.
fn base(database: &mut Database, is_shown: bool) -> Result<Vec<Fact>, Failure> {
    if !is_shown {
        return Ok(Vec::new());
    }
    let mut rows = 0;
    for kind in BASE_KINDS {
        rows += database.number(&format!("SELECT count(*) FROM {}", kind.table), &[])?;
    }
    let rows = grouped(rows);
    Ok(vec![fact("base_rows", text!("base data", "基础数据"), text!("{rows} rows", "{rows} 行"))])
}

fn notice_text(scene: &Scene<'_>, pay_code: &str) -> Result<Text, Failure> {
    let answer = scene.town.outer.line.ask(Who::Anyone, &format!("/notice?pay_code={pay_code}"), None)?;
    Ok(if answer.is_good() { notice_state(answer.document["data"]["state"].as_i64()) } else { absent(answer.code()) })
}

/// What the outer node says of a pay code that it does not have.
#[must_use]
pub fn absent(code: &str) -> Text {
    match code {
        "not-yet-synchronised" => text!("not yet synchronised", "尚未同步"),
        "pay-code-unknown" => text!("unknown", "不存在"),
        _ => text!("{code}", "{code}"),
    }
}

fn request_text(shown: &Value) -> Text {
    match shown["answer"].as_str() {
        Some("issued") => text!("issued", "已开具"),
        Some("refused") => text!("refused", "已退回"),
        _ => text!("not answered", "待答复"),
    }
}

fn confirmation(database: &mut Database, confirm_id: &str) -> Result<Fact, Failure> {
    let found = database.number("SELECT count(*) FROM pay_confirm WHERE confirm_id = ?1", &[confirm_id])?;
    let value = if found == 1 { text!("there", "已有") } else { text!("not here", "未到") };
    Ok(fact("confirmation", text!("confirmation", "缴款确认"), value))
}

fn offline(database: &mut Database, payment_id: Option<&str>) -> Result<Option<Fact>, Failure> {
    let Some(payment_id) = payment_id else { return Ok(None) };
    let sql = "SELECT refund_state FROM offline_payment WHERE payment_id = ?1";
    let found = database.rows(sql, &[payment_id], |row| row.number(0))?;
    let state = found.first().and_then(|state| i64::try_from(*state).ok());
    let value = if state.is_some() { refund_state(state) } else { text!("not here", "未到") };
    Ok(Some(fact("offline_payment", text!("cash payment", "现金缴款"), value)))
}

fn judged(of: &Value) -> Text {
    let (state, decision) = (match_state(of["match_state"].as_i64()), decision(of["decision"].as_i64()));
    let (en, zh) =
        (format!("{}, {}", state.english, decision.english), format!("{}，{}", state.chinese, decision.chinese));
    text!("{en}", "{zh}")
}

fn book_text(booking: Option<&Value>) -> Text {
    let Some(booking) = booking else { return text!("nothing", "无") };
    let amount = yuan(booking["amount_fen"].as_u64().unwrap_or(0));
    text!("{amount} yuan", "{amount} 元")
}

/// What the unit's site was told of the order, its confirmation or the request, in order.
fn told_site(scene: &Scene<'_>) -> Text {
    let focus = &scene.focus;
    let is = |told: &Value, name: &str, of: &Option<String>| of.is_some() && told[name].as_str() == of.as_deref();
    let heard = scene.site.heard();
    let ours = heard
        .iter()
        .filter(|told| is(told, "platform_order_no", &focus.order) || is(told, "request_id", &focus.request_id));
    let word = |told: &Value| match told["kind"].as_str() {
        Some("confirm") => judged(told),
        Some("request") => text!("notice issued", "通知书已开具"),
        _ => order_state(told["state"].as_i64()),
    };
    joined(ours.map(word).collect())
}

/// What the unit's system inside was told of the confirmation.
fn told_office(scene: &Scene<'_>) -> Text {
    let confirm_id = scene.focus.confirm_id.as_deref();
    let heard = scene.office.heard();
    joined(heard.iter().filter(|told| told["payment_id"].as_str() == confirm_id).map(judged).collect())
}

fn joined(words: Vec<Text>) -> Text {
    if words.is_empty() {
        return text!("nothing", "无");
    }
    let each = |get: fn(&Text) -> &String| words.iter().map(|word| get(word).as_str()).collect::<Vec<_>>();
    let (en, zh) = (each(|word| &word.english).join(" + "), each(|word| &word.chinese).join(" + "));
    text!("{en}", "{zh}")
}

/// The files below a directory; those that vanish meanwhile are none.
fn files(directory: &Path) -> Result<u64, Failure> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(cause) => return Err(Failure::file(directory, &cause)),
    };
    let mut count = 0;
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        count += if path.is_dir() { files(&path)? } else { u64::from(path.is_file()) };
    }
    Ok(count)
}
