//! The Debian packages: what is in them, that they can be made again, and that removing one destroys no evidence.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use tests::pair::{expect_success, files, files_below, program, run, skip, write_file};
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
    let [nodes, ferry, gap_sim] = first;
    expect_ferry(&ferry, &dir.path().join("ferry"));
    expect_nodes(&nodes, &dir.path().join("nodes"));
    expect_gap_sim(&gap_sim);
}

fn expect_ferry(deb: &Path, scratch: &Path) {
    let mut wanted: BTreeMap<String, String> = [
        ("usr/lib/systemd/system/ferry@.service", "systemd/ferry@.service"),
        // A zone carries on when its node's package is removed.
        ("usr/lib/systemd/system/ferry@.service.d/ferry-nodes.conf", "systemd/ferry-nodes.conf"),
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
    expect_contents(deb, &["ferry"], &wanted, scratch);
    let libraries = ["sm2 v", "sm4 v", "sqlx-sqlite v", "libsqlite3-sys v", "zstd-sys v", "ring v", "clap v"];
    expect_third_party(&scratch.join("usr/share/doc/ferry/third-party.txt.gz"), &libraries, "ferry-core ");
    expect_control(deb, "ferry", scratch);
    let depends = field(deb, "Depends");
    assert!(depends.starts_with("libc6 (>= 2.") && depends.ends_with(", passwd"), "{depends}");
}

fn expect_nodes(deb: &Path, scratch: &Path) {
    let mut wanted: BTreeMap<String, String> = [
        ("usr/lib/systemd/system/inner-node@.service", "systemd/inner-node@.service"),
        ("usr/lib/systemd/system/outer-node@.service", "systemd/outer-node@.service"),
        ("usr/lib/sysusers.d/ferry-nodes.conf", "systemd/ferry-nodes.sysusers"),
        ("usr/lib/tmpfiles.d/ferry-nodes.conf", "systemd/ferry-nodes.tmpfiles"),
        ("usr/share/doc/ferry-nodes/docs/nodes.md", "docs/nodes.md"),
        ("usr/share/doc/ferry-nodes/docs/nodes.zh-CN.md", "docs/nodes.zh-CN.md"),
    ]
    .map(|(there, here)| (there.to_owned(), here.to_owned()))
    .into();
    for path in files(&workspace_root().join("systemd/node-examples")) {
        let here = format!("systemd/node-examples/{}", name(&path));
        wanted.insert(format!("usr/share/ferry-nodes/systemd/{}", name(&path)), here);
    }
    for path in files_below(&workspace_root().join("docs/api")) {
        let here = path.strip_prefix(workspace_root()).expect("it lies in the repository").display().to_string();
        wanted.insert(format!("usr/share/doc/ferry-nodes/{here}"), here);
    }
    expect_contents(deb, &["inner-node", "outer-node"], &wanted, scratch);
    let libraries = ["axum v", "calamine v", "argon2 v", "sm2 v", "libsqlite3-sys v", "clap v"];
    expect_third_party(&scratch.join("usr/share/doc/ferry-nodes/third-party.txt.gz"), &libraries, "contract ");
    expect_control(deb, "ferry-nodes", scratch);
    let (depends, version) = (field(deb, "Depends"), field(deb, "Version"));
    assert!(depends.starts_with("libc6 (>= 2."), "{depends}");
    assert!(depends.ends_with(&format!(", ferry (= {version}), passwd")), "{depends}");
}

/// The package has its programs, the files of the repository that `wanted` names as they are there, and what is made for it.
fn expect_contents(deb: &Path, programs: &[&str], wanted: &BTreeMap<String, String>, scratch: &Path) {
    let package = field(deb, "Package");
    let made = ["copyright", "third-party.txt.gz"].map(|page| format!("usr/share/doc/{package}/{page}"));
    let programs = programs.iter().map(|program| format!("usr/bin/{program}"));
    let all: BTreeSet<String> = wanted.keys().cloned().chain(made).chain(programs).collect();
    assert_eq!(contents(deb), all);
    expect_success(&run(Command::new("dpkg-deb").arg("--extract").args([deb, scratch])));
    for (there, here) in wanted {
        let bytes = std::fs::read(scratch.join(there)).expect("it was just extracted");
        assert_eq!(bytes, std::fs::read(workspace_root().join(here)).expect("a file of the repository"), "{there}");
    }
    let copyright = scratch.join(format!("usr/share/doc/{package}/copyright"));
    let copyright = std::fs::read_to_string(copyright).expect("a text");
    assert!(copyright.contains("License: MIT or Apache-2.0"), "{copyright}");
}

/// Every library that the programs contain is named with its licence, and what its licence says is there. `own` is none.
fn expect_third_party(packed: &Path, libraries: &[&str], own: &str) {
    let unpacked = run(Command::new("gzip").args(["-d", "-c"]).arg(packed));
    expect_success(&unpacked);
    let text = String::from_utf8_lossy(&unpacked.stdout);
    for library in libraries {
        let line =
            text.lines().find(|line| line.starts_with(library)).unwrap_or_else(|| panic!("{library} is missing"));
        let number = line.rsplit(' ').next().expect("a line has a last word");
        assert!(text.contains(&format!("\n==== text {number} ====\n")), "{line}");
    }
    assert!(!text.lines().any(|line| line.contains(": no licence stated:")), "a library states no licence");
    assert!(!text.lines().any(|line| line.starts_with(own)), "{own} is no third party");
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
        assert_eq!(std::fs::read_to_string(&path).expect("a script"), read(&format!("packaging/{package}.{script}")));
        assert_eq!(mode(&path) & 0o777, 0o755, "{script}");
    }
    let manifest: toml::Table = read("Cargo.toml").parse().expect("a manifest");
    let version = manifest["workspace"]["package"]["version"].as_str().expect("a version");
    assert_eq!((field(deb, "Package").as_str(), field(deb, "Version").as_str()), (package, version));
}

