//! A zone's keys change while rows flow and files are lost, and a stolen key is revoked.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ferry_format::{KeyId, inspect_batch};
use serde_json::Value;
use tests::forge::{Forger, name};
use tests::pair::{INNER, OUTER, files_below, run, wait_until, write_file};

use super::office::{Office, ROWS};

/// One file of so many is lost: 5 %.
const LOST_OF: u64 = 20;

/// A gate that loses files.
struct Lossy<'o> {
    office: &'o Office,
    seen: Cell<u64>,
}

impl Lossy<'_> {
    fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        let keep = |path: &Path| {
            self.seen.set(self.seen.get() + 1);
            if self.seen.get().is_multiple_of(LOST_OF) {
                let _gone = std::fs::remove_file(path);
                return false;
            }
            true
        };
        self.office.pair.carry_some_until(what, keep, &mut done);
    }

    /// Commits some more rows, so that files are always under way.
    fn insert(&self, times: &mut u64) {
        for _ in 0..3 {
            self.office.insert(*times * ROWS, |_| {});
            *times += 1;
        }
    }

    /// A zone changes its keys. Yields the new one.
    fn rotate(&self, zone: usize, times: &mut u64) -> String {
        let key = self.announce(zone, times);
        self.insert(times);
        let done = self.office.pair.json(zone, &["keys", "finish"]);
        assert_eq!(done["key"], key.as_str());
        self.insert(times);
        self.until("the card to be announced no more", || fact(self.office, 1 - zone, "peer_card").is_empty());
        key
    }

    /// A zone makes its next keys, and its peer puts them in use. Yields the one that signs.
    fn announce(&self, zone: usize, times: &mut u64) -> String {
        let pair = &self.office.pair;
        let peer = 1 - zone;
        assert_eq!(self.refused(zone, &["keys", "finish"]), (21, "no-next-keys".to_owned()));
        assert_eq!(self.refused(peer, &["trust", "activate"]), (21, "no-card-announced".to_owned()));
        let next = pair.json(zone, &["keys", "rotate"]);
        assert_eq!(self.refused(zone, &["keys", "finish"]), (26, "next-keys-not-accepted".to_owned()));
        assert_eq!(next, pair.json(zone, &["keys", "rotate"]), "what is there is shown again");
        self.insert(times);
        self.until("the card to be announced", || !fact(self.office, peer, "peer_card").is_empty());
        let wrong = "0".repeat(64);
        let told = self.refused(peer, &["trust", "activate", "--fingerprint", &wrong]);
        assert_eq!(told, (22, "fingerprint-differs".to_owned()));
        self.insert(times);
        let fingerprint = next["fingerprint"].as_str().unwrap();
        let used = pair.json(peer, &["trust", "activate", "--fingerprint", fingerprint]);
        assert_eq!(used["key"], next["key"]);
        self.insert(times);
        self.until("the peer to seal to the next keys", || fact(self.office, zone, "own_card") == "accepted");
        next["key"].as_str().unwrap().to_owned()
    }

    fn refused(&self, zone: usize, words: &[&str]) -> (i32, String) {
        refused(self.office, zone, words)
    }
}

fn refused(office: &Office, zone: usize, words: &[&str]) -> (i32, String) {
    let output = run(office.pair.command(zone).arg("--json").args(words));
    let error: Value = serde_json::from_slice(&output.stderr).unwrap_or_default();
    (output.status.code().unwrap(), error["error"]["code"].as_str().unwrap_or_default().to_owned())
}

fn fact(office: &Office, zone: usize, name: &str) -> String {
    office.pair.json(zone, &["status"])["facts"][name].as_str().unwrap_or_default().to_owned()
}

/// Whose signatures the batches of `confirm` bear that the inner zone has archived.
fn signers(office: &Office) -> BTreeSet<KeyId> {
    let archived = files_below(&office.pair.path(INNER, "archive"));
    let of_confirm = archived.iter().filter(|path| path.to_string_lossy().contains("-confirm-"));
    of_confirm.filter_map(|path| Some(inspect_batch(&std::fs::read(path).ok()?).ok()?.envelope.signer)).collect()
}

/// How many files a zone turned away.
fn turned_away(office: &Office, zone: usize) -> Vec<(String, String)> {
    let status = office.pair.json(zone, &["status"]);
    let facts = status["facts"].as_object().unwrap();
    let of = facts.iter().filter(|(name, _)| name.starts_with("turned_away:"));
    of.map(|(name, count)| (name["turned_away:".len()..].to_owned(), count.as_str().unwrap().to_owned())).collect()
}

#[test]
fn next_keys_of_which_the_daemon_knows_nothing_are_not_taken_up() {
    let mut office = Office::open();
    Lossy { office: &office, seen: Cell::new(0) }.announce(OUTER, &mut 0);
    office.stop();
    // The books say that the peer has put next keys in use. It was those before.
    office.pair.json(OUTER, &["keys", "finish"]);
    office.pair.json(OUTER, &["keys", "rotate"]);
    assert_eq!(refused(&office, OUTER, &["keys", "finish"]), (26, "next-keys-not-accepted".to_owned()));
}

