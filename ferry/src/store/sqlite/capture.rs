//! Puts triggers on the tables of a contract, and looks whether they stand.

use std::collections::{BTreeMap, BTreeSet};

use ferry_core::contract::{Contract, StreamContract, Table};
use ferry_core::ports::StreamBacklog;
use ferry_format::{Digest, LinkId, StreamName, ZoneName};

use super::create::{Registration, contract_id, meta};
use super::dialect::SqliteDialect;
use super::failure::{DbError, corrupt};
use super::inspect::{Part, Surroundings, inspect};
use super::lane::{Columns as _, Session, args, sql};
use super::reach::Reach;
use crate::store::dialect::{Dialect as _, NamedTrigger, Shape};
use crate::store::{StoreError, TableFault, TableFlaw};

/// Triggers are looked at anew whenever the version of the schema has changed, and after so many observations in any case: a
/// program that writes into the schema itself does not change the version. Ten minutes at an observation a second.
const LOOK_AGAIN_OBSERVATIONS: u32 = 600;

/// What was installed, each in the order of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InstallReport {
    /// Own tables whose changes are captured.
    pub captured: Vec<String>,
    /// Replicas that only ferry writes.
    pub guarded: Vec<String>,
}

/// How capture stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CaptureState {
    /// Every table of the contract, in its order.
    pub tables: Vec<TableState>,
}

/// How the triggers of one table stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableState {
    /// The stream.
    pub stream: StreamName,
    /// The table.
    pub table: String,
    /// Whether this zone owns it, and captures its changes; else it is a replica, and guarded.
    pub own: bool,
    /// Everything that is not as it should be.
    pub flaws: Vec<TableFlaw>,
}

impl CaptureState {
    /// Every flaw with its table.
    #[must_use]
    pub fn faults(&self) -> Vec<TableFault> {
        self.tables.iter().flat_map(|table| table.flaws.iter().map(|flaw| flaw.clone().of(&table.table))).collect()
    }
}

/// One trigger of ferry's as it stands in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Standing {
    on: String,
    text: String,
}

struct Judged<'a> {
    stream: &'a StreamContract,
    table: &'a Table,
    part: Part,
    shape: Shape,
    flaws: Vec<TableFlaw>,
}

/// Replaces the triggers of a link, in the caller's transaction. Of tables in `unchanged` the operator says that no row was
/// written while their triggers did not stand.
pub(super) fn install(
    session: &mut Session,
    link: &LinkId,
    registration: &Registration<'_>,
    unchanged: &BTreeSet<String>,
) -> Result<InstallReport, StoreError> {
    let standing = standing(session, link)?;
    let judged = judge(session, registration.zone, registration.contract)?;
    may_install(session, link, &judged, &standing, unchanged)?;
    for name in standing.keys() {
        session.run(SqliteDialect.drop_trigger(name), &[])?;
    }
    let mut report = InstallReport::default();
    for one in &judged {
        let triggers = expected(session, link, one)?;
        for trigger in &triggers {
            session.run(trigger.text.as_str().to_owned(), &[])?;
        }
        let digest = digest(triggers.iter().map(|trigger| (trigger.name.as_str(), &trigger.text)));
        session.run(sql().meta_put, args![installed_key(link, one.table), digest])?;
        match one.part {
            Part::Own => report.captured.push(one.table.name.clone()),
            Part::Replica => report.guarded.push(one.table.name.clone()),
        }
    }
    for stream in registration.contract.owned_by(registration.zone) {
        let id = contract_id(session, link, stream)?;
        session.run(sql().out_capture, args![link.as_str(), stream.name.as_str(), id])?;
    }
    Ok(report)
}

