//! Who plays: an agency that collects what the story is about, and what somebody is to pay it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::demo::base::BaseData;
use crate::demo::failure::Failure;
use crate::demo::lang::text;
use crate::demo::options::Story;
use crate::demo::papers::{Catalogue, Paper, Papers};

/// Papers that are drawn in search of one that fits: some hundred are enough as a rule.
const DRAWN_MAX: u32 = 20_000;

/// What a story is about.
#[derive(Debug, Clone)]
pub struct Cast {
    /// What is to be paid: one line, without a late fee.
    pub paper: Paper,
    /// The name of the agency.
    pub unit: String,
}

/// Draws what a story is about: a paper of its line of business, if there is one of its own bureau, and else of any agency.
///
/// # Errors
/// When the generator makes no such paper.
pub fn cast(story: Story, base: &Arc<BaseData>) -> Result<Cast, Failure> {
    let (line, bureau) = match story {
        Story::Immigration => ("IMMIGRATION", "出入境"),
        Story::Traffic => ("TRAFFIC", "交通警察"),
    };
    let generator = &base.generator;
    let own: BTreeSet<String> =
        generator.agencies().filter(|agency| agency.ele_name.contains(bureau)).map(|agency| agency.id).collect();
    let mut papers = Papers::direct(base, &Arc::new(Catalogue::of(base)));
    let mut other = None;
    for _ in 0..DRAWN_MAX {
        let paper = papers.draw();
        if paper.biz_line != line || paper.lines.len() != 1 || paper.late_fee_fen != 0 {
            continue;
        }
        if own.contains(&paper.agency_id) {
            return Ok(with_unit(paper, base));
        }
        other = other.or(Some(paper));
    }
    let missing = || Failure::new(text!("no agency collects for {line}", "没有执收单位办理 {line}"));
    other.map(|paper| with_unit(paper, base)).ok_or_else(missing)
}

fn with_unit(paper: Paper, base: &BaseData) -> Cast {
    let named = base.generator.agencies().find(|agency| agency.id == paper.agency_id);
    // An order for one person needs a reference of the unit's own.
    let biz_ref = Some(paper.biz_ref.clone().unwrap_or_else(|| format!("{}-1", paper.biz_line)));
    Cast { unit: named.map_or_else(String::new, |agency| agency.ele_name), paper: Paper { biz_ref, ..paper } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::options::Size;

    #[test]
    fn each_story_has_a_unit_that_collects_for_it() {
        let base = Arc::new(BaseData::new(3, Size::Xs));
        for (story, line) in [(Story::Immigration, "IMMIGRATION"), (Story::Traffic, "TRAFFIC")] {
            let cast = cast(story, &base).expect("there is one");
            assert_eq!((cast.paper.biz_line.as_str(), cast.paper.lines.len()), (line, 1));
            assert!(!cast.unit.is_empty() && cast.paper.total_fen() > 0 && cast.paper.biz_ref.is_some());
        }
    }
}
