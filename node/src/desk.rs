//! What people do at either node: log in and out, keep people and clients, look into the record of acts.

use std::sync::Arc;

use console::{Lang, Text};
use contract::rows::BaseAgency;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::sqlite::SqliteConnection;

use crate::client::{self, Client};
use crate::clock::Moment;
use crate::failure::{Failure, Kind};
use crate::http::{Access, Api, Caller, Done, Empty};
use crate::people::{self, Person, Role};
use crate::record::{self, Search};
use crate::service::{Node, Service};
use crate::session::{Login, NewPassword, change_password, hashed, login, logout};
use crate::streams::{self, Freshness};
use crate::{rows, url};

/// The longest name of a human being or a system, in characters.
const TITLE_CHARS_MAX: usize = 100;

/// The longest id of an agency, in characters: what the contract allows.
const AGENCY_ID_CHARS_MAX: usize = 38;
/// The stream in which agencies come to the zone that does not own them.
const BASE_STREAM: &str = "base";

const ADMINISTRATOR: Access = Access::People(&[Role::Administrator]);
const READERS_OF_RECORD: Access = Access::People(&[Role::Administrator, Role::Auditor]);
const EVERYBODY: Access = Access::People(&[Role::Administrator, Role::Operator, Role::Reviewer, Role::Auditor]);

/// A new person.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    /// The name to log in with: lower-case letters and digits.
    pub name: String,
    /// The name of the human being.
    pub title: String,
    /// The role.
    pub role: Role,
    /// The first password.
    pub password: String,
}

/// What is changed of a person; what is left out stays.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedPerson {
    /// The name to log in with.
    pub name: String,
    /// Another name of the human being.
    pub title: Option<String>,
    /// Another role.
    pub role: Option<Role>,
    /// Another password.
    pub password: Option<String>,
    /// Whether the person may log in.
    pub is_enabled: Option<bool>,
    /// Takes the lock after wrong passwords away.
    #[serde(default)]
    pub unlock: bool,
}

/// A person, without the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PersonShown {
    /// The name to log in with.
    pub name: String,
    /// The name of the human being.
    pub title: String,
    /// The role.
    pub role: Role,
    /// Whether the person may log in.
    pub is_enabled: bool,
    /// Whether wrong passwords have locked the person out.
    pub is_locked: bool,
}

/// A client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientShown {
    /// Its id (`devId`).
    pub id: String,
    /// Its name.
    pub title: String,
    /// Its SM2 public key as PEM.
    pub public_key: String,
    /// Its permission.
    pub permission: String,
    /// The agency that it belongs to.
    pub agency_id: Option<String>,
    /// Where it is told of what happened.
    pub notify_url: Option<String>,
    /// Whether its messages are taken.
    pub is_enabled: bool,
}

/// What to look for in the record of acts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordAsked {
    /// Text in any part of an entry.
    pub text: Option<String>,
    /// The first time, a beginning of yyyyMMddHHmmssSSS.
    pub from: Option<String>,
    /// The last time, the same way.
    pub to: Option<String>,
    /// Entries before this number.
    pub before: Option<i64>,
}

/// An entry of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// The number.
    pub id: i64,
    /// When.
    pub time: String,
    /// Who.
    pub who: String,
    /// From which address.
    pub address: String,
    /// What.
    pub what: String,
    /// To what.
    pub object: String,
    /// What was before.
    pub was: Option<String>,
    /// What is now.
    pub is_now: Option<String>,
}

/// A page of the record, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entries {
    /// The entries.
    pub entries: Vec<Entry>,
}

/// How the node is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// Whether it reads and writes.
    pub is_well: bool,
    /// How much waits for people because it could not be dealt with.
    pub problems: u64,
    /// The streams of the zone, as ferry states them.
    pub streams: Vec<streams::StreamState>,
}

