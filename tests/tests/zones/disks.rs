//! A disk that is full, a database that another program holds, a drop directory that is unmounted: the daemon lives on, says
//! what is wrong, loses nothing and repeats nothing, and goes on by itself when that is over.

use std::path::{Path, PathBuf};
use std::process::Command;

use contract::rows::{BaseRegion, PayConfirm, PayNotice, Row as _, json_rows};
use contract::{Generator, Size};
use tests::demo::database::Database;
use tests::kills::{Evidence, settled};
use tests::pair::{Daemon, INNER, Making, OUTER, Pair, expect_success, leave_out, run, wait_until, write_file};

const ROWS: u64 = 30;
/// Room for a zone that starts, its database with the log of it, and a few batches.
const DISK_BYTES: u64 = 96 << 20;
/// The file that takes what is left of it.
const FILLER: &str = "filler";

/// A small file system in memory.
struct Disk {
    at: PathBuf,
}

impl Disk {
    /// Mounts one over a directory; `None`, told as left out, where nobody may mount.
    fn mount(test: &str, at: &Path) -> Option<Self> {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &format!("size={DISK_BYTES},mode=0700"), "ferry-test"]).arg(at);
        let mounted = command.output().is_ok_and(|output| output.status.success());
        if !mounted {
            leave_out(test, "needs the right to mount a small tmpfs");
            return None;
        }
        Some(Self { at: at.to_owned() })
    }

    /// Takes all room that is left.
    fn fill(&self) {
        use std::io::Write as _;
        let mut file = std::fs::File::create(self.at.join(FILLER)).unwrap();
        for block in [64 << 10, 4 << 10] {
            let zeros = vec![0_u8; block];
            while file.write_all(&zeros).is_ok() {}
        }
    }

    /// Gives it back.
    fn free(&self) {
        std::fs::remove_file(self.at.join(FILLER)).unwrap();
    }

    /// Unmounts it, also from under a program that has files open in it.
    fn unmount(&self) {
        expect_success(&run(Command::new("umount").arg("--lazy").arg(&self.at)));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // One that a test has unmounted is no mount any more.
        drop(Command::new("umount").arg("--lazy").arg(&self.at).output());
    }
}

/// Writes the regions, when it begins, and some payments outside and some notices inside, of a generator's numbers from `first` on.
fn write_rows(pair: &Pair, first: u64) {
    let numbers = first..first + ROWS;
    let generator = Generator::new(3, Size::S);
    if first == 0 {
        let regions = json_rows(generator.regions().map(|one| one.cells()));
        insert(&pair.database(INNER), &BaseRegion::SHAPE.insert_sql(), &regions);
    }
    let notices = generator.notices(numbers).map(|one| one.notice.cells());
    write_payments(pair, first);
    insert(&pair.database(INNER), &PayNotice::SHAPE.insert_sql(), &json_rows(notices));
}

/// Writes some payments outside.
fn write_payments(pair: &Pair, first: u64) {
    let generator = Generator::new(3, Size::S);
    let confirms = generator.confirmations(first..first + ROWS).map(|one| one.confirm.cells());
    insert(&pair.database(OUTER), &PayConfirm::SHAPE.insert_sql(), &json_rows(confirms));
}

fn insert(database: &Path, sql: &str, rows: &str) {
    let mut database = Database::open(database).unwrap();
    database.run(sql, &[rows]).unwrap();
    database.close();
}

/// The code of what fails again and again, as `ferry status` tells it.
fn failing(pair: &Pair, zone: usize) -> String {
    let status = pair.json(zone, &["status"]);
    let told = status["facts"]["failing"].as_str().unwrap_or_default().to_owned();
    let codes: Vec<&str> =
        status["troubles"].as_array().unwrap().iter().filter_map(|one| one["code"].as_str()).collect();
    assert!(told.is_empty() || codes.contains(&told.as_str()) && status["attention"] == true, "{status}");
    told
}

/// Everything arrives, each change once, and nobody has anything to object to.
fn expect_whole(pair: &Pair, daemons: [Daemon; 2]) {
    pair.carry_until("both zones to settle", || settled::is_settled(pair));
    pair.carry_until("nothing to fail any more", || [INNER, OUTER].iter().all(|zone| failing(pair, *zone).is_empty()));
    wait_until("the spools to be empty", || settled::leftovers(pair).is_empty());
    for mut daemon in daemons {
        assert!(daemon.is_running());
        assert_eq!(daemon.stop(), Some(0));
    }
    let [captured, sent, applied] = settled::captured(pair);
    assert!(captured > 0 && captured == sent && sent == applied, "{captured} captured, {sent} sent, {applied} applied");
    assert!(settled::unequal(pair).is_empty(), "{:?}", settled::unequal(pair));
    let (exit, report) = settled::verify(pair);
    assert_eq!(exit, Some(0), "{report}");
}

/// Fills a disk, lets rows come that need it, and gives it back when `is_told` has seen the alarm.
fn fill_for_a_while(pair: &Pair, disk: &Disk, daemons: &mut [Daemon; 2], is_told: impl Fn() -> bool) {
    // What is put away later would make room.
    wait_until("the spools to be empty", || settled::leftovers(pair).is_empty());
    disk.fill();
    // Outside there is room: what the full zone is sent must wait at the gate.
    write_payments(pair, ROWS);
    pair.carry_until("the full disk to be told", is_told);
    assert!(daemons.iter_mut().all(Daemon::is_running));
    disk.free();
}

