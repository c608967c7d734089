//! What a node tells the service manager, from its start to its end.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tests::nodes::Node;
use tests::pair::{Daemon, INNER, Making, OUTER, Pair, expect_success, program, run, write_file};

/// Longer than a start or an end takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// Few enough messages that none waits for the test to read it.
const WATCHDOG_MICROSECONDS: &str = "2000000";

#[test]
fn the_service_manager_hears_of_the_start_the_writers_work_and_the_end() {
    let zones = Pair::make(Making::default());
    let field_key = field_key(zones.dir.path());
    for (zone, name) in [(INNER, "inner-node"), (OUTER, "outer-node")] {
        let config = zones.dir.path().join(format!("{name}.toml"));
        let (database, more) =
            (zones.database(zone), if zone == OUTER { callbacks(zones.dir.path()) } else { String::new() });
        let text = format!(
            "[node]\ndatabase = \"{}\"\nlisten = \"127.0.0.1:0\"\nhealth = \"127.0.0.1:0\"\nfield_key = \"{}\"\n{more}",
            database.display(),
            field_key.display()
        );
        write_file(&config, text.as_bytes());
        let (socket, manager) = manager(zones.dir.path(), name);
        let mut command = Command::new(program(name));
        command.arg("--config").arg(&config).arg("run");
        command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", WATCHDOG_MICROSECONDS).env_remove("WATCHDOG_PID");
        let running = Daemon::spawn(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()));
        assert_eq!(hear(&manager), "READY=1\n", "{name}");
        for _ in 0..3 {
            assert_eq!(hear(&manager), "WATCHDOG=1\n", "{name}");
        }
        assert_eq!(running.stop(), Some(0), "{name}");
        let heard = std::iter::repeat_with(|| hear(&manager)).find(|heard| heard != "WATCHDOG=1\n");
        assert_eq!(heard.as_deref(), Some("STOPPING=1\n"), "{name}");
    }
}

#[test]
fn a_node_that_cannot_listen_is_never_ready() {
    let zones = Pair::make(Making::default());
    // Its addresses are kept for it until it is started as such.
    let node = Node::make("inner-node", &zones.database(INNER), &field_key(zones.dir.path()), "");
    let (socket, manager) = manager(zones.dir.path(), "inner-node");
    manager.set_nonblocking(true).unwrap();
    let ended = run(node.command().arg("run").env("NOTIFY_SOCKET", &socket));
    assert_eq!(ended.status.code(), Some(19), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(manager.recv(&mut [0; 64]).is_err(), "nothing is told");
}

fn field_key(directory: &Path) -> PathBuf {
    let path = directory.join("field.key");
    expect_success(&run(Command::new(program("inner-node")).arg("field-key").arg(&path)));
    path
}

/// What the outer node signs what it tells units with.
fn callbacks(directory: &Path) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let key = directory.join("callback.pem");
    write_file(&key, node::testing::private_pem(1).as_bytes());
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    format!("[callbacks]\nid = \"outer\"\nkey = \"{}\"\n", key.display())
}

fn manager(directory: &Path, name: &str) -> (PathBuf, UnixDatagram) {
    let socket = directory.join(format!("{name}.notify"));
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    (socket, manager)
}

fn hear(manager: &UnixDatagram) -> String {
    let mut bytes = [0; 256];
    let length = manager.recv(&mut bytes).expect("the node tells something");
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}
