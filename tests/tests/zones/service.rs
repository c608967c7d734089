//! What a daemon tells the service manager, from its start to its end.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use tests::pair::{INNER, Making, Pair};

/// Longer than a start or an end takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// Few enough messages that none waits for the test to read it.
const WATCHDOG_MICROSECONDS: &str = "2000000";

#[test]
fn the_service_manager_hears_of_the_start_the_turns_and_the_end() {
    let pair = Pair::make(Making::default());
    let socket = pair.dir.path().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let daemon = pair.start_with(INNER, |command| {
        command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", WATCHDOG_MICROSECONDS).env_remove("WATCHDOG_PID");
    });
    assert_eq!(hear(&manager), "READY=1\n");
    for _ in 0..3 {
        assert_eq!(hear(&manager), "WATCHDOG=1\n");
    }
    assert_eq!(daemon.stop(), Some(0));
    let heard = std::iter::repeat_with(|| hear(&manager)).find(|heard| heard != "WATCHDOG=1\n");
    assert_eq!(heard.as_deref(), Some("STOPPING=1\n"));
}

#[test]
fn a_daemon_that_cannot_start_is_never_ready() {
    let pair = Pair::make(Making::default());
    std::fs::remove_file(pair.path(INNER, "keys/sign.pem")).unwrap();
    let socket = pair.dir.path().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_nonblocking(true).unwrap();
    let output = tests::pair::run(pair.command(INNER).arg("run").env("NOTIFY_SOCKET", &socket));
    assert_eq!(output.status.code(), Some(12));
    assert!(manager.recv(&mut [0; 64]).is_err(), "nothing is told");
}

fn hear(manager: &UnixDatagram) -> String {
    let mut bytes = [0; 256];
    let length = manager.recv(&mut bytes).expect("the daemon tells something");
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}
