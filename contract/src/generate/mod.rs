//! Rows to try the contract with: plausible, and the same on every machine for the same seed.
//!
//! Every row is a function of the seed and its place, so rows are made one at a time, in any order, in bounded
//! memory. All but the regions are invented.

mod agency;
mod change;
mod confirm;
mod day;
mod item;
mod names;
mod notice;
mod rng;
mod sealed;

use core::ops::Range;
use std::collections::BTreeSet;

pub use change::{Change, Op};
pub use confirm::Confirmation;
pub use notice::Notice;

use crate::region::{Region, RegionLevel, regions};
use crate::rows::{BaseAgency, BaseAgencyItem, BaseIncomeItem, BaseRegion};
use day::{BASE_TIME, FIRST_DAY, FISCAL_YEAR};
use rng::{Purpose, Rng};

/// How much base data there is; the 44 703 regions come in every size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    /// A city: 14 000 rows and the regions.
    S,
    /// A province: 290 000 rows with the regions.
    M,
    /// A large province: 1 200 000 rows with the regions.
    L,
}

/// How many rows each table of base data has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BaseCounts {
    /// 行政区划.
    pub regions: u64,
    /// 单位.
    pub agencies: u64,
    /// 收入项目.
    pub income_items: u64,
    /// 单位项目.
    pub agency_items: u64,
}

impl BaseCounts {
    /// All rows of base data.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.regions + self.agencies + self.income_items + self.agency_items
    }
}

impl Size {
    /// The rows of each table.
    #[must_use]
    pub const fn counts(self) -> BaseCounts {
        let regions = 44_703;
        match self {
            Self::S => BaseCounts { regions, agencies: 800, income_items: 400, agency_items: 12_800 },
            Self::M => BaseCounts { regions, agencies: 20_000, income_items: 1_500, agency_items: 223_797 },
            Self::L => BaseCounts { regions, agencies: 60_000, income_items: 5_000, agency_items: 1_090_297 },
        }
    }

    /// The GB/T 2260 code of the region whose counties the agencies belong to.
    const fn home(self) -> &'static str {
        match self {
            Self::S => "350400",
            Self::M => "610000",
            Self::L => "440000",
        }
    }
}

/// Makes rows from a seed.
#[derive(Debug, Clone)]
pub struct Generator {
    seed: u64,
    size: Size,
    home: &'static str,
    regions: Vec<Region>,
    /// The places in `regions` of the cities and counties that have agencies.
    seats: Vec<usize>,
}

impl Generator {
    /// A generator of the rows that `seed` stands for.
    #[must_use]
    pub fn new(seed: u64, size: Size) -> Self {
        let regions = regions();
        let home = size.home();
        let seats = seats(&regions, home.trim_end_matches("00"));
        Self { seed, size, home, regions, seats }
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
            id: self.region_id(place),
            mof_div_code: format!("{:0<9}", region.code),
            fiscal_year: FISCAL_YEAR.to_owned(),
            ele_code: region.code.clone(),
            ele_name: region.name.clone(),
            parent_id: region.parent.map(|parent| self.region_id(parent)),
            level_no: region.level.number(),
            is_leaf: region.is_leaf,
            is_enabled: true,
            start_date: FIRST_DAY.to_owned(),
            end_date: None,
            create_time: BASE_TIME.to_owned(),
            update_time: BASE_TIME.to_owned(),
            is_deleted: false,
            bill_region_code: (region.level != RegionLevel::Township).then(|| gb2260_code.clone()),
            gb2260_code,
        }
    }

    fn region_id(&self, place: usize) -> String {
        let index = u64::try_from(place).expect("a place in memory fits 64 bits");
        Rng::new(self.seed, Purpose::RegionId, index).guid()
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
