//! A daemon that cannot start says why, what to do next, and ends with the documented code.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tests::demo::database::Database;
use tests::pair::{INNER, Making, Pair, run, wait_until, write_file};

/// The user that owns nothing.
const NOBODY: u32 = 65_534;

/// Runs the daemon, which must fail; returns its exit code and its error as JSON.
fn failure(command: &mut Command) -> (i32, Value) {
    let output = run(command.args(["--json", "run"]));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = said.lines().rev().find(|line| line.starts_with("{\"error\"")).unwrap_or_else(|| panic!("{said}"));
    (output.status.code().unwrap(), serde_json::from_str(line).unwrap())
}

fn expect_failure(pair: &Pair, exit: i32, code: &str) {
    let (found, error) = failure(&mut pair.command(INNER));
    assert_eq!((found, error["error"]["code"].as_str()), (exit, Some(code)), "{error}");
    let next = error["error"]["next"].as_str().unwrap_or_default();
    assert!(!next.is_empty(), "no next step: {error}");
}

fn edit_config(pair: &Pair, from: &str, to: &str) {
    let path = pair.config(INNER);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from} is not in the configuration");
    write_file(&path, text.replacen(from, to, 1).as_bytes());
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_bad_configuration_is_told_with_its_place() {
    let pair = Pair::make(Making::default());
    edit_config(&pair, "zone = \"inner\"", "zone = \"Inner\"");
    let (exit, error) = failure(&mut pair.command(INNER));
    assert_eq!(exit, 10, "{error}");
    assert!(error["error"]["message"].as_str().unwrap().contains("ferry.toml:"), "{error}");
}

#[test]
fn a_missing_key_is_told() {
    let pair = Pair::make(Making::default());
    std::fs::remove_file(pair.path(INNER, "keys/sign.pem")).unwrap();
    let (exit, error) = failure(&mut pair.command(INNER));
    assert_eq!(exit, 12, "{error}");
    assert!(error["error"]["message"].as_str().unwrap().contains("sign.pem"), "{error}");
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let pair = Pair::make(Making::default());
    set_mode(&pair.path(INNER, "keys/sign.pem"), 0o640);
    let (exit, error) = failure(&mut pair.command(INNER));
    assert_eq!(exit, 14, "{error}");
    assert!(error["error"]["next"].as_str().unwrap().contains("chmod"), "{error}");
}

#[test]
fn a_directory_that_the_user_cannot_write_is_told() {
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        tests::pair::skip("a_directory_that_the_user_cannot_write_is_told", "needs root, to become another user");
        return;
    }
    let pair = Pair::make(Making::default());
    hand_over(pair.dir.path(), &pair);
    set_mode(&pair.path(INNER, "to-gate"), 0o500);
    // The project may lie where that user cannot go. Another process writes the copy: a child that another test is
    // just starting would hold a descriptor of this one's, and a program that somebody may write to does not run.
    let program = pair.dir.path().join("ferry");
    let original = pair.command(INNER).get_program().to_owned();
    let copied = Command::new("install").args(["-m", "755"]).arg(original).arg(&program).status();
    assert!(copied.unwrap().success());
    let mut command = Command::new(program);
    command.env("LANG", "C").arg("--config").arg(pair.config(INNER)).uid(NOBODY).gid(NOBODY);
    let (exit, error) = failure(&mut command);
    assert_eq!(exit, 15, "{error}");
    assert!(error["error"]["message"].as_str().unwrap().contains("to-gate"), "{error}");
}

/// Gives everything of the pair to the user that owns nothing, and makes the way there passable.
fn hand_over(dir: &Path, pair: &Pair) {
    set_mode(dir, 0o755);
    let mut paths = vec![pair.zone_dir(INNER)];
    while let Some(path) = paths.pop() {
        std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        if path.is_dir() {
            paths.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
}

#[test]
fn a_temporary_directory_on_another_file_system_is_refused() {
    let pair = Pair::make(Making::default());
    let elsewhere = Path::new("/dev/shm");
    let here = std::fs::metadata(pair.dir.path()).unwrap().dev();
    if !std::fs::metadata(elsewhere).is_ok_and(|found| found.dev() != here) {
        tests::pair::skip("a_temporary_directory_on_another_file_system_is_refused", "there is no other file system");
        return;
    }
    let temporary = tempfile::tempdir_in(elsewhere).unwrap();
    edit_config(&pair, "temporary = \"to-gate.tmp\"", &format!("temporary = \"{}\"", temporary.path().display()));
    let (exit, error) = failure(&mut pair.command(INNER));
    assert_eq!(exit, 16, "{error}");
}

#[test]
fn a_schema_version_of_another_program_is_refused() {
    for version in ["99", "none"] {
        let pair = Pair::make(Making::default());
        let mut books = Database::open(&pair.database(INNER)).unwrap();
        books.run("UPDATE ferry_meta SET value = ?1 WHERE key = 'schema_version'", &[version]).unwrap();
        books.close();
        let (exit, error) = failure(&mut pair.command(INNER));
        assert_eq!(exit, 18, "{error}");
        assert!(error["error"]["message"].as_str().unwrap().contains(version), "{error}");
    }
}

#[test]
fn a_second_daemon_on_one_zone_is_refused() {
    let pair = Pair::make(Making::default());
    let mut first = pair.start(INNER);
    wait_until("the first daemon to hold the zone", || {
        std::fs::read_to_string(pair.path(INNER, "daemon.log")).is_ok_and(|log| log.contains("started"))
    });
    expect_failure(&pair, 19, "zone-in-use");
    assert!(first.is_running());
    assert_eq!(first.stop(), Some(0), "SIGTERM ends it in order");
}

#[test]
fn a_daemon_without_a_trusted_peer_does_not_start() {
    let pair = Pair::make(Making::default());
    let listed = pair.json(INNER, &["trust", "list"]);
    let key = listed["entries"][0]["key"].as_str().unwrap_or_else(|| panic!("{listed}")).to_owned();
    tests::pair::expect_success(&run(pair.command(INNER).args(["trust", "remove", &key])));
    let (exit, error) = failure(&mut pair.command(INNER));
    assert_eq!(exit, 13, "{error}");
}
