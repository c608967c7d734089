//! Pseudo-random numbers by place: each row has a sequence of its own, so rows can be made in any order.

/// What a sequence of numbers is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    RegionId,
    Agency,
    AgencyId,
    Item,
    ItemId,
    AgencyItem,
    AgencyItemId,
    AgencyItemStart,
    Notice,
    DirectPayment,
    Confirm,
    ConfirmId,
    AgencyChange,
    AgencyItemChange,
    NoticeChange,
    ConfirmChange,
    BankId,
    Dept,
    DeptId,
    FinDept,
    FinDeptId,
    Account,
    AccountId,
    CategoryId,
    FundNatureId,
    SubjectId,
    Standard,
    StandardId,
    Share,
    ShareId,
    ItemSubjectId,
    BillTypeId,
    BillBatchId,
    AgencyBill,
    AgencyBillId,
    BillItemId,
    Request,
    RequestId,
    RequestAnswer,
    Offline,
    Result,
}

/// SplitMix64 (Steele, Lea, Flood 2014); not for secrets.
#[derive(Debug, Clone)]
pub(super) struct Rng {
    state: u64,
}

impl Rng {
    /// The sequence of row `index` for one purpose under `seed`.
    pub fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        let place = mix(seed.wrapping_add(GAMMA)) ^ mix((purpose as u64).wrapping_mul(GAMMA).wrapping_add(1));
        Self { state: mix(place.wrapping_add(index.wrapping_mul(GAMMA))) }
    }

    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GAMMA);
        mix(self.state)
    }

    /// A number from 0 to `bound` - 1, of which there must be one.
    pub fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.next()) * u128::from(bound);
        u64::try_from(product >> 64).expect("the upper half of a product of 64-bit numbers has 64 bits")
    }

    /// A number from `least` to `most`, both not negative.
    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        let span = u64::try_from(most - least).expect("the range is not empty") + 1;
        least + i64::try_from(self.below(span)).expect("a number in a range of 64-bit integers fits")
    }

    /// Whether a thing happens that happens `percent` times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `list`, which is not empty.
    pub fn pick<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        let count = u64::try_from(list.len()).expect("a length fits 64 bits");
        &list[usize::try_from(self.below(count)).expect("below a length")]
    }

    /// A GUID as finance systems spell it: upper-case hex, version 4.
    pub fn guid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08X}-{:04X}-4{:03X}-{:04X}-{:012X}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            (low >> 48) & 0x3fff | 0x8000,
            low & 0xffff_ffff_ffff
        )
    }

    /// A GUID whose first 48 bits grow with `serial`, as those that a platform draws by the clock (RFC 9562, version 7).
    pub fn guid_in_order(&mut self, serial: u64) -> String {
        let (ms, low) = (FIRST_PAYMENT_MS + serial, self.next());
        let random = self.next() & 0xfff;
        format!(
            "{:08X}-{:04X}-7{random:03X}-{:04X}-{:012X}",
            ms >> 16,
            ms & 0xffff,
            (low >> 48) & 0x3fff | 0x8000,
            low & 0xffff_ffff_ffff
        )
    }
}

/// 2026-01-01 in China, in milliseconds since 1970-01-01 UTC: when the generated year begins.
const FIRST_PAYMENT_MS: u64 = 1_767_196_800_000;

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

const fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Purpose, Rng};

    #[test]
    fn the_sequence_is_splitmix64() {
        // The first numbers of the reference implementation for the state 0.
        let mut rng = Rng { state: 0 };
        assert_eq!(rng.next(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(rng.next(), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn numbers_stay_in_their_range() {
        let mut rng = Rng::new(1, Purpose::Notice, 0);
        for _ in 0..1_000 {
            assert!(rng.below(7) < 7);
            assert!((5..=9).contains(&rng.between(5, 9)));
            assert!(*rng.pick(&[1, 2, 3]) < 4);
        }
        assert_eq!(rng.guid().len(), 36);
    }

    #[test]
    fn seed_purpose_and_index_each_change_the_sequence() {
        let first = |seed, purpose, index| Rng::new(seed, purpose, index).next();
        let one = first(1, Purpose::Notice, 1);
        assert_eq!(one, first(1, Purpose::Notice, 1));
        assert_ne!(one, first(2, Purpose::Notice, 1));
        assert_ne!(one, first(1, Purpose::Confirm, 1));
        assert_ne!(one, first(1, Purpose::Notice, 2));
    }
}
