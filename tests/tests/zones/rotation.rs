//! A zone's keys change while rows flow and files are lost, and a stolen key is revoked.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ferry_format::inspect_batch;
use serde_json::Value;
use tests::demo::database::Database;
use tests::forge::{Forger, name};
use tests::pair::{INNER, OUTER, files, files_below, move_file, run, wait_until, write_file};

use super::office::{Office, ROWS};

/// One file of so many is lost: 5 %.
const LOST_OF: u64 = 20;

/// Notices of the inner zone that are committed with some payments of the outer one.
const NOTICES: u64 = 3;

/// A gate that loses files: of statuses and of batches alike.
struct Lossy<'o> {
    office: &'o Office,
    seen: [Cell<u64>; 2],
    lost: [Cell<u64>; 2],
}

const BATCHES: usize = 1;

impl<'o> Lossy<'o> {
    fn of(office: &'o Office) -> Self {
        // The tenth is the first that is lost, so that few files are enough.
        Self { office, seen: [const { Cell::new(LOST_OF / 2) }; 2], lost: [const { Cell::new(0) }; 2] }
    }

    fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        let keep = |path: &Path| {
            let is_batch = !path.to_string_lossy().contains("-status-");
            let (seen, lost) = (&self.seen[usize::from(is_batch)], &self.lost[usize::from(is_batch)]);
            seen.set(seen.get() + 1);
            if !seen.get().is_multiple_of(LOST_OF) {
                return true;
            }
            if std::fs::remove_file(path).is_ok() {
                lost.set(lost.get() + 1);
            }
            false
        };
        self.office.pair.carry_some_until(what, keep, &mut done);
    }

    /// Commits some more rows in both zones, so that files are always under way.
    fn insert(&self, times: &mut u64) {
        for _ in 0..3 {
            self.office.insert(*times * ROWS, |_| {});
            self.office.notify(*times * NOTICES..(*times + 1) * NOTICES);
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

/// The signers of some batch files of a stream, by epoch and seq.
fn signers(paths: &[PathBuf], stream: &str) -> BTreeMap<(u64, u64), BTreeSet<String>> {
    let mut found = BTreeMap::<_, BTreeSet<String>>::new();
    for path in paths.iter().filter(|path| path.to_string_lossy().contains(&format!("-{stream}-"))) {
        let batch = inspect_batch(&std::fs::read(path).unwrap()).unwrap();
        let place = (batch.statement.epoch, batch.statement.seq);
        found.entry(place).or_default().insert(batch.envelope.signer.to_string());
    }
    found
}

/// The signers of the batches of a stream that a zone has archived.
fn archived(office: &Office, zone: usize, stream: &str) -> BTreeMap<(u64, u64), BTreeSet<String>> {
    signers(&files_below(&office.pair.path(zone, "archive")), stream)
}

/// How many files a zone turned away, by code.
fn turned_away(office: &Office, zone: usize) -> Vec<(String, String)> {
    let status = office.pair.json(zone, &["status"]);
    let facts = status["facts"].as_object().unwrap();
    let of = facts.iter().filter(|(name, _)| name.starts_with("turned_away:"));
    of.map(|(name, count)| (name["turned_away:".len()..].to_owned(), count.as_str().unwrap().to_owned())).collect()
}

#[test]
fn next_keys_of_which_the_daemon_knows_nothing_are_not_taken_up() {
    let mut office = Office::open();
    Lossy::of(&office).announce(OUTER, &mut 0);
    office.stop();
    // The books say that the peer has put next keys in use. It was those before.
    office.pair.json(OUTER, &["keys", "finish"]);
    office.pair.json(OUTER, &["keys", "rotate"]);
    assert_eq!(refused(&office, OUTER, &["keys", "finish"]), (26, "next-keys-not-accepted".to_owned()));
}

#[test]
fn keys_of_both_zones_change_under_load_and_nothing_is_lost_or_refused() {
    let mut office = Office::open();
    let gate = Lossy::of(&office);
    let mut times = 0;
    gate.insert(&mut times);
    let sign = |zone: usize| office.pair.json(zone, &["keys", "show"])["sign"].as_str().unwrap().to_owned();
    let first = [INNER, OUTER].map(sign);
    let outer = gate.rotate(OUTER, &mut times);
    let inner = gate.rotate(INNER, &mut times);
    let notices = |zone: usize| number(&office, zone, "SELECT count(*) FROM pay_notice");
    gate.until("every row to be applied", || {
        let stream = office.pair.stream(INNER, "confirm");
        let is_applied = stream["applied_seq"] == office.pair.stream(OUTER, "confirm")["last_seq"];
        stream["lag_ms"] == 0 && is_applied && notices(OUTER) == times * NOTICES
    });
    // What the peer has not yet reported as applied is in the owner's spool, not in its archive.
    gate.until("the owners to have archived their batches", || {
        [(OUTER, "confirm"), (INNER, "notice")].into_iter().all(|(owner, stream)| {
            let last = office.pair.stream(owner, stream)["last_seq"].as_u64();
            archived(&office, owner, stream).last_key_value().map(|(&(_, seq), _)| seq) == last
        })
    });
    assert!(gate.lost[BATCHES].get() > 0, "batches are lost, too");
    office.until_applied(times * ROWS);
    assert_eq!(turned_away(&office, INNER), []);
    assert_eq!(turned_away(&office, OUTER), []);
    let [of_inner, of_outer] = first;
    for (zone, stream, keys) in [(INNER, "confirm", [of_outer, outer]), (OUTER, "notice", [of_inner, inner])] {
        let signed: BTreeSet<String> = archived(&office, zone, stream).into_values().flatten().collect();
        assert_eq!(signed, BTreeSet::from(keys));
    }
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

/// A zone's key in other hands, and what its operators do about it.
struct Theft<'o> {
    office: &'o Office,
    gate: Lossy<'o>,
    /// The stolen key.
    old: String,
    thief: Forger,
    /// The last batch that was applied when it was stolen.
    applied: u64,
    /// How often rows were inserted.
    times: u64,
}

impl<'o> Theft<'o> {
    /// The key is stolen when the peer has applied all rows. The gate takes the next batches and keeps them; then it stands still.
    fn of(office: &'o Office) -> Self {
        let (pair, gate, mut times) = (&office.pair, Lossy::of(office), 0);
        gate.insert(&mut times);
        let old = pair.json(OUTER, &["keys", "show"])["sign"].as_str().unwrap().to_owned();
        gate.until("the first rows to be applied", || is_applied(office, times * ROWS));
        assert!(is_cut(office));
        let (thief, applied) = (Forger::of(pair), last_seq(office));
        gate.insert(&mut times);
        let theft = Self { office, gate, old, thief, applied, times };
        std::fs::create_dir(theft.under_way()).unwrap();
        wait_until("batches to be on their way", || {
            let waiting = files(&pair.path(OUTER, "to-gate"));
            for path in waiting.iter().filter(|path| path.to_string_lossy().contains("-confirm-")) {
                move_file(path, &theft.under_way().join(path.file_name().unwrap()));
            }
            theft.on_their_way() > 0
        });
        theft
    }

    /// Where the gate keeps what it has taken and not delivered.
    fn under_way(&self) -> PathBuf {
        self.office.pair.dir.path().join("under-way")
    }

    /// New keys are taken up at once, and the daemon is started anew. Yields the answer of `keys rotate`, and the last batch that
    /// was sealed before.
    fn take_up_new_keys(&mut self) -> (Value, u64) {
        let pair = &self.office.pair;
        let next = pair.json(OUTER, &["keys", "rotate", "--anew"]);
        self.gate.insert(&mut self.times);
        wait_until("all rows to be in batches", || is_cut(self.office));
        let before = last_seq(self.office);
        pair.json(OUTER, &["keys", "finish", "--at-once"]);
        self.gate.insert(&mut self.times);
        self.office.restart(OUTER);
        let told = status_number(self.office);
        self.gate.insert(&mut self.times);
        wait_until("another status to be written", || status_number(self.office) > told);
        (next, before)
    }

    /// Two operators revoke the old key, as far as `through`, and both zones apply that.
    fn revoke(&mut self, next: &Value, through: Option<u64>) {
        let (office, pair) = (self.office, &self.office.pair);
        let file = pair.dir.path().join("stolen.revocation");
        let file = file.to_str().unwrap();
        let [one, two] = office.keys.each_ref().map(|path| path.to_str().unwrap());
        let place = through.map(|seq| format!("confirm={seq}"));
        let mut words = vec!["trust", "revoke", &self.old, "--out", file, "--reason", "密钥被盗", "--key-file", one];
        words.extend(place.iter().flat_map(|place| ["--through", place]));
        let made = pair.json(OUTER, &words);
        assert_eq!((&made["signed"], &made["needed"]), (&1.into(), &2.into()));
        let marks = made["last_good"].as_array().unwrap();
        let good = marks.iter().find(|mark| mark["stream"] == "confirm").unwrap()["seq"].as_u64().unwrap();
        assert!(through.map_or(good > self.applied, |seq| good == seq), "{made}");
        assert_eq!(refused(office, OUTER, &["trust", "apply", file]), (13, "too-few-approvals".to_owned()));
        self.gate.insert(&mut self.times);
        pair.json(OUTER, &["trust", "sign", file, "--key", two]);
        pair.json(OUTER, &["trust", "apply", file]);
        self.gate.insert(&mut self.times);

        let (card, fingerprint) = (next["card"].as_str().unwrap(), next["fingerprint"].as_str().unwrap());
        pair.json(INNER, &["trust", "add", card, "--fingerprint", fingerprint]);
        pair.json(INNER, &["trust", "apply", file]);
        assert_eq!(refused(office, INNER, &["trust", "apply", card]), (31, "revocation-invalid".to_owned()));
        let widened = std::fs::read_to_string(file).unwrap().replacen("\"seq\":", "\"seq\":9", 1);
        let path = pair.dir.path().join("widened");
        write_file(&path, widened.as_bytes());
        let widened = refused(office, INNER, &["trust", "apply", path.to_str().unwrap()]);
        assert_eq!(widened, (13, "bad-approval".to_owned()));
    }

    /// The thief states a batch above all that counts as good, and another one for a place that does. Both are turned away.
    fn forge(&self, below: u64) {
        let pair = &self.office.pair;
        for (attempt, seq, code) in [(70, self.applied + 1_000, "revoked-key"), (71, below, "revoked-chain")] {
            let forged = self.thief.seal(|statement| {
                statement.seq = seq;
                statement.group.first = seq;
            });
            pair.drop_file(INNER, &name(&self.thief.statement, &forged, attempt), &forged);
            wait_until("the thief's batch to be turned away", || {
                turned_away(self.office, INNER).contains(&(code.to_owned(), "1".to_owned()))
            });
        }
    }

    /// How many files the gate keeps of batches that were not applied when the key was stolen. The old key signed them.
    fn on_their_way(&self) -> u64 {
        let of_file = |path: &PathBuf| signers(std::slice::from_ref(path), "confirm").pop_first().unwrap();
        let kept: Vec<_> = files(&self.under_way()).iter().map(of_file).collect();
        assert!(kept.iter().all(|(_, keys)| keys.contains(&self.old)), "{kept:?}");
        u64::try_from(kept.iter().filter(|((_, seq), _)| *seq > self.applied).count()).unwrap()
    }

    /// What the gate kept arrives, and what comes after it goes through losses, until every row is applied.
    fn ends_well(&mut self) {
        let (office, pair) = (self.office, &self.office.pair);
        for path in files(&self.under_way()) {
            assert!(move_file(&path, &pair.path(INNER, "from-gate").join(path.file_name().unwrap())));
        }
        self.gate.insert(&mut self.times);
        let rows = self.times * ROWS;
        self.gate.until("every row to be applied", || is_applied(office, rows));
        self.gate.until("all to be well", || pair.stream(INNER, "confirm")["health"] == "ok");
        self.gate.until("all files to be taken", || {
            files(&pair.path(INNER, "from-gate")).iter().all(|path| !path.to_string_lossy().contains("-confirm-"))
        });
        office.until_applied(rows);
        let states = pair.json(INNER, &["trust", "list"]);
        let entries = states["entries"].as_array().unwrap();
        let state = entries.iter().find(|entry| entry["key"] == self.old.as_str()).unwrap();
        assert_eq!(state["state"], "revoked");
        assert_eq!(turned_away(office, OUTER), []);
    }

    /// Every batch that was first sealed after the new keys were taken up bears the new one, and some do.
    fn new_batches_bear(&self, key: &str, before: u64) {
        let archived = archived(self.office, INNER, "confirm");
        assert!(archived.keys().any(|(_, seq)| *seq > before), "{archived:?}");
        for ((epoch, seq), keys) in &archived {
            let is_new = keys.iter().all(|one| one == key);
            assert!(*epoch == 1 && (is_new || *seq <= before), "{epoch}/{seq}: {keys:?}");
        }
    }
}

/// Whether the inner zone has so many payments.
fn is_applied(office: &Office, rows: u64) -> bool {
    number(office, INNER, "SELECT count(*) FROM pay_confirm") == rows
}

/// Whether every captured row is in a batch.
fn is_cut(office: &Office) -> bool {
    let sql = "SELECT count(*) FROM ferry_stream_out WHERE stream = 'confirm' \
        AND through_id = (SELECT seq FROM sqlite_sequence WHERE name = outbox)";
    number(office, OUTER, sql) == 1
}

fn last_seq(office: &Office) -> u64 {
    number(office, OUTER, "SELECT last_seq FROM ferry_stream_out WHERE stream = 'confirm'")
}

fn number(office: &Office, zone: usize, sql: &str) -> u64 {
    let mut database = Database::open(&office.pair.database(zone)).unwrap();
    let number = database.number(sql, &[]).unwrap();
    database.close();
    number
}

fn status_number(office: &Office) -> u64 {
    fact(office, OUTER, "status_number").parse().unwrap_or(0)
}

/// The count of files that the inner zone turned away with a code.
fn count(office: &Office, code: &str) -> u64 {
    let counts = turned_away(office, INNER);
    counts.iter().find(|(of, _)| of == code).map_or(0, |(_, count)| count.parse().unwrap())
}

#[test]
fn a_stolen_key_is_revoked_and_what_was_on_its_way_arrives() {
    let office = Office::open();
    let mut theft = Theft::of(&office);
    let early = office.pair.dir.path().join("early.revocation");
    let [one, two] = office.keys.each_ref().map(|path| path.to_str().unwrap());
    let words = ["trust", "revoke", &theft.old, "--out", early.to_str().unwrap(), "--reason", "too early"];
    office.pair.json(OUTER, &[&words[..], &["--key-file", one, "--key-file", two]].concat());
    let too_early = refused(&office, OUTER, &["trust", "apply", early.to_str().unwrap()]);
    assert_eq!(too_early, (26, "key-in-use".to_owned()));

    let (next, before) = theft.take_up_new_keys();
    theft.revoke(&next, None);
    theft.forge(theft.applied + 1);
    let on_their_way = theft.on_their_way();
    theft.ends_well();
    // Files of the old key that come before the good batch to which they chain come again under the new one.
    assert_eq!(count(&office, "revoked-key"), 1);
    let unchained = count(&office, "revoked-chain");
    assert!((1..=1 + on_their_way).contains(&unchained), "{unchained} of {on_their_way} and one");
    assert_eq!(turned_away(&office, INNER).len(), 2);
    theft.new_batches_bear(next["key"].as_str().unwrap(), before);
}

#[test]
fn a_key_that_was_used_by_its_thief_counts_through_the_place_that_operators_name() {
    let office = Office::open();
    let mut theft = Theft::of(&office);
    let (next, before) = theft.take_up_new_keys();
    let through = theft.applied;
    theft.revoke(&next, Some(through));
    theft.forge(through);
    let on_their_way = theft.on_their_way();
    theft.ends_well();
    // What the old key signed above that place, the thief or not, was turned away, and came again under the new one.
    wait_until("all that was turned away to be counted", || count(&office, "revoked-key") == 1 + on_their_way);
    assert_eq!(count(&office, "revoked-chain"), 1);
    assert_eq!(turned_away(&office, INNER).len(), 2);
    let key = next["key"].as_str().unwrap();
    let archived = archived(&office, INNER, "confirm");
    assert!(archived.range((1, through + 1)..).all(|(_, keys)| keys.iter().all(|one| one == key)), "{archived:?}");
    theft.new_batches_bear(key, before);
}