#[test]
fn keys_of_both_zones_change_under_load_and_nothing_is_lost_or_refused() {
    let mut office = Office::open();
    let gate = Lossy { office: &office, seen: Cell::new(0) };
    let mut times = 0;
    gate.insert(&mut times);
    let first = office.pair.json(OUTER, &["keys", "show"])["sign"].as_str().unwrap().to_owned();
    let outer = gate.rotate(OUTER, &mut times);
    gate.rotate(INNER, &mut times);
    gate.until("every row to be applied", || {
        let stream = office.pair.stream(INNER, "confirm");
        stream["lag_ms"] == 0 && stream["applied_seq"] == office.pair.stream(OUTER, "confirm")["last_seq"]
    });
    office.until_applied(times * ROWS);
    assert_eq!(turned_away(&office, INNER), []);
    assert_eq!(turned_away(&office, OUTER), []);
    let signed: BTreeSet<String> = signers(&office).iter().map(ToString::to_string).collect();
    assert_eq!(signed, BTreeSet::from([first, outer]));
    office.stop();
    for zone in [INNER, OUTER] {
        let archive = office.pair.path(zone, "archive");
        let trust = [INNER, OUTER].map(|zone| office.pair.path(zone, "trust"));
        let cards =
            [INNER, OUTER].map(|zone| office.pair.path(zone, &format!("{}-next.card", ["inner", "outer"][zone])));
        let mut command = office.pair.command(zone);
        command.arg("verify").arg(&archive);
        trust.iter().chain(&cards).for_each(|path| {
            command.arg("--trust").arg(path);
        });
        let output = run(&mut command);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn a_stolen_key_is_revoked_and_what_was_on_its_way_arrives() {
    let office = Office::open();
    let pair = &office.pair;
    office.insert(0, |_| {});
    office.until_applied(ROWS);
    let old = pair.json(OUTER, &["keys", "show"])["sign"].as_str().unwrap().to_owned();
    let thief = Forger::of(pair);
    // The gate stands still: what is sealed now waits there under the old key.
    office.insert(ROWS, |_| {});
    office.insert(2 * ROWS, |_| {});
    wait_until("batches to be published", || pair.stream(OUTER, "confirm")["published_seq"].as_u64() > Some(1));

    let file = pair.dir.path().join("stolen.revocation");
    let file = file.to_str().unwrap();
    let [one, two] = office.keys.each_ref().map(|path| path.to_str().unwrap());
    let words = ["trust", "revoke", &old, "--out", file, "--reason", "密钥被盗", "--key-file", one];
    let made = pair.json(OUTER, &words);
    assert_eq!((&made["signed"], &made["needed"]), (&1.into(), &2.into()));
    let applied_seq = made["last_good"].as_array().unwrap().iter().find(|mark| mark["stream"] == "confirm").unwrap();
    assert!(applied_seq["seq"].as_u64() > Some(1), "{made}");
    assert_eq!(refused(&office, INNER, &["trust", "apply", file]), (13, "too-few-approvals".to_owned()));
    pair.json(INNER, &["trust", "sign", file, "--key", two]);
    assert_eq!(refused(&office, OUTER, &["trust", "apply", file]), (26, "key-in-use".to_owned()));
    let next = pair.json(OUTER, &["keys", "rotate", "--anew"]);
    pair.json(OUTER, &["keys", "finish", "--at-once"]);
    pair.json(OUTER, &["trust", "apply", file]);
    let card: PathBuf = next["card"].as_str().unwrap().into();
    let fingerprint = next["fingerprint"].as_str().unwrap();
    pair.json(INNER, &["trust", "add", card.to_str().unwrap(), "--fingerprint", fingerprint]);
    pair.json(INNER, &["trust", "apply", file]);
    assert_eq!(
        refused(&office, INNER, &["trust", "apply", card.to_str().unwrap()]),
        (31, "revocation-invalid".to_owned())
    );
    let widened = std::fs::read_to_string(file).unwrap().replacen("\"seq\":", "\"seq\":9", 1);
    let path = pair.dir.path().join("widened");
    write_file(&path, widened.as_bytes());
    assert_eq!(refused(&office, INNER, &["trust", "apply", path.to_str().unwrap()]), (13, "bad-approval".to_owned()));

    // Below the last good batch, and not chained to it; and above it.
    let below = thief.seal(|_| {});
    pair.drop_file(INNER, &name(&thief.statement, &below, 70), &below);
    wait_until("the thief's batch to be turned away", || {
        turned_away(&office, INNER).iter().any(|(code, _)| code == "revoked-chain")
    });
    let above = thief.seal(|statement| {
        statement.seq += 1_000;
        statement.group.first = statement.seq;
    });
    pair.drop_file(INNER, &name(&thief.statement, &above, 71), &above);
    wait_until("the thief's other batch to be turned away", || {
        turned_away(&office, INNER).iter().any(|(code, _)| code == "revoked-key")
    });
    office.insert(3 * ROWS, |_| {});
    office.until_applied(4 * ROWS);
    pair.carry_until("all to be well", || pair.stream(INNER, "confirm")["health"] == "ok");
    let states = pair.json(INNER, &["trust", "list"]);
    let state = states["entries"].as_array().unwrap().iter().find(|entry| entry["key"] == old.as_str()).unwrap();
    assert_eq!(state["state"], "revoked");
}
