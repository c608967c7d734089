//! `ferry keys rotate`, `ferry keys finish` and `ferry trust activate`: a zone's keys change while files are on their way.

use ferry_format::{Card, Digest, KeyProvider as _, Verified};
use serde_json::json;

use super::Context;
use super::desk::{Desk, unread};
use super::output::Output;
use super::trust::{Role, ask, confirm, fits};
use crate::config::Config;
use crate::files::durable;
use crate::keyring::{
    OVERLAP_MS, create_next, credentials_directory, load_keys, load_next, read_trust, take_up_next, write_trust,
};
use crate::lang::Text;
use crate::{ExitCode, Fault, Lang};

/// The facts by which the daemon tells of cards.
pub const OWN_CARD: &str = "own_card";
/// The fact that tells which card of this zone that is: the digest of its file.
const OWN_CARD_DIGEST: &str = "own_card_digest";
/// The card that the peer announces, in hex.
pub const PEER_CARD: &str = "peer_card";

/// Makes the next keys, which the daemon announces from then on, or shows those that are there.
///
/// # Errors
/// When they cannot be written.
pub fn rotate(config: &Config, anew: bool, context: &Context) -> Result<Output, Fault> {
    load_keys(config, credentials_directory().as_deref())?;
    let next = create_next(config, anew, context.now_ms)?;
    let path = config.directory().join(format!("{}-next.card", config.zone));
    let written = durable::publish(config.directory(), &format!("{}-next.card", config.zone), &next.file);
    written.map_err(|error| super::keys::unwritable(&path, &error))?;
    let (file, fingerprint, key) = (path.display(), next.card.fingerprint_text(), next.keys.sign_key_id());
    let human = match context.lang {
        Lang::En => format!(
            "next keys are there; the running daemon announces them\n{file} is their card\nkey          {key}\n\
             fingerprint  {fingerprint}\n\
             next: the peer's operator calls you, compares the fingerprint and runs `ferry trust activate`;\n      \
             then run `ferry keys finish` here\n"
        ),
        Lang::Zh => format!(
            "下一代密钥已就绪；运行中的守护进程将予以公告\n{file} 为其名片\n密钥  {key}\n指纹  {fingerprint}\n\
             下一步：对端操作员致电核对指纹后运行 `ferry trust activate`；\n        然后在本区运行 `ferry keys finish`\n"
        ),
    };
    let json = json!({ "key": key.to_string(), "card": path, "fingerprint": next.card.fingerprint().to_string() });
    Ok(Output::new(human, json))
}

/// Takes the next keys up. Without `at_once` only when the peer seals to them already.
///
/// # Errors
/// When there are none, the peer has not put them in use, or they cannot be put in place.
pub fn finish(config: &Config, at_once: bool, context: &Context) -> Result<Output, Fault> {
    if !at_once && let Some(next) = load_next(config)? {
        let desk = Desk::open(context)?;
        // What the daemon noted may be about next keys of before.
        let is_it = fact(&desk, OWN_CARD_DIGEST)? == Digest::of(&[&next.file]).to_string();
        if !is_it || fact(&desk, OWN_CARD)? != "accepted" {
            return Err(not_accepted());
        }
    }
    let card = take_up_next(config)?;
    let (key, fingerprint) = (card.sign.id(), card.fingerprint_text());
    let human = match context.lang {
        Lang::En => format!(
            "key {key} signs from now on\nfingerprint  {fingerprint}\n\
             what the old keys signed and sealed still counts and opens\n"
        ),
        Lang::Zh => format!("自此使用密钥 {key} 签名\n指纹  {fingerprint}\n旧密钥签名与封装的内容仍然有效并可解封\n"),
    };
    Ok(Output::new(human, json!({ "key": key.to_string(), "fingerprint": card.fingerprint().to_string() })))
}

