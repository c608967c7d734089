//! Sessions of people (登录): opened with a password, ended, and the change of one's own password.

use std::sync::Arc;

use console::Text;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::clock::Moment;
use crate::failure::{Failure, Kind};
use crate::field_key::hex;
use crate::http::{Caller, Done, Who};
use crate::people::{self, FAILED_MAX, LOCKED_MS, Person, Role, SESSION_MS};
use crate::service::Node;
use crate::{password, record};

/// Passwords hashed at once: each takes 64 MiB.
const HASHES_AT_ONCE: usize = 2;
static HASHES: Semaphore = Semaphore::const_new(HASHES_AT_ONCE);
/// People who wait to log in: whoever floods the door must not take the room of everybody else's requests.
const LOGINS_WAITING_MAX: usize = 16;
static LOGINS: Semaphore = Semaphore::const_new(LOGINS_WAITING_MAX);
/// Bytes of a session's token.
const TOKEN_BYTES: usize = 32;

/// Name and password.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// What further requests carry as `Authorization: Bearer`.
    pub token: String,
    /// The role.
    pub role: Role,
    /// When it ends unless it is used, yyyyMMddHHmmss.
    pub expires: String,
}

/// Another password for whoever asks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// The present one.
    pub old: String,
    /// The one that counts from then on.
    pub new: String,
}

/// Opens a session for whoever knows the password. Unknown names cost as much time as wrong passwords and are told the same.
///
/// # Errors
/// When name and password do not belong together, or the person is locked out.
pub async fn login(node: &Node, caller: Caller, asked: Login) -> Result<Session, Failure> {
    let _place = place()?;
    let now = node.clock.now();
    let name = asked.name.clone();
    let found =
        node.database.read(move |connection| Box::pin(async move { people::find(connection, &name).await })).await?;
    let person = found.filter(|person| person.is_enabled);
    let kept = person.as_ref().map(|person| person.password.clone());
    let is_right = is_right(asked.password, kept).await?;
    let Some(person) = person.filter(|_| is_right) else {
        count_failure(node, &caller, &asked.name).await?;
        return Err(wrong_password());
    };
    let mut token = [0; TOKEN_BYTES];
    node.entropy.fill(&mut token)?;
    let token = hex(&token);
    let digest = crate::http::token_digest(&token);
    let act = caller.act(now.time17(), "login", format!("node_person/{}", person.name));
    let role = node.database.write(move |connection| Box::pin(open(connection, person, act, digest, now))).await?;
    Ok(Session { token, role, expires: now.plus_ms(SESSION_MS).time14() })
}

/// A place among those who wait for their password to be looked at.
fn place() -> Result<SemaphorePermit<'static>, Failure> {
    LOGINS.try_acquire().map_err(|_| {
        Failure::new(
            Kind::Busy,
            "busy",
            Text::fixed("too many people log in at once", "登录请求过多"),
            Text::fixed("try again in a moment", "请稍后重试"),
        )
    })
}

/// Opens the session of a person whose password was right a moment ago, if she still may log in with it.
async fn open(
    connection: &mut SqliteConnection,
    person: Person,
    act: record::Act,
    digest: String,
    now: Moment,
) -> Result<Role, Failure> {
    let found = people::find(connection, &person.name).await?;
    let is_same = |now_is: &Person| now_is.is_enabled && now_is.password == person.password;
    let person =
        found.filter(is_same).filter(|person| person.locked_until_ms <= now.ms()).ok_or_else(wrong_password)?;
    let role = person.role;
    let person = Person { failed: 0, locked_until_ms: 0, ..person };
    people::change(connection, &person, now).await?;
    people::open_session(connection, &person.name, &act.address, &digest, now).await?;
    record::note(connection, &record::Act { who: person.name, ..act }).await?;
    Ok(role)
}

/// The same whether the name is unknown, the password wrong, or the person locked out: nobody learns which names there are.
fn wrong_password() -> Failure {
    Failure::new(
        Kind::Unknown,
        "wrong-password",
        Text::fixed(
            "name and password do not belong together, or the person is locked out",
            "用户名或口令错误，或已被锁定",
        ),
        console::text!(
            "after {FAILED_MAX} wrong ones a person is locked out for a quarter of an hour; the administrator can unlock",
            "连续 {FAILED_MAX} 次错误将锁定一刻钟；系统管理员可解锁"
        ),
    )
}

