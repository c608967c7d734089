//! The rules of several rows together: trees, shares, segments, names that stand twice.

use std::collections::{BTreeMap, BTreeSet};

use super::base::numbers;
use super::fault::{Fault, Rule};
use crate::rows::BaseItemShare;

/// All shares of an item, in ten-thousandths.
pub const WHOLE_BP: i64 = 10_000;

/// A row's place in its tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The row's id.
    pub id: String,
    /// The id of the row above it.
    pub parent_id: Option<String>,
    /// Its level, from 1.
    pub level_no: i64,
    /// Whether it says that no row is below it.
    pub is_leaf: bool,
}

/// What is wrong with the tree of one table: parents that are not there, levels that do not follow, rows above themselves,
/// and leaves with rows below them. Roots may have any level, because a department may keep only a part of a tree.
#[must_use]
pub fn check_tree(table: &'static str, places: &[Place]) -> Vec<Fault> {
    let by_id: BTreeMap<&str, &Place> = places.iter().map(|place| (place.id.as_str(), place)).collect();
    let parents: BTreeSet<&str> = places.iter().filter_map(|place| place.parent_id.as_deref()).collect();
    let mut faults = Vec::new();
    for place in places {
        let mut refuse = |column, rule| faults.push(Fault::refusal(table, place.id.as_str(), column, rule));
        if let Some(parent_id) = &place.parent_id {
            match by_id.get(parent_id.as_str()) {
                None => refuse("parent_id", Rule::NoSuch { table, id: parent_id.clone() }),
                Some(_) if is_above_itself(&by_id, place) => refuse("parent_id", Rule::ParentCycle),
                Some(parent) if parent.level_no + 1 != place.level_no => {
                    refuse("level_no", Rule::ParentLevel { parent: parent.level_no });
                }
                Some(_) => {}
            }
        }
        if place.is_leaf && parents.contains(place.id.as_str()) {
            refuse("is_leaf", Rule::LeafState);
        }
    }
    faults
}

/// Whether a row comes again when one goes up from it. Whoever is only below such a ring is not in it.
fn is_above_itself(by_id: &BTreeMap<&str, &Place>, place: &Place) -> bool {
    let mut above = place.parent_id.as_deref();
    for _ in 0..by_id.len() {
        let Some(id) = above else { return false };
        if id == place.id {
            return true;
        }
        above = by_id.get(id).and_then(|place| place.parent_id.as_deref());
    }
    false
}

/// The items whose shares in force do not add up to the whole (Σ = 10 000).
#[must_use]
pub fn check_shares<'r>(table: &'static str, shares: impl Iterator<Item = &'r BaseItemShare>) -> Vec<Fault> {
    let mut sums = BTreeMap::<&str, i64>::new();
    for share in shares.filter(|share| share.is_enabled && !share.is_deleted) {
        *sums.entry(&share.item_id).or_default() += share.ratio_bp;
    }
    let wrong = sums.into_iter().filter(|(_, sum)| *sum != WHOLE_BP);
    wrong.map(|(item, sum)| Fault::refusal(table, item, "ratio_bp", Rule::ShareSum { sum })).collect()
}

/// A segment of bill numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// What the numbers belong to: a bill code, or a batch.
    pub of: String,
    /// The first number, 10 digits.
    pub begin_no: String,
    /// The last number, 10 digits.
    pub end_no: String,
    /// The row's id.
    pub id: String,
}

/// The segments that have numbers which an earlier one has already.
#[must_use]
pub fn check_segments(table: &'static str, mut segments: Vec<Segment>) -> Vec<Fault> {
    segments.sort_unstable();
    let mut faults = Vec::new();
    // The segment that reaches farthest so far.
    let mut farthest: Option<&Segment> = None;
    for segment in &segments {
        match farthest.filter(|other| other.of == segment.of) {
            Some(other) if segment.begin_no <= other.end_no => {
                faults.push(Fault::refusal(
                    table,
                    segment.id.as_str(),
                    "begin_no",
                    Rule::SegmentOverlap { other: other.id.clone() },
                ));
                if segment.end_no > other.end_no {
                    farthest = Some(segment);
                }
            }
            _ => farthest = Some(segment),
        }
    }
    faults
}

