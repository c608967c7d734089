//! How a run must have ended: both sides equal, every change counted exactly once, nothing left behind, nothing to object to.

use std::path::{Path, PathBuf};

use super::make::{NAMES, OPERATORS, TABLES, card_of};
use super::program::Program;
use super::scenario::Life;
use super::world::{World, Zone};
use crate::verify::{self, Request};

/// Ends both zones in order, starts and ends them once more, and looks at what they leave.
///
/// # Errors
/// Everything that is not as it must be, in words.
pub fn judge(world: &mut World, life: Life) -> Result<(), String> {
    let mut findings = left_in_spools(world);
    for index in [0, 1] {
        world.stop(index);
    }
    for index in [0, 1] {
        if let Err(fault) = world.start(index) {
            findings.push(format!("{} does not start again: {fault}", NAMES[index]));
        }
        world.stop(index);
        if let Some(program) = world.zones[index].program.take() {
            program.close();
        }
    }
    findings.extend(compare_tables(&world.zones));
    match life {
        Life::Quiet => findings.extend(compare_counts(&world.zones)),
        // What is given back, loaded or put in the place of other rows is written once more, and a backup has its own count.
        Life::Operated => {}
    }
    findings.extend(unfinished(world));
    findings.extend(damage(world));
    findings.extend(verified(world, life));
    if findings.is_empty() { Ok(()) } else { Err(format!("{}\n{}", findings.join("\n"), world.story())) }
}

/// Sealed files in the spools, of which every one should be in the archive.
fn left_in_spools(world: &World) -> Vec<String> {
    let spools = world.zones.iter().flat_map(|zone| files_below(&zone.config.paths.spool));
    let left = spools.filter(|path| path.extension().is_some_and(|extension| extension == "dat"));
    left.map(|path| format!("left in the spool: {}", path.display())).collect()
}

fn compare_tables(zones: &[Zone; 2]) -> Vec<String> {
    let mut findings = Vec::new();
    for (table, _) in TABLES {
        let [inner, outer] = [0, 1].map(|index| {
            let mut program = Program::open(&zones[index].config.database.path);
            let columns = program.texts(&format!("SELECT name FROM pragma_table_info('{table}')")).join(", ");
            let rows = program.texts(&format!("SELECT json_array({columns}) FROM {table} ORDER BY 1"));
            program.close();
            rows
        });
        if inner != outer || inner.is_empty() {
            findings.push(format!("{table}: {inner:?} inside, {outer:?} outside"));
        }
    }
    findings
}

/// The owner's table and the replica saw the same changes in the same order, each once.
fn compare_counts(zones: &[Zone; 2]) -> Vec<String> {
    let mut findings = Vec::new();
    for (table, owner) in TABLES {
        let [made, seen] = [owner, 1 - owner].map(|index| {
            let mut program = Program::open(&zones[index].config.database.path);
            let lines = program.texts(&format!(
                "SELECT line FROM counted WHERE json_extract(line, '$[0]') = '{table}' ORDER BY line, id"
            ));
            program.close();
            lines
        });
        if made != seen || made.is_empty() {
            findings.push(format!("{table}: made {made:?}, seen {seen:?}"));
        }
    }
    findings
}

/// Unfinished files anywhere, and batches at the gate.
fn unfinished(world: &World) -> Vec<String> {
    let is_unfinished = |path: &PathBuf| {
        path.file_name().is_some_and(|name| crate::files::durable::is_temporary(&name.to_string_lossy()))
    };
    // A backup that failed is an operator's to remove.
    let of_zones = NAMES.into_iter().flat_map(|name| files_below(&world.dir.path().join(name)));
    let unfinished = of_zones.filter(is_unfinished);
    let at_gate = world.zones.iter().flat_map(Zone::batches_at_gate);
    unfinished.chain(at_gate).map(|path| format!("left behind: {}", path.display())).collect()
}

/// No file of ours was ever damaged by ourselves.
fn damage(world: &World) -> Vec<String> {
    let is_damaged = |path: &PathBuf| path.components().any(|part| part.as_os_str() == "damaged");
    let damaged = files_below(world.dir.path()).into_iter().filter(is_damaged);
    damaged.map(|path| format!("set aside as damaged: {}", path.display())).collect()
}

/// What an auditor sees of every zone whose database was put back: it had said more before.
const PUT_BACK: [&str; 2] = ["status-regression", "audit-fork"];

/// What `ferry verify` finds in both archives, with the public cards alone.
fn verified(world: &World, life: Life) -> Vec<String> {
    let dir = world.dir.path();
    let cards: Vec<PathBuf> = [NAMES, OPERATORS].concat().into_iter().map(|name| dir.join(card_of(name))).collect();
    let trust = verify::load_trust(&cards).unwrap();
    let paths = [0, 1].map(|index: usize| world.zones[index].config.paths.archive.clone());
    let request = Request { paths: &paths, trust: &trust, link: None, partial: false };
    let report = verify::verify(&request, &|_, _| {}).unwrap();
    let batches: u64 = report.streams.iter().map(|stream| stream.batches).sum();
    let is_meant = |code: &str| life == Life::Operated && PUT_BACK.contains(&code);
    let found = report.findings.iter().filter(|finding| !is_meant(finding.code));
    let mut findings: Vec<String> = found.map(|finding| finding.human(crate::Lang::En).trim_end().to_owned()).collect();
    let heads = report.streams.iter().filter(|stream| !stream.heads.is_empty()).count();
    if batches == 0 || (life == Life::Quiet && heads == 0) {
        findings.push(format!("the archives hold {batches} batches, and heads of {heads} streams"));
    }
    findings
}

pub fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}