/// Hashes even where there is nothing to compare with, so that time does not tell which names there are.
async fn is_right(password: String, kept: Option<String>) -> Result<bool, Failure> {
    /// The hash of a password that nobody knows, with the parameters of the others.
    const NOBODY: &str =
        "$argon2id$v=19$m=65536,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let _place = HASHES.acquire().await.map_err(Failure::internal)?;
    let is_known = kept.is_some();
    let kept = kept.unwrap_or_else(|| NOBODY.to_owned());
    let judged = tokio::task::spawn_blocking(move || password::is_right(&password, &kept)).await;
    Ok(judged.map_err(Failure::internal)?? && is_known)
}

pub(crate) async fn hashed(node: &Node, name: &str, password: String) -> Result<String, Failure> {
    password::judge(name, &password)?;
    let _place = HASHES.acquire().await.map_err(Failure::internal)?;
    let entropy = Arc::clone(&node.entropy);
    tokio::task::spawn_blocking(move || password::hash(&password, &*entropy)).await.map_err(Failure::internal)?
}

async fn count_failure(node: &Node, caller: &Caller, name: &str) -> Result<(), Failure> {
    let now = node.clock.now();
    let name = name.to_owned();
    let act = caller.act(now.time17(), "login-failed", format!("node_person/{name}"));
    node.database
        .write(move |connection| {
            Box::pin(async move {
                // Names that nobody has are not noted: whoever guesses would fill the record.
                let Some(mut person) = people::find(connection, &name).await? else { return Ok(()) };
                // Nor are guesses at somebody who is locked out: the one that locked her is noted, and none of these can be right.
                if person.locked_until_ms > now.ms() {
                    return Ok(());
                }
                person.failed += 1;
                if person.failed >= FAILED_MAX {
                    person.failed = 0;
                    person.locked_until_ms = now.plus_ms(LOCKED_MS).ms();
                }
                people::change(connection, &person, now).await?;
                record::note(connection, &act).await
            })
        })
        .await
}

/// Ends all sessions of whoever asks.
///
/// # Errors
/// When the database cannot be written.
pub async fn logout(node: &Node, caller: Caller) -> Result<Done, Failure> {
    let Who::Person(person) = &caller.who else { return Ok(Done::YES) };
    let (name, now) = (person.name.clone(), node.clock.now());
    let act = caller.act(now.time17(), "logout", format!("node_person/{name}"));
    node.database
        .write(move |connection| {
            Box::pin(async move {
                people::end_sessions(connection, &name).await?;
                record::note(connection, &act).await
            })
        })
        .await?;
    Ok(Done::YES)
}

/// Changes the password of whoever asks and knows the present one. All sessions end, this one among them. A wrong one counts like a
/// wrong one at the door.
///
/// # Errors
/// When the present one is wrong, the person is locked out, or the new one cannot be taken.
pub async fn change_password(node: &Node, caller: &Caller, asked: NewPassword) -> Result<(), Failure> {
    let Who::Person(person) = &caller.who else {
        return Err(Failure::internal("a password was to be changed for nobody"));
    };
    let _place = place()?;
    let (name, now) = (person.name.clone(), node.clock.now());
    if asked.old == asked.new {
        return Err(Failure::new(
            Kind::Bad,
            "password-same",
            Text::fixed("the new password is the present one", "新口令与原口令相同"),
            Text::fixed("take another one", "请更换"),
        ));
    }
    if !is_right(asked.old, Some(person.password.clone())).await? {
        count_failure(node, caller, &name).await?;
        return Err(wrong_password());
    }
    let password = hashed(node, &name, asked.new).await?;
    let act = caller.act(now.time17(), "password-change", format!("node_person/{name}"));
    let kept = person.password.clone();
    node.database
        .write(move |connection| {
            Box::pin(async move {
                let found = people::find(connection, &name).await?;
                let is_same = |person: &Person| person.is_enabled && person.password == kept;
                let person = found.filter(is_same).filter(|person| person.locked_until_ms <= now.ms());
                let person = person.ok_or_else(wrong_password)?;
                people::change(connection, &Person { password, failed: 0, ..person }, now).await?;
                record::note(connection, &act).await
            })
        })
        .await
}
