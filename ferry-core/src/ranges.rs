//! Sets of seqs as ascending ranges that do not touch.

use ferry_format::SeqRange;

/// Collects ascending seqs into ranges, at most `limit` of them.
pub fn collect(seqs: impl Iterator<Item = u64>, limit: usize) -> Vec<SeqRange> {
    let mut ranges: Vec<SeqRange> = Vec::new();
    for seq in seqs {
        if let Some(range) = ranges.last_mut().filter(|range| range.last + 1 == seq) {
            range.last = seq;
        } else if ranges.len() < limit {
            ranges.push(SeqRange { first: seq, last: seq });
        } else {
            break;
        }
    }
    ranges
}

/// The ranges of `after+1 ..= last` that `present` (ascending) does not name, at most `limit` of them.
pub fn gaps(after: u64, last: u64, present: impl Iterator<Item = u64>, limit: usize) -> Vec<SeqRange> {
    let mut ranges = Vec::new();
    let mut next = after + 1;
    for seq in present.take_while(|seq| *seq <= last) {
        if seq > next && ranges.len() < limit {
            ranges.push(SeqRange { first: next, last: seq - 1 });
        }
        next = seq + 1;
    }
    if next <= last && ranges.len() < limit {
        ranges.push(SeqRange { first: next, last });
    }
    ranges
}

/// `3-7,9`: ranges as an operator reads and writes them.
#[must_use]
pub fn text(ranges: &[SeqRange]) -> String {
    let words: Vec<String> = ranges
        .iter()
        .map(|range| {
            if range.first == range.last { range.first.to_string() } else { format!("{}-{}", range.first, range.last) }
        })
        .collect();
    words.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: u64, last: u64) -> SeqRange {
        SeqRange { first, last }
    }

    #[test]
    fn neighbours_become_one_range() {
        assert_eq!(collect([1, 2, 3, 7, 9, 10].into_iter(), 8), [range(1, 3), range(7, 7), range(9, 10)]);
        assert_eq!(collect([1, 3, 4, 9].into_iter(), 2), [range(1, 1), range(3, 4)]);
        assert_eq!(text(&[range(1, 3), range(7, 7)]), "1-3,7");
    }

    #[test]
    fn gaps_are_what_is_not_there() {
        assert_eq!(gaps(2, 9, [4, 5, 8].into_iter(), 8), [range(3, 3), range(6, 7), range(9, 9)]);
        assert_eq!(gaps(2, 2, [].into_iter(), 8), []);
        assert_eq!(gaps(0, 3, [1, 2, 3, 4].into_iter(), 8), []);
    }
}