/// Puts the keys in use that the peer's statuses announce, after the fingerprint was compared.
///
/// # Errors
/// When none are announced, two are, or the fingerprint differs.
pub fn activate(told: Option<String>, context: &Context) -> Result<Output, Fault> {
    let desk = Desk::open(context)?;
    let config = &desk.config;
    let card = announced(&desk)?;
    fits(config, &card, Role::Peer)?;
    let told = match told {
        Some(told) => told,
        None => ask(&card, context)?,
    };
    confirm(&card, &told)?;
    let mut trust = read_trust(&config.paths.trust)?;
    let ends_ms = context.now_ms.saturating_add(OVERLAP_MS);
    let (zone, key) = (&card.zone, card.sign.id());
    if trust.entry(&key).is_some_and(|entry| entry.state != ferry_format::KeyState::Announced) {
        return Err(super::trust::known(&card));
    }
    let retired = trust.put_in_use(&card, Some(ends_ms)).map_err(Fault::internal)?.map(|old| old.to_string());
    write_trust(&config.paths.trust, &trust)?;
    let until = super::when::local(ends_ms);
    let old = retired.as_deref().unwrap_or("-");
    let human = match context.lang {
        Lang::En => format!(
            "zone {zone}'s key {key} is in use; files are sealed to its new keys\n\
             its key {old} is retired: what it signs counts until {until}, what it signed stays verifiable\n"
        ),
        Lang::Zh => format!(
            "{zone} 区的密钥 {key} 已启用；文件改用其新密钥封装\n其原密钥 {old} 已退役：其签名的新文件在 {until} 前有效，旧签名始终可核验\n"
        ),
    };
    let json = json!({
        "zone": zone.as_str(), "key": key.to_string(), "fingerprint": card.fingerprint().to_string(),
        "retired": retired, "retired_until_ms": ends_ms,
    });
    Ok(Output::new(human, json))
}

/// The card that the peer announces.
fn announced(desk: &Desk) -> Result<Card, Fault> {
    if fact(desk, "peer_alarm")? == "peer-two-cards" {
        return Err(Fault::new(
            "peer-two-cards",
            ExitCode::Trust,
            Text::fixed("the peer's statuses announced two different cards", "对端状态文件公告了两张不同的名片"),
            Text::fixed(
                "one may be a thief's: ask the peer for its card by hand and run `ferry trust add`",
                "其中一张可能出自窃密者：请当面索取对端名片并运行 `ferry trust add`",
            ),
        ));
    }
    card_of(&fact(desk, PEER_CARD)?).ok_or_else(|| {
        Fault::new(
            "no-card-announced",
            ExitCode::NotFound,
            Text::fixed("the peer announces no new keys", "对端未公告新密钥"),
            Text::fixed(
                "let its operator run `ferry keys rotate`, and wait for its next status; a card carried by hand is added with `ferry trust add`",
                "请其操作员运行 `ferry keys rotate`，并等待其下一份状态文件；当面携带的名片用 `ferry trust add` 添加",
            ),
        )
    })
}

/// The card that the daemon noted, in hex.
pub fn card_of(hex: &str) -> Option<Card> {
    let file = ferry_format::ident::hex_decode_vec(hex).ok().filter(|file| !file.is_empty())?;
    Card::parse(&file).ok().map(Verified::into_inner)
}

fn fact(desk: &Desk, name: &str) -> Result<String, Fault> {
    let facts = desk.books.facts().map_err(unread)?;
    Ok(facts.into_iter().find(|(known, _)| known == name).map_or_else(String::new, |(_, value)| value))
}

fn not_accepted() -> Fault {
    Fault::new(
        "next-keys-not-accepted",
        ExitCode::Refused,
        Text::fixed(
            "the peer has not put the next keys in use, so it would hold what they sign",
            "对端尚未启用下一代密钥，会扣住其签名的文件",
        ),
        Text::fixed(
            "let its operator run `ferry trust activate`, and wait for its next status; if the card was carried by hand, use --at-once",
            "请其操作员运行 `ferry trust activate` 并等待其下一份状态文件；若名片系当面携带，请用 --at-once",
        ),
    )
}
