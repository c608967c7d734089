//! `ferry trust revoke`, `sign` and `apply`: a zone's key that may be in other hands counts no more.
//!
//! A revocation is a file that people carry to both zones. Two operators sign it.

use std::path::{Path, PathBuf};

use ferry_core::ports::{AnchorStore as _, Direction};
use ferry_format::limits::REVOCATION_BYTES_MAX;
use ferry_format::{
    ActTime, Mark, REVOCATION_APPROVALS, Reason, Revocation, SignedRevocation, StreamName, TrustEntry, TrustStore,
};
use serde_json::{Value, json};

use super::Context;
use super::desk::{Desk, unread};
use super::output::Output;
use super::tables::Table;
use super::trust::{find, trust_of};
use crate::files::{AnchorFile, durable};
use crate::keyring::{credentials_directory, load_keys, load_operator, write_trust};
use crate::lang::Text;
use crate::store::BatchQuery;
use crate::verify::format_error;
use crate::{ExitCode, Fault, Lang, text};

/// What a revocation says, as its maker wants it.
#[derive(Debug)]
pub struct Draft {
    /// The signing key, or the beginning of its id.
    pub key: String,
    /// Where the file goes.
    pub out: PathBuf,
    /// Why.
    pub reason: String,
    /// Streams of which less is good than this zone knows: `STREAM=SEQ`, 0 for nothing.
    pub through: Vec<String>,
    /// The last good status, where that is not the last one known.
    pub statuses: Option<u64>,
    /// Operators who sign at once.
    pub keys: Vec<PathBuf>,
}

/// Writes a revocation. Up to where the key was good the books of this zone tell: what it recorded itself, or applied of the peer.
///
/// # Errors
/// When the key is not a zone's, a place is not known, or the file cannot be written.
pub fn revoke(draft: &Draft, context: &Context) -> Result<Output, Fault> {
    let desk = Desk::open(context)?;
    let config = &desk.config;
    let (key, zone) = zone_key(&desk, &trust_of(config)?, &draft.key)?;
    let own = zone == config.zone;
    let reason = Reason::new(&draft.reason).map_err(|error| bad_reason(&error))?;
    let mut last_good = if own { recorded(&desk)? } else { applied(&desk)? };
    for word in &draft.through {
        lower(&desk, &mut last_good, word, if own { Direction::Out } else { Direction::In })?;
    }
    let known = if own { own_status(&desk)? } else { peer_status(&desk)? };
    let status_number = draft.statuses.unwrap_or(known);
    let link = config.link.clone();
    let revocation = Revocation { link, zone, key, last_good, status_number, at_ms: context.now_ms, reason };
    let mut signed = SignedRevocation::unsigned(revocation);
    for key in &draft.keys {
        signed.approve(&load_operator(key)?).map_err(Fault::internal)?;
    }
    let bytes = signed.write().map_err(Fault::internal)?;
    durable::publish_new(&draft.out, &bytes, durable::GROUP_READABLE)
        .map_err(|error| unusable(&draft.out, &error.to_string()))?;
    Ok(told(&signed, &draft.out, context.lang))
}

