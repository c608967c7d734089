//! What each zone must contain, said as simply as it can be said.
//!
//! The owner of a stream commits transactions. Each is a list of changes, and the changes of a stream are numbered from 1
//! in the order of their commits, as its outbox numbers them. A replica that has applied everything up to change `n` holds
//! exactly what the changes 1 to `n` make of empty tables, except rows that its database does not take: those of an
//! independent table are parked alone, one of another table stops the stream before its transaction. A bad image is no
//! matter where its batch replaces it and has no other that stays. `n` is always the end of a transaction. When the database
//! has been mended it takes every image, and parked rows that are tried again and have no later image join the others. A
//! change that operators passed over does not count, or the image counts that took its place; and where they put another batch
//! into the place of one, the changes of that one count.

use std::collections::{BTreeMap, BTreeSet};

use ferry_format::{Op, StreamName};

use super::change::Change;
use super::host::ZoneId;
use super::store::POISON;

/// One stream of the model.
#[derive(Debug, Clone)]
pub struct ModelStream {
    /// Who owns it.
    pub owner: ZoneId,
    /// Tables whose bad rows are parked alone.
    pub independent: BTreeSet<String>,
    /// Every change ever committed, in order; the first has number 1.
    pub changes: Vec<Change>,
    /// The numbers at which transactions end.
    pub ends: BTreeSet<u64>,
    /// The replica, as far as it has been followed.
    pub replica: BTreeMap<String, BTreeMap<String, String>>,
    /// Up to which change the replica has been followed.
    pub followed: u64,
    /// Rows parked up to there, without those that have a later image.
    pub parked: Vec<Change>,
    /// Numbers of the changes that the receiving database does not take and that are not parked alone.
    pub poison: BTreeSet<u64>,
    /// Changes that were passed over, with what took their place.
    pub passed: BTreeMap<u64, Option<Change>>,
    /// Rows of which a change was not applied as their owner made it: operators passed it over, superseded it, or ended its life.
    pub dropped: BTreeSet<(String, String)>,
    /// From now on the receiving database takes every image.
    mended: bool,
}

impl ModelStream {
    /// A stream without changes.
    #[must_use]
    pub fn new(owner: ZoneId, independent: BTreeSet<String>) -> Self {
        Self {
            owner,
            independent,
            changes: Vec::new(),
            ends: BTreeSet::from([0]),
            replica: BTreeMap::new(),
            followed: 0,
            parked: Vec::new(),
            poison: BTreeSet::new(),
            passed: BTreeMap::new(),
            dropped: BTreeSet::new(),
            mended: false,
        }
    }

    /// The owner commits a transaction.
    pub fn commit(&mut self, changes: &[Change]) {
        for change in changes {
            self.changes.push(change.clone());
            if !self.mended && is_bad(change) && !self.independent.contains(&change.table) {
                self.poison.insert(self.len());
            }
        }
        self.ends.insert(self.len());
    }

    /// What the owner's tables hold.
    #[must_use]
    pub fn owners_rows(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let mut rows = BTreeMap::new();
        self.changes.iter().for_each(|change| write(&mut rows, change));
        rows
    }

    /// How many changes there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.changes.len() as u64
    }

    /// Whether nothing was ever committed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The replica goes on through batches, each told by its last change, and by the changes that took their place if any did.
    pub fn follow<'i>(&mut self, batches: impl IntoIterator<Item = (u64, Option<&'i Vec<Change>>)>) {
        for (end, instead) in batches {
            if end > self.followed {
                self.follow_batch(end, instead);
            }
        }
    }

    fn follow_batch(&mut self, to: u64, instead: Option<&Vec<Change>>) {
        let place = |number: u64| usize::try_from(number).expect("a world has few changes");
        let is_dropped = |number: &u64| instead.is_some() || self.passed.contains_key(number);
        self.drop_rows((self.followed + 1..=to).filter(is_dropped).collect());
        let numbered = (self.followed + 1..).zip(&self.changes[place(self.followed)..place(to)]);
        let own: Vec<&Change> = numbered
            .filter_map(|(number, change)| match self.passed.get(&number) {
                None => Some(change),
                Some(instead) => instead.as_ref(),
            })
            .collect();
        let batch: Vec<&Change> = instead.map_or(own, |instead| instead.iter().collect());
        let is_bad = |change: &Change| !self.mended && is_bad(change);
        let last: BTreeMap<(&str, &str), bool> =
            batch.iter().map(|change| ((change.table.as_str(), change.key.as_str()), is_bad(change))).collect();
        let is_clean = last.values().all(|bad| !bad);
        for change in batch {
            self.parked.retain(|row| row.table != change.table || row.key != change.key);
            if !is_clean && is_bad(change) && self.independent.contains(&change.table) {
                self.parked.push(change.clone());
                continue;
            }
            write(&mut self.replica, change);
        }
        if is_clean || instead.is_some() {
            self.poison.retain(|bad| *bad <= self.followed || *bad > to);
        }
        self.followed = to;
    }

    /// Changes that were not applied as their owner made them.
    fn drop_rows(&mut self, numbers: Vec<u64>) {
        for number in numbers {
            let change = usize::try_from(number - 1).ok().and_then(|place| self.changes.get(place));
            self.dropped.extend(change.map(|change| (change.table.clone(), change.key.clone())));
        }
    }

    /// A life ends: what it had recorded up to a change and was not applied never is. The rest of a transaction that ends there
    /// is one of its own.
    pub fn end_life(&mut self, through: u64) {
        if through > self.followed {
            let followed = self.followed;
            self.poison.retain(|bad| *bad <= followed || *bad > through);
            self.drop_rows((followed + 1..=through).collect());
            self.followed = through;
        }
        self.ends.insert(through);
    }

    /// The last change that is expected to be applied: those after it were passed over.
    #[must_use]
    pub fn goal(&self) -> u64 {
        (0..=self.len()).rev().find(|number| !matches!(self.passed.get(number), Some(None))).unwrap_or(0)
    }

    /// The receiving database takes every image from now on.
    pub fn mend(&mut self) {
        self.mended = true;
        self.poison.clear();
    }

    /// A change was passed over; the line of what took its place, if anything did.
    pub fn pass(&mut self, number: u64, line: Option<&str>) {
        self.passed.insert(number, line.map(Change::of_line));
    }

    /// Parked rows were tried again, and the database took them.
    pub fn unpark(&mut self) {
        for row in std::mem::take(&mut self.parked) {
            write(&mut self.replica, &row);
        }
    }

    /// The first change above `after` that the receiving database does not take, and that is not parked alone.
    #[must_use]
    pub fn next_poison(&self, after: u64) -> Option<u64> {
        self.poison.range(after + 1..).next().copied()
    }
}

fn write(replica: &mut BTreeMap<String, BTreeMap<String, String>>, change: &Change) {
    let table = replica.entry(change.table.clone()).or_default();
    match change.op {
        Op::Delete => table.remove(&change.key),
        Op::Insert | Op::Update => table.insert(change.key.clone(), change.values.clone()),
    };
}

/// Whether the receiving database does not take the image that a change leaves.
fn is_bad(change: &Change) -> bool {
    change.op != Op::Delete && change.values.contains(POISON)
}

/// All streams.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// By name.
    pub streams: BTreeMap<StreamName, ModelStream>,
}