/// The operations that the machine itself may ask for.
#[must_use]
pub fn health_only<S: Service>() -> Api<S> {
    Api::new().get("/health", Access::Anyone, "How the node is", |service: Arc<S>, _, _: Empty| async move {
        health(&*service).await
    })
}

/// Adds the operations.
#[must_use]
pub fn operations<S: Service>(api: Api<S>) -> Api<S> {
    api.post("/login", Access::Anyone, "Opens a session", |service: Arc<S>, caller, asked: Login| async move {
        login(service.node(), caller, asked).await
    })
    .post(
        "/password",
        EVERYBODY,
        "Changes the password of whoever asks, and ends the sessions",
        |service: Arc<S>, caller, asked: NewPassword| async move {
            change_password(service.node(), &caller, asked).await.map(|()| Done::YES)
        },
    )
    .post("/logout", EVERYBODY, "Ends all sessions of whoever asks", |service: Arc<S>, caller, _: Empty| async move {
        logout(service.node(), caller).await
    })
    .get("/people", READERS_OF_RECORD, "All people", |service: Arc<S>, _, _: Empty| async move {
        list_people(service.node()).await
    })
    .post("/people/add", ADMINISTRATOR, "Adds a person", |service: Arc<S>, caller, asked: NewPerson| async move {
        add_person(service.node(), &caller, asked).await.map(|()| Done::YES)
    })
    .post(
        "/people/change",
        ADMINISTRATOR,
        "Changes a person",
        |service: Arc<S>, caller, asked: ChangedPerson| async move {
            change_person(service.node(), &caller, asked).await.map(|()| Done::YES)
        },
    )
    .get("/clients", READERS_OF_RECORD, "All clients", |service: Arc<S>, _, _: Empty| async move {
        list_clients(service.node()).await
    })
    .get(
        "/record",
        READERS_OF_RECORD,
        "Looks into the record of acts",
        |service: Arc<S>, _, asked: RecordAsked| async move { search(service.node(), asked).await },
    )
}

/// How a node is.
///
/// # Errors
/// When it does not read or does not write.
pub async fn health<S: Service>(service: &S) -> Result<Health, Failure> {
    let node = service.node();
    if !node.database.is_open() {
        return Err(Failure::new(
            Kind::Busy,
            "writer-ended",
            Text::fixed("the node does not write", "节点无法写入"),
            Text::fixed(
                "look into its log, and at the database's file; it goes on when it can",
                "请查看日志及数据库文件；恢复后节点自行继续",
            ),
        ));
    }
    let streams = node.database.read(|connection| Box::pin(streams::all(connection))).await?;
    let problems = service.problems().await?;
    Ok(Health { is_well: true, problems, streams })
}

/// All people, without their passwords.
///
/// # Errors
/// When the database cannot be read.
pub async fn list_people(node: &Node) -> Result<Vec<PersonShown>, Failure> {
    let now = node.clock.now();
    let people = node.database.read(|connection| Box::pin(people::list(connection))).await?;
    let shown = |person: Person| PersonShown {
        is_locked: person.locked_until_ms > now.ms(),
        name: person.name,
        title: person.title,
        role: person.role,
        is_enabled: person.is_enabled,
    };
    Ok(people.into_iter().map(shown).collect())
}

fn judge_title(title: &str) -> Result<(), Failure> {
    let is_title =
        !title.is_empty() && title.chars().count() <= TITLE_CHARS_MAX && !title.chars().any(char::is_control);
    if is_title {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Bad,
        "title-form",
        console::text!(
            "a name for people has 1 to {TITLE_CHARS_MAX} characters without control characters",
            "名称应为 1 至 {TITLE_CHARS_MAX} 个字符，且不含控制字符"
        ),
        Text::fixed("take another one", "请更正"),
    ))
}

