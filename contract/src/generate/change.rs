//! Changes to rows that were generated: updates and deletes, each row at most once.

use core::ops::Range;

use super::Generator;
use super::day::{date8, time17};
use super::rng::{Purpose, Rng};
use super::sealed::sealed;
use crate::rows::{BaseAgency, BaseAgencyItem, Cell, Row, Shape};

/// What a change does to its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    /// Adds the row.
    Insert,
    /// Replaces the row.
    Update,
    /// Removes the row.
    Delete,
}

/// One change of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The table.
    pub shape: Shape,
    /// What happens to the row.
    pub op: Op,
    /// The whole row, or its key when it is deleted.
    pub cells: Vec<Cell>,
}

impl Change {
    /// The change that adds `row`.
    pub fn insert<R: Row>(row: &R) -> Self {
        Self { shape: R::SHAPE, op: Op::Insert, cells: row.cells() }
    }

    /// The change that gives the row with the key of `row` the values of `row`.
    pub fn update<R: Row>(row: &R) -> Self {
        Self { shape: R::SHAPE, op: Op::Update, cells: row.cells() }
    }

    /// The change that removes the row with the key of `row`.
    pub fn delete<R: Row>(row: &R) -> Self {
        Self { shape: R::SHAPE, op: Op::Delete, cells: row.key_cells() }
    }
}

/// Changes come after everything that was generated, in the last weeks of the year.
const FIRST_CHANGE_DAY: u64 = 330;
const CHANGE_DAYS: u64 = 30;
/// Bytes of an office number before encryption.
const PHONE_BYTES: usize = 11;

impl Generator {
    /// Updates of the agencies in `indexes`: one in twenty has another telephone number.
    pub fn agency_changes(&self, indexes: Range<u64>) -> impl Iterator<Item = Change> {
        indexes.filter_map(|index| {
            let mut rng = Rng::new(self.seed, Purpose::AgencyChange, index);
            let row = rng.chance(5).then(|| self.agency(index))?;
            let (_, update_time) = moment(&mut rng);
            Some(Change::update(&BaseAgency { phone: Some(sealed(PHONE_BYTES, &mut rng)), update_time, ..row }))
        })
    }

    /// Changes of the agency items in `indexes`: six in a hundred are switched off, two are deleted.
    pub fn agency_item_changes(&self, indexes: Range<u64>) -> impl Iterator<Item = Change> {
        indexes.filter_map(|index| {
            let mut rng = Rng::new(self.seed, Purpose::AgencyItemChange, index);
            let draw = rng.below(100);
            let (end_date, update_time) = moment(&mut rng);
            match draw {
                0..6 => Some(Change::update(&BaseAgencyItem {
                    is_enabled: false,
                    end_date: Some(end_date),
                    update_time,
                    ..self.agency_item(index)
                })),
                6..8 => Some(Change::delete(&self.agency_item(index))),
                _ => None,
            }
        })
    }

    /// Changes of the notices with the numbers in `serials`: thirty in a hundred become paid, five are voided (作废),
    /// five are deleted, lines first.
    pub fn notice_changes(&self, serials: Range<u64>) -> impl Iterator<Item = Change> {
        serials.flat_map(|serial| {
            let mut rng = Rng::new(self.seed, Purpose::NoticeChange, serial);
            let state = match rng.below(100) {
                0..30 => Some(1),
                30..35 => Some(2),
                35..40 => None,
                _ => return Vec::new(),
            };
            let mut order = self.notice(serial);
            let Some(state) = state else {
                let lines = order.items.iter().map(Change::delete);
                return lines.chain([Change::delete(&order.notice)]).collect();
            };
            order.notice.state = state;
            order.notice.update_time = moment(&mut rng).1;
            vec![Change::update(&order.notice)]
        })
    }

    /// Changes of the confirmations with the numbers in `serials`: eight in a hundred turn out to be duplicates
    /// (重复缴款), two are deleted, lines first.
    pub fn confirm_changes(&self, serials: Range<u64>) -> impl Iterator<Item = Change> {
        serials.flat_map(|serial| {
            let mut rng = Rng::new(self.seed, Purpose::ConfirmChange, serial);
            let is_deleted = match rng.below(100) {
                0..8 => false,
                8..10 => true,
                _ => return Vec::new(),
            };
            let mut paid = self.confirmation(serial);
            if is_deleted {
                let lines = paid.items.iter().map(Change::delete);
                return lines.chain([Change::delete(&paid.confirm)]).collect();
            }
            paid.confirm.is_duplicate = true;
            paid.confirm.update_time = moment(&mut rng).1;
            vec![Change::update(&paid.confirm)]
        })
    }
}

/// A day and a time of change.
fn moment(rng: &mut Rng) -> (String, String) {
    let day = FIRST_CHANGE_DAY + rng.below(CHANGE_DAYS);
    (date8(day), time17(day, rng))
}