/// The packages that make users, in the order in which they are installed.
const WITH_USERS: [&str; 2] = ["ferry", "ferry-nodes"];

#[test]
fn configuring_makes_the_users_and_the_directories_of_zones() {
    let test = "configuring_makes_the_users_and_the_directories_of_zones";
    if let Some(tool) = ["systemd-sysusers", "systemd-tmpfiles"].into_iter().find(|tool| !is_there(tool)) {
        return skip(test, &format!("{tool} of the Debian package systemd is missing"));
    }
    let dir = tempfile::tempdir().expect("a scratch directory");
    let root = dir.path();
    if std::fs::metadata(root).expect("it was just made").uid() != 0 {
        return skip(test, "needs root, to give a directory to another user");
    }
    std::fs::create_dir(root.join("etc")).expect("a scratch directory");
    for package in WITH_USERS {
        for list in ["sysusers", "tmpfiles"] {
            let there = root.join(format!("usr/lib/{list}.d"));
            std::fs::create_dir_all(&there).expect("a scratch directory");
            write_file(&there.join(format!("{package}.conf")), read(&format!("systemd/{package}.{list}")).as_bytes());
        }
        script(root, package, "postinst", &["configure", ""]);
    }
    let users = std::fs::read_to_string(root.join("etc/passwd")).expect("the users of the root");
    let user = |name: &str| {
        let user = users.lines().find(|line| line.starts_with(&format!("{name}:"))).expect("the user");
        let [_, _, uid, gid, _, home, shell] = user.split(':').collect::<Vec<_>>()[..] else { panic!("{user}") };
        assert_eq!(shell, "/usr/sbin/nologin");
        (uid.to_owned(), gid.to_owned(), home.to_owned())
    };
    let (uid, gid, home) = user("ferry");
    assert_eq!((home.as_str(), user("ferry-node").2.as_str()), ("/var/lib/ferry", "/var/lib/ferry-node"));
    let groups = std::fs::read_to_string(root.join("etc/group")).expect("the groups of the root");
    let shared = format!("ferry-node:x:{}:ferry", user("ferry-node").1);
    assert!(groups.lines().any(|line| line == shared), "{shared}: {groups}");
    assert!(groups.lines().any(|line| line == format!("ferry:x:{gid}:")), "nodes are in no group of ferry's: {groups}");
    let of_root = ("0".to_owned(), "0".to_owned());
    for (path, owner) in [
        ("etc/ferry", &of_root),
        ("var/lib/ferry", &(uid, gid)),
        ("etc/ferry-node", &of_root),
        ("var/lib/ferry-node", &of_root),
    ] {
        let made = std::fs::metadata(root.join(path)).expect("a directory for zones");
        assert_eq!((&made.uid().to_string(), &made.gid().to_string()), (&owner.0, &owner.1), "{path}");
        assert_eq!(made.mode() & 0o7777, 0o755, "{path}");
    }
}

