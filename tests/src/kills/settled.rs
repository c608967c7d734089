//! How the zones stand in the end: by their books, on their disks, and before a third party.

use std::path::PathBuf;
use std::process::Command;

use crate::demo::books::STREAMS;
use crate::demo::compare::compare;
use crate::demo::database::Database;
use crate::pair::{INNER, OUTER, Pair, files_below, run};

/// Everything captured is in a batch, every batch is applied under its own digest, and its owner knows it.
const OWNER_SQL: &str = "SELECT last_digest, last_seq, settled_seq, through_id, \
    ifnull((SELECT seq FROM sqlite_sequence WHERE name = outbox), 0) FROM ferry_stream_out WHERE stream = ?1";
const REPLICA_SQL: &str = "SELECT digest FROM ferry_stream_in WHERE stream = ?1";

/// Whether all streams of both zones have come to rest.
#[must_use]
pub fn is_settled(pair: &Pair) -> bool {
    let mut zones = open(pair);
    let settled = STREAMS.iter().all(|stream| {
        let (owner, replica) = if stream.from_inner { (INNER, OUTER) } else { (OUTER, INNER) };
        let of = [stream.name];
        let take = |row: &crate::demo::database::Found<'_>| {
            let is_known = row.number(1)? == row.number(2)? && row.number(3)? == row.number(4)?;
            Ok((row.text(0)?, row.number(1)?, is_known))
        };
        let sent = zones[owner].rows(OWNER_SQL, &of, take).expect("the owner has books");
        let applied = zones[replica].rows(REPLICA_SQL, &of, |row| row.text(0)).expect("the replica has books");
        match (sent.first(), applied.first()) {
            (Some((_, 0, is_known)), None) => *is_known,
            (Some((sent, _, is_known)), Some(applied)) => *is_known && sent == applied,
            _ => false,
        }
    });
    zones.into_iter().for_each(Database::close);
    settled
}

/// Changes that the owners' outboxes have had, that their batches hold, and that the peers' batches held, each over all streams.
#[must_use]
pub fn captured(pair: &Pair) -> [u64; 3] {
    let outbox = "SELECT ifnull(sum(seq), 0) FROM sqlite_sequence WHERE name IN (SELECT outbox FROM ferry_stream_out)";
    let sent = "SELECT ifnull(sum(rows), 0) FROM ferry_batch_out";
    let applied = "SELECT ifnull(sum(rows), 0) FROM ferry_batch_in";
    let mut zones = open(pair);
    let sums = [outbox, sent, applied].map(|sql| {
        let numbers = zones.iter_mut().map(|zone| zone.number(sql, &[]).expect("the zone has books"));
        numbers.sum()
    });
    zones.into_iter().for_each(Database::close);
    sums
}

fn open(pair: &Pair) -> [Database; 2] {
    [INNER, OUTER].map(|zone| Database::open(&pair.database(zone)).expect("the zone has a database"))
}

/// Tables that the two zones do not have alike.
#[must_use]
pub fn unequal(pair: &Pair) -> Vec<&'static str> {
    let compared = compare(&pair.database(INNER), &pair.database(OUTER)).expect("both databases can be read");
    compared.iter().filter(|one| !one.is_equal()).map(|one| one.shape.table).collect()
}

/// Files that should not be there any more: sealed ones in the spools, and unfinished ones anywhere.
#[must_use]
pub fn leftovers(pair: &Pair) -> Vec<PathBuf> {
    let in_zone = |zone| {
        let spool = pair.path(zone, "spool");
        let is_left = move |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            path.starts_with(&spool) && name.ends_with(".dat") || name.starts_with("tmp-")
        };
        files_below(&pair.zone_dir(zone)).into_iter().filter(is_left)
    };
    [INNER, OUTER].into_iter().flat_map(in_zone).collect()
}

/// What `ferry verify` says of both archives with the public cards alone: its exit code, and its report.
#[must_use]
pub fn verify(pair: &Pair) -> (Option<i32>, String) {
    let mut command = Command::new(pair.command(INNER).get_program());
    command.env("LANG", "C").arg("verify").args([INNER, OUTER].map(|zone| pair.path(zone, "archive")));
    command.arg("--trust").args([INNER, OUTER].map(|zone| pair.card(zone)));
    let output = run(&mut command);
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}