/// Whether a segment lies within a batch's numbers.
#[must_use]
pub fn is_within(batch: (&str, &str), segment: (&str, &str)) -> bool {
    numbers(batch.0, segment.0).is_some() && numbers(segment.1, batch.1).is_some()
}

#[cfg(test)]
mod tests {
    use super::{Place, Segment, check_segments, check_shares, check_tree, is_within};
    use crate::rows::BaseItemShare;
    use crate::rules::Fault;
    use crate::{Generator, Size};

    fn place(id: &str, parent: &str, level_no: i64, is_leaf: bool) -> Place {
        let parent_id = (!parent.is_empty()).then(|| parent.to_owned());
        Place { id: id.to_owned(), parent_id, level_no, is_leaf }
    }

    fn said(faults: &[Fault]) -> Vec<String> {
        faults.iter().map(|fault| format!("{} {}", fault.key, fault.rule.code())).collect()
    }

    #[test]
    fn a_tree_has_parents_levels_and_leaves() {
        let good = [place("a", "", 1, false), place("b", "a", 2, false), place("c", "b", 3, true)];
        assert_eq!(check_tree("t", &good), []);
        let bad = [
            place("a", "", 1, true),
            place("b", "a", 3, true),
            place("c", "x", 2, true),
            place("d", "e", 2, false),
            place("e", "d", 3, false),
            place("f", "f", 1, true),
            place("g", "e", 4, true),
        ];
        assert_eq!(
            said(&check_tree("t", &bad)),
            [
                "a leaf-state",
                "b parent-level",
                "c no-such",
                "d parent-cycle",
                "e parent-cycle",
                "f parent-cycle",
                "f leaf-state",
            ]
        );
    }

    #[test]
    fn the_shares_of_an_item_are_the_whole() {
        let generator = Generator::new(1, Size::S);
        let mut shares: Vec<_> = (0..30).map(|index| generator.item_share(index)).collect();
        assert_eq!(check_shares("base_item_share", shares.iter()), []);
        let item = shares[0].item_id.clone();
        shares[0] = BaseItemShare { ratio_bp: shares[0].ratio_bp - 1, ..shares[0].clone() };
        assert_eq!(said(&check_shares("base_item_share", shares.iter())), [format!("{item} share-sum")]);
        shares.iter_mut().filter(|share| share.item_id == item).for_each(|share| share.is_enabled = false);
        assert_eq!(check_shares("base_item_share", shares.iter()), []);
    }

    #[test]
    fn segments_of_one_code_do_not_overlap() {
        let segment = |of: &str, begin: u64, end: u64, id: &str| Segment {
            of: of.to_owned(),
            begin_no: format!("{begin:010}"),
            end_no: format!("{end:010}"),
            id: id.to_owned(),
        };
        let apart = vec![segment("1", 11, 20, "b"), segment("1", 1, 10, "a"), segment("2", 1, 10, "c")];
        assert_eq!(check_segments("t", apart), []);
        let nested = vec![
            segment("1", 1, 100, "a"),
            segment("1", 5, 10, "b"),
            segment("1", 50, 120, "c"),
            segment("1", 110, 130, "d"),
            segment("1", 131, 140, "e"),
        ];
        assert_eq!(said(&check_segments("t", nested)), ["b segment-overlap", "c segment-overlap", "d segment-overlap"]);
        assert!(is_within(("0000000001", "0000000010"), ("0000000002", "0000000010")));
        assert!(!is_within(("0000000001", "0000000010"), ("0000000002", "0000000011")));
    }
}
