//! The unit of a zone: systemd understands it, its sandbox is tight, and the operators' page names every path in it.

use std::path::Path;
use std::process::Command;

use tests::pair::{expect_success, files, program, run, skip, write_file};
use tests::workspace_root;

use crate::sources::{assert_none, read};

const UNIT: &str = "systemd/ferry@.service";
const EXAMPLES: &str = "systemd/examples";
/// What `systemd-analyze security` may say at most, in tenths: "OK" begins above it.
const EXPOSURE_TENTHS_MAX: u32 = 20;
/// The version of systemd whose analyzer learnt `--offline`.
const OFFLINE_SINCE: u32 = 250;
const NO_ANALYZER: &str = "systemd-analyze is missing or older than 250; the Debian package systemd has it";

#[test]
fn every_line_of_the_units_is_a_section_a_setting_or_a_comment() {
    let mut findings = Vec::new();
    for (path, text) in units() {
        let mut section = None;
        for (index, line) in text.lines().enumerate() {
            let known = ["[Unit]", "[Service]", "[Install]"].contains(&line);
            if known {
                section = Some(line);
            }
            if !known && !line.is_empty() && !line.starts_with('#') && (section.is_none() || setting(line).is_none()) {
                findings.push(format!("{path}:{}: {line}", index + 1));
            }
        }
    }
    assert_none("not understood", &findings);
}

#[test]
fn systemd_understands_the_unit_alone_and_with_each_example() {
    analyze_each("systemd_understands_the_unit_alone_and_with_each_example", |analyzer, example| {
        let verified = run(&mut analyzer("verify"));
        expect_success(&verified);
        let said = String::from_utf8_lossy(&verified.stderr).into_owned() + &String::from_utf8_lossy(&verified.stdout);
        assert!(said.trim().is_empty(), "{example}: {said}");
    });
}

#[test]
fn the_sandbox_is_tight_alone_and_with_each_example() {
    let threshold = format!("--threshold={EXPOSURE_TENTHS_MAX}");
    analyze_each("the_sandbox_is_tight_alone_and_with_each_example", |analyzer, example| {
        let judged = run(analyzer("security").args(["--offline=true", "--no-pager", &threshold]));
        let said = String::from_utf8_lossy(&judged.stdout);
        let verdict = said.lines().find(|line| line.contains("Overall exposure level")).unwrap_or(&said);
        assert!(judged.status.success(), "{example}: {verdict} {}", String::from_utf8_lossy(&judged.stderr));
    });
}

/// Has systemd's analyzer look at the unit alone, and with each example in its place. `judge` gets its command for a verb.
fn analyze_each(test: &str, judge: impl Fn(&dyn Fn(&str) -> Command, &str)) {
    if !has_analyzer() {
        return skip(test, NO_ANALYZER);
    }
    for example in [None].into_iter().chain(examples().into_iter().map(Some)) {
        let dir = installed(example.as_deref());
        let analyzer = |verb: &str| {
            let mut command = Command::new("systemd-analyze");
            command.arg(verb).arg(dir.path().join("ferry@.service"));
            command
        };
        judge(&analyzer, example.as_deref().unwrap_or("the unit alone"));
    }
}

#[test]
fn the_service_is_watched_by_systemd_and_needs_no_network() {
    let text = read(UNIT);
    for line in [
        "Type=notify",
        "NotifyAccess=main",
        "Restart=on-failure",
        "User=ferry",
        "Group=ferry",
        "PrivateNetwork=yes",
        "IPAddressDeny=any",
        "RestrictAddressFamilies=AF_UNIX",
        "ProtectSystem=strict",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing");
    }
    assert_eq!(values(&text, "WatchdogSec").len(), 1);
}

#[test]
fn the_operators_page_names_every_path_of_the_units() {
    let page = read("docs/operations.md");
    let mut findings = Vec::new();
    let mut found = 0;
    for (path, text) in units().into_iter().chain(["sysusers", "tmpfiles"].map(of_systemd)) {
        for named in paths(&text) {
            found += 1;
            if !page.contains(&named) {
                findings.push(format!("{path}: {named}"));
            }
        }
    }
    assert!(found > 15, "only {found} paths were found");
    assert_none("not in docs/operations.md", &findings);
}

