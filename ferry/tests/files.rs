//! A zone on a real disk: what `ferry init` makes, whom it trusts, and why it refuses to start.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ferry::config::{Config, ZoneLock, check_directories, check_layout, preflight::preflight};
use serde_json::Value;
use tempfile::TempDir;

/// The user and group `nobody`.
const NOBODY: u32 = 65_534;

const CONTRACT: &str = r#"name = "small"
version = 1
zones = ["inner", "outer"]
[schema]
sqlite = "small.sql"
[[stream]]
name = "bill"
owner = "inner"
to = "outer"
priority = 1
limits = { rows = 10, plain_bytes = 65536, linger_ms = 0 }
[[stream.table]]
name = "bill"
key = ["id"]
columns = [{ name = "id", type = "text", max = 20 }, { name = "fen", type = "fen" }]
"#;
const SCHEMA: &str = "CREATE TABLE bill (id TEXT NOT NULL PRIMARY KEY, fen INTEGER NOT NULL) STRICT;\n";

struct World {
    dir: TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { dir: tempfile::tempdir().unwrap() };
        world.put("small.toml", CONTRACT);
        world.put("small.sql", SCHEMA);
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        put(&self.path(name), text);
    }

    fn init(&self, zone: &str, peer: &str, more: &[&str]) -> Output {
        let mut command = ferry();
        command.arg("init").arg("--dir").arg(self.path(zone)).args(["--zone", zone, "--peer", peer]);
        command.args(["--link", "small", "--contract"]).arg(self.path("small.toml")).args(more);
        command.output().unwrap()
    }

    /// Runs a verb on a zone, with `--json`, and returns exit code and document.
    fn ask(&self, zone: &str, arguments: &[&str]) -> (i32, Value) {
        answer(&ferry().args(arguments).arg("--json").arg("--config").arg(self.config_file(zone)).output().unwrap())
    }

    fn config_file(&self, zone: &str) -> PathBuf {
        self.path(zone).join("ferry.toml")
    }

    fn config(&self, zone: &str) -> Config {
        Config::load(&self.config_file(zone)).unwrap()
    }

    /// Two zones that trust each other.
    fn with_two_zones() -> Self {
        let world = Self::new();
        for (zone, peer) in [("inner", "outer"), ("outer", "inner")] {
            assert_eq!(code(&world.init(zone, peer, &[])), 0);
        }
        for (zone, peer) in [("inner", "outer"), ("outer", "inner")] {
            let card = world.path(peer).join(format!("{peer}.card"));
            let (_, shown) = world.ask(peer, &["keys", "card"]);
            let fingerprint = shown["fingerprint"].as_str().unwrap();
            let (code, _) = world.ask(zone, &["trust", "add", card.to_str().unwrap(), "--fingerprint", fingerprint]);
            assert_eq!(code, 0);
        }
        world
    }
}