/// Looks at every table before anything is changed.
fn may_install(
    session: &mut Session,
    link: &LinkId,
    judged: &[Judged<'_>],
    standing: &BTreeMap<String, Standing>,
    unchanged: &BTreeSet<String>,
) -> Result<(), StoreError> {
    let own = |name: &String| judged.iter().any(|one| one.part == Part::Own && one.table.name == *name);
    if let Some(table) = unchanged.iter().find(|name| !own(name)) {
        return Err(StoreError::NotOwned { table: table.clone() });
    }
    let faults: Vec<TableFault> =
        judged.iter().flat_map(|one| one.flaws.iter().map(|flaw| flaw.clone().of(&one.table.name))).collect();
    if !faults.is_empty() {
        return Err(StoreError::Tables(faults));
    }
    let mut needs_load = Vec::new();
    for one in judged.iter().filter(|one| one.part == Part::Own && !unchanged.contains(&one.table.name)) {
        if !stood_whole(session, link, one.table, standing)? && has_rows(session, one.table)? {
            needs_load.push(one.table.name.clone());
        }
    }
    if needs_load.is_empty() { Ok(()) } else { Err(StoreError::NeedsLoad(needs_load)) }
}

/// Whether the triggers of an own table are those that were installed last.
fn stood_whole(
    session: &mut Session,
    link: &LinkId,
    table: &Table,
    standing: &BTreeMap<String, Standing>,
) -> Result<bool, DbError> {
    let prefix = format!("{}{}:", SqliteDialect.trigger_prefix(link), table.name);
    let here = || standing.iter().filter(|(name, one)| name.starts_with(&prefix) && one.on == table.name);
    match meta(session, &installed_key(link, table))? {
        Some(installed) => Ok(installed == digest(here().map(|(name, one)| (name.as_str(), &one.text)))),
        // Installed by a program that did not write down what it installed.
        None => Ok(here().filter(|(name, _)| name[prefix.len()..].starts_with("capture_")).count() == CAPTURE_TRIGGERS),
    }
}

/// Insert, delete, update, and update of the key.
const CAPTURE_TRIGGERS: usize = 4;

/// Where the digest of what was installed on a table is kept.
fn installed_key(link: &LinkId, table: &Table) -> String {
    format!("capture:{link}:{}", table.name)
}

/// The digest of triggers in the order of their names.
fn digest<'t>(triggers: impl Iterator<Item = (&'t str, &'t String)>) -> String {
    let sorted: BTreeMap<&str, &String> = triggers.collect();
    let texts: Vec<&[u8]> = sorted.values().flat_map(|text| [text.as_bytes(), b"\n"]).collect();
    Digest::of(&texts).to_string()
}

/// How the triggers stand that were installed for a contract that is registered.
pub(super) fn state(
    session: &mut Session,
    link: &LinkId,
    zone: &ZoneName,
    contract: &Contract,
) -> Result<CaptureState, DbError> {
    let mut standing = standing(session, link)?;
    let mut state = CaptureState::default();
    for mut one in judge(session, zone, contract)? {
        let is_there = !one.flaws.iter().any(|flaw| matches!(flaw, TableFlaw::Missing | TableFlaw::NoTable { .. }));
        if is_there {
            for trigger in expected(session, link, &one)? {
                let name = trigger.name;
                match standing.remove(&name) {
                    None => one.flaws.push(TableFlaw::TriggerMissing { trigger: name }),
                    Some(found) if found.on != one.table.name || found.text != trigger.text => {
                        one.flaws.push(TableFlaw::TriggerChanged { trigger: name });
                    }
                    Some(_) => {}
                }
            }
        }
        let (stream, table) = (one.stream.name.clone(), one.table.name.clone());
        state.tables.push(TableState { stream, table, own: one.part == Part::Own, flaws: one.flaws });
    }
    let prefix = SqliteDialect.trigger_prefix(link);
    for name in standing.into_keys() {
        let of = |table: &TableState| {
            name.strip_prefix(&prefix).is_some_and(|rest| rest.split(':').next() == Some(&table.table))
        };
        // One that names no table of the contract is told with the first: it has to be told somewhere.
        let place = state.tables.iter().position(of).unwrap_or(0);
        if let Some(table) = state.tables.get_mut(place) {
            table.flaws.push(TableFlaw::TriggerLeft { trigger: name });
        }
    }
    Ok(state)
}

