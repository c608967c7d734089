//! Those that take part beside the agencies: banks, departments, divisions of the finance bureau, and bank accounts.

use super::agency::BUREAUS;
use super::rng::{Purpose, Rng};
use super::sealed::sealed;
use super::{Generator, span};
use crate::rows::{BaseAccount, BaseAgentBank, BaseDept, BaseFinDept, Element};
use crate::uscc;

/// The banks' codes in the payment system, and their names.
const BANKS: [(&str, &str); 10] = [
    ("102", "中国工商银行"),
    ("103", "中国农业银行"),
    ("104", "中国银行"),
    ("105", "中国建设银行"),
    ("301", "交通银行"),
    ("302", "中信银行"),
    ("303", "中国光大银行"),
    ("308", "招商银行"),
    ("309", "兴业银行"),
    ("403", "中国邮政储蓄银行"),
];
/// The divisions of a finance bureau.
const DIVISIONS: [&str; 10] = [
    "综合科",
    "预算科",
    "国库科",
    "非税收入管理科",
    "行政政法科",
    "教科文科",
    "经济建设科",
    "农业农村科",
    "社会保障科",
    "资产管理科",
];
/// Of so many accounts, one each is the bureau's special account (财政专户), the treasury's and the one for what is unclear.
const ACCOUNTS_OF_BUREAU: u64 = 20;
const CONTACT_BYTES: usize = 20;
const ACCOUNT_BYTES: usize = 19;

impl Generator {
    /// Bank `index`, from 0.
    #[must_use]
    pub fn agent_bank(&self, index: u64) -> BaseAgentBank {
        let ((code, name), seat) = (turn(&BANKS, index), index / count(&BANKS));
        let place = self.seat_place(seat);
        BaseAgentBank {
            pay_bank_no: Some(format!("{code}{}{seat:03}", self.regions[place].code)),
            is_noncash: true,
            ..BaseAgentBank::at(
                span(self.id(Purpose::BankId, index), &self.regions[place].code),
                Element::root(
                    format!("{code}{:03}", seat / self.seat_count()),
                    format!("{name}{}{}", self.place_name(&self.regions[place]), branch(seat, self.seat_count())),
                ),
            )
        }
    }

    /// Department `index`, from 0.
    #[must_use]
    pub fn dept(&self, index: u64) -> BaseDept {
        let mut rng = Rng::new(self.seed, Purpose::Dept, index);
        let ((name, code), seat) = (turn(&BUREAUS, index), index / count(&BUREAUS));
        let region = &self.regions[self.seat_place(seat)];
        let order = seat / self.seat_count();
        let body = format!("11{}{:09}", region.code, rng.below(1_000_000_000));
        let (code, name) = if order == 0 {
            ((*code).to_owned(), format!("{}{name}", self.place_name(region)))
        } else {
            (format!("{code}{order:03}"), format!("{}{name}（{order}）", self.place_name(region)))
        };
        BaseDept {
            uscc: uscc::with_check(&body),
            ..BaseDept::at(span(self.id(Purpose::DeptId, index), &region.code), Element::root(code, name))
        }
    }

    /// The department in charge of an agency that is or belongs to a bureau of a seat: its own county's, where there is one.
    pub(super) fn dept_of(&self, bureau: u64, seat: u64) -> String {
        let own = seat * count(&BUREAUS) + bureau;
        self.id(Purpose::DeptId, if own < self.counts().depts { own } else { bureau })
    }

    /// Division `index` of a finance bureau, from 0.
    #[must_use]
    pub fn fin_dept(&self, index: u64) -> BaseFinDept {
        let mut rng = Rng::new(self.seed, Purpose::FinDept, index);
        let (division, seat) = (index % count(&DIVISIONS), index / count(&DIVISIONS));
        let region = &self.regions[self.seat_place(seat)];
        let name = format!("{}财政局{}", self.place_name(region), turn(&DIVISIONS, index));
        BaseFinDept {
            contact: rng.chance(60).then(|| sealed(CONTACT_BYTES, &mut rng)),
            ..BaseFinDept::at(
                span(self.id(Purpose::FinDeptId, index), &region.code),
                Element::root(format!("2{:02}{:03}", division + 1, seat / self.seat_count()), name),
            )
        }
    }

    /// The division in charge of a bureau: one of the home region's.
    pub(super) fn fin_dept_of(&self, bureau: u64) -> String {
        self.id(Purpose::FinDeptId, bureau % count(&DIVISIONS))
    }

    /// Account `index`, from 0.
    #[must_use]
    pub fn account(&self, index: u64) -> BaseAccount {
        let mut rng = Rng::new(self.seed, Purpose::Account, index);
        let bank = rng.below(self.counts().agent_banks);
        let (acct_kind, what) = match index % ACCOUNTS_OF_BUREAU {
            0 => (1, "财政专户"),
            1 => (3, "国库存款户"),
            2 => (4, "待查款项户"),
            _ => (2, "汇缴结算户"),
        };
        let agency = (acct_kind == 2).then(|| index % self.counts().agencies);
        let (code, owner) = agency.map_or_else(
            || (self.home.to_owned(), "财政局".to_owned()),
            |agency| (self.agency_region(agency).code.clone(), self.agency_name(agency)),
        );
        BaseAccount {
            bank_id: self.id(Purpose::BankId, bank),
            acct_no: sealed(ACCOUNT_BYTES, &mut rng),
            open_bank_name: self.agent_bank(bank).ele_name,
            acct_kind,
            agency_id: agency.map(|agency| self.agency_id(agency)),
            ..BaseAccount::at(
                span(self.id(Purpose::AccountId, index), &code),
                Element::root(format!("9{index:08}"), format!("{owner}{what}")),
            )
        }
    }

    fn seat_place(&self, seat: u64) -> usize {
        self.seats[usize::try_from(seat % self.seat_count()).expect("a place in memory fits every integer")]
    }

    fn seat_count(&self) -> u64 {
        count(&self.seats)
    }
}

/// A bank's branch in a place, numbered from the second one on.
fn branch(seat: u64, seats: u64) -> String {
    match seat / seats {
        0 => "分行".to_owned(),
        order => format!("第{}支行", super::names::numeral(order)),
    }
}

/// The length of a list.
pub(super) fn count<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).expect("a length fits 64 bits")
}

/// The entry of a list whose turn it is.
pub(super) fn turn<T>(list: &[T], index: u64) -> &T {
    &list[usize::try_from(index % count(list)).expect("below a length")]
}