#[test]
fn a_full_spool_holds_up_the_zone_and_loses_nothing() {
    let pair = Pair::make(Making::default());
    let _evidence = Evidence(&pair);
    let Some(disk) = Disk::mount("a_full_spool_holds_up_the_zone_and_loses_nothing", &pair.path(INNER, "spool")) else {
        return;
    };
    let mut daemons = [pair.start(INNER), pair.start(OUTER)];
    write_rows(&pair, 0);
    pair.carry_until("the first rows to settle", || settled::is_settled(&pair));
    fill_for_a_while(&pair, &disk, &mut daemons, || failing(&pair, INNER) == "disk-full");
    expect_whole(&pair, daemons);
}

/// The database, the spool, the archive and the drop directories lie on one disk. The daemon cannot write what it sees either,
/// and `ferry status` says that it is silent.
#[test]
fn a_zone_whose_only_disk_is_full_goes_on_when_there_is_room() {
    let pair = Pair::make(Making::default());
    let _evidence = Evidence(&pair);
    let zone = pair.zone_dir(INNER);
    let aside = pair.dir.path().join("aside");
    assert!(tests::pair::move_file(&zone, &aside));
    std::fs::create_dir(&zone).unwrap();
    let Some(disk) = Disk::mount("a_zone_whose_only_disk_is_full_goes_on_when_there_is_room", &zone) else { return };
    expect_success(&run(Command::new("cp").arg("-a").arg(aside.join(".")).arg(&zone)));
    // The disk is smaller than what is otherwise kept free for other programs.
    let text = std::fs::read_to_string(pair.config(INNER)).unwrap();
    assert!(text.contains("[gate]\n") && !text.contains("\nlow_water_bytes"), "{text}");
    write_file(&pair.config(INNER), text.replacen("[gate]\n", "[gate]\nlow_water_bytes = 0\n", 1).as_bytes());
    let mut daemons = [pair.start(INNER), pair.start(OUTER)];
    write_rows(&pair, 0);
    pair.carry_until("the first rows to settle", || settled::is_settled(&pair));
    let is_silent = || {
        let status = pair.json(INNER, &["status"]);
        let troubles = status["troubles"].as_array().unwrap();
        troubles.iter().any(|one| one["code"] == "daemon-silent" || one["code"] == "disk-full")
    };
    fill_for_a_while(&pair, &disk, &mut daemons, is_silent);
    expect_whole(&pair, daemons);
}

#[test]
fn a_drop_directory_that_is_unmounted_is_no_empty_one() {
    const TEST: &str = "a_drop_directory_that_is_unmounted_is_no_empty_one";
    let pair = Pair::make(Making::default());
    let _evidence = Evidence(&pair);
    let from_gate = pair.path(INNER, "from-gate");
    let Some(disk) = Disk::mount(TEST, &from_gate) else { return };
    let mut daemons = [pair.start(INNER), pair.start(OUTER)];
    write_rows(&pair, 0);
    pair.carry_until("the first rows to settle", || settled::is_settled(&pair));
    disk.unmount();
    wait_until("the missing mount to be told", || failing(&pair, INNER) == "operation-failing");
    let status = pair.json(INNER, &["status"]);
    assert!(status["facts"]["failing_detail"].as_str().unwrap().contains("mount it again"), "{status}");
    assert!(daemons.iter_mut().all(Daemon::is_running));
    write_rows(&pair, ROWS);
    let Some(_again) = Disk::mount(TEST, &from_gate) else { return };
    expect_whole(&pair, daemons);
}

/// Longer than the daemon waits for its turn.
#[test]
fn a_database_that_another_program_holds_is_waited_for() {
    let pair = Pair::make(Making::default());
    let _evidence = Evidence(&pair);
    let mut daemons = [pair.start(INNER), pair.start(OUTER)];
    write_rows(&pair, 0);
    pair.carry_until("the first rows to settle", || settled::is_settled(&pair));
    let log = pair.path(INNER, "daemon.log");
    let busy_before = busy_lines(&log);
    let mut other = Database::open(&pair.database(INNER)).unwrap();
    other.run("BEGIN IMMEDIATE", &[]).unwrap();
    write_payments(&pair, ROWS);
    pair.carry_until("the daemon to have waited in vain", || busy_lines(&log) > busy_before);
    assert!(daemons.iter_mut().all(Daemon::is_running));
    let silent = || pair.json(INNER, &["status"])["troubles"].to_string().contains("daemon-silent");
    pair.carry_until("the silence to be told", silent);
    other.run("ROLLBACK", &[]).unwrap();
    other.close();
    expect_whole(&pair, daemons);
}

#[test]
fn a_start_waits_for_a_program_that_holds_the_database() {
    let pair = Pair::make(Making::default());
    let _evidence = Evidence(&pair);
    let mut other = Database::open(&pair.database(INNER)).unwrap();
    other.run("BEGIN IMMEDIATE", &[]).unwrap();
    let daemons = [pair.start(INNER), pair.start(OUTER)];
    let log = pair.path(INNER, "daemon.log");
    wait_until("the start to have waited in vain", || busy_lines(&log) > 0);
    assert_eq!(pair.starts(INNER), 0);
    other.run("ROLLBACK", &[]).unwrap();
    other.close();
    write_rows(&pair, 0);
    expect_whole(&pair, daemons);
}

/// Lines of a log that tell of a database which another program holds.
fn busy_lines(log: &Path) -> usize {
    let text = std::fs::read_to_string(log).unwrap();
    text.lines().filter(|line| line.contains("database is locked")).count()
}
