//! The audit log's tree: RFC 6962 (section 2.1) with SM3 in the place of SHA-256.

use crate::error::FormatError;
use crate::{Checkpoint, Digest};

/// What must be kept of a tree to append to it and to know its root: one digest for each complete subtree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    /// The largest subtree first; one for each bit that is set in `size`.
    subtrees: Vec<Digest>,
}

/// The digest of a leaf.
#[must_use]
pub fn leaf_digest(data: &[u8]) -> Digest {
    Digest::of(&[&[0], data])
}

/// The digest of a node above two others.
#[must_use]
pub fn node_digest(left: &Digest, right: &Digest) -> Digest {
    Digest::of(&[&[1], &left.0, &right.0])
}

impl Frontier {
    /// An empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a leaf of `data`.
    pub fn push(&mut self, data: &[u8]) {
        self.push_digest(leaf_digest(data));
    }

    /// Appends a leaf of which the [`leaf_digest`] is known.
    pub fn push_digest(&mut self, leaf: Digest) {
        let mut digest = leaf;
        for _ in 0..self.size.trailing_ones() {
            let left = self.subtrees.pop().expect("there is a subtree for each bit set in the size");
            digest = node_digest(&left, &digest);
        }
        self.subtrees.push(digest);
        self.size += 1;
    }

    /// How many leaves there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root; of an empty tree the SM3 of nothing.
    #[must_use]
    pub fn root(&self) -> Digest {
        let mut smallest_first = self.subtrees.iter().rev();
        let Some(first) = smallest_first.next() else { return Digest::of(&[]) };
        smallest_first.fold(*first, |right, left| node_digest(left, &right))
    }

    /// Size and root.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { size: self.size, root: self.root() }
    }

    /// The size as eight bytes, the highest first, then the digests of the subtrees, the largest first.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.size.to_be_bytes().to_vec();
        for subtree in &self.subtrees {
            bytes.extend_from_slice(&subtree.0);
        }
        bytes
    }

    /// Reads what [`Frontier::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`FormatError::BadFrontier`] when the length is not that of the size.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        let (size, rest) = bytes.split_first_chunk::<8>().ok_or(FormatError::BadFrontier)?;
        let size = u64::from_be_bytes(*size);
        let (digests, left) = rest.as_chunks::<32>();
        if !left.is_empty() || digests.len() as u64 != u64::from(size.count_ones()) {
            return Err(FormatError::BadFrontier);
        }
        Ok(Self { size, subtrees: digests.iter().copied().map(Digest).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_those_of_the_recursive_definition() {
        let leaves: Vec<Vec<u8>> = (0..70_u8).map(|i| vec![i; usize::from(i % 5)]).collect();
        let mut frontier = Frontier::new();
        assert_eq!(frontier.root(), root_of(&[]));
        for (index, leaf) in leaves.iter().enumerate() {
            frontier.push(leaf);
            assert_eq!(frontier.root(), root_of(&leaves[..=index]));
            let bytes = frontier.to_bytes();
            assert_eq!(Frontier::from_bytes(&bytes).unwrap(), frontier);
            assert!(Frontier::from_bytes(&bytes[1..]).is_err());
        }
        assert_eq!(frontier.size(), 70);
    }

    /// RFC 6962, section 2.1, as it stands there.
    fn root_of(leaves: &[Vec<u8>]) -> Digest {
        match leaves {
            [] => Digest::of(&[]),
            [one] => leaf_digest(one),
            many => {
                let split = many.len().next_power_of_two() / 2;
                node_digest(&root_of(&many[..split]), &root_of(&many[split..]))
            }
        }
    }
}
