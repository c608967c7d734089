//! `cargo demo -- --story …`: one payment followed step by step through both zones, as a newcomer would see it from both sides at once.
//!
//! Nodes, daemons and gate are the shipped programs; the unit's site, its system inside and the channels are simulated over HTTP. A
//! step ends with an event, never with a time.

mod acts;
mod cast;
mod ending;
mod immigration;
mod page;
mod scene;
mod sight;
mod traffic;
mod words;

use std::process::ExitCode;
use std::sync::Arc;

use cast::{Cast, cast};
use ending::{Ending, ending};
use page::Page;
use scene::Scene;
use sight::Focus;

use crate::demo::base::BaseData;
use crate::demo::books::{Books, STREAMS};
use crate::demo::clock::Clock;
use crate::demo::database::Database;
use crate::demo::display::Display;
use crate::demo::failure::{Exit, Failure};
use crate::demo::folder::Folder;
use crate::demo::lang::{Lang, text};
use crate::demo::options::{Options, Size, Story};
use crate::demo::outcome::Asked;
use crate::demo::stop::Stop;
use crate::demo::town::{OPERATOR, REVIEWER, Told, Town};
use crate::demo::zone_node::PASSWORD;
use crate::demo::{asked, end, find_programs};
use crate::nodes::Outside;

/// Tells a story, and how it ended.
#[must_use]
pub fn main(options: &Options, story: Story, lang: Lang) -> ExitCode {
    let mut page = Page::new(lang, options.json);
    let told = asked(options).and_then(|asked| {
        let asked = Asked { size: Size::Xs.name(), ..asked };
        tell(options, story, &asked, (&mut page, lang)).map(|ending| (asked, ending))
    });
    match told {
        Ok((asked, ending)) => {
            page.close(&ending.text(lang), ending.document(story, &asked));
            if ending.is_good() { Exit::Ok.into() } else { Exit::Different.into() }
        }
        Err(failure) => {
            let text = page.failed(&failure);
            eprintln!("cargo demo: {}", text.get(lang));
            page.close("", ending::failed(story, &page, &text));
            failure.exit.into()
        }
    }
}

fn tell(options: &Options, story: Story, asked: &Asked, (page, lang): (&mut Page, Lang)) -> Result<Ending, Failure> {
    let stop = Stop::watch()?;
    let display = Display::new(lang);
    let programs = find_programs(options, &display)?;
    let folder = Folder::prepare(&options.dir, |text| display.tell(text))?;
    let base = Arc::new(BaseData::new(asked.seed, Size::Xs));
    let Cast { paper, unit } = cast(story, &base)?;
    let keys = Town::public_keys();
    let [office, site] = keys.map(|key| Outside::open(vec![key]));
    let told = Told { agency_id: &paper.agency_id, office: office.url(), site: site.url() };
    let town = Town::make(&programs, &folder, asked.time_scale, Some(told))?;
    let clock = Clock::start();
    let running = town.start(&folder, asked, (clock, &stop))?;
    let Asked { seed, profile, time_scale, .. } = asked;
    let name = story.name();
    page.line(&text!(
        "story {name}, seed {seed}, gate profile {profile}; delays and timers divided by {time_scale}; the unit is {unit}",
        "故事 {name}，种子 {seed}，网闸配置 {profile}；延迟与定时器同除以 {time_scale}；执收单位为{unit}"
    ));
    let mut scene = Scene {
        books: Books::open(&town.inner_zone, &town.outer_zone)?,
        inner_database: Database::open(&town.inner_zone.database)?,
        outer_database: Database::open(&town.outer_zone.database)?,
        gate: folder.root().join("gate"),
        operator: town.inner.line.log_in(OPERATOR, PASSWORD)?,
        reviewer: town.inner.line.log_in(REVIEWER, PASSWORD)?,
        focus: Focus::default(),
        programs: running,
        time_scale: asked.time_scale,
        page,
        town,
        site,
        office,
        paper,
        clock,
        stop,
    };
    scene.base_data_crosses(&base, &folder, &unit)?;
    match story {
        Story::Immigration => immigration::play(&mut scene)?,
        Story::Traffic => traffic::play(&mut scene)?,
    }
    scene.until(&text!("everything to cross", "全部数据过闸"), |scene| {
        // Asked first: what is answered by then is among the changes below.
        let mut is_done = scene.books.unanswered()? == 0;
        for stream in STREAMS {
            is_done &= scene.books.place(stream)?.is_done();
        }
        Ok(is_done.then_some(()))
    })?;
    let Scene { books, inner_database, outer_database, programs: running, town, focus, stop, .. } = scene;
    books.close();
    inner_database.close();
    outer_database.close();
    end(&town, running, (clock, &stop))?;
    ending(&programs.ferry, &town, &focus)
}