/// Adds a person.
///
/// # Errors
/// When name or password cannot be taken.
pub async fn add_person(node: &Node, caller: &Caller, asked: NewPerson) -> Result<(), Failure> {
    people::judge_name(&asked.name)?;
    judge_title(&asked.title)?;
    let password = hashed(node, &asked.name, asked.password).await?;
    let now = node.clock.now();
    let mut act = caller.act(now.time17(), "person-add", format!("node_person/{}", asked.name));
    act.is_now = Some(json!({ "title": asked.title, "role": asked.role.as_str() }).to_string());
    let person = Person {
        name: asked.name,
        title: asked.title,
        role: asked.role,
        password,
        is_enabled: true,
        failed: 0,
        locked_until_ms: 0,
    };
    node.database
        .write(move |connection| {
            Box::pin(async move {
                people::add(connection, &person, now).await?;
                record::note(connection, &act).await
            })
        })
        .await
}

/// Changes a person.
///
/// # Errors
/// When there is none of that name, or the last administrator would be gone.
pub async fn change_person(node: &Node, caller: &Caller, asked: ChangedPerson) -> Result<(), Failure> {
    if let Some(title) = &asked.title {
        judge_title(title)?;
    }
    let password = match asked.password.clone() {
        Some(password) => Some(hashed(node, &asked.name, password).await?),
        None => None,
    };
    let now = node.clock.now();
    let mut act = caller.act(now.time17(), "person-change", format!("node_person/{}", asked.name));
    node.database
        .write(move |connection| {
            Box::pin(async move {
                let before = people::find(connection, &asked.name).await?;
                let before = before.ok_or_else(|| Failure::missing("person", "人员", &asked.name))?;
                let said = |person: &Person, password: bool| {
                    json!({ "title": person.title, "role": person.role.as_str(), "is_enabled": person.is_enabled,
                        "locked_until_ms": person.locked_until_ms, "has_new_password": password })
                    .to_string()
                };
                act.was = Some(said(&before, false));
                let has_new_password = password.is_some();
                let person = Person {
                    title: asked.title.unwrap_or(before.title),
                    role: asked.role.unwrap_or(before.role),
                    password: password.unwrap_or(before.password),
                    is_enabled: asked.is_enabled.unwrap_or(before.is_enabled),
                    failed: if asked.unlock { 0 } else { before.failed },
                    locked_until_ms: if asked.unlock { 0 } else { before.locked_until_ms },
                    name: before.name,
                };
                people::change(connection, &person, now).await?;
                let people = people::list(connection).await?;
                if !people.iter().any(|one| one.role == Role::Administrator && one.is_enabled) {
                    return Err(Failure::new(
                        Kind::Conflict,
                        "last-administrator",
                        Text::fixed("nobody would be left who keeps people", "将没有可用的系统管理员"),
                        Text::fixed("add another administrator first", "请先增加另一名系统管理员"),
                    ));
                }
                act.is_now = Some(said(&person, has_new_password));
                record::note(connection, &act).await
            })
        })
        .await
}

/// All clients.
///
/// # Errors
/// When the database cannot be read.
pub async fn list_clients(node: &Node) -> Result<Vec<ClientShown>, Failure> {
    let clients = node.database.read(|connection| Box::pin(client::list(connection))).await?;
    let shown = |client: Client| ClientShown {
        id: client.id,
        title: client.title,
        public_key: client.public_key,
        permission: client.permission,
        agency_id: client.agency_id,
        notify_url: client.notify_url,
        is_enabled: client.is_enabled,
    };
    Ok(clients.into_iter().map(shown).collect())
}

/// What came of writing a client down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClientKept {
    /// Always true.
    pub done: bool,
    /// What could not be looked at, in English.
    pub warning: Option<String>,
    /// The same in Chinese.
    pub warning_zh: Option<String>,
}

impl ClientKept {
    fn with(warning: Option<Text>) -> Self {
        let said = |lang| warning.as_ref().map(|text| text.get(lang).to_owned());
        Self { done: true, warning: said(Lang::En), warning_zh: said(Lang::Zh) }
    }
}

