//! A story as it goes on: both zones, the systems that speak with them, and what the story is about at the moment.

use std::path::PathBuf;

use serde_json::Value;

use super::page::Page;
use super::sight::{Focus, look};
use crate::demo::books::Books;
use crate::demo::clock::{Clock, rest};
use crate::demo::database::Database;
use crate::demo::failure::{Exit, Failure};
use crate::demo::lang::{Text, text};
use crate::demo::line::Who;
use crate::demo::papers::Paper;
use crate::demo::process::Program;
use crate::demo::stop::Stop;
use crate::demo::town::Town;
use crate::nodes::Outside;

/// How long something may be awaited at a time scale of 1: twice the protocol's longest wait before a resend.
const PATIENCE_MS_MAX: u64 = 60 * 60_000;
/// The same at any time scale: what is told to units is sent again after a minute, however fast the gate is.
const PATIENCE_MS_MIN: u64 = 120_000;
const LOOK_MS: u64 = 20;

/// A story as it goes on.
pub struct Scene<'p> {
    /// What is told.
    pub page: &'p mut Page,
    /// Both zones.
    pub town: Town,
    /// The unit's site, outside.
    pub site: Outside,
    /// The unit's system, inside.
    pub office: Outside,
    /// What crosses, as far as it has.
    pub books: Books,
    /// The inner zone's database, to look at.
    pub inner_database: Database,
    /// The outer zone's database, to look at.
    pub outer_database: Database,
    /// Where the gate keeps what is inside it.
    pub gate: PathBuf,
    /// The session of whoever enters, inside.
    pub operator: String,
    /// The session of whoever allows, inside.
    pub reviewer: String,
    /// What is paid.
    pub paper: Paper,
    /// What the story is about.
    pub focus: Focus,
    /// All that runs.
    pub programs: Vec<Program>,
    /// The time.
    pub clock: Clock,
    /// Whether somebody asked to stop.
    pub stop: Stop,
    /// What divides the gate's delays and the protocol's timers.
    pub time_scale: u32,
}

impl Scene<'_> {
    /// Tells who does what, does it, and tells what each zone shows then.
    ///
    /// # Errors
    /// What `act` fails with.
    pub fn step<T>(&mut self, what: Text, act: impl FnOnce(&mut Self) -> Result<T, Failure>) -> Result<T, Failure> {
        self.page.begin(what, self.clock.now_ms());
        let done = act(self)?;
        let sight = look(self)?;
        self.page.end(&sight, self.clock.now_ms());
        self.focus.said = None;
        Ok(done)
    }

    /// Waits for an event; `what` says for which.
    ///
    /// # Errors
    /// When it does not come, a program has ended, or somebody asked to stop.
    pub fn until<T>(
        &mut self,
        what: &Text,
        mut event: impl FnMut(&mut Self) -> Result<Option<T>, Failure>,
    ) -> Result<T, Failure> {
        let patience_ms = (PATIENCE_MS_MAX / u64::from(self.time_scale)).max(PATIENCE_MS_MIN);
        let until_ms = self.clock.now_ms() + patience_ms;
        loop {
            if let Some(come) = event(self)? {
                return Ok(come);
            }
            self.stop.check()?;
            self.programs.iter_mut().try_for_each(Program::check)?;
            if self.clock.now_ms() > until_ms {
                let (en, zh, seconds) = (&what.english, &what.chinese, patience_ms / 1_000);
                return Err(Failure::new(text!("waited {seconds} s for {en}", "等待 {seconds} 秒仍未出现：{zh}")));
            }
            rest(LOOK_MS);
        }
    }

    /// What the ledger has booked of a confirmation, if it has.
    ///
    /// # Errors
    /// When the node does not answer.
    pub fn booking(&self, confirm_id: &str) -> Result<Option<Value>, Failure> {
        let path = format!("/bookings?agency_id={}", self.paper.agency_id);
        let mut page = self.town.inner.line.get(Who::Person(&self.operator), &path)?;
        let bookings = page["bookings"].as_array_mut().map(std::mem::take).unwrap_or_default();
        Ok(bookings.into_iter().find(|one| one["payment_id"] == confirm_id))
    }
}

/// Fails when something is not as it must be.
///
/// # Errors
/// When it is not.
pub fn expect(is_so: bool, what: Text) -> Result<(), Failure> {
    if is_so { Ok(()) } else { Err(Failure { text: what, exit: Exit::Different }) }
}

/// Fails when a value is not the one that must be there.
///
/// # Errors
/// When it is not.
pub fn expect_value(name: &str, found: &Value, wanted: &Value) -> Result<(), Failure> {
    expect(found == wanted, text!("{name} is {found} and not {wanted}", "{name} 为 {found}，应为 {wanted}"))
}
