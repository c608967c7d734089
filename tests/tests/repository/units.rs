//! The units of a zone, the daemon's and a node's: systemd understands them, their sandboxes are tight, and a page names every path in
//! them.

use std::process::Command;

use tests::pair::{expect_success, files, program, run, skip, write_file};
use tests::workspace_root;

use crate::sources::{assert_none, read};

/// A unit, and what is said of it here.
struct Unit {
    path: &'static str,
    /// The program that it starts.
    program: &'static str,
    /// Its drop-ins for operators.
    examples: &'static str,
    /// The page that names its paths.
    page: &'static str,
    /// What else belongs to it.
    beside: &'static [&'static str],
    /// What `systemd-analyze security` may say at most, in tenths.
    exposure_tenths_max: u32,
}

/// What `systemd-analyze security` calls "OK" begins above this.
const OFFLINE_TENTHS_MAX: u32 = 20;
/// The same for a service that has a network.
const ONLINE_TENTHS_MAX: u32 = 25;
const DAEMON: Unit = Unit {
    path: "systemd/ferry@.service",
    program: "ferry",
    examples: "systemd/examples",
    page: "docs/operations.md",
    beside: &[SHARING, "systemd/ferry.sysusers", "systemd/ferry.tmpfiles"],
    exposure_tenths_max: OFFLINE_TENTHS_MAX,
};
const NODES: [Unit; 2] =
    [node("systemd/inner-node@.service", "inner-node"), node("systemd/outer-node@.service", "outer-node")];
/// What the daemon's unit has besides for a database that a node shares; it comes with the daemon.
const SHARING: &str = "systemd/ferry-nodes.conf";
/// The version of systemd whose analyzer learnt `--offline`.
const OFFLINE_SINCE: u32 = 250;
const NO_ANALYZER: &str = "systemd-analyze is missing or older than 250; the Debian package systemd has it";

const fn node(path: &'static str, program: &'static str) -> Unit {
    Unit {
        path,
        program,
        examples: "systemd/node-examples",
        page: "docs/nodes.md",
        beside: &["systemd/ferry-nodes.sysusers", "systemd/ferry-nodes.tmpfiles"],
        exposure_tenths_max: ONLINE_TENTHS_MAX,
    }
}

fn units() -> [Unit; 3] {
    let [inner, outer] = NODES;
    [DAEMON, inner, outer]
}