/// Whether there is such an agency. Yields a warning where that cannot be known yet, because base data is still to come.
async fn judge_agency(connection: &mut SqliteConnection, id: &str, now: Moment) -> Result<Option<Text>, Failure> {
    if id.is_empty() || id.chars().count() > AGENCY_ID_CHARS_MAX || id.chars().any(char::is_control) {
        return Err(Failure::new(
            Kind::Bad,
            "agency-id",
            console::text!(
                "the id of an agency has 1 to {AGENCY_ID_CHARS_MAX} characters without control characters",
                "单位主键应为 1 至 {AGENCY_ID_CHARS_MAX} 个字符，且不含控制字符"
            ),
            Text::fixed("take the id of the agency in the base data", "请使用基础数据中的单位主键"),
        ));
    }
    if rows::find_by::<BaseAgency>(connection, id).await?.is_some() {
        return Ok(None);
    }
    let has_any: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM base_agency)").fetch_one(&mut *connection).await?;
    // Where base data comes from the other zone, some agencies may be here before others.
    let may_come = matches!(streams::incoming(connection, BASE_STREAM, now).await?, Some(Freshness::Behind(_)));
    if has_any && !may_come {
        return Err(Failure::missing("agency", "执收单位", id));
    }
    Ok(Some(console::text!(
        "the agency {id} is not known here; base data is still to come, so look again when it has",
        "本区尚无执收单位 {id}；基础数据尚未到齐，到齐后请再核对"
    )))
}

/// Writes a client down as it is now.
///
/// # Errors
/// When a part of it cannot be, there is no such agency, or the node knows no such permission.
pub async fn put_client(
    node: &Node,
    caller: &Caller,
    asked: ClientShown,
    permissions: &'static [&'static str],
) -> Result<ClientKept, Failure> {
    judge_title(&asked.title)?;
    if let Some(url) = &asked.notify_url {
        url::judge_form(url)?;
    }
    if !permissions.contains(&asked.permission.as_str()) {
        let list = permissions.join(", ");
        return Err(Failure::new(
            Kind::Bad,
            "permission",
            console::text!("a permission is one of {list}", "权限应为 {list} 之一"),
            Text::fixed("take one of them", "请选择其一"),
        ));
    }
    let now = node.clock.now();
    let mut act = caller.act(now.time17(), "client-put", format!("node_client/{}", asked.id));
    let client = Client {
        id: asked.id,
        title: asked.title,
        public_key: asked.public_key,
        permission: asked.permission,
        agency_id: asked.agency_id,
        notify_url: asked.notify_url,
        is_enabled: asked.is_enabled,
    };
    node.database
        .write(move |connection| {
            Box::pin(async move {
                let said = |client: &Client| {
                    json!({ "title": client.title, "permission": client.permission, "agency_id": client.agency_id,
                        "notify_url": client.notify_url, "is_enabled": client.is_enabled, "public_key": client.public_key })
                    .to_string()
                };
                let warning = match &client.agency_id {
                    Some(id) => judge_agency(connection, id, now).await?,
                    None => None,
                };
                let before = client::put(connection, &client, now).await?;
                act.was = before.as_ref().map(said);
                act.is_now = Some(said(&client));
                record::note(connection, &act).await?;
                Ok(ClientKept::with(warning))
            })
        })
        .await
}

/// Looks into the record of acts.
///
/// # Errors
/// When the database cannot be read.
pub async fn search(node: &Node, asked: RecordAsked) -> Result<Entries, Failure> {
    let search = Search { text: asked.text, from: asked.from, to: asked.to, before: asked.before };
    let found = node
        .database
        .read(move |connection| Box::pin(async move { record::search(connection, &search).await }))
        .await?;
    let shown = |(id, act): (i64, record::Act)| Entry {
        id,
        time: act.time,
        who: act.who,
        address: act.address,
        what: act.what,
        object: act.object,
        was: act.was,
        is_now: act.is_now,
    };
    Ok(Entries { entries: found.into_iter().map(shown).collect() })
}
