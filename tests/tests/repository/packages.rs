//! The Debian packages: what is in them, that they can be made again, and that removing one destroys no evidence.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use tests::pair::{expect_success, files, program, run, skip, write_file};
use tests::workspace_root;

use crate::sources::read;

/// Any fixed moment: the packages must not know that of their making.
const MOMENT: &str = "1700000000";

/// The tools that build packages, each with the Debian package that has it.
const TOOLS: [(&str, &str); 3] = [("dpkg-deb", "dpkg"), ("objdump", "binutils"), ("strip", "binutils")];

#[test]
fn the_packages_hold_what_they_should_and_building_twice_gives_the_same_bytes() {
    if let Some((tool, package)) = TOOLS.into_iter().find(|(tool, _)| !is_there(tool)) {
        let why = format!("{tool} of the Debian package {package} is missing");
        skip("the_packages_hold_what_they_should_and_building_twice_gives_the_same_bytes", &why);
        return;
    }
    let dir = tempfile::tempdir().expect("a scratch directory");
    let (first, second) = (build(&dir.path().join("first")), build(&dir.path().join("second")));
    for (one, other) in first.iter().zip(&second) {
        let same = std::fs::read(one).expect("a package") == std::fs::read(other).expect("a package");
        assert!(same, "{} differs from {}", one.display(), other.display());
    }
    let [ferry, gap_sim] = first;
    expect_ferry(&ferry, dir.path());
    expect_gap_sim(&gap_sim);
}

fn expect_ferry(deb: &Path, scratch: &Path) {
    let mut wanted: BTreeMap<String, String> = [
        ("usr/lib/systemd/system/ferry@.service", "systemd/ferry@.service"),
        ("usr/lib/sysusers.d/ferry.conf", "systemd/ferry.sysusers"),
        ("usr/lib/tmpfiles.d/ferry.conf", "systemd/ferry.tmpfiles"),
        ("usr/share/ferry/contract/nontax.toml", "contract/nontax.toml"),
        ("usr/share/ferry/contract/schema/nontax.sqlite.sql", "contract/schema/nontax.sqlite.sql"),
    ]
    .map(|(there, here)| (there.to_owned(), here.to_owned()))
    .into();
    for path in files(&workspace_root().join("systemd/examples")) {
        wanted.insert(format!("usr/share/ferry/systemd/{}", name(&path)), format!("systemd/examples/{}", name(&path)));
    }
    for path in files(workspace_root()).iter().filter(|path| is_page(path)) {
        wanted.insert(format!("usr/share/doc/ferry/{}", name(path)), name(path));
    }
    for path in files(&workspace_root().join("docs")) {
        wanted.insert(format!("usr/share/doc/ferry/docs/{}", name(&path)), format!("docs/{}", name(&path)));
    }
    let made = ["usr/bin/ferry", "usr/share/doc/ferry/copyright", "usr/share/doc/ferry/third-party.txt.gz"];
    let made = made.map(ToOwned::to_owned);
    let all: BTreeSet<String> = wanted.keys().cloned().chain(made).collect();
    assert_eq!(contents(deb), all);
    let root = scratch.join("root");
    expect_success(&run(Command::new("dpkg-deb").arg("--extract").args([deb, &root])));
    for (there, here) in &wanted {
        let bytes = std::fs::read(root.join(there)).expect("it was just extracted");
        assert_eq!(bytes, std::fs::read(workspace_root().join(here)).expect("a file of the repository"), "{there}");
    }
    let copyright = std::fs::read_to_string(root.join("usr/share/doc/ferry/copyright")).expect("a text");
    assert!(copyright.contains("License: MIT or Apache-2.0"), "{copyright}");
    expect_third_party(&root.join("usr/share/doc/ferry/third-party.txt.gz"));
    expect_control(deb, "ferry", scratch);
}

/// Every library that the program contains is named with its licence, and what its licence says is there.
fn expect_third_party(packed: &Path) {
    let unpacked = run(Command::new("gzip").args(["-d", "-c"]).arg(packed));
    expect_success(&unpacked);
    let text = String::from_utf8_lossy(&unpacked.stdout);
    for library in ["sm2 v", "sm4 v", "sqlx-sqlite v", "libsqlite3-sys v", "zstd-sys v", "ring v", "clap v"] {
        let line =
            text.lines().find(|line| line.starts_with(library)).unwrap_or_else(|| panic!("{library} is missing"));
        let number = line.rsplit(' ').next().expect("a line has a last word");
        assert!(text.contains(&format!("\n==== text {number} ====\n")), "{line}");
    }
    assert!(!text.lines().any(|line| line.contains(": no licence stated:")), "a library states no licence");
    assert!(!text.lines().any(|line| line.starts_with("ferry-core ")), "Ferry is no third party");
}