#[test]
fn every_line_of_the_units_is_a_section_a_setting_or_a_comment() {
    let mut findings = Vec::new();
    let files = units().into_iter().flat_map(|unit| unit.files()).chain([(SHARING.to_owned(), read(SHARING))]);
    for (path, text) in files {
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
fn systemd_understands_the_units_alone_and_with_each_example() {
    analyze_each("systemd_understands_the_units_alone_and_with_each_example", |_, analyzer, what| {
        let verified = run(&mut analyzer("verify"));
        expect_success(&verified);
        let said = String::from_utf8_lossy(&verified.stderr).into_owned() + &String::from_utf8_lossy(&verified.stdout);
        assert!(said.trim().is_empty(), "{what}: {said}");
    });
}

#[test]
fn the_sandboxes_are_tight_alone_and_with_each_example() {
    analyze_each("the_sandboxes_are_tight_alone_and_with_each_example", |unit, analyzer, what| {
        let threshold = format!("--threshold={}", unit.exposure_tenths_max);
        let judged = run(analyzer("security").args(["--offline=true", "--no-pager", &threshold]));
        let said = String::from_utf8_lossy(&judged.stdout);
        let verdict = said.lines().find(|line| line.contains("Overall exposure level")).unwrap_or(&said);
        assert!(judged.status.success(), "{what}: {verdict} {}", String::from_utf8_lossy(&judged.stderr));
    });
}

/// Has systemd's analyzer look at each unit alone, and with each example in its place; at the daemon's with what the package of the
/// nodes adds to it, too. `judge` gets its command for a verb.
fn analyze_each(test: &str, judge: impl Fn(&Unit, &dyn Fn(&str) -> Command, &str)) {
    if !has_analyzer() {
        return skip(test, NO_ANALYZER);
    }
    for unit in units() {
        let mut drop_ins: Vec<Option<String>> = vec![None];
        drop_ins.extend(unit.example_names().into_iter().map(|name| Some(format!("{}/{name}", unit.examples))));
        if unit.path == DAEMON.path {
            drop_ins.push(Some(SHARING.to_owned()));
        }
        for drop_in in drop_ins {
            let dir = unit.installed(drop_in.as_deref());
            let analyzer = |verb: &str| {
                let mut command = Command::new("systemd-analyze");
                command.arg(verb).arg(dir.path().join(name_of(unit.path)));
                command
            };
            judge(&unit, &analyzer, &format!("{} with {drop_in:?}", unit.path));
        }
    }
}

#[test]
fn the_services_are_watched_by_systemd_and_only_the_nodes_have_a_network() {
    let all = ["Type=notify", "NotifyAccess=main", "Restart=on-failure", "ProtectSystem=strict", "NoNewPrivileges=yes"];
    let offline =
        ["User=ferry", "Group=ferry", "PrivateNetwork=yes", "IPAddressDeny=any", "RestrictAddressFamilies=AF_UNIX"];
    let online = ["User=ferry-node", "Group=ferry-node", "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX"];
    for unit in units() {
        let text = read(unit.path);
        let own: &[&str] = if unit.path == DAEMON.path { &offline } else { &online };
        for line in all.iter().chain(own) {
            assert!(text.lines().any(|found| found == *line), "{}: {line} is missing", unit.path);
        }
        assert_eq!(values(&text, "WatchdogSec").len(), 1, "{}", unit.path);
    }
}

#[test]
fn both_nodes_have_one_unit_but_for_their_names() {
    let [inner, outer] = NODES.map(|unit| read(unit.path));
    let as_outer = inner.replace("inner-node", "outer-node").replace("intranet node", "extranet payment node");
    assert_eq!(as_outer, outer);
}

#[test]
fn a_node_sees_nothing_of_the_daemon_and_the_daemon_nothing_of_a_nodes_keys() {
    for unit in NODES {
        let text = read(unit.path);
        assert_eq!(values(&text, "InaccessiblePaths"), ["-/var/lib/ferry -/etc/ferry"], "{}", unit.path);
        assert_eq!(values(&text, "ReadWritePaths"), ["/var/lib/ferry-node/%i"], "{}", unit.path);
        assert!(values(&text, "SupplementaryGroups").is_empty(), "{}", unit.path);
    }
    let sharing = read(SHARING);
    assert_eq!(values(&sharing, "ReadWritePaths"), ["-/var/lib/ferry-node/%i"]);
    assert_eq!(values(&sharing, "InaccessiblePaths"), ["-/etc/ferry-node"]);
}

#[test]
fn the_pages_name_every_path_of_the_units() {
    let mut findings = Vec::new();
    let mut found = 0;
    for unit in units() {
        let page = read(unit.page);
        let beside = unit.beside.iter().map(|path| ((*path).to_owned(), read(path)));
        for (path, text) in unit.files().into_iter().chain(beside) {
            for named in paths(&text) {
                found += 1;
                if !page.contains(&named) {
                    findings.push(format!("{path}: {named} is not in {}", unit.page));
                }
            }
        }
    }
    assert!(found > 45, "only {found} paths were found");
    assert_none("paths", &findings);
}

#[test]
fn the_credentials_have_the_names_of_the_key_files() {
    let keys = read("ferry/src/keyring/keys.rs");
    for (example, setting) in
        [("credentials.conf", "LoadCredential"), ("sealed-credentials.conf", "LoadCredentialEncrypted")]
    {
        let names = credentials(DAEMON.examples, example, setting);
        assert_eq!(names.len(), 2, "{example}");
        for (constant, name) in ["SIGN_KEY", "ENCRYPT_KEY"].into_iter().zip(names) {
            assert!(keys.contains(&format!("pub const {constant}: &str = \"{name}\";")), "{example}: {name}");
        }
        let [inner, _] = NODES;
        assert_eq!(credentials(inner.examples, example, setting), ["field.key", "push.pem"], "{example}");
    }
}

/// The names of the credentials in an example.
fn credentials(examples: &str, example: &str, setting: &str) -> Vec<String> {
    let text = read(&format!("{examples}/{example}"));
    let name = |value: &str| value.split(':').next().unwrap_or_default().to_owned();
    values(&text, setting).into_iter().map(name).collect()
}

#[test]
fn every_exit_code_that_prevents_a_restart_is_documented() {
    let table = read("docs/exit-codes.md");
    for unit in units() {
        let text = read(unit.path);
        let codes: Vec<&str> = values(&text, "RestartPreventExitStatus")[0].split(' ').collect();
        assert!(codes.len() >= 5, "{}: {codes:?}", unit.path);
        for code in codes {
            assert!(table.lines().any(|line| line.starts_with(&format!("| {code} | `"))), "{}: {code}", unit.path);
        }
    }
}

#[test]
fn settings_and_paths_are_read_as_meant() {
    assert_eq!(setting("A=b=c"), Some(("A", "b=c")));
    assert_eq!(setting("not one"), None);
    let text = "# /x\nA=-/a/%i/k /b:ro\nB=id:/c\nDocumentation=file:///d\nd /e 0755 root root -\nC=~@x\n";
    assert_eq!(paths(text), ["/a/nontax/k", "/b", "/c", "/d", "/e"]);
}

impl Unit {
    /// The unit and its examples, each with its path.
    fn files(&self) -> Vec<(String, String)> {
        let paths = [self.path.to_owned()].into_iter();
        let examples = self.example_names().into_iter().map(|name| format!("{}/{name}", self.examples));
        paths.chain(examples).map(|path| (path.clone(), read(&path))).collect()
    }

    fn example_names(&self) -> Vec<String> {
        let names: Vec<String> =
            files(&workspace_root().join(self.examples)).iter().filter_map(|path| path.to_str()).map(name_of).collect();
        assert!(names.len() >= 3, "{names:?}");
        names
    }

    /// The unit as a machine would have it whose program is the one under test, with one drop-in or none.
    fn installed(&self, drop_in: Option<&str>) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let program = program(self.program);
        let there = format!("/usr/bin/{}", self.program);
        let text = read(self.path);
        assert!(text.contains(&there), "{} starts {there}", self.path);
        let text = text.replace(&there, program.to_str().expect("a path in UTF-8"));
        write_file(&dir.path().join(name_of(self.path)), text.as_bytes());
        if let Some(path) = drop_in {
            let drop_ins = dir.path().join(format!("{}.d", name_of(self.path)));
            std::fs::create_dir(&drop_ins).expect("the scratch directory can be written to");
            write_file(&drop_ins.join(name_of(path)), read(path).as_bytes());
        }
        dir
    }
}

fn name_of(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
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
