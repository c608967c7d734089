//! The zones' own programs: transactions of inserts, updates and deletes.

use ferry_format::{Op, StreamName};

use super::World;
use super::change::Change;
use super::host::ZoneId;
use super::nodes::desk::china;
use super::nodes::trouble::{Oddity, orphan};
use super::store::POISON;
use crate::prng::Prng;

/// What marks every sensitive value, for those who look for it where it must not be.
pub const SECRET: &str = "SECRET-";

impl World {
    /// A burst of transactions, each of one stream.
    pub(super) fn work(&mut self) {
        for _ in 0..self.options.burst.min(self.transactions_left) {
            self.transactions_left -= 1;
            if self.nodes.is_some() {
                self.act();
                continue;
            }
            let streams: Vec<StreamName> = self.model.streams.keys().cloned().collect();
            let drawn = self.prng.below(streams.len() as u64);
            let stream = streams[usize::try_from(drawn).expect("a small number")].clone();
            self.transact(&stream, "");
        }
    }

    /// One transaction of a stream; with a word it has one row that says this word.
    pub(super) fn transact(&mut self, stream: &StreamName, word: &str) {
        if self.fates[stream].frozen || self.fates[stream].unsendable_from.is_some() {
            return;
        }
        let rows = match self.prng.below(1_000) < self.options.big_per_mille {
            true => 20 * self.options.rows_max,
            false => self.prng.between(1, self.options.rows_max),
        };
        let mut changes = Vec::new();
        for _ in 0..rows {
            changes.push(self.change(stream, ""));
        }
        if !word.is_empty() {
            let place = usize::try_from(self.prng.below(changes.len() as u64 + 1)).expect("a small number");
            let change = self.change(stream, word);
            changes.insert(place, change);
        }
        self.commit(stream, &changes);
    }

    /// One transaction of so many rows.
    pub(super) fn commit_rows_of(&mut self, stream: &'static str, rows: u64) {
        let stream: StreamName = stream.parse().expect("a scenario names streams of its world");
        if self.fates[&stream].frozen {
            return;
        }
        let changes: Vec<Change> = (0..rows).map(|_| self.change(&stream, "")).collect();
        self.commit(&stream, &changes);
    }

    pub(super) fn commit(&mut self, stream: &StreamName, changes: &[Change]) {
        let owner = self.model.streams[stream].owner;
        let contract = self.contract().clone();
        let of_stream = contract.stream(stream).expect("the model's streams are the contract's");
        self.hosts[owner.index()].store.commit_rows(of_stream, changes);
        let model = self.model.streams.get_mut(stream).expect("it is there");
        model.commit(changes);
        let text = format!("commit {stream} {} changes to {}", changes.len(), self.model.streams[stream].len());
        self.tell(owner.name(), &text);
    }

    fn change(&mut self, stream: &StreamName, word: &str) -> Change {
        let has_note = !self.model.streams[stream].independent.is_empty();
        // A word that the other side does not take is more often parked than refused: rows that wait alone are the rarer thing.
        let of_three = if word.is_empty() { 1 } else { 2 };
        let in_note = has_note && self.prng.below(3) < of_three;
        let table = format!("{stream}_{}", if in_note { "note" } else { "row" });
        let no = self.prng.below(self.options.keys);
        let key = format!("[{no}]");
        let owner = self.model.streams[stream].owner;
        let exists = self.has_row(owner, &table, &key);
        if exists && word.is_empty() && self.prng.below(4) == 0 {
            return Change { table, op: Op::Delete, values: key.clone(), key };
        }
        self.row_count += 1;
        let word = if word.is_empty() { drawn_word(&mut self.prng) } else { word.to_owned() };
        let fen = self.prng.below(1_000_000);
        // The business year (业务年度) of a row follows from its day.
        let day = china(self.host(owner).now(self.now_ms).wall_ms, "%Y%m%d");
        let values = format!("[{no},\"{word}\",{fen},\"{SECRET}{}\",\"{day}\"]", self.row_count);
        Change { table, op: if exists { Op::Update } else { Op::Insert }, key, values }
    }

    fn has_row(&self, owner: ZoneId, table: &str, key: &str) -> bool {
        let database = self.host(owner).store.database();
        database.tables.get(table).is_some_and(|rows| rows.contains_key(key))
    }

    /// A row that the receiving database does not take.
    pub(super) fn poison(&mut self) {
        let Some(stream) = self.any_stream() else { return };
        match self.nodes {
            Some(_) => self.poison_node(&stream),
            None => self.transact(&stream, POISON),
        }
        self.faults.add(super::Fault::PoisonRow, 1);
    }

    /// A row whose money is no whole number of fen, or below zero, as a program might write one past the types of its table.
    pub(super) fn unsendable(&mut self) {
        let Some(stream) = self.any_stream() else { return };
        if self.fates[&stream].frozen || self.fates[&stream].unsendable_from.is_some() {
            return;
        }
        let is_nodes = self.nodes.is_some();
        let fen = if self.prng.below(2) == 0 { "0.5" } else { "-1" };
        let change = match is_nodes {
            true => orphan(&stream, 5_000, Oddity::Unsendable(fen)),
            false => Change {
                table: format!("{stream}_row"),
                op: Op::Insert,
                key: "[5000]".to_owned(),
                values: format!("[5000,\"no money\",{fen},\"{SECRET}0\",\"20251231\"]"),
            },
        };
        self.commit(&stream, &[change]);
        let last = self.model.streams[&stream].len();
        if let Some(fate) = self.fates.get_mut(&stream) {
            fate.unsendable_from = Some(last);
        }
        self.faults.add(super::Fault::UnsendableRow, 1);
    }

    /// The program of a zone writes a row anew, as it should be.
    pub(super) fn rewrite(&mut self, stream: &StreamName, table: String, key: String) {
        if self.nodes.is_some() {
            return self.rewrite_node(stream, &table, &key);
        }
        let no = key.trim_matches(['[', ']']).to_owned();
        self.row_count += 1;
        let values = format!("[{no},\"mended\",1,\"{SECRET}{}\",\"20251231\"]", self.row_count);
        let exists = self.has_row(self.model.streams[stream].owner, &table, &key);
        self.commit(stream, &[Change { table, op: if exists { Op::Update } else { Op::Insert }, key, values }]);
    }

    pub(super) fn any_stream(&mut self) -> Option<StreamName> {
        let drawn = self.prng.below(self.model.streams.len() as u64);
        self.model.streams.keys().nth(usize::try_from(drawn).ok()?).cloned()
    }
}

fn drawn_word(prng: &mut Prng) -> String {
    const WORDS: [&str; 6] = ["plain", "缴款书", "quote\\\"d", "back\\\\slash", "", "罚没收入"];
    WORDS[usize::try_from(prng.below(6)).expect("a small number")].to_owned()
}