fn standing(session: &mut Session, link: &LinkId) -> Result<BTreeMap<String, Standing>, DbError> {
    let prefix = SqliteDialect.trigger_prefix(link);
    let mut found = BTreeMap::new();
    for row in session.all(sql().catalog_triggers, &[])? {
        let (name, on, text) = (row.string(0)?, row.string(1)?, row.string(2)?);
        if name.starts_with(&prefix) {
            found.insert(name, Standing { on, text });
        }
    }
    Ok(found)
}

fn judge<'a>(session: &mut Session, zone: &ZoneName, contract: &'a Contract) -> Result<Vec<Judged<'a>>, DbError> {
    let reach = Reach::read(session)?;
    let replicas = contract.streams().iter().filter(|stream| stream.owner != *zone);
    let around = Surroundings { reach: &reach, replicas: replicas.map(|stream| stream.tables.as_slice()).collect() };
    let mut judged = Vec::new();
    for stream in contract.streams() {
        let part = if stream.owner == *zone { Part::Own } else { Part::Replica };
        for table in &stream.tables {
            let (shape, flaws) = inspect(session, table, part, &around)?;
            judged.push(Judged { stream, table, part, shape, flaws });
        }
    }
    Ok(judged)
}

fn has_rows(session: &mut Session, table: &Table) -> Result<bool, DbError> {
    Ok(session.first(SqliteDialect.any_row(&table.name), &[])?.is_some())
}

fn expected(session: &mut Session, link: &LinkId, one: &Judged<'_>) -> Result<Vec<NamedTrigger>, DbError> {
    match one.part {
        Part::Own => {
            let outbox = SqliteDialect.outbox(link, &one.stream.name);
            let contract = contract_id(session, link, one.stream)?;
            let mut triggers = SqliteDialect.capture_triggers(link, &outbox, contract, one.table, &one.shape);
            triggers.extend(SqliteDialect.escape_guards(link, one.table, &one.shape));
            Ok(triggers)
        }
        Part::Replica => Ok(SqliteDialect.replica_guards(link, &one.stream.owner, one.table)),
    }
}

/// Looks from time to time whether the triggers stand.
pub(super) struct Watch {
    zone: ZoneName,
    contract: Contract,
    seen: Option<i64>,
    observations: u32,
    /// The first flaw of each own stream that has one.
    flaws: BTreeMap<StreamName, String>,
}

impl Watch {
    pub fn new(zone: &ZoneName, contract: &Contract) -> Self {
        Self { zone: zone.clone(), contract: contract.clone(), seen: None, observations: 0, flaws: BTreeMap::new() }
    }

    /// Looks, if it is time, in the caller's snapshot.
    pub fn look(&mut self, session: &mut Session, link: &LinkId) -> Result<(), DbError> {
        let row = session.first(sql().catalog_version, &[])?;
        let version = row.ok_or_else(|| corrupt("a database without a schema version"))?.signed(0)?;
        self.observations += 1;
        if self.seen == Some(version) && self.observations < LOOK_AGAIN_OBSERVATIONS {
            return Ok(());
        }
        let state = state(session, link, &self.zone, &self.contract)?;
        self.flaws.clear();
        for table in state.tables.iter().filter(|table| table.own) {
            if let Some(flaw) = table.flaws.first() {
                self.flaws.entry(table.stream.clone()).or_insert_with(|| flaw.clone().of(&table.table).to_string());
            }
        }
        (self.seen, self.observations) = (Some(version), 0);
        Ok(())
    }

    /// Counts an observation of a database in which nothing was committed since the last one. Says whether what was seen then
    /// is still recent enough.
    pub fn rest(&mut self) -> bool {
        self.observations += 1;
        self.observations < LOOK_AGAIN_OBSERVATIONS
    }

    /// Adds what was seen last.
    pub fn tell(&self, streams: &mut [StreamBacklog]) {
        for backlog in streams {
            backlog.capture = self.flaws.get(&backlog.stream).cloned();
        }
    }
}