#[test]
fn purging_removes_no_evidence_and_says_where_it_lies() {
    purge_of_evidence(
        "ferry",
        &["etc/ferry/nontax/ferry.toml", "var/lib/ferry/nontax/keys/sign.pem", "etc/credstore/ferry.nontax.sign.pem"],
        &["etc/ferry", "var/lib/ferry", "etc/ferry/nontax/ferry.toml", "etc/credstore/ferry.nontax.sign.pem"],
        &["etc/systemd/system/multi-user.target.wants/ferry@nontax.service"],
    );
    purge_of_evidence(
        "ferry-nodes",
        &[
            "etc/ferry-node/nontax/inner-node.toml",
            "var/lib/ferry-node/nontax/inner.db",
            "etc/credstore/ferry-node.nontax.field.key",
            "etc/systemd/system/multi-user.target.wants/ferry@nontax.service",
        ],
        &["etc/ferry-node", "var/lib/ferry-node", "etc/credstore/ferry-node.nontax.field.key"],
        &["inner", "outer"]
            .map(|zone| format!("etc/systemd/system/multi-user.target.wants/{zone}-node@nontax.service")),
    );
}

/// Purges a package: what is `kept` is there afterwards, what is `told` is named, and what `systemctl enable` left is gone.
fn purge_of_evidence(package: &str, kept: &[&str], told: &[&str], enabled: &[impl AsRef<Path>]) {
    let dir = tempfile::tempdir().expect("a scratch directory");
    let root = dir.path();
    for path in kept.iter().map(Path::new).chain(enabled.iter().map(AsRef::as_ref)) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().expect("a file lies in a directory")).expect("a scratch directory");
        write_file(&path, b"evidence");
    }
    let said = script(root, package, "postrm", &["purge"]);
    for path in kept {
        assert!(root.join(path).is_file(), "{path} is gone");
    }
    for path in told {
        assert!(said.contains(root.join(path).to_str().expect("a path in UTF-8")), "{path} is not told: {said}");
    }
    for path in enabled {
        let left = root.join(path).symlink_metadata();
        assert!(left.is_err(), "{} would be started without its program", path.as_ref().display());
    }
}

#[test]
fn purging_leaves_no_empty_directory() {
    for package in WITH_USERS {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let directories = ["etc", "var/lib"].map(|above| dir.path().join(above).join(package.trim_end_matches('s')));
        for path in &directories {
            std::fs::create_dir_all(path).expect("a scratch directory");
        }
        assert_eq!(script(dir.path(), package, "postrm", &["purge"]), "");
        for path in directories {
            assert!(!path.exists(), "{}", path.display());
        }
    }
}

#[test]
fn removing_and_updating_touch_no_file() {
    let dir = tempfile::tempdir().expect("a scratch directory");
    let paths = ["etc/ferry", "etc/ferry-node"].map(|path| dir.path().join(path));
    for path in &paths {
        std::fs::create_dir_all(path).expect("a scratch directory");
    }
    for package in WITH_USERS {
        for (name, args) in [
            ("prerm", ["remove", ""]),
            ("prerm", ["upgrade", "9"]),
            ("postrm", ["remove", ""]),
            ("postrm", ["upgrade", "9"]),
            ("postinst", ["abort-upgrade", "9"]),
        ] {
            assert_eq!(script(dir.path(), package, name, &args), "", "{package} {name} {args:?}");
            assert!(paths.iter().all(|path| path.is_dir()), "{package} {name} {args:?}");
        }
    }
}

#[test]
fn only_an_update_starts_services_again_and_only_those_that_run() {
    for (package, restart) in [
        ("ferry", "systemctl try-restart 'ferry@*.service' ||"),
        ("ferry-nodes", "systemctl try-restart 'inner-node@*.service' 'outer-node@*.service' ||"),
    ] {
        let postinst = read(&format!("packaging/{package}.postinst"));
        let calls: Vec<&str> = postinst.lines().map(str::trim).filter(|line| line.starts_with("systemctl ")).collect();
        assert_eq!(calls, ["systemctl daemon-reload", restart]);
        let guard = postinst.find("[ -n \"$2\" ]").expect("it asks for the version that was there");
        assert!(guard < postinst.find("try-restart").expect("it was just found"));
    }
}

/// Builds the packages from the programs under test: `ferry-nodes`, `ferry` and `gap-sim`, as their names sort.
fn build(out: &Path) -> [PathBuf; 3] {
    let ferry = program("ferry");
    let binaries = ferry.parent().expect("a program lies in a directory");
    let mut build = Command::new(workspace_root().join("packaging/build-deb"));
    build.env("SOURCE_DATE_EPOCH", MOMENT).arg("--binaries").arg(binaries).arg("--out").arg(out);
    let built = run(&mut build);
    expect_success(&built);
    let said = String::from_utf8_lossy(&built.stdout);
    assert_eq!(said.lines().filter(|line| line.contains("  needs glibc 2.")).count(), 3, "{said}");
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

/// Runs a script of a package as dpkg does for another root, where it must not speak to this machine's services.
fn script(root: &Path, package: &str, name: &str, args: &[&str]) -> String {
    let path = workspace_root().join(format!("packaging/{package}.{name}"));
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
