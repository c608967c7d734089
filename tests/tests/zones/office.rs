//! A running pair of zones whose operators act.

use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;

use contract::rows::{PayConfirm, PayNotice, Row as _, json_rows};
use contract::{Generator, Size};
use serde_json::Value;
use tests::demo::database::Database;
use tests::pair::{Daemon, INNER, Making, OUTER, Pair, run, wait_until};

/// Rows of one insert.
pub const ROWS: u64 = 30;

/// A running pair, and the keys of two operators whom both zones trust.
pub struct Office {
    pub pair: Pair,
    pub keys: [PathBuf; 2],
    /// Those of the inner and of the outer zone, while they run.
    daemons: RefCell<Vec<Daemon>>,
}

impl Office {
    pub fn open() -> Self {
        Self::of(Making::default())
    }

    pub fn of(making: Making) -> Self {
        let pair = Pair::make(making);
        let keys = ["wang", "li"].map(|name| operator(&pair, name));
        let daemons = vec![pair.start(INNER), pair.start(OUTER)];
        pair.carry_until("the zones to greet each other", || {
            pair.stream(INNER, "confirm")["epoch"].as_u64().is_some_and(|epoch| epoch > 0)
        });
        Self { pair, keys, daemons: RefCell::new(daemons) }
    }

    /// Ends both daemons.
    pub fn stop(&mut self) {
        for daemon in self.daemons.get_mut().drain(..) {
            assert_eq!(daemon.stop(), Some(0));
        }
    }

    /// Starts both daemons again.
    pub fn start(&mut self) {
        *self.daemons.get_mut() = vec![self.pair.start(INNER), self.pair.start(OUTER)];
    }

    /// Ends the daemon of one zone and starts it again, as the service manager does.
    pub fn restart(&self, zone: usize) {
        let starts = self.pair.starts(zone);
        let mut daemons = self.daemons.borrow_mut();
        assert_eq!(daemons.remove(zone).stop(), Some(0));
        daemons.insert(zone, self.pair.start(zone));
        wait_until("the daemon to work again", || self.pair.starts(zone) > starts);
    }

    /// An act by so many operators. Yields the exit code and the answer or the error.
    pub fn act(&self, zone: usize, words: &[&str], signers: usize) -> (i32, Value) {
        let mut command = self.pair.command(zone);
        command.arg("--json").args(words).args(["--reason", "银行已确认", "--wait", "60"]);
        for key in &self.keys[..signers] {
            command.arg("--key").arg(key);
        }
        let output = run(&mut command);
        let text = if output.status.success() { &output.stdout } else { &output.stderr };
        (output.status.code().unwrap(), serde_json::from_slice(text).unwrap())
    }

    pub fn done(&self, zone: usize, words: &[&str], signers: usize) {
        let (code, answer) = self.act(zone, words, signers);
        assert_eq!((code, &answer["code"]), (0, &"done".into()), "{words:?}: {answer}");
    }

    /// Waits until a stream has a health and a code in a zone.
    pub fn until(&self, zone: usize, health: &str, code: &str) {
        self.pair.carry_until(&format!("{health} {code} to be told in zone {zone}"), || {
            let stream = self.pair.stream(zone, "confirm");
            stream["health"] == health && stream["code"] == code
        });
    }

    pub fn until_applied(&self, rows: u64) {
        let mut replica = Database::open(&self.pair.database(INNER)).unwrap();
        self.pair.carry_until("the rows to be applied", || {
            replica.number("SELECT count(*) FROM pay_confirm", &[]).unwrap() == rows
        });
        let mut source = Database::open(&self.pair.database(OUTER)).unwrap();
        let digest = "SELECT sum(unicode(payer_name) * length(payer_name) + amount_fen) FROM pay_confirm";
        self.pair.carry_until("both tables to be the same", || {
            replica.number(digest, &[]).unwrap() == source.number(digest, &[]).unwrap()
        });
    }

    pub fn insert(&self, from: u64, change: impl Fn(&mut PayConfirm)) {
        self.insert_rows(from..=from + ROWS - 1, |_, confirm| change(confirm));
    }