fn expect_gap_sim(deb: &Path) {
    let pages = ["copyright", "gap-sim.md", "gap-sim.zh-CN.md", "gate-profiles.md", "third-party.txt.gz"];
    let pages = pages.iter().map(|page| format!("usr/share/doc/gap-sim/{page}"));
    let all: BTreeSet<String> = pages.chain(["usr/bin/gap-sim".to_owned()]).collect();
    assert_eq!(contents(deb), all);
    assert_eq!(field(deb, "Package"), "gap-sim");
}

/// The scripts are the repository's, and no file is kept as one that operators edit: those hold secrets, and are theirs.
fn expect_control(deb: &Path, package: &str, scratch: &Path) {
    let control = scratch.join("control");
    expect_success(&run(Command::new("dpkg-deb").arg("--control").args([deb, &control])));
    let found: BTreeSet<String> = files(&control).iter().map(|path| name(path)).collect();
    let wanted = BTreeSet::from(["control", "md5sums", "postinst", "postrm", "prerm"].map(ToOwned::to_owned));
    assert_eq!(found, wanted);
    for script in ["postinst", "postrm", "prerm"] {
        let path = control.join(script);
        assert_eq!(std::fs::read_to_string(&path).expect("a script"), read(&format!("packaging/ferry.{script}")));
        assert_eq!(mode(&path) & 0o777, 0o755, "{script}");
    }
    let manifest: toml::Table = read("Cargo.toml").parse().expect("a manifest");
    let version = manifest["workspace"]["package"]["version"].as_str().expect("a version");
    assert_eq!((field(deb, "Package").as_str(), field(deb, "Version").as_str()), (package, version));
    assert!(field(deb, "Depends").starts_with("libc6 (>= 2."), "{}", field(deb, "Depends"));
}

#[test]
fn configuring_makes_the_user_and_the_directories_of_zones() {
    let test = "configuring_makes_the_user_and_the_directories_of_zones";
    if let Some(tool) = ["systemd-sysusers", "systemd-tmpfiles"].into_iter().find(|tool| !is_there(tool)) {
        return skip(test, &format!("{tool} of the Debian package systemd is missing"));
    }
    let dir = tempfile::tempdir().expect("a scratch directory");
    let root = dir.path();
    if std::fs::metadata(root).expect("it was just made").uid() != 0 {
        return skip(test, "needs root, to give a directory to another user");
    }
    for list in ["sysusers", "tmpfiles"] {
        let there = root.join(format!("usr/lib/{list}.d"));
        std::fs::create_dir_all(&there).expect("a scratch directory");
        write_file(&there.join("ferry.conf"), read(&format!("systemd/ferry.{list}")).as_bytes());
    }
    std::fs::create_dir(root.join("etc")).expect("a scratch directory");
    script(root, "postinst", &["configure", ""]);
    let users = std::fs::read_to_string(root.join("etc/passwd")).expect("the users of the root");
    let user = users.lines().find(|line| line.starts_with("ferry:")).expect("the user");
    let [_, _, uid, gid, _, home, shell] = user.split(':').collect::<Vec<_>>()[..] else { panic!("{user}") };
    assert_eq!((home, shell), ("/var/lib/ferry", "/usr/sbin/nologin"));
    for (path, owner) in [("etc/ferry", ("0", "0")), ("var/lib/ferry", (uid, gid))] {
        let made = std::fs::metadata(root.join(path)).expect("a directory for zones");
        assert_eq!((made.uid().to_string().as_str(), made.gid().to_string().as_str()), owner, "{path}");
        assert_eq!(made.mode() & 0o7777, 0o755, "{path}");
    }
}

#[test]
fn purging_removes_no_evidence_and_says_where_it_lies() {
    let dir = tempfile::tempdir().expect("a scratch directory");
    let root = dir.path();
    let kept =
        ["etc/ferry/nontax/ferry.toml", "var/lib/ferry/nontax/keys/sign.pem", "etc/credstore/ferry.nontax.sign.pem"];
    let enabled = "etc/systemd/system/multi-user.target.wants/ferry@nontax.service";
    for path in kept.into_iter().chain([enabled]) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().expect("a file lies in a directory")).expect("a scratch directory");
        write_file(&path, b"evidence");
    }
    let said = script(root, "postrm", &["purge"]);
    for path in kept {
        assert!(root.join(path).is_file(), "{path} is gone");
    }
    for path in ["etc/ferry", "var/lib/ferry", kept[0], kept[2]] {
        assert!(said.contains(root.join(path).to_str().expect("a path in UTF-8")), "{path} is not told: {said}");
    }
    assert!(root.join(enabled).symlink_metadata().is_err(), "the unit would be started without its program");
}

