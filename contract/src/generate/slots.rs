//! Rows that are dealt out to the rows of another table: so many each, and one more to the first ones.

/// The dealing of `rows` to `owners`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slots {
    least: u64,
    /// How many of the first owners have one more than the least.
    larger: u64,
}

impl Slots {
    pub const fn of(rows: u64, owners: u64) -> Self {
        Self { least: rows / owners, larger: rows % owners }
    }

    /// How many rows an owner has.
    pub fn count(self, owner: u64) -> u64 {
        self.least + u64::from(owner < self.larger)
    }

    /// The owner of row `index`, and the row's place among those of its owner; the rows of one owner stand together.
    pub const fn place(self, index: u64) -> (u64, u64) {
        let in_larger = self.larger * (self.least + 1);
        if index < in_larger {
            return (index / (self.least + 1), index % (self.least + 1));
        }
        (self.larger + (index - in_larger) / self.least, (index - in_larger) % self.least)
    }
}

#[cfg(test)]
mod tests {
    use super::Slots;

    #[test]
    fn rows_are_dealt_out_without_a_rest() {
        let slots = Slots::of(11, 4);
        let mut counted = [0; 4];
        for index in 0..11 {
            let (owner, slot) = slots.place(index);
            let counted = &mut counted[usize::try_from(owner).unwrap()];
            assert_eq!(slot, *counted);
            *counted += 1;
        }
        assert_eq!(counted, [3, 3, 3, 2]);
        assert_eq!([0, 1, 2, 3].map(|owner| slots.count(owner)), counted);
    }
}