/// Adds an operator's signature to a revocation.
///
/// # Errors
/// When the file or the key cannot be used.
pub fn sign(path: &Path, key: &Path, context: &Context) -> Result<Output, Fault> {
    let mut signed = read(path)?;
    signed.approve(&load_operator(key)?).map_err(Fault::internal)?;
    let (directory, name) = (path.parent(), path.file_name().and_then(|name| name.to_str()));
    let directory = directory.filter(|directory| !directory.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let bytes = signed.write().map_err(Fault::internal)?;
    let written =
        durable::publish_through(directory, directory, name.unwrap_or_default(), &bytes, durable::GROUP_READABLE);
    written.map_err(|error| unusable(path, &error.to_string()))?;
    Ok(told(&signed, path, context.lang))
}

/// Applies a revocation to this zone's trust. The running daemon follows at once.
///
/// # Errors
/// When too few operators of this zone's trust signed it, it lets more count than an earlier one, or the key is in use here.
pub fn apply(path: &Path, context: &Context) -> Result<Output, Fault> {
    let config = super::desk::config(context)?;
    let signed = read(path)?;
    let mut trust = trust_of(&config)?;
    let verified = signed
        .verify(&trust, &config.link, ActTime::Now(context.now_ms))
        .map_err(|error| refused(path, &error, ExitCode::Trust))?;
    if verified.zone == config.zone {
        let keys = load_keys(&config, credentials_directory().as_deref())?;
        if keys.sign_public().id() == verified.key {
            return Err(in_use());
        }
    }
    trust.revoke(&verified).map_err(|error| refused(path, &error, ExitCode::Refused))?;
    write_trust(&config.paths.trust, &trust)?;
    let (key, zone) = (verified.key, &verified.zone);
    let human = match context.lang {
        Lang::En => format!(
            "zone {zone}'s key {key} is revoked: what it signed counts only up to the places below, if it chains to them\n{}\
             next: carry {} to the other zone and run `ferry trust apply` there too\n",
            places(&signed, context.lang),
            path.display()
        ),
        Lang::Zh => format!(
            "{zone} 区的密钥 {key} 已吊销：其签名仅在下列位置之前且与之衔接时有效\n{}\
             下一步：把 {} 带到另一区，也运行 `ferry trust apply`\n",
            places(&signed, context.lang),
            path.display()
        ),
    };
    Ok(Output::new(human, document(&signed, path)))
}

/// A zone's signing key by the beginning of its id: one of the trust file, or the one that this zone signs with.
fn zone_key(
    desk: &Desk,
    trust: &TrustStore,
    key: &str,
) -> Result<(ferry_format::KeyId, ferry_format::ZoneName), Fault> {
    let config = &desk.config;
    let own = load_keys(config, credentials_directory().as_deref()).ok();
    if let Some(own) = own.filter(|own| key.len() >= 6 && own.sign_public().id().to_string().starts_with(key)) {
        return Ok((own.sign_public().id(), config.zone.clone()));
    }
    let entry = find(trust, key)?;
    let signs_batches = |entry: &TrustEntry| entry.objects.contains(&ferry_format::Kind::Batch);
    if !signs_batches(entry) || entry.link != config.link {
        return Err(Fault::new(
            "no-zone-key",
            ExitCode::Usage,
            text!("{key} is no key of a zone of this link", "{key} 不是本链路某区的密钥"),
            Text::fixed(
                "an operator's or auditor's key is taken away with `ferry trust remove`",
                "操作员或审计员的密钥请用 `ferry trust remove` 移除",
            ),
        ));
    }
    Ok((entry.sign.id(), entry.zone.clone()))
}

/// The last group of each own stream.
fn recorded(desk: &Desk) -> Result<Vec<Mark>, Fault> {
    let mut marks: Vec<Mark> = Vec::new();
    let query = BatchQuery { direction: Direction::Out, stream: None, unsettled: false, limit: GROUP_SEARCH_MAX };
    for row in desk.books.batches(&query).map_err(unread)? {
        let ends = row.group.is_none_or(|group| group.last);
        if ends && marks.iter().all(|mark| mark.stream != row.stream) {
            marks.push(Mark { stream: row.stream, epoch: row.epoch, seq: row.seq, digest: row.digest });
        }
    }
    marks.sort_by(|one, other| one.stream.cmp(&other.stream));
    Ok(marks)
}

/// Batches of a stream among which the end of its last whole group is looked for: a group is recorded as a whole, so that it is
/// among the first but for one that is being recorded.
const GROUP_SEARCH_MAX: u64 = 1_024;

/// The watermark of each stream of the peer.
fn applied(desk: &Desk) -> Result<Vec<Mark>, Fault> {
    let states = desk.books.stream_states().map_err(unread)?;
    let of_peer = states.into_iter().filter(|state| state.direction == Direction::In && state.applied_seq > 0);
    let mut marks: Vec<Mark> = of_peer
        .map(|state| Mark {
            stream: state.stream,
            epoch: state.epoch,
            seq: state.applied_seq,
            digest: state.applied_digest,
        })
        .collect();
    marks.sort_by(|one, other| one.stream.cmp(&other.stream));
    Ok(marks)
}

/// Less of a stream is good: `STREAM=SEQ`.
fn lower(desk: &Desk, marks: &mut Vec<Mark>, word: &str, direction: Direction) -> Result<(), Fault> {
    let parsed = word
        .split_once('=')
        .and_then(|(stream, seq)| Some((stream.parse::<StreamName>().ok()?, seq.parse::<u64>().ok()?)));
    let Some((stream, seq)) = parsed else {
        return Err(Fault::new(
            "bad-place",
            ExitCode::Usage,
            text!("{word} is not STREAM=SEQ", "{word} 不是 流=序号"),
            Text::fixed("for example --through confirm=120", "例如 --through confirm=120"),
        ));
    };
    let Some(known) = marks.iter_mut().find(|mark| mark.stream == stream) else {
        return Err(super::place::no_stream(&stream));
    };
    if seq == 0 {
        marks.retain(|mark| mark.stream != stream);
        return Ok(());
    }
    let row = desk.books.batch(direction, &stream, seq).map_err(unread)?;
    let row =
        row.filter(|row| seq <= known.seq && row.epoch == known.epoch && row.group.is_none_or(|group| group.last));
    let last = known.seq;
    let Some(row) = row else {
        return Err(Fault::new(
            "bad-place",
            ExitCode::NotFound,
            text!(
                "{stream}/{seq} is not the end of a group at or below {last}",
                "{stream}/{seq} 不是不高于 {last} 的一组之末"
            ),
            text!(
                "`ferry queue` and `ferry show {stream}/{seq}` tell what there is",
                "`ferry queue` 与 `ferry show {stream}/{seq}` 说明现有批次"
            ),
        ));
    };
    *known = Mark { stream, epoch: row.epoch, seq, digest: row.digest };
    Ok(())
}

fn own_status(desk: &Desk) -> Result<u64, Fault> {
    let facts = desk.books.facts().map_err(unread)?;
    Ok(facts.iter().find(|(name, _)| name == "status_number").and_then(|(_, number)| number.parse().ok()).unwrap_or(0))
}

fn peer_status(desk: &Desk) -> Result<u64, Fault> {
    let anchor = AnchorFile::new(desk.config.paths.anchor.clone()).load().map_err(unread)?;
    Ok(anchor.and_then(|anchor| anchor.peer).map_or(0, |(_, number)| number))
}

fn read(path: &Path) -> Result<SignedRevocation, Fault> {
    let max = u64::try_from(REVOCATION_BYTES_MAX).unwrap_or(u64::MAX);
    let bytes = durable::read_bounded(path, max).map_err(|error| unusable(path, &error.to_string()))?;
    SignedRevocation::parse(&bytes).map_err(|error| {
        let (path, cause) = (path.display(), format_error(&error));
        let (en, zh) = (cause.get(Lang::En), cause.get(Lang::Zh));
        Fault::new(
            "revocation-invalid",
            ExitCode::Input,
            text!("{path} is no revocation: {en}", "{path} 不是吊销书：{zh}"),
            Text::fixed("write it anew with `ferry trust revoke`", "请用 `ferry trust revoke` 重新生成"),
        )
    })
}

fn told(signed: &SignedRevocation, path: &Path, lang: Lang) -> Output {
    let (file, have) = (path.display(), signed.approvals.len());
    let (zone, key, need) = (&signed.revocation.zone, signed.revocation.key, REVOCATION_APPROVALS);
    let places = places(signed, lang);
    let human = match lang {
        Lang::En => format!(
            "{file}: key {key} of zone {zone}, signed by {have} of {need}\nlast good:\n{places}\
             operators sign it with `ferry trust sign {file} --key FILE`; `ferry trust apply {file}` in both zones\n"
        ),
        Lang::Zh => format!(
            "{file}：{zone} 区的密钥 {key}，已有 {have}/{need} 人签名\n最后有效：\n{places}\
             操作员用 `ferry trust sign {file} --key 文件` 签名；在两区运行 `ferry trust apply {file}`\n"
        ),
    };
    Output::new(human, document(signed, path))
}

fn places(signed: &SignedRevocation, lang: Lang) -> String {
    let head = match lang {
        Lang::En => ["stream", "epoch", "seq", "digest"],
        Lang::Zh => ["流", "纪元", "序号", "摘要"],
    };
    let mut table = Table::new(&head);
    for mark in &signed.revocation.last_good {
        let (epoch, seq) = (mark.epoch.to_string(), mark.seq.to_string());
        table.row(vec![mark.stream.to_string(), epoch, seq, mark.digest.short()]);
    }
    let number = signed.revocation.status_number;
    let statuses = match lang {
        Lang::En => format!("statuses up to {number}\n"),
        Lang::Zh => format!("状态文件至 {number}\n"),
    };
    if table.is_empty() { statuses } else { table.text() + &statuses }
}

fn document(signed: &SignedRevocation, path: &Path) -> Value {
    let revocation = &signed.revocation;
    let last_good: Vec<Value> = revocation
        .last_good
        .iter()
        .map(|mark| {
            json!({
                "stream": mark.stream.as_str(), "epoch": mark.epoch, "seq": mark.seq, "digest": mark.digest.to_string(),
            })
        })
        .collect();
    json!({
        "revocation": path, "key": revocation.key.to_string(), "zone": revocation.zone.as_str(),
        "last_good": last_good, "status_number": revocation.status_number,
        "signed": signed.approvals.len(), "needed": REVOCATION_APPROVALS,
    })
}

fn bad_reason(error: &ferry_format::ReasonError) -> Fault {
    Fault::new(
        "bad-reason",
        ExitCode::Usage,
        text!("the reason {error}", "原因须为 1 至 200 个字符的一行文字，不含控制字符"),
        Text::fixed("say in one line why", "请用一行文字说明原因"),
    )
}

fn refused(path: &Path, error: &ferry_format::FormatError, exit: ExitCode) -> Fault {
    let (path, cause) = (path.display(), format_error(error));
    let (en, zh) = (cause.get(Lang::En), cause.get(Lang::Zh));
    Fault::new(
        error.code(),
        exit,
        text!("{path} is not applied: {en}", "{path} 未被应用：{zh}"),
        Text::fixed(
            "two operators whom `ferry trust list` names must sign it; what an earlier revocation took away stays away",
            "须由 `ferry trust list` 所列的两名操作员签名；先前吊销的部分不可恢复",
        ),
    )
}

fn in_use() -> Fault {
    Fault::new(
        "key-in-use",
        ExitCode::Refused,
        Text::fixed("this zone signs with that key still", "本区仍在使用该密钥签名"),
        Text::fixed(
            "first `ferry keys rotate` and `ferry keys finish --at-once`, and carry the new card to the peer",
            "请先运行 `ferry keys rotate` 与 `ferry keys finish --at-once`，并把新名片带给对端",
        ),
    )
}

fn unusable(path: &Path, error: &str) -> Fault {
    let path = path.display();
    Fault::new(
        "revocation-unusable",
        ExitCode::Storage,
        text!("{path}: {error}", "{path}：无法读写（{error}）"),
        Text::fixed("name another file", "请指定其他文件"),
    )
}