    /// Inserts confirmations in one transaction.
    pub fn insert_rows(&self, places: RangeInclusive<u64>, change: impl Fn(u64, &mut PayConfirm)) {
        let generator = Generator::new(3, Size::S);
        let confirmations = generator.confirmations(*places.start()..*places.end() + 1);
        let rows = json_rows(places.zip(confirmations).map(|(place, one)| {
            let mut confirm = one.confirm;
            change(place, &mut confirm);
            confirm.cells()
        }));
        self.sql(OUTER, &PayConfirm::SHAPE.insert_sql(), &[&rows]);
    }

    /// Inserts notices in one transaction, by a program of the inner zone.
    pub fn notify(&self, places: Range<u64>) {
        let rows = json_rows(Generator::new(3, Size::S).notices(places).map(|one| one.notice.cells()));
        self.sql(INNER, &PayNotice::SHAPE.insert_sql(), &[&rows]);
    }

    pub fn sql(&self, zone: usize, statement: &str, args: &[&str]) {
        Database::open(&self.pair.database(zone)).unwrap().run(statement, args).unwrap();
    }

    /// What `ferry trace` tells of a payment, and its exit code.
    pub fn trace(&self, zone: usize, confirm_id: &str) -> (i32, Value) {
        let output = run(self.pair.command(zone).args(["--json", "trace", "pay_confirm", confirm_id]));
        (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap())
    }

    /// The changes of a payment, as `ferry trace` tells them: what each does, and where it is.
    pub fn changes(&self, zone: usize, confirm_id: &str) -> Vec<(String, String)> {
        let (_, traced) = self.trace(zone, confirm_id);
        let text = |change: &Value, name: &str| change[name].as_str().unwrap().to_owned();
        let changes = traced["changes"].as_array().unwrap();
        changes.iter().map(|change| (text(change, "op"), text(change, "state"))).collect()
    }

    pub fn listed(&self, zone: usize) -> Vec<Value> {
        self.pair.json(zone, &["acts", "list"])["acts"].as_array().unwrap().clone()
    }

    /// Waits until both zones list exactly these acts, with the operators' signatures and how each ended, and the zone that
    /// judged them knows that its peer does.
    pub fn both_list(&self, acts: &[(&str, &str)]) {
        let text = |(deed, code): &(&str, &str)| format!("{deed} {code}");
        let mut meant: Vec<String> = acts.iter().map(text).collect();
        meant.sort_unstable();
        for zone in [INNER, OUTER] {
            self.pair.carry_until(&format!("{meant:?} to be listed in zone {zone}"), || {
                let told = |act: &Value| act["here"] == false || !act["told_at_ms"].is_null();
                let acts = self.listed(zone);
                acts.len() >= meant.len() && acts.iter().all(told)
            });
            let acts = self.listed(zone);
            let is_whole = |act: &Value| act["verified"] == true && act["reason"] == "银行已确认";
            assert!(acts.iter().all(is_whole), "{acts:?}");
            let word = |act: &Value, name: &str| act[name].as_str().unwrap().to_owned();
            let mut found: Vec<String> =
                acts.iter().map(|act| text(&(&word(act, "deed"), &word(act, "code")))).collect();
            found.sort_unstable();
            assert_eq!(found, meant, "zone {zone}");
        }
    }
}

/// The key of a payment of the generated rows.
pub fn confirm_id(place: u64) -> String {
    Generator::new(3, Size::S).confirmations(place..place + 1).next().unwrap().confirm.confirm_id
}

/// Makes an operator's key, and lets both zones trust it.
pub fn operator(pair: &Pair, name: &str) -> PathBuf {
    let key = pair.dir.path().join(format!("{name}.pem"));
    let made = pair.json(OUTER, &["keys", "operator", key.to_str().unwrap()]);
    let (card, fingerprint) = (made["card"].as_str().unwrap(), made["fingerprint"].as_str().unwrap());
    for zone in [INNER, OUTER] {
        pair.json(zone, &["trust", "add", card, "--role", "operator", "--fingerprint", fingerprint]);
    }
    key
}
