//! Agencies (单位): bureaus of a county or city, and the numbered places below them.

use super::names::numeral;
use super::rng::{Purpose, Rng};
use super::sealed::sealed;
use super::{Generator, span};
use crate::Region;
use crate::rows::{BaseAgency, Element};
use crate::uscc;

/// What every county has: the name and the code of its department (主管部门编码).
pub(super) const BUREAUS: [(&str, &str); 20] = [
    ("教育局", "101"),
    ("公安局", "102"),
    ("公安局交通警察大队", "103"),
    ("公安局出入境管理大队", "104"),
    ("人民法院", "105"),
    ("自然资源局", "106"),
    ("卫生健康局", "107"),
    ("住房和城乡建设局", "108"),
    ("市场监督管理局", "109"),
    ("人力资源和社会保障局", "110"),
    ("交通运输局", "111"),
    ("水利局", "112"),
    ("农业农村局", "113"),
    ("生态环境局", "114"),
    ("城市管理局", "115"),
    ("应急管理局", "116"),
    ("林业局", "117"),
    ("民政局", "118"),
    ("教育考试中心", "119"),
    ("国防动员办公室", "120"),
];
/// What stands below a bureau, numbered: the bureau's place in [`BUREAUS`], words before the number, words after it.
const BRANCHES: [(usize, &str, &str); 8] = [
    (0, "", "中学"),
    (0, "", "小学"),
    (0, "", "幼儿园"),
    (1, "公安局", "派出所"),
    (2, "公安局交通警察大队", "中队"),
    (4, "人民法院", "人民法庭"),
    (5, "自然资源局", "自然资源所"),
    (6, "", "社区卫生服务中心"),
];
const ROADS: [&str; 8] = ["人民路", "解放路", "建设大道", "中山路", "文化街", "迎宾大道", "新华路", "学府街"];
/// Bytes of a mobile or office number before encryption.
const PHONE_BYTES: usize = 11;

impl Generator {
    /// Agency `index`, from 0.
    #[must_use]
    pub fn agency(&self, index: u64) -> BaseAgency {
        let mut rng = Rng::new(self.seed, Purpose::Agency, index);
        let seat = self.seat(index);
        let place = self.place_name(seat.region);
        let kind = if seat.branch.is_some() { "12" } else { "11" };
        let body = format!("{kind}{}{:09}", seat.region.code, rng.below(1_000_000_000));
        let (bureau, place_no) = (index_of(seat.bureau), index_of(seat.place));
        BaseAgency {
            region_id: self.region_id(self.seats[seat.place]),
            dept_id: self.dept_of(bureau, place_no),
            fin_dept_id: self.fin_dept_of(bureau),
            uscc: uscc::with_check(&body),
            unit_type: if rng.chance(85) { 1 } else { 2 },
            address: Some(format!("{place}{}{}号", rng.pick(&ROADS), rng.between(1, 399))),
            phone: rng.chance(90).then(|| sealed(PHONE_BYTES, &mut rng)),
            ..BaseAgency::at(
                span(self.agency_id(index), &seat.region.code),
                Element {
                    ele_code: format!("{}{:03}001", BUREAUS[seat.bureau].1, seat.order),
                    ele_name: self.agency_name(index),
                    parent_id: seat.branch.map(|_| self.agency_id(self.agency_index(seat.place, seat.bureau))),
                    level_no: if seat.branch.is_some() { 2 } else { 1 },
                    is_leaf: seat.branch.is_some() || !self.has_branches(&seat),
                },
            )
        }
    }

    /// The name of agency `index`.
    pub(super) fn agency_name(&self, index: u64) -> String {
        let seat = self.seat(index);
        let place = self.place_name(seat.region);
        seat.branch.map_or_else(
            || format!("{place}{}", BUREAUS[seat.bureau].0),
            |(branch, number)| format!("{place}{}第{}{}", BRANCHES[branch].1, numeral(number), BRANCHES[branch].2),
        )
    }

    pub(super) fn agency_id(&self, index: u64) -> String {
        Rng::new(self.seed, Purpose::AgencyId, index).guid()
    }

    /// The county or city of an agency.
    pub(super) fn agency_region(&self, index: u64) -> &Region {
        self.seat(index).region
    }

    /// The name of a region with that of the city above it, such as 西安市雁塔区.
    pub(super) fn place_name(&self, region: &Region) -> String {
        let city = region.parent.map(|parent| &self.regions[parent]).filter(|city| {
            city.level == crate::RegionLevel::City && city.name != region.name && !city.name.contains("直辖")
        });
        format!("{}{}", city.map_or("", |city| city.name.as_str()), region.name)
    }

    fn seat(&self, index: u64) -> Seat<'_> {
        let index = usize::try_from(index).expect("agencies are counted in memory");
        let (place, order) = (index % self.seats.len(), index / self.seats.len());
        let branch = order.checked_sub(BUREAUS.len()).map(|order| (order % BRANCHES.len(), order / BRANCHES.len() + 1));
        let bureau = branch.map_or(order, |(branch, _)| BRANCHES[branch].0);
        let branch = branch.map(|(branch, number)| (branch, index_of(number)));
        Seat { region: &self.regions[self.seats[place]], place, order, bureau, branch }
    }

    fn agency_index(&self, place: usize, order: usize) -> u64 {
        index_of(order * self.seats.len() + place)
    }

    fn has_branches(&self, seat: &Seat<'_>) -> bool {
        let first = BRANCHES.iter().position(|(bureau, ..)| *bureau == seat.bureau);
        first.is_some_and(|first| self.agency_index(seat.place, BUREAUS.len() + first) < self.counts().agencies)
    }
}

fn index_of(place: usize) -> u64 {
    u64::try_from(place).expect("a place in memory fits 64 bits")
}

/// Where an agency stands.
struct Seat<'g> {
    region: &'g Region,
    /// The place of the region among the generator's seats.
    place: usize,
    /// The place of the agency among those of the region.
    order: usize,
    /// The bureau that it is or belongs to.
    bureau: usize,
    /// The kind of branch and its number; none for a bureau.
    branch: Option<(usize, u64)>,
}
