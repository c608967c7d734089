//! A zone whose daemon and node are two users of the system, made with the commands of `docs/nodes.md`.

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tests::demo::database::Database;
use tests::pair::{
    Daemon, environment, expect_success, files, leave_out, move_file, program, run, wait_until, write_file,
};
use tests::workspace_root;

/// Numbers of users and groups that no system gives to anybody by itself.
const FERRY: u32 = 64_101;
const NODE: u32 = 64_102;
/// Divides the daemons' times.
const TIME_SCALE: &str = "200";
/// Longer than a start takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// So many rows are more than the thousand pages after which a program of the zone moves the log into the database, and each takes so
/// many bytes there at least.
const CHECKPOINT_ROWS: u64 = 10_000;
const ROW_BYTES_MIN: u64 = 100;
/// What a person types.
const PASSWORD: &[u8] = b"Correct-Horse-7\n";

/// One of the two users: as whom a command runs, and the mask of its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum User {
    Ferry,
    Node,
}

impl User {
    /// `ferry` is in the node's group, and the node in none of ferry's.
    const fn options(self) -> [&'static str; 3] {
        match self {
            Self::Ferry => ["--reuid=64101", "--regid=64101", "--groups=64101,64102"],
            Self::Node => ["--reuid=64102", "--regid=64102", "--groups=64102"],
        }
    }

    const fn number(self) -> u32 {
        match self {
            Self::Ferry => FERRY,
            Self::Node => NODE,
        }
    }

    fn unit(self) -> String {
        let unit = match self {
            Self::Ferry => "systemd/ferry@.service",
            Self::Node => "systemd/inner-node@.service",
        };
        std::fs::read_to_string(workspace_root().join(unit)).unwrap()
    }

    /// A command of this user, under the mask of its unit.
    fn command(self, program: &Path) -> Command {
        let unit = self.unit();
        let mask = unit.lines().find_map(|line| line.strip_prefix("UMask=")).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", &format!("umask {mask}; exec setpriv \"$@\""), "sh"]).args(self.options()).arg("--");
        command.arg(program).env("LANG", "C").env_remove("NOTIFY_SOCKET");
        command
    }
}

/// The inner zone as the page makes it below a root of its own, and its peer, which is of no interest.
struct Host {
    root: tempfile::TempDir,
    manager: UnixDatagram,
}

#[test]
fn a_daemon_and_a_node_of_two_users_share_a_database_and_nothing_else() {
    let test = "a_daemon_and_a_node_of_two_users_share_a_database_and_nothing_else";
    if !rustix::process::geteuid().is_root() {
        return leave_out(test, "only root can work as two other users");
    }
    if Command::new("setpriv").arg("--version").output().is_err() {
        return leave_out(test, "setpriv is missing; the Debian package util-linux has it");
    }
    let host = Host::make();
    host.expect_database(None);
    let peer = host.start_peer();
    let mut codes = 0;
    for (first, second) in [(User::Node, User::Ferry), (User::Ferry, User::Node)] {
        host.remove_log();
        let (one, other) = (host.start(first), host.start(second));
        host.expect_database(Some(first));
        host.import_and_carry(&mut codes, 1);
        // Neither puts anything in order, and the other one takes the log up.
        one.kill();
        other.kill();
        host.expect_database(Some(first));
        let (other, one) = (host.start(second), host.start(first));
        host.import_and_carry(&mut codes, 1);
        host.expect_a_checkpoint_of_the_node(&mut codes);
        assert_eq!((one.stop(), other.stop()), (Some(0), Some(0)));
        host.expect_database(None);
    }
    assert_eq!(peer.stop(), Some(0));
    host.expect_secrets_apart();
}

