//! All base data in an order in which what is referred to comes first.

use super::{Change, Generator};

impl Generator {
    /// Every row of base data, as a change that adds it, in the order of the contract's tables.
    pub fn base(&self) -> impl Iterator<Item = Change> {
        let counts = self.counts();
        let offices = self
            .regions()
            .map(|row| Change::insert(&row))
            .chain((0..counts.agent_banks).map(|index| Change::insert(&self.agent_bank(index))))
            .chain((0..counts.depts).map(|index| Change::insert(&self.dept(index))))
            .chain((0..counts.fin_depts).map(|index| Change::insert(&self.fin_dept(index))));
        let sorts = (0..counts.bill_types)
            .map(|index| Change::insert(&self.bill_type(index)))
            .chain((0..counts.categories).map(|index| Change::insert(&self.category(index))))
            .chain((0..counts.fund_natures).map(|index| Change::insert(&self.fund_nature(index))))
            .chain((0..counts.subjects).map(|index| Change::insert(&self.budget_subject(index))));
        let agencies = self
            .agencies()
            .map(|row| Change::insert(&row))
            .chain((0..counts.bill_batches).map(|index| Change::insert(&self.bill_batch(index))))
            .chain((0..counts.accounts).map(|index| Change::insert(&self.account(index))))
            .chain(self.income_items().map(|row| Change::insert(&row)));
        let rights = (0..counts.agency_bills)
            .map(|index| Change::insert(&self.agency_bill(index)))
            .chain(self.agency_items().map(|row| Change::insert(&row)))
            .chain((0..counts.item_standards).map(|index| Change::insert(&self.item_standard(index))))
            .chain((0..counts.item_shares).map(|index| Change::insert(&self.item_share(index))))
            .chain((0..counts.bill_items).map(|index| Change::insert(&self.bill_item(index))))
            .chain((0..counts.item_subjects).map(|index| Change::insert(&self.item_subject(index))));
        offices.chain(sorts).chain(agencies).chain(rights)
    }
}
