//! The rows of applied batches leave the archives when their time has come, and what is left still proves what was sent.

use std::path::{Path, PathBuf};
use std::process::Command;

use contract::rows::{PayConfirm, Row as _, json_rows};
use contract::{Generator, Size};
use serde_json::Value;
use tests::demo::database::Database;
use tests::pair::{INNER, Making, OUTER, Pair, files_below, run, wait_until, write_file};

/// Makes ten seconds of a week.
const SCALE: u64 = 60_000;
const ROWS: u64 = 40;
/// Timers that stay what they are in the other tests although a week is so short.
const TIMERS: &str = "\nworst_delay_ms = 60000000\nscan_interval_ms = 6000000\n";

#[test]
fn rows_leave_both_archives_and_the_heads_prove_what_was_sent() {
    let pair = Pair::make(Making { time_scale: SCALE, ..Making::default() });
    for zone in [INNER, OUTER] {
        configure(&pair.config(zone));
    }
    let daemons = [pair.start(INNER), pair.start(OUTER)];
    let rows = json_rows(Generator::new(3, Size::S).confirmations(0..ROWS).map(|one| one.confirm.cells()));
    Database::open(&pair.database(OUTER)).unwrap().run(&PayConfirm::SHAPE.insert_sql(), &[&rows]).unwrap();
    let places = [pair.path(OUTER, "archive/nontax/out/confirm"), pair.path(INNER, "archive/nontax/in/confirm")];
    pair.carry_until("the batches to be archived", || places.iter().all(|place| !whole_batches(place).is_empty()));
    let whole = std::fs::read(&whole_batches(&places[0])[0]).unwrap();
    pair.carry_until("the rows to leave both archives", || {
        let is_done =
            |place: &PathBuf| whole_batches(place).is_empty() && !files_below(&place.join("heads")).is_empty();
        pair.stream(OUTER, "confirm")["health"] == "ok" && places.iter().all(is_done)
    });
    for daemon in daemons {
        assert_eq!(daemon.stop(), Some(0));
    }
    let heads = places.map(|place| files_below(&place.join("heads")));
    assert_eq!(heads[0].len(), heads[1].len());
    let head = std::fs::read(&heads[0][0]).unwrap();
    assert!(whole.starts_with(&head[..head.len() / 2]) && head.len() < whole.len());

    let (code, report) = verify(&pair);
    assert_eq!((code, report["faults"].as_array().map(Vec::len)), (0, Some(0)), "{report}");
    let stream = report["streams"].as_array().unwrap().iter().find(|one| one["stream"] == "confirm").unwrap();
    assert_eq!(stream["proven_to"].as_u64(), Some(heads[0].len() as u64), "{report}");
    assert!(stream["heads"].as_str().is_some_and(|heads| heads.starts_with('1')), "{report}");
    let shown = [INNER, OUTER].map(|zone| pair.json(zone, &["show", "confirm/1"])["header"].clone());
    assert_eq!(pair.json(INNER, &["show", "confirm/1"])["head_only"], true);
    assert!(shown[0]["records"].as_u64().unwrap() > 0 && shown[0] == shown[1], "{shown:?}");

    let mut changed = head.clone();
    let digit = changed.iter().rposition(u8::is_ascii_digit).unwrap();
    changed[digit] ^= 1;
    write_file(&heads[0][0], &changed);
    let (code, report) = verify(&pair);
    assert_eq!(code, 20, "{report}");

    let ran_for = elapsed(&pair, INNER);
    assert!(ran_for >= 7 * 86_400_000 / SCALE);
    // The time that has passed is remembered, and a daemon that starts with cleared archives has nothing to complain of.
    write_file(&heads[0][0], &head);
    let daemons = [pair.start(INNER), pair.start(OUTER)];
    pair.carry_until("the zones to hear each other", || {
        [INNER, OUTER].iter().all(|zone| pair.stream(*zone, "confirm")["health"] == "ok")
    });
    wait_until("the time to be written down", || elapsed(&pair, INNER) != ran_for);
    let runs_for = elapsed(&pair, INNER);
    assert!(runs_for > ran_for, "{runs_for} after {ran_for}");
    for daemon in daemons {
        assert_eq!(daemon.stop(), Some(0));
    }
}

/// The batches of an archived stream that are whole.
fn whole_batches(stream: &Path) -> Vec<PathBuf> {
    let mut found = files_below(stream);
    found.retain(|path| path.extension().is_some_and(|extension| extension == "dat"));
    found
}

fn configure(path: &Path) {
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.replacen("[gate]\n", &format!("[gate]{TIMERS}"), 1).replacen(
        "[timers]\n",
        "[timers]\nheartbeat_ms = 60000000\nhandshake_ms = 20000000\nstatus_debounce_ms = 3000000\n\
         observe_interval_ms = 6000000\nresend_max_ms = 86400000\n",
        1,
    );
    let text = text.replacen("[archive]\n", "[archive]\nwhole_days = 7\n", 1);
    write_file(path, text.as_bytes());
}

fn verify(pair: &Pair) -> (i32, Value) {
    let mut command = Command::new(pair.command(INNER).get_program());
    command.env("LANG", "C").args(["--json", "verify"]);
    command.args([INNER, OUTER].map(|zone| pair.path(zone, "archive")));
    command.arg("--trust").args([INNER, OUTER].map(|zone| pair.card(zone)));
    let output = run(&mut command);
    (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap())
}

fn elapsed(pair: &Pair, zone: usize) -> u64 {
    let mut books = Database::open(&pair.database(zone)).unwrap();
    let found = books.number("SELECT coalesce(max(elapsed_ms), 0) FROM ferry_retention", &[]).unwrap();
    books.close();
    found
}
