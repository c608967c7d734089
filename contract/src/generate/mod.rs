//! Rows to try the contract with: plausible, and the same on every machine for the same seed.
//!
//! Every row is a function of the seed and its place, so rows are made one at a time, in any order, in bounded
//! memory. All but the regions are invented.

mod agency;
mod answer;
mod base;
mod bill;
mod change;
mod charge;
mod confirm;
mod day;
mod income;
mod item;
mod names;
mod notice;
mod office;
mod rng;
mod sealed;
mod size;
mod slots;

use core::ops::Range;
use std::collections::BTreeSet;

pub use answer::Request;
pub use change::{Change, Op};
pub use confirm::Confirmation;
pub use notice::Notice;
pub use size::{BaseCounts, Size};

use crate::region::{Region, RegionLevel, regions};
use crate::rows::{BaseAgency, BaseAgencyItem, BaseIncomeItem, BaseRegion, Element, Span};
use day::{BASE_TIME, FIRST_DAY, FISCAL_YEAR};
use rng::{Purpose, Rng};

/// Makes rows from a seed.
#[derive(Debug, Clone)]
pub struct Generator {
    seed: u64,
    size: Size,
    home: &'static str,
    regions: Vec<Region>,
    /// The places in `regions` of the cities and counties that have agencies.
    seats: Vec<usize>,
    /// The codes of the budget's subjects.
    subjects: Vec<String>,
}

impl Generator {
    /// A generator of the rows that `seed` stands for.
    #[must_use]
    pub fn new(seed: u64, size: Size) -> Self {
        let regions = regions();
        let home = size.home();
        let seats = seats(&regions, home.trim_end_matches("00"));
        let subjects = income::subjects(size.counts().subjects);
        Self { seed, size, home, regions, seats, subjects }
    }

    /// How many rows each table of base data has.
    #[must_use]
    pub const fn counts(&self) -> BaseCounts {
        self.size.counts()
    }

    /// All regions, each after the one above it.
    pub fn regions(&self) -> impl Iterator<Item = BaseRegion> {
        (0..self.regions.len()).map(|place| self.region(place))
    }

    /// All agencies.
    pub fn agencies(&self) -> impl Iterator<Item = BaseAgency> {
        (0..self.counts().agencies).map(|index| self.agency(index))
    }

    /// All income items.
    pub fn income_items(&self) -> impl Iterator<Item = BaseIncomeItem> {
        (0..self.counts().income_items).map(|index| self.income_item(index))
    }

    /// All agency items.
    pub fn agency_items(&self) -> impl Iterator<Item = BaseAgencyItem> {
        (0..self.counts().agency_items).map(|index| self.agency_item(index))
    }

    /// The notices with the numbers in `serials`.
    pub fn notices(&self, serials: Range<u64>) -> impl Iterator<Item = Notice> {
        serials.map(|serial| self.notice(serial))
    }

    /// The confirmations with the numbers in `serials`.
    pub fn confirmations(&self, serials: Range<u64>) -> impl Iterator<Item = Confirmation> {
        serials.map(|serial| self.confirmation(serial))
    }

    fn region(&self, place: usize) -> BaseRegion {
        let region = &self.regions[place];
        let gb2260_code = region.code[..6].to_owned();
        BaseRegion {
            bill_region_code: (region.level != RegionLevel::Township).then(|| gb2260_code.clone()),
            gb2260_code,
            ..BaseRegion::at(
                span(self.region_id(place), &region.code),
                Element {
                    ele_code: region.code.clone(),
                    ele_name: region.name.clone(),
                    parent_id: region.parent.map(|parent| self.region_id(parent)),
                    level_no: region.level.number(),
                    is_leaf: region.is_leaf,
                },
            )
        }
    }

    /// A GUID for row `index`.
    fn id(&self, purpose: Purpose, index: u64) -> String {
        Rng::new(self.seed, purpose, index).guid()
    }

    fn region_id(&self, place: usize) -> String {
        let index = u64::try_from(place).expect("a place in memory fits 64 bits");
        self.id(Purpose::RegionId, index)
    }
}

/// Where and for how long a row of base data counts, with the code of its region.
fn span(id: String, region: &str) -> Span {
    Span {
        id,
        mof_div_code: format!("{region:0<9}"),
        fiscal_year: FISCAL_YEAR.to_owned(),
        start_date: FIRST_DAY.to_owned(),
        create_time: BASE_TIME.to_owned(),
    }
}

/// The cities and counties whose code begins with `prefix`, each code once.
fn seats(regions: &[Region], prefix: &str) -> Vec<usize> {
    let mut codes = BTreeSet::new();
    let seat = |region: &Region| matches!(region.level, RegionLevel::City | RegionLevel::County);
    let mut seats = Vec::new();
    for (place, region) in regions.iter().enumerate() {
        if seat(region) && region.code.starts_with(prefix) && codes.insert(region.code.as_str()) {
            seats.push(place);
        }
    }
    seats
}