#[test]
fn purging_leaves_no_empty_directory() {
    let dir = tempfile::tempdir().expect("a scratch directory");
    for path in ["etc/ferry", "var/lib/ferry"] {
        std::fs::create_dir_all(dir.path().join(path)).expect("a scratch directory");
    }
    assert_eq!(script(dir.path(), "postrm", &["purge"]), "");
    assert!(!dir.path().join("etc/ferry").exists() && !dir.path().join("var/lib/ferry").exists());
}

#[test]
fn removing_and_updating_touch_no_file() {
    let dir = tempfile::tempdir().expect("a scratch directory");
    let path = dir.path().join("etc/ferry");
    std::fs::create_dir_all(&path).expect("a scratch directory");
    for (name, args) in [
        ("prerm", ["remove", ""]),
        ("prerm", ["upgrade", "9"]),
        ("postrm", ["remove", ""]),
        ("postrm", ["upgrade", "9"]),
        ("postinst", ["abort-upgrade", "9"]),
    ] {
        assert_eq!(script(dir.path(), name, &args), "", "{name} {args:?}");
        assert!(path.is_dir(), "{name} {args:?}");
    }
}

#[test]
fn only_an_update_starts_zones_again_and_only_those_that_run() {
    let postinst = read("packaging/ferry.postinst");
    let calls: Vec<&str> = postinst.lines().map(str::trim).filter(|line| line.starts_with("systemctl ")).collect();
    assert_eq!(calls, ["systemctl daemon-reload", "systemctl try-restart 'ferry@*.service' ||"]);
    let guard = postinst.find("[ -n \"$2\" ]").expect("it asks for the version that was there");
    assert!(guard < postinst.find("try-restart").expect("it was just found"));
}

/// Builds both packages from the programs under test: `ferry` and `gap-sim`.
fn build(out: &Path) -> [PathBuf; 2] {
    let ferry = program("ferry");
    let binaries = ferry.parent().expect("a program lies in a directory");
    let mut build = Command::new(workspace_root().join("packaging/build-deb"));
    build.env("SOURCE_DATE_EPOCH", MOMENT).arg("--binaries").arg(binaries).arg("--out").arg(out);
    let built = run(&mut build);
    expect_success(&built);
    let said = String::from_utf8_lossy(&built.stdout);
    assert_eq!(said.lines().filter(|line| line.contains("  needs glibc 2.")).count(), 2, "{said}");
    let found = files(out);
    found.try_into().unwrap_or_else(|found| panic!("{found:?}"))
}

/// The plain files in a package. Everything in it belongs to root, and nobody else may write to it.
fn contents(deb: &Path) -> BTreeSet<String> {
    let listed = run(Command::new("dpkg-deb").arg("--contents").arg(deb));
    expect_success(&listed);
    let mut found = BTreeSet::new();
    for line in String::from_utf8_lossy(&listed.stdout).lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (mode, owner, path) = (words[0], words[1], words[5].trim_start_matches("./"));
        let wanted = match (mode.starts_with('d'), path.starts_with("usr/bin/") && !path.ends_with('/')) {
            (true, _) => "drwxr-xr-x",
            (false, true) => "-rwxr-xr-x",
            (false, false) => "-rw-r--r--",
        };
        assert_eq!((mode, owner), (wanted, "root/root"), "{path}");
        if !mode.starts_with('d') {
            found.insert(path.to_owned());
        }
    }
    found
}

/// Runs a script of the package as dpkg does for another root, where it must not speak to this machine's services.
fn script(root: &Path, name: &str, args: &[&str]) -> String {
    let path = workspace_root().join(format!("packaging/ferry.{name}"));
    let output = run(Command::new("sh").arg(path).args(args).env("DPKG_ROOT", root));
    expect_success(&output);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn field(deb: &Path, name: &str) -> String {
    let output = run(Command::new("dpkg-deb").arg("--field").arg(deb).arg(name));
    expect_success(&output);
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn is_page(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md") || name(path).starts_with("LICENSE-")
}

fn is_there(tool: &str) -> bool {
    Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success())
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("a file").permissions().mode()
}

fn name(path: &Path) -> String {
    path.file_name().and_then(|name| name.to_str()).expect("names in the repository are UTF-8").to_owned()
}
