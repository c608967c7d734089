//! What `ferry restore` must not take for a loss, with the real program.

use std::fs::{self, File};
use std::io::Write as _;

use crate::books::Zone;
use crate::new_database::rename;
use serde_json::Value;

/// An anchor that cannot be read at the moment knows more than the one of the backup, and the database stays what it is.
#[test]
fn an_anchor_that_cannot_be_read_is_not_lost() {
    let zone = Zone::new();
    let backup = zone.path("backup");
    let words = ["restore", backup.to_str().unwrap(), "--json"];
    zone.json(&["backup", words[1]]);
    let (anchor, aside) = (zone.path("zone/anchor"), zone.path("zone/aside"));
    rename(&anchor, &aside);
    fs::create_dir(&anchor).unwrap();
    let before = fs::read(zone.path("zone/outer.db")).unwrap();
    let output = zone.run(&words, "C");
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(error["error"]["code"], "storage", "{error}");
    assert!(anchor.is_dir() && fs::read(zone.path("zone/outer.db")).unwrap() == before);
    assert!(fs::read_dir(zone.path("zone")).unwrap().all(|entry| {
        let name = entry.unwrap().file_name();
        !name.to_string_lossy().contains(".replaced-")
    }));

    fs::remove_dir(&anchor).unwrap();
    rename(&aside, &anchor);
    assert_eq!(zone.json(&words[..2])["anchor"], "present");

    // One that is damaged is lost.
    File::create(&anchor).unwrap().write_all(b"{").unwrap();
    assert_eq!(zone.json(&words[..2])["anchor"], "of-backup");
}