#[test]
fn init_makes_a_whole_zone_and_overwrites_nothing() {
    let world = World::new();
    let first =
        world.init("inner", "outer", &["--time-scale", "100", "--carrier", "xml", "--extension", "xml", "--json"]);
    let (code, document) = answer(&first);
    assert_eq!(code, 0, "{document}");
    assert_eq!(document["fingerprint"].as_str().unwrap().len(), 64);
    let config = world.config("inner");
    assert_eq!((config.timers.time_scale, config.gate.extension.as_str()), (100, "xml"));
    preflight(&config, None).unwrap();
    let anchor = fs::read_to_string(&config.paths.anchor).unwrap();
    assert!(anchor.contains(r#""stream":"bill""#), "{anchor}");
    for path in [&config.file, &config.database.path, &config.paths.trust, &config.paths.keys.join("sign.pem")] {
        assert_eq!(mode(path) & 0o077, 0, "{}", path.display());
    }
    let before = snapshot(&world.path("inner"));
    let (code, document) = answer(&world.init("inner", "outer", &["--json"]));
    assert_eq!((code, document["error"]["code"].as_str().unwrap()), (25, "zone-exists"));
    assert_eq!(snapshot(&world.path("inner")), before);
}

#[test]
fn a_zone_that_cannot_be_made_leaves_nothing_or_says_what() {
    let world = World::new();
    let (code, document) = answer(&world.init("north", "outer", &["--json"]));
    assert_eq!((code, document["error"]["code"].as_str().unwrap()), (11, "zone-not-in-contract"));
    assert!(!world.path("north").exists());
    let bad = world.init("inner", "outer", &["--json", "--carrier", "fax"]);
    assert_eq!(answer(&bad).0, 10);
    assert!(!world.path("inner").exists());
    world.put("small.sql", "CREATE TABLE bill (id TEXT);\n");
    let (_, document) = answer(&world.init("inner", "outer", &["--json"]));
    let message = document["error"]["message"].as_str().unwrap();
    assert!(message.contains("made so far") && message.contains("inner/keys"), "{message}");
    assert!(!world.config_file("inner").exists());
}

#[test]
fn nobody_is_trusted_without_the_right_fingerprint() {
    let world = World::new();
    for (zone, peer) in [("inner", "outer"), ("outer", "inner")] {
        assert_eq!(code(&world.init(zone, peer, &[])), 0);
    }
    let card = world.path("outer/outer.card");
    let card = card.to_str().unwrap();
    let (code, document) = world.ask("inner", &["trust", "add", card]);
    assert_eq!((code, document["error"]["code"].as_str().unwrap()), (22, "fingerprint-not-given"));
    let (code, document) = world.ask("inner", &["trust", "add", card, "--fingerprint", &"00".repeat(32)]);
    assert_eq!((code, document["error"]["code"].as_str().unwrap()), (22, "fingerprint-differs"));
    let (_, list) = world.ask("inner", &["trust", "list"]);
    assert_eq!(list["entries"].as_array().unwrap().len(), 0);

    let (_, shown) = world.ask("outer", &["keys", "card"]);
    let fingerprint = shown["fingerprint"].as_str().unwrap().to_owned();
    let read_aloud: String = fingerprint.to_uppercase().chars().collect::<Vec<_>>().chunks(4).map(spaced).collect();
    let (code, added) = world.ask("inner", &["trust", "add", card, "--fingerprint", &read_aloud]);
    assert_eq!(code, 0, "{added}");
    let key = added["key"].as_str().unwrap();
    assert_eq!(world.ask("inner", &["trust", "show", &key[..8]]).1["fingerprint"], shown["fingerprint"]);
    assert_eq!(world.ask("inner", &["trust", "add", card, "--fingerprint", &fingerprint]).0, 25);
    assert_eq!(world.ask("outer", &["trust", "add", card, "--fingerprint", &fingerprint]).0, 31);
    assert_eq!(world.ask("inner", &["trust", "remove", "zzzzzz"]).0, 21);
    assert_eq!(world.ask("inner", &["trust", "remove", key]).0, 0);
    assert_eq!(world.ask("inner", &["trust", "show", key]).0, 21);
}

#[test]
fn a_new_card_of_the_peer_retires_the_old_one() {
    let world = World::with_two_zones();
    fs::remove_dir_all(world.path("outer/keys")).unwrap();
    fs::remove_file(world.path("outer/outer.card")).unwrap();
    assert_eq!(world.ask("outer", &["keys", "init"]).0, 0);
    assert_eq!(world.ask("outer", &["keys", "init"]).0, 25);
    let (_, shown) = world.ask("outer", &["keys", "card"]);
    let card = world.path("outer/outer.card");
    let fingerprint = shown["fingerprint"].as_str().unwrap();
    let (_, added) = world.ask("inner", &["trust", "add", card.to_str().unwrap(), "--fingerprint", fingerprint]);
    let (_, list) = world.ask("inner", &["trust", "list"]);
    let states: Vec<(&str, &str)> = list["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["key"].as_str().unwrap(), entry["state"].as_str().unwrap()))
        .collect();
    assert_eq!(states.len(), 2);
    assert!(states.contains(&(added["key"].as_str().unwrap(), "active")));
    assert!(states.contains(&(added["retired"].as_str().unwrap(), "retired")));
    assert_eq!(world.ask("outer", &["keys", "card"]).1["fingerprint"], shown["fingerprint"]);
    assert!(world.ask("outer", &["keys", "show"]).1["sign_pem"].as_str().unwrap().contains("PUBLIC KEY"));
}

#[test]
fn a_second_process_is_told_who_works_on_the_zone() {
    let world = World::with_two_zones();
    let config = world.config("inner");
    let lock = ZoneLock::take(&config).unwrap();
    let fault = ZoneLock::take(&config).unwrap_err();
    assert!(fault.message.to_string().contains(&format!("pid {}", std::process::id())), "{fault}");
    let (code, document) = world.ask("inner", &["run"]);
    assert_eq!((code, document["error"]["code"].as_str().unwrap()), (19, "zone-in-use"));
    drop(lock);
    drop(ZoneLock::take(&config).unwrap());
}

#[test]
fn directories_inside_each_other_are_refused() {
    let world = World::with_two_zones();
    let config = world.config("inner");
    let nested = |change: &dyn Fn(&mut Config)| {
        let mut config = config.clone();
        change(&mut config);
        check_layout(&config).unwrap_err().code
    };
    let inside = "directory-inside-another";
    assert_eq!(nested(&|config| config.gate.temporary = config.gate.to_gate.join("tmp")), inside);
    assert_eq!(nested(&|config| config.gate.from_gate = config.gate.to_gate.clone()), inside);
    assert_eq!(nested(&|config| config.gate.to_gate = config.paths.spool.join("x/../..")), inside);
    assert_eq!(nested(&|config| config.paths.trust = config.gate.from_gate.join("trust")), inside);
    std::os::unix::fs::symlink(&config.gate.to_gate, world.path("elsewhere")).unwrap();
    assert_eq!(nested(&|config| config.paths.spool = world.path("elsewhere")), inside);
}

#[test]
fn a_temporary_directory_on_another_file_system_is_refused() {
    let world = World::with_two_zones();
    let Some(other) = other_filesystem(world.dir.path()) else {
        println!("SKIPPED: a_temporary_directory_on_another_file_system_is_refused: there is only one file system");
        return;
    };
    let mut config = world.config("inner");
    config.gate.temporary = other.path().to_owned();
    assert_eq!(check_directories(&config).unwrap_err().exit, ferry::ExitCode::Filesystem);
}

#[test]
fn what_others_may_write_is_refused() {
    let world = World::with_two_zones();
    let config = world.config("inner");
    for (path, bad) in [
        (&config.paths.spool, 0o770),
        (&config.paths.archive, 0o707),
        (&config.paths.quarantine, 0o720),
        (&config.paths.trust, 0o620),
        (&config.file, 0o602),
    ] {
        let good = mode(path);
        set_mode(path, bad);
        assert_eq!(check_directories(&config).unwrap_err().code, "writable-by-others", "{}", path.display());
        set_mode(path, good);
    }
    check_directories(&config).unwrap();
}

#[test]
fn the_daemon_does_not_start_with_wrong_owners_or_modes() {
    let name = "the_daemon_does_not_start_with_wrong_owners_or_modes";
    let world = World::with_two_zones();
    if fs::metadata(world.dir.path()).unwrap().uid() != 0 {
        println!("SKIPPED: {name}: only root can change owners");
        return;
    }
    set_mode(world.dir.path(), 0o755);
    let program = world.path("ferry");
    // Another process writes the copy: a child that another test is just starting would hold a descriptor of this
    // one's, and a program that somebody may write to does not run.
    let copied = Command::new("install").args(["-m", "755", env!("CARGO_BIN_EXE_ferry")]).arg(&program).status();
    assert!(copied.unwrap().success());
    let config = world.config("inner");
    give_away(&world.path("inner"));
    let start = || as_nobody(&program, &["run", "--json", "--config", config.file.to_str().unwrap()]);
    let told = |output: &Output| answer(output).1["error"]["code"].as_str().unwrap_or_default().to_owned();

    let key = config.paths.keys.join("sign.pem");
    set_mode(&key, 0o640);
    assert_eq!(told(&start()), "key-mode");
    set_mode(&key, 0o600);
    std::os::unix::fs::chown(&key, Some(0), Some(0)).unwrap();
    assert_eq!(told(&start()), "key-owner");
    give_away(&key);
    for directory in [&config.gate.to_gate, &config.gate.from_gate, &config.gate.temporary, &config.paths.spool] {
        std::os::unix::fs::chown(directory, Some(0), Some(0)).unwrap();
        let output = start();
        assert_eq!((code(&output), told(&output).as_str()), (15, "directory-unusable"), "{}", directory.display());
        std::os::unix::fs::chown(directory, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    fs::remove_dir(&config.gate.from_gate).unwrap();
    assert_eq!(told(&start()), "directory-unusable");
}

#[test]
fn a_fault_of_the_configuration_names_its_line() {
    let world = World::new();
    assert_eq!(code(&world.init("inner", "outer", &[])), 0);
    let file = world.config_file("inner");
    let text = fs::read_to_string(&file).unwrap().replace("[timers]", "[timers]\nhurry = 1");
    let line = text.lines().position(|line| line == "hurry = 1").unwrap() + 1;
    put(&file, &text);
    let (code, document) = world.ask("inner", &["keys", "show"]);
    let message = document["error"]["message"].as_str().unwrap();
    assert_eq!(code, 10);
    assert!(message.contains(&format!("ferry.toml:{line}:1: timers.hurry")), "{message}");
}

fn ferry() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ferry"));
    command.env_clear().env("LC_ALL", "C").stdin(std::process::Stdio::null());
    command
}

/// Runs the program as a user without rights.
fn as_nobody(program: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.env_clear().env("LC_ALL", "C").uid(NOBODY).gid(NOBODY).args(arguments);
    command.output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// The exit code and the document: on standard output, or as a failure on standard error.
fn answer(output: &Output) -> (i32, Value) {
    let said = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
    let said = String::from_utf8_lossy(said);
    let last = said.lines().last().unwrap_or_default();
    let document = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {said}"));
    (code(output), document)
}

fn spaced(group: &[char]) -> String {
    format!("{} ", group.iter().collect::<String>())
}

#[expect(clippy::disallowed_methods, reason = "a test's file need not survive a power cut")]
fn put(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Gives a file or a directory with all that is in it to `nobody`.
fn give_away(path: &Path) {
    std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give_away(&entry.unwrap().path());
        }
    }
}

/// Every path below a directory with its length.
fn snapshot(directory: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::metadata(&path).unwrap();
        found.push((path.clone(), metadata.len()));
        if metadata.is_dir() {
            found.extend(snapshot(&path));
        }
    }
    found.sort();
    found
}

/// A directory on a file system other than that of `path`.
fn other_filesystem(path: &Path) -> Option<TempDir> {
    let device = fs::metadata(path).unwrap().dev();
    let candidates =
        [Path::new("/dev/shm").to_owned(), std::env::temp_dir(), PathBuf::from(env!("CARGO_TARGET_TMPDIR"))];
    let found = candidates.iter().filter(|place| fs::metadata(place).is_ok_and(|found| found.dev() != device));
    found.filter_map(|place| TempDir::new_in(place).ok()).next()
}