impl Host {
    /// Does what the page says, in its order, with the peer's card exchanged.
    fn make() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::set_permissions(root.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let manager = UnixDatagram::bind(root.path().join("notify")).unwrap();
        manager.set_read_timeout(Some(PATIENCE)).unwrap();
        std::fs::set_permissions(root.path().join("notify"), std::fs::Permissions::from_mode(0o777)).unwrap();
        let host = Self { root, manager };
        host.lay_packages_out();
        let page = std::fs::read_to_string(workspace_root().join("docs/nodes.md")).unwrap();
        let said = host.obey(&blocks(&page, "### Make a zone with a node", "sh")[0]);
        host.obey(&blocks(&page, "### Configure", "sh")[0]);
        let config = host.here(&blocks(&page, "### Configure", "toml")[0]);
        let config = config.replace("10.1.2.3:8810", "127.0.0.1:0").replace("127.0.0.1:8811", "127.0.0.1:0");
        write_file(&host.path("/etc/ferry-node/nontax/inner-node.toml"), config.as_bytes());
        write_file(&host.path("/ledger.pem"), node::testing::pair(1).1.as_bytes());
        host.obey(&blocks(&page, "### Start", "sh")[0]);
        host.exchange_cards(&said);
        host
    }

    /// The directories and files that the packages bring, as far as commands use them.
    fn lay_packages_out(&self) {
        for (path, owner) in
            [("/etc/ferry", 0), ("/etc/ferry-node", 0), ("/var/lib/ferry", FERRY), ("/var/lib/ferry-node", 0)]
        {
            let path = self.path(path);
            std::fs::create_dir_all(&path).unwrap();
            chown(&path, Some(owner), Some(owner)).unwrap();
        }
        for file in ["nontax.toml", "schema/nontax.sqlite.sql"] {
            let path = self.path(&format!("/usr/share/ferry/contract/{file}"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            write_file(&path, &std::fs::read(workspace_root().join("contract").join(file)).unwrap());
        }
    }

    /// A path of the page below this root.
    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    /// A text of the page for this root, its users, and times that pass quickly.
    fn here(&self, text: &str) -> String {
        let root = self.root.path().to_str().unwrap();
        let mut text = text.to_owned();
        for (from, to) in [
            ("-o ferry ", format!("-o {FERRY} ")),
            ("-o ferry-node ", format!("-o {NODE} ")),
            ("-g ferry-node ", format!("-g {NODE} ")),
            ("ferry-node:ferry-node", format!("{NODE}:{NODE}")),
            ("ferry init ", format!("ferry init --time-scale {TIME_SCALE} ")),
            ("/etc/ferry", format!("{root}/etc/ferry")),
            ("/var/lib/ferry", format!("{root}/var/lib/ferry")),
            ("/usr/share/ferry", format!("{root}/usr/share/ferry")),
        ] {
            text = text.replace(from, &to);
        }
        text
    }

    /// Types a block of the page as root, without what asks for a running systemd. Yields what the commands say.
    fn obey(&self, block: &str) -> String {
        let ids = |user: User| user.options().join(" ");
        let script = format!(
            "set -eu\numask 022\nsystemctl() {{ :; }}\nsudo() {{\n  case \"$2\" in ferry) ids='{}' ;; ferry-node) ids='{}' ;; *) exit 99 ;; \
             esac\n  shift 2\n  setpriv $ids -- \"$@\"\n}}\n{}",
            ids(User::Ferry),
            ids(User::Node),
            self.here(block)
        );
        let programs = program("ferry").parent().unwrap().display().to_string();
        let path = format!("{programs}:{}", environment("PATH").unwrap_or_default());
        let mut command = Command::new("sh");
        command.args(["-c", &script]).current_dir(self.root.path()).env("LANG", "C").env("PATH", path);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(PASSWORD).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{block}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Makes the peer, and lets both zones trust each other. `said` is what the inner zone's `init` has said.
    fn exchange_cards(&self, said: &str) {
        let ferry = program("ferry");
        let mut init = Command::new(&ferry);
        init.env("LANG", "C").arg("init").arg("--dir").arg(self.peer()).args(["--zone", "outer", "--peer", "inner"]);
        init.args(["--link", "nontax", "--time-scale", TIME_SCALE, "--contract"]);
        let made = run(init.arg(self.path("/etc/ferry/contract/nontax.toml")));
        expect_success(&made);
        let of_outer = fingerprint(&String::from_utf8_lossy(&made.stdout));
        let trust = |mut command: Command, card: PathBuf, fingerprint: &str, config: PathBuf| {
            command.args(["trust", "add"]).arg(card).args(["--fingerprint", fingerprint, "--config"]).arg(config);
            expect_success(&run(&mut command));
        };
        let card = self.path("/outer.card");
        write_file(&card, &std::fs::read(self.peer().join("outer.card")).unwrap());
        trust(User::Ferry.command(&ferry), card, &of_outer, self.path("/etc/ferry/nontax/ferry.toml"));
        let card = self.path("/var/lib/ferry/nontax/inner.card");
        trust(Command::new(&ferry), card, &fingerprint(said), self.peer().join("ferry.toml"));
    }

    fn peer(&self) -> PathBuf {
        self.root.path().join("outer")
    }

    fn start_peer(&self) -> Daemon {
        let mut command = Command::new(program("ferry"));
        command.arg("--config").arg(self.peer().join("ferry.toml")).arg("run").env("LANG", "C");
        Daemon::spawn(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(self.log("outer")))
    }

    fn log(&self, name: &str) -> std::fs::File {
        std::fs::File::options().create(true).append(true).open(self.root.path().join(format!("{name}.log"))).unwrap()
    }

    /// Starts the daemon or the node as its unit does, and waits until it says that it is ready.
    fn start(&self, user: User) -> Daemon {
        let (name, config) = match user {
            User::Ferry => ("ferry", "/etc/ferry/nontax/ferry.toml"),
            User::Node => ("inner-node", "/etc/ferry-node/nontax/inner-node.toml"),
        };
        let mut command = user.command(&program(name));
        command.arg("--config").arg(self.path(config)).arg("run").env("NOTIFY_SOCKET", self.root.path().join("notify"));
        let daemon = Daemon::spawn(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(self.log(name)));
        let mut bytes = [0; 256];
        // What one that has ended said last comes before.
        let mut heard = std::iter::repeat_with(|| {
            let length = self.manager.recv(&mut bytes).unwrap_or_else(|error| panic!("{name} is not ready: {error}"));
            String::from_utf8_lossy(&bytes[..length]).into_owned()
        });
        let heard = heard.find(|heard| heard != "STOPPING=1\n");
        assert_eq!(heard.as_deref(), Some("READY=1\n"), "{name}");
        daemon
    }

    /// The node's user imports so many rows more, and the daemons carry them.
    fn import_and_carry(&self, codes: &mut u64, rows: u64) {
        let file = self.path("/category.csv");
        let line = |code: u64| format!("610000000,2026,{code:06},类别,20260101\n");
        let lines: String = (*codes + 1..=*codes + rows).map(line).collect();
        *codes += rows;
        write_file(&file, format!("mof_div_code,fiscal_year,ele_code,ele_name,start_date\n{lines}").as_bytes());
        let mut import = User::Node.command(&program("inner-node"));
        import
            .arg("--config")
            .arg(self.path("/etc/ferry-node/nontax/inner-node.toml"))
            .args(["import", "--kind", "CATEGORY"]);
        expect_success(&run(import.arg(&file)));
        let mut outer = Database::open(&self.peer().join("outer.db")).unwrap();
        wait_until(&format!("{codes} rows to arrive"), || {
            self.carry();
            outer.number("SELECT count(*) FROM base_category", &[]).unwrap() == *codes
        });
        outer.close();
    }

    /// The node's user writes so much that its own commit moves the log into the database, while both go on; the daemon lets the log
    /// grow to sixteen times that.
    fn expect_a_checkpoint_of_the_node(&self, codes: &mut u64) {
        let length = || self.path("/var/lib/ferry-node/nontax/inner.db").metadata().unwrap().len();
        let before = length();
        self.import_and_carry(codes, CHECKPOINT_ROWS);
        assert!(length() > before + CHECKPOINT_ROWS * ROW_BYTES_MIN, "{} bytes after {before}", length());
        self.expect_database(None);
    }

    /// Both have ended: whoever is the first to begin makes the log anew.
    fn remove_log(&self) {
        let daemon = self.start(User::Ferry);
        assert_eq!(daemon.stop(), Some(0));
        let log = self.path("/var/lib/ferry-node/nontax/inner.db-wal");
        assert!(!log.exists(), "the daemon is the last to end, and puts the log into the database");
    }

    /// Plays the gate: every file goes across, and belongs to whoever takes it.
    fn carry(&self) {
        let inner = self.path("/var/lib/ferry/nontax");
        for (from, to, owner) in [(&inner, &self.peer(), 0), (&self.peer(), &inner, FERRY)] {
            for path in files(&from.join("to-gate")) {
                // One that has gone was sent again or withdrawn by its daemon.
                if chown(&path, Some(owner), Some(owner)).is_ok() {
                    move_file(&path, &to.join("from-gate").join(path.file_name().unwrap()));
                }
            }
        }
    }

    /// The database and what stands beside it belong to both users' group; the log to whoever has made it.
    fn expect_database(&self, log_of: Option<User>) {
        let expect = |suffix: &str, owner: Option<u32>| {
            let found = self.path(&format!("/var/lib/ferry-node/nontax/inner.db{suffix}")).metadata().unwrap();
            assert_eq!((found.gid(), found.mode() & 0o7777), (NODE, 0o660), "inner.db{suffix}");
            assert!(owner.is_none_or(|owner| owner == found.uid()), "inner.db{suffix} is of {}", found.uid());
        };
        expect("", Some(FERRY));
        for suffix in ["-wal", "-shm"] {
            let is_there = self.path(&format!("/var/lib/ferry-node/nontax/inner.db{suffix}")).exists();
            if log_of.is_some() || is_there {
                expect(suffix, log_of.map(User::number));
            }
        }
        let directory = self.path("/var/lib/ferry-node/nontax").metadata().unwrap();
        assert_eq!((directory.uid(), directory.gid(), directory.mode() & 0o7777), (FERRY, NODE, 0o2770));
    }

    /// Neither user reads what is the other's, and each reads its own.
    fn expect_secrets_apart(&self) {
        let zone = self.path("/var/lib/ferry/nontax");
        let of_ferry =
            ["keys/sign.pem", "keys/encrypt.pem", "keys/trace.key", "trust", "anchor", "ferry.toml", "inner.card"];
        let directories = ["keys", "spool", "archive", "quarantine", "to-gate", "from-gate", "to-gate.tmp", "."];
        let reads = |user: User, how: &str, path: &Path| run(user.command(Path::new(how)).arg(path));
        let expect = |owner: User, other: User, how: &str, path: &Path| {
            expect_success(&reads(owner, how, path));
            let refused: Output = reads(other, how, path);
            let said = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert!(!refused.status.success() && said.contains("Permission denied"), "{}: {said}", path.display());
        };
        of_ferry.iter().for_each(|file| expect(User::Ferry, User::Node, "cat", &zone.join(file)));
        directories.iter().for_each(|directory| expect(User::Ferry, User::Node, "ls", &zone.join(directory)));
        let of_node = self.path("/etc/ferry-node/nontax");
        ["field.key", "inner-node.toml"]
            .iter()
            .for_each(|file| expect(User::Node, User::Ferry, "cat", &of_node.join(file)));
    }
}

/// The fingerprint in what `ferry init` says.
fn fingerprint(said: &str) -> String {
    let mut lines = said.lines().skip_while(|line| *line != "fingerprint of its card:").skip(1);
    lines.next().unwrap_or_else(|| panic!("no fingerprint: {said}")).trim().to_owned()
}

/// The code blocks of a language in a part of a page.
fn blocks(page: &str, heading: &str, language: &str) -> Vec<String> {
    let part = page.lines().skip_while(|line| *line != heading).skip(1);
    let mut found = Vec::new();
    let mut open = None;
    for line in part {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => found.extend(open.take().filter(|(of, _)| of == language).map(|(_, text)| text)),
            (Some(of), None) => open = Some((of.to_owned(), String::new())),
            (None, Some((_, text))) => text.extend([line, "\n"]),
            (None, None) if line.starts_with('#') => break,
            (None, None) => {}
        }
    }
    assert!(!found.is_empty(), "{heading} has no block of {language}");
    found
}