#[test]
fn the_credentials_have_the_names_of_the_key_files() {
    let keys = read("ferry/src/keyring/keys.rs");
    for (example, setting) in
        [("credentials.conf", "LoadCredential"), ("sealed-credentials.conf", "LoadCredentialEncrypted")]
    {
        let text = read(&format!("{EXAMPLES}/{example}"));
        let names: Vec<&str> =
            values(&text, setting).into_iter().map(|value| value.split(':').next().unwrap_or_default()).collect();
        assert_eq!(names.len(), 2, "{example}");
        for (constant, name) in ["SIGN_KEY", "ENCRYPT_KEY"].into_iter().zip(names) {
            assert!(keys.contains(&format!("pub const {constant}: &str = \"{name}\";")), "{example}: {name}");
        }
    }
}

#[test]
fn every_exit_code_that_prevents_a_restart_is_documented() {
    let table = read("docs/exit-codes.md");
    let text = read(UNIT);
    let codes: Vec<&str> = values(&text, "RestartPreventExitStatus")[0].split(' ').collect();
    assert!(codes.len() > 5, "{codes:?}");
    for code in codes {
        assert!(table.lines().any(|line| line.starts_with(&format!("| {code} | `"))), "{code}");
    }
}

#[test]
fn settings_and_paths_are_read_as_meant() {
    assert_eq!(setting("A=b=c"), Some(("A", "b=c")));
    assert_eq!(setting("not one"), None);
    let text = "# /x\nA=-/a/%i/k /b:ro\nB=id:/c\nDocumentation=file:///d\nd /e 0755 root root -\nC=~@x\n";
    assert_eq!(paths(text), ["/a/nontax/k", "/b", "/c", "/d", "/e"]);
}

/// The unit and the drop-ins, each with its path.
fn units() -> Vec<(String, String)> {
    let mut found = vec![(UNIT.to_owned(), read(UNIT))];
    found.extend(examples().into_iter().map(|name| {
        let path = format!("{EXAMPLES}/{name}");
        let text = read(&path);
        (path, text)
    }));
    found
}

fn of_systemd(kind: &str) -> (String, String) {
    let path = format!("systemd/ferry.{kind}");
    let text = read(&path);
    (path, text)
}

fn examples() -> Vec<String> {
    let found = files(&workspace_root().join(EXAMPLES));
    let name = |path: &Path| path.file_name().and_then(|name| name.to_str()).map(ToOwned::to_owned);
    let names: Vec<String> = found.iter().filter_map(|path| name(path)).collect();
    assert!(names.len() >= 3, "{names:?}");
    names
}

/// The unit as a machine would have it whose program is the one under test, with one drop-in or none.
fn installed(example: Option<&str>) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a scratch directory");
    let program = program("ferry");
    let text = read(UNIT).replace("/usr/bin/ferry", program.to_str().expect("a path in UTF-8"));
    write_file(&dir.path().join("ferry@.service"), text.as_bytes());
    if let Some(name) = example {
        let drop_ins = dir.path().join("ferry@.service.d");
        std::fs::create_dir(&drop_ins).expect("the scratch directory can be written to");
        write_file(&drop_ins.join(name), read(&format!("{EXAMPLES}/{name}")).as_bytes());
    }
    dir
}

/// Whether there is a `systemd-analyze` that judges files without a running systemd.
fn has_analyzer() -> bool {
    let Ok(output) = Command::new("systemd-analyze").arg("--version").output() else { return false };
    let said = String::from_utf8_lossy(&output.stdout);
    let version = said.split_whitespace().nth(1).and_then(|version| version.parse::<u32>().ok());
    version.is_some_and(|version| version >= OFFLINE_SINCE)
}

/// A line `Name=value`.
fn setting(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some((name, value))
}

fn values<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    text.lines().filter_map(setting).filter(|(found, _)| *found == name).map(|(_, value)| value).collect()
}

/// The paths that stand outside comments, for the instance of the operators' page.
fn paths(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let value = setting(line).map_or(line, |(_, value)| value);
        for word in value.split(' ') {
            let Some(start) = word.find('/') else { continue };
            let path = word[start..].trim_start_matches("//").split(':').next().unwrap_or_default();
            found.push(path.replace("%i", "nontax"));
        }
    }
    found
}
