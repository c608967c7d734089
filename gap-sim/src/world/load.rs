//! The tables of a stream captured once more.

use std::sync::PoisonError;

use ferry_core::breaks::{self, Break};
use ferry_core::contract::StreamContract;
use ferry_core::ports::{FaultKind, Loaded, PortError};
use ferry_format::Op;

use super::World;
use super::change::Change;
use super::database::{Captured, Database};
use super::host::ZoneId;
use super::store::SimStore;

/// The next step of a load.
#[derive(Debug)]
pub(super) struct LoadStep {
    lines: Vec<String>,
    /// Where the load stood before.
    place: (usize, Option<String>),
    /// Where the load stands afterwards; `None` when it is done.
    next: Option<(usize, Option<String>)>,
    pub loaded: Loaded,
}

impl Database {
    /// What the next step captures; `None` when no load is under way.
    pub(super) fn plan_load(&self, contract: &StreamContract, rows: u64) -> Option<LoadStep> {
        let (place, after) = self.loading.get(&contract.name)?;
        let table = contract.tables.get(*place)?.name.clone();
        let present = self.tables.get(&table);
        let rest = present.into_iter().flatten().filter(|(key, _)| after.as_ref().is_none_or(|after| *key > after));
        let most = usize::try_from(rows).unwrap_or(usize::MAX);
        let page: Vec<(&String, &String)> = rest.take(most).collect();
        let line = |(key, values): &(&String, &String)| {
            let (key, values) = ((*key).clone(), (*values).clone());
            Change { table: table.clone(), op: Op::Update, key, values }.line()
        };
        let lines: Vec<String> = page.iter().map(line).collect();
        let last = page.last().map(|(key, _)| (*key).clone());
        let next = match page.len() == most {
            true => Some((*place, last)),
            false => (place + 1 < contract.tables.len()).then_some((place + 1, None)),
        };
        let rows = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        let loaded = Loaded { table, rows, done: next.is_none() };
        Some(LoadStep { lines, place: (*place, after.clone()), next, loaded })
    }

    pub(super) fn load(&mut self, contract: &StreamContract, step: &LoadStep) {
        match &step.next {
            Some(next) => _ = self.loading.insert(contract.name.clone(), next.clone()),
            None => _ = self.loading.remove(&contract.name),
        }
        let Some(own) = self.own.get_mut(&contract.name) else { return };
        for line in &step.lines {
            own.last_id += 1;
            own.outbox.insert(own.last_id, Captured { line: line.clone(), contract: contract.digest });
        }
    }
}

impl SimStore {
    /// Captures the next rows in one transaction.
    pub(super) fn load_step(&self, contract: &StreamContract, rows: u64) -> Result<Loaded, PortError> {
        let mut loaded = None;
        self.write(
            |database| {
                let planned = database.plan_load(contract, rows);
                let planned = planned
                    .ok_or_else(|| PortError::new(FaultKind::Conflict, "no load of that stream is under way"))?;
                let step = if breaks::is(Break::LoadReadEarly) { self.read_before(contract, planned) } else { planned };
                loaded = Some(step.loaded.clone());
                Ok(step)
            },
            |database, step| database.load(contract, &step),
        )?;
        loaded.ok_or_else(|| PortError::new(FaultKind::Conflict, "nothing was planned"))
    }

    /// The mistake of [`Break::LoadReadEarly`]: what is read now is written by the next step, and now what the step before read.
    fn read_before(&self, contract: &StreamContract, planned: LoadStep) -> LoadStep {
        let mut read = self.read_early.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(step) = read.remove(&contract.name) {
            return step;
        }
        let loaded = Loaded { rows: 0, done: false, ..planned.loaded.clone() };
        let next = planned.place.clone();
        read.insert(contract.name.clone(), planned);
        LoadStep { lines: Vec::new(), place: next.clone(), next: Some(next), loaded }
    }
}

impl World {
    /// What a zone has captured by itself counts like what its programs committed.
    pub(super) fn learn_loaded(&mut self, zone: ZoneId) {
        let mut found = Vec::new();
        {
            let database = self.hosts[zone.index()].store.database();
            for (stream, own) in &database.own {
                let known = self.model.streams[stream].len();
                if own.last_id > known && !self.fates[stream].frozen {
                    let lines = own.outbox.range(known + 1..).map(|(_, captured)| Change::of_line(&captured.line));
                    found.push((stream.clone(), lines.collect::<Vec<Change>>()));
                }
            }
        }
        for (stream, changes) in found {
            self.tell(zone.name(), &format!("load {stream} {} rows", changes.len()));
            let is_other = |change: &&Change| !self.stands(zone, change);
            let other = changes.iter().find(is_other).map(|change| format!("{} {}", change.table, change.key));
            if let Some(fate) = self.fates.get_mut(&stream) {
                fate.misread = fate.misread.take().or(other);
            }
            self.model.streams.get_mut(&stream).into_iter().for_each(|model| model.commit(&changes));
        }
    }

    /// Whether a captured row is what stands in its owner's table.
    fn stands(&self, zone: ZoneId, change: &Change) -> bool {
        let database = self.host(zone).store.database();
        let row = database.tables.get(&change.table).and_then(|rows| rows.get(&change.key));
        change.op == Op::Update && row == Some(&change.values)
    }
}
