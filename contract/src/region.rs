//! The administrative divisions (行政区划) that the crate carries; `data/README.md` names their source.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

const CSV_ZST: &[u8] = include_bytes!("../data/regions.csv.zst");
/// Room for the decompressed file, in bytes.
const CSV_BYTES_MAX: usize = 2 << 20;

/// The level of a region (级次).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RegionLevel {
    /// 省.
    Province,
    /// 市.
    City,
    /// 县.
    County,
    /// 乡.
    Township,
}

impl RegionLevel {
    /// The level as base data numbers it, from 1 (省) to 4 (乡).
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Province => 1,
            Self::City => 2,
            Self::County => 3,
            Self::Township => 4,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Province, Self::City, Self::County, Self::Township]
            .into_iter()
            .find(|level| level.number().to_string() == text)
    }
}

/// One administrative division.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// 6 digits down to the county (GB/T 2260), 9 for a township; only level and code together are unique.
    pub code: String,
    /// The name, such as 陕西省.
    pub name: String,
    /// The level.
    pub level: RegionLevel,
    /// The place in [`regions`] of the region above; none for a province.
    pub parent: Option<usize>,
    /// Whether no region lies below.
    pub is_leaf: bool,
}

/// All 44 703 regions, each after the one above it.
#[must_use]
pub fn regions() -> Vec<Region> {
    let csv = zstd::bulk::decompress(CSV_ZST, CSV_BYTES_MAX).expect("a test decompresses the embedded file");
    let csv = String::from_utf8(csv).expect("a test reads the embedded file as UTF-8");
    parse(&csv).expect("a test parses the embedded file")
}

/// Divisions of GB/T 2260 that the statistics office does not publish: 台湾, 香港 and 澳门.
const UNPUBLISHED: [&str; 3] = ["710000", "810000", "820000"];

/// Whether six digits are a division of GB/T 2260, down to the county. The statistics office gives codes of the same form to some
/// development zones (开发区), and those count, too.
#[must_use]
pub fn is_division(code: &str) -> bool {
    static CODES: OnceLock<BTreeSet<String>> = OnceLock::new();
    let codes = CODES.get_or_init(|| {
        let above_townships = regions().into_iter().filter(|region| region.level != RegionLevel::Township);
        above_townships.map(|region| region.code).chain(UNPUBLISHED.map(str::to_owned)).collect()
    });
    codes.contains(code)
}

/// Reads the CSV; none when a line is not a region below an earlier one.
fn parse(csv: &str) -> Option<Vec<Region>> {
    let mut regions: Vec<Region> = Vec::new();
    let mut places = BTreeMap::new();
    for line in csv.lines().skip(1) {
        let [code, name, level, parent] = <[&str; 4]>::try_from(line.split(',').collect::<Vec<_>>()).ok()?;
        let level = RegionLevel::parse(level)?;
        let parent = match parent {
            "" => None,
            parent => Some(*places.get(&(level.number() - 1, parent))?),
        };
        if let Some(above) = parent {
            let above: &mut Region = regions.get_mut(above)?;
            above.is_leaf = false;
        }
        places.insert((level.number(), code), regions.len());
        regions.push(Region { code: code.to_owned(), name: name.to_owned(), level, parent, is_leaf: true });
    }
    Some(regions)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{RegionLevel, is_division, regions};

    #[test]
    fn counts_are_those_of_the_source() {
        let regions = regions();
        let count = |level| regions.iter().filter(|region| region.level == level).count();
        assert_eq!(regions.len(), 44_703);
        assert_eq!(count(RegionLevel::Province), 31);
        assert_eq!(count(RegionLevel::City), 342);
        assert_eq!(count(RegionLevel::County), 2_978);
        assert_eq!(count(RegionLevel::Township), 41_352);
    }

    #[test]
    fn divisions_are_known_down_to_the_county() {
        assert!(["350000", "350400", "110101", "810000"].into_iter().all(is_division));
        assert!(!["350499", "350000000", "35", ""].into_iter().any(is_division));
    }

    #[test]
    fn regions_form_a_tree() {
        let regions = regions();
        let keys: BTreeSet<_> = regions.iter().map(|region| (region.level, &region.code)).collect();
        assert_eq!(keys.len(), regions.len());
        for (place, region) in regions.iter().enumerate() {
            match region.parent {
                None => assert_eq!(region.level, RegionLevel::Province),
                Some(parent) => {
                    assert!(parent < place);
                    assert_eq!(regions[parent].level.number() + 1, region.level.number());
                }
            }
        }
        let dongcheng = regions.iter().find(|region| region.code == "110101").unwrap();
        assert_eq!((dongcheng.name.as_str(), dongcheng.is_leaf), ("东城区", false));
    }
}
